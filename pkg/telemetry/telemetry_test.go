package telemetry_test

import (
	"bytes"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/telemetry"
)

// known are two servers, of which each count is another number.
func known() []ldapclient.Stats {
	events := map[ldapclient.Event]int64{}
	for i, event := range ldapclient.Events() {
		events[event] = int64(101 + i)
	}
	return []ldapclient.Stats{
		{
			Server: "one.example.com:636", Open: 9, Callers: 3, Idle: 5, InUse: 4, Opening: 1, Limit: 16, Waiting: 7, Requests: 6,
			Waits: ldapclient.Waits{
				Count: 5, Sum: 90 * time.Second, Max: 40 * time.Second,
				Buckets: []ldapclient.Bucket{{Bound: time.Millisecond, Count: 2}, {Bound: 30 * time.Second, Count: 4}},
			},
			Breaker: ldapclient.BreakerHalfOpen, Retry: 1500 * time.Millisecond, Unsteady: 2 * time.Second,
			Ages: []time.Duration{time.Hour, 2 * time.Minute, time.Second}, Events: events,
		},
		{Server: "two.example.com:636", Secondary: true, Breaker: ldapclient.BreakerClosed, Events: map[ldapclient.Event]int64{}},
	}
}

func newMetrics(certificates map[string]time.Time) *telemetry.Metrics {
	return telemetry.New(telemetry.Options{
		Directory: known,
		Audit: func() audit.Stats {
			return audit.Stats{Written: 11, Lost: 12, Writes: 13, Syncs: 14, Failures: 15, Waiting: 16, Failing: true}
		},
		AcceptFailures: func() int64 { return 17 },
		Certificates:   func() map[string]time.Time { return certificates },
		Build: &debug.BuildInfo{
			GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abcdef"}},
		},
	})
}

func text(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// samples returns the samples of our own that begin with prefix, in order.
func samples(text, prefix string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "rest2ldap_"+prefix) {
			found = append(found, strings.TrimPrefix(strings.TrimSpace(line), "rest2ldap_"))
		}
	}
	slices.Sort(found)
	return found
}

