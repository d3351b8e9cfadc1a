package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// counted is where a count of events is shown.
type counted struct {
	desc *prometheus.Desc
	// labels are the values of the labels behind the server.
	labels []string
}

// directory shows the connections to the servers of the directory.
type directory struct {
	stats func() []ldapclient.Stats

	info, connections, callers, limit, waiting, requests, waits, longest, breaker, retry, unsteady, age *prometheus.Desc

	events map[ldapclient.Event]counted
}

func newDirectory(stats func() []ldapclient.Stats) *directory {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("rest2ldap_directory_"+name, help, append([]string{"server"}, labels...), nil)
	}
	closed := desc("connections_closed_total", "Connections that were ended: of no more use, for their age, or because nobody had used them for long.", "reason")
	checkouts := desc("checkouts_total", "Requests for a connection: those that got one, by how, and those that got none.", "result")
	return &directory{
		stats:       stats,
		info:        desc("server_info", "The servers of the directory; always 1.", "role"),
		connections: desc("connections", "Connections that there are, by state: idle, inUse, or being opened.", "state"),
		callers:     desc("caller_connections", "Connections that are bound as callers."),
		limit:       desc("connections_limit", "The greatest number of connections, those that wait for the next page of a query among them, those of callers apart."),
		waiting:     desc("waiting_requests", "Requests that wait for a connection."),
		requests:    desc("requests_in_flight", "Requests at work at the server."),
		waits:       desc("wait_duration_seconds", "How long those waited who had to wait for a connection, whether they got one or not."),
		longest:     desc("wait_longest_seconds", "The longest wait for a connection since the start."),
		breaker:     desc("breaker_state", "Whether the server is given requests: 1 for the state that it is in.", "state"),
		retry:       desc("retry_seconds", "The time until a server that is down is tried again; 0 when it is up or that is due."),
		unsteady:    desc("unsteady_seconds", "For how long yet a server that came and went is asked after the others."),
		age:         desc("connection_age_seconds", "The age of the oldest connection, of the median and of the newest; nothing without connections.", "connection"),
		events: map[ldapclient.Event]counted{
			ldapclient.ConnectionOpened:      {desc("connections_opened_total", "Connections that were opened and bound."), nil},
			ldapclient.ConnectionFailed:      {desc("connections_failed_total", "Connections that could not be opened, or bound; those that verify a password are counted here too."), nil},
			ldapclient.ConnectionDefunct:     {closed, []string{"defunct"}},
			ldapclient.ConnectionExpired:     {closed, []string{"expired"}},
			ldapclient.ConnectionUnneeded:    {closed, []string{"unneeded"}},
			ldapclient.CheckoutWithoutWait:   {checkouts, []string{"withoutWait"}},
			ldapclient.CheckoutAfterWait:     {checkouts, []string{"afterWait"}},
			ldapclient.CheckoutNewConnection: {checkouts, []string{"newConnection"}},
			ldapclient.CheckoutFailed:        {checkouts, []string{"failed"}},
			ldapclient.ReleasedValid:         {desc("connections_released_total", "Connections that were given back in good order."), nil},
			ldapclient.PanicContained:        {desc("panics_contained_total", "Faults of the LDAP client, each of which ended a connection or a request."), nil},
		},
	}
}

// Describe is that of a prometheus.Collector.
func (d *directory) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		d.info, d.connections, d.callers, d.limit, d.waiting, d.requests, d.waits, d.longest, d.breaker, d.retry, d.unsteady, d.age,
	} {
		ch <- desc
	}
	for _, e := range d.events {
		ch <- e.desc
	}
}

// Collect is that of a prometheus.Collector.
func (d *directory) Collect(ch chan<- prometheus.Metric) {
	for _, s := range d.stats() {
		d.server(ch, s)
	}
}

func (d *directory) server(ch chan<- prometheus.Metric, s ldapclient.Stats) {
	show := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, kind, value, append([]string{s.Server}, labels...)...)
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		show(desc, prometheus.GaugeValue, value, labels...)
	}
	role := "primary"
	if s.Secondary {
		role = "secondary"
	}
	gauge(d.info, 1, role)
	gauge(d.connections, float64(s.Idle), "idle")
	gauge(d.connections, float64(s.InUse), "inUse")
	gauge(d.connections, float64(s.Opening), "opening")
	gauge(d.callers, float64(s.Callers))
	gauge(d.limit, float64(s.Limit))
	gauge(d.waiting, float64(s.Waiting))
	gauge(d.requests, float64(s.Requests))
	gauge(d.longest, s.Waits.Max.Seconds())
	for _, state := range []ldapclient.Breaker{ldapclient.BreakerClosed, ldapclient.BreakerOpen, ldapclient.BreakerHalfOpen} {
		is := 0.0
		if s.Breaker == state {
			is = 1
		}
		gauge(d.breaker, is, string(state))
	}
	gauge(d.retry, s.Retry.Seconds())
	gauge(d.unsteady, s.Unsteady.Seconds())
	d.ages(s.Ages, func(which string, age time.Duration) { gauge(d.age, age.Seconds(), which) })
	for event, n := range s.Events {
		if e, known := d.events[event]; known {
			show(e.desc, prometheus.CounterValue, float64(n), e.labels...)
		}
	}
	buckets := make(map[float64]uint64, len(s.Waits.Buckets))
	for _, b := range s.Waits.Buckets {
		buckets[b.Bound.Seconds()] = uint64(b.Count) //nolint:gosec // A count.
	}
	ch <- prometheus.MustNewConstHistogram(d.waits, uint64(s.Waits.Count), s.Waits.Sum.Seconds(), buckets, s.Server) //nolint:gosec // Likewise.
}

// ages shows three of the ages, which are in order, the oldest first.
func (*directory) ages(ages []time.Duration, show func(string, time.Duration)) {
	if n := len(ages); n > 0 {
		show("oldest", ages[0])
		show("median", ages[n/2])
		show("newest", ages[n-1])
	}
}
