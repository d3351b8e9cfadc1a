package telemetry

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The values of the labels of requests, the last of them for all others.
var (
	methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"} //nolint:gochecknoglobals // A constant table.
	// statuses are the classes, and answers that broke off.
	statuses = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx", "broken"} //nolint:gochecknoglobals // Likewise.
)

// requests measures requests. What a request needs is made beforehand, so that it costs a
// few additions, and no allocation.
type requests struct {
	inFlight prometheus.Gauge
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec

	ended [len(methods)][len(statuses)]prometheus.Counter
	took  [len(methods)]prometheus.Observer
}

func newRequests() *requests {
	r := &requests{
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rest2ldap_http_requests_in_flight", Help: "Requests at work.",
		}),
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rest2ldap_http_requests_total",
			Help: "Requests that were answered, by method and class of the status; broken is an answer that broke off.",
		}, []string{"method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rest2ldap_http_request_duration_seconds",
			Help:    "The time from the arrival of a request to the end of its answer, by method.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method"}),
	}
	for i, method := range methods {
		r.took[i] = r.duration.WithLabelValues(method)
		for j, status := range statuses {
			r.ended[i][j] = r.total.WithLabelValues(method, status)
		}
	}
	return r
}

// RequestBegins counts a request that has arrived.
func (r *requests) RequestBegins() { r.inFlight.Inc() }

// RequestEnds counts a request that has been answered; the status is 0 when its answer broke off.
func (r *requests) RequestEnds(method string, status int, took time.Duration) {
	r.inFlight.Dec()
	m := slices.Index(methods[:], method)
	if m < 0 {
		m = len(methods) - 1
	}
	s := status/100 - 1
	if s < 0 || s >= len(statuses) {
		s = len(statuses) - 1
	}
	r.ended[m][s].Inc()
	r.took[m].Observe(took.Seconds())
}