// TestWriteText compares everything that the rooms count with what is shown.
func TestWriteText(t *testing.T) {
	t.Parallel()
	m := newMetrics(map[string]time.Time{"server.certificates[0].cert": time.Unix(1800000000, 0), "directory.ca": time.Unix(1900000000, 0)})
	shown := text(t, m)
	for prefix, want := range map[string]string{
		"audit_": `
audit_failing 1
audit_failures_total 15
audit_records_lost_total 12
audit_records_written_total 11
audit_syncs_total 14
audit_waiting_bytes 16
audit_writes_total 13`,
		"http_accept": `
http_accept_failures_total 17`,
		"build": `
build_info{go_version="go1.26.0",revision="abcdef",version="v1.2.3"} 1`,
		"certificate": `
certificate_not_after_seconds{setting="directory.ca"} 1.9e+09
certificate_not_after_seconds{setting="server.certificates[0].cert"} 1.8e+09`,
		"reload_successful": `
reload_successful 1`,
		`directory_server_info`: `
directory_server_info{role="primary",server="one.example.com:636"} 1
directory_server_info{role="secondary",server="two.example.com:636"} 1`,
		"directory_breaker_state": `
directory_breaker_state{server="one.example.com:636",state="closed"} 0
directory_breaker_state{server="one.example.com:636",state="halfOpen"} 1
directory_breaker_state{server="one.example.com:636",state="open"} 0
directory_breaker_state{server="two.example.com:636",state="closed"} 1
directory_breaker_state{server="two.example.com:636",state="halfOpen"} 0
directory_breaker_state{server="two.example.com:636",state="open"} 0`,
		"directory_connections{": `
directory_connections{server="one.example.com:636",state="idle"} 5
directory_connections{server="one.example.com:636",state="inUse"} 4
directory_connections{server="one.example.com:636",state="opening"} 1
directory_connections{server="two.example.com:636",state="idle"} 0
directory_connections{server="two.example.com:636",state="inUse"} 0
directory_connections{server="two.example.com:636",state="opening"} 0`,
		"directory_connections_": `
directory_connections_closed_total{reason="defunct",server="one.example.com:636"} 103
directory_connections_closed_total{reason="expired",server="one.example.com:636"} 104
directory_connections_closed_total{reason="unneeded",server="one.example.com:636"} 105
directory_connections_failed_total{server="one.example.com:636"} 102
directory_connections_limit{server="one.example.com:636"} 16
directory_connections_limit{server="two.example.com:636"} 0
directory_connections_opened_total{server="one.example.com:636"} 101
directory_connections_released_total{server="one.example.com:636"} 110`,
		"directory_connection_age": `
directory_connection_age_seconds{connection="median",server="one.example.com:636"} 120
directory_connection_age_seconds{connection="newest",server="one.example.com:636"} 1
directory_connection_age_seconds{connection="oldest",server="one.example.com:636"} 3600`,
		"directory_checkouts": `
directory_checkouts_total{result="afterWait",server="one.example.com:636"} 107
directory_checkouts_total{result="failed",server="one.example.com:636"} 109
directory_checkouts_total{result="newConnection",server="one.example.com:636"} 108
directory_checkouts_total{result="withoutWait",server="one.example.com:636"} 106`,
		"directory_panics": `
directory_panics_contained_total{server="one.example.com:636"} 111`,
		"directory_caller": `
directory_caller_connections{server="one.example.com:636"} 3
directory_caller_connections{server="two.example.com:636"} 0`,
		"directory_requests": `
directory_requests_in_flight{server="one.example.com:636"} 6
directory_requests_in_flight{server="two.example.com:636"} 0`,
		"directory_retry": `
directory_retry_seconds{server="one.example.com:636"} 1.5
directory_retry_seconds{server="two.example.com:636"} 0`,
		"directory_unsteady": `
directory_unsteady_seconds{server="one.example.com:636"} 2
directory_unsteady_seconds{server="two.example.com:636"} 0`,
		"directory_wait": `
directory_wait_duration_seconds_bucket{server="one.example.com:636",le="+Inf"} 5
directory_wait_duration_seconds_bucket{server="one.example.com:636",le="0.001"} 2
directory_wait_duration_seconds_bucket{server="one.example.com:636",le="30"} 4
directory_wait_duration_seconds_bucket{server="two.example.com:636",le="+Inf"} 0
directory_wait_duration_seconds_count{server="one.example.com:636"} 5
directory_wait_duration_seconds_count{server="two.example.com:636"} 0
directory_wait_duration_seconds_sum{server="one.example.com:636"} 90
directory_wait_duration_seconds_sum{server="two.example.com:636"} 0
directory_wait_longest_seconds{server="one.example.com:636"} 40
directory_wait_longest_seconds{server="two.example.com:636"} 0
directory_waiting_requests{server="one.example.com:636"} 7
directory_waiting_requests{server="two.example.com:636"} 0`,
	} {
		if diff := cmp.Diff(strings.Split(want, "\n")[1:], samples(shown, prefix)); diff != "" {
			t.Errorf("%s (-want +shown):\n%s", prefix, diff)
		}
	}
	problems, err := promlint.New(strings.NewReader(shown)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	for _, name := range []string{"go_goroutines ", "go_memstats_heap_inuse_bytes ", "process_resident_memory_bytes ", "process_open_fds "} {
		if !strings.Contains(shown, "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
}

// TestRequests counts by methods and classes that are known beforehand, whatever clients send.
func TestRequests(t *testing.T) {
	t.Parallel()
	m := newMetrics(nil)
	for _, r := range []struct {
		method string
		status int
	}{
		{"GET", 200}, {"GET", 201}, {"GET", 404}, {"GET", 0}, {"PATCH", 503}, {"get", 200}, {"BREW\n", 405}, {"OPTIONS", 304}, {"HEAD", 999}, {"PUT", 101},
	} {
		m.RequestBegins()
		m.RequestEnds(r.method, r.status, 3*time.Millisecond)
	}
	m.RequestBegins()
	shown := text(t, m)
	var counted []string
	for _, line := range samples(shown, "http_requests") {
		if !strings.HasSuffix(line, " 0") {
			counted = append(counted, line)
		}
	}
	want := []string{
		"http_requests_in_flight 1",
		`http_requests_total{method="GET",status="2xx"} 2`,
		`http_requests_total{method="GET",status="4xx"} 1`,
		`http_requests_total{method="GET",status="broken"} 1`,
		`http_requests_total{method="HEAD",status="broken"} 1`,
		`http_requests_total{method="OPTIONS",status="3xx"} 1`,
		`http_requests_total{method="PATCH",status="5xx"} 1`,
		`http_requests_total{method="PUT",status="1xx"} 1`,
		`http_requests_total{method="other",status="2xx"} 1`,
		`http_requests_total{method="other",status="4xx"} 1`,
	}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{
		`http_request_duration_seconds_bucket{method="GET",le="0.0025"} 0`, `http_request_duration_seconds_bucket{method="GET",le="0.005"} 4`,
		`http_request_duration_seconds_count{method="GET"} 4`, `http_request_duration_seconds_sum{method="PATCH"} 0.003`,
	} {
		if !strings.Contains(shown, "rest2ldap_"+line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
}

// TestRequests_CostNothing: what is measured at each request allocates nothing.
func TestRequests_CostNothing(t *testing.T) {
	m := newMetrics(nil)
	if n := testing.AllocsPerRun(1000, func() {
		m.RequestBegins()
		m.RequestEnds("GET", 200, 3*time.Millisecond)
		m.RequestEnds("BREW", 404, time.Hour)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReloaded(t *testing.T) {
	t.Parallel()
	m := newMetrics(nil)
	before := samples(text(t, m), "reload_success_timestamp")
	m.Reloaded(false)
	failed := text(t, m)
	if got := samples(failed, "reload_successful"); !slices.Equal(got, []string{"reload_successful 0"}) {
		t.Errorf("%q", got)
	}
	if got := samples(failed, "reload_success_timestamp"); !slices.Equal(got, before) {
		t.Errorf("%q, before %q", got, before)
	}
	m.Reloaded(true)
	if got := samples(text(t, m), "reload_successful"); !slices.Equal(got, []string{"reload_successful 1"}) {
		t.Errorf("%q", got)
	}
}
