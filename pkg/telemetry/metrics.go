package telemetry

import (
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// ContentType is the media type of what WriteText writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Options are where the counts of the other rooms come from; all are required. Each is
// called once for each WriteText, by several goroutines at once.
type Options struct {
	// Directory returns the state of the connections to each server, each server once.
	Directory func() []ldapclient.Stats
	// Audit returns what the record of requests has done.
	Audit func() audit.Stats
	// AcceptFailures returns how often a connection could not be taken.
	AcceptFailures func() int64
	// Certificates returns when the certificates in a file expire, the first of them, by the
	// key of the configuration that names the file.
	Certificates func() map[string]time.Time
	// Build tells the version of the program; debug.ReadBuildInfo returns it.
	Build *debug.BuildInfo
}

// Metrics are the measurements of one gateway. All methods are safe for concurrent use.
type Metrics struct {
	*requests

	registry   *prometheus.Registry
	reloaded   prometheus.Gauge
	reloadedAt prometheus.Gauge
}

// New makes the metrics of a gateway that has just read its configuration.
func New(o Options) *Metrics {
	m := &Metrics{
		requests: newRequests(),
		registry: prometheus.NewRegistry(),
		reloaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rest2ldap_reload_successful",
			Help: "Whether the files that the configuration names could be used when they were read last, 1 or 0.",
		}),
		reloadedAt: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rest2ldap_reload_success_timestamp_seconds",
			Help: "When the files that are in force were read, in seconds since 1970.",
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.inFlight, m.total, m.duration, m.reloaded, m.reloadedAt, buildInfo(o.Build),
		newDirectory(o.Directory), newRecord(o.Audit), newCertificates(o.Certificates),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "rest2ldap_http_accept_failures_total",
			Help: "Connections of clients that could not be taken, for want of files for instance; after each the listener pauses.",
		}, func() float64 { return float64(o.AcceptFailures()) }),
	)
	m.Reloaded(true)
	return m
}

// Reloaded tells that files have been read anew, and whether they are in force now.
func (m *Metrics) Reloaded(good bool) {
	if !good {
		m.reloaded.Set(0)
		return
	}
	m.reloaded.Set(1)
	m.reloadedAt.SetToCurrentTime()
}

// WriteText writes all metrics in the text format of Prometheus, version 0.0.4.
func (m *Metrics) WriteText(w io.Writer) error {
	families, err := m.registry.Gather()
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(w, family); err != nil {
			return fmt.Errorf("telemetry: %w", err)
		}
	}
	return nil
}

// buildInfo is a 1 whose labels tell the version.
func buildInfo(info *debug.BuildInfo) prometheus.Collector {
	labels := prometheus.Labels{"version": info.Main.Version, "go_version": info.GoVersion, "revision": ""}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			labels["revision"] = s.Value
		}
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rest2ldap_build_info", Help: "The version of the program, in labels; always 1.", ConstLabels: labels,
	})
	gauge.Set(1)
	return gauge
}
