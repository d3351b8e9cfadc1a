package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// certificates shows when certificates expire.
type certificates struct {
	all      func() map[string]time.Time
	notAfter *prometheus.Desc
}

func newCertificates(all func() map[string]time.Time) *certificates {
	return &certificates{all, prometheus.NewDesc("rest2ldap_certificate_not_after_seconds",
		"When the first of the certificates in a file expires, in seconds since 1970, by the key of the configuration that names the file.",
		[]string{"setting"}, nil)}
}

// Describe is that of a prometheus.Collector.
func (c *certificates) Describe(ch chan<- *prometheus.Desc) { ch <- c.notAfter }

// Collect is that of a prometheus.Collector.
func (c *certificates) Collect(ch chan<- prometheus.Metric) {
	for setting, at := range c.all() {
		ch <- prometheus.MustNewConstMetric(c.notAfter, prometheus.GaugeValue, float64(at.Unix()), setting)
	}
}
