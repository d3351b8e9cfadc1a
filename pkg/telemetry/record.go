package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
)

// record shows what the record of requests has done.
type record struct {
	stats func() audit.Stats

	written, lost, writes, syncs, failures, waiting, failing *prometheus.Desc
}

func newRecord(stats func() audit.Stats) *record {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("rest2ldap_audit_"+name, help, nil, nil)
	}
	return &record{
		stats:    stats,
		written:  desc("records_written_total", "Records that the sink took."),
		lost:     desc("records_lost_total", "Records that could not be kept."),
		writes:   desc("writes_total", "Writes to the sink that succeeded; one may hold many records."),
		syncs:    desc("syncs_total", "Times that what was written was made durable."),
		failures: desc("failures_total", "Writes to the sink and attempts to make them durable that failed."),
		waiting:  desc("waiting_bytes", "The size of the records that wait for the sink."),
		failing:  desc("failing", "Whether the last call of the sink failed, 1 or 0."),
	}
}

// Describe is that of a prometheus.Collector.
func (r *record) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{r.written, r.lost, r.writes, r.syncs, r.failures, r.waiting, r.failing} {
		ch <- desc
	}
}

// Collect is that of a prometheus.Collector.
func (r *record) Collect(ch chan<- prometheus.Metric) {
	s := r.stats()
	failing := 0.0
	if s.Failing {
		failing = 1
	}
	for desc, value := range map[*prometheus.Desc]int64{r.written: s.Written, r.lost: s.Lost, r.writes: s.Writes, r.syncs: s.Syncs, r.failures: s.Failures} {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value))
	}
	ch <- prometheus.MustNewConstMetric(r.waiting, prometheus.GaugeValue, float64(s.Waiting))
	ch <- prometheus.MustNewConstMetric(r.failing, prometheus.GaugeValue, failing)
}
