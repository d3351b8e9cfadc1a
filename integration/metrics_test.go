package integration_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
)

const adminToken = "tok.canary_0123456789~abcdefghijklmnop+/=="

// measured are settings of a gateway that shows its metrics.
func measured(set ...string) settings {
	return settings{
		set: append([]string{"admin.listen=127.0.0.1:0", "admin.token=env:ADMIN_TOKEN"}, set...),
		env: []string{"ADMIN_TOKEN=" + adminToken},
	}
}

// manage sends a request to the admin listener with the token.
func (g *gateway) manage(t *testing.T, method, path string) *reply {
	t.Helper()
	admin := &gateway{url: g.admin, client: g.client}
	return admin.send(t, ask{method: method, path: path, header: headers("Authorization", "Bearer "+adminToken)})
}

// scrape is what /metrics shows.
type scrape struct {
	text    string
	samples []sample
}

// sample is one value, the parts of a histogram among them.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

func (g *gateway) scrape(t *testing.T) scrape {
	t.Helper()
	r := g.manage(t, http.MethodGet, "/metrics").want(http.StatusOK)
	if media := r.header.Get("Content-Type"); media != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("media type %q", media)
	}
	return parse(t, r.body)
}

// parse reads metrics with the parser of Prometheus.
func parse(t *testing.T, text string) scrape {
	t.Helper()
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	s := scrape{text: text}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range m.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			switch {
			case m.GetCounter() != nil:
				s.samples = append(s.samples, sample{name, labels, m.GetCounter().GetValue()})
			case m.GetGauge() != nil:
				s.samples = append(s.samples, sample{name, labels, m.GetGauge().GetValue()})
			case m.GetHistogram() != nil:
				s.samples = append(s.samples, sample{name + "_count", labels, float64(m.GetHistogram().GetSampleCount())})
			case m.GetSummary() != nil:
				s.samples = append(s.samples, sample{name + "_count", labels, float64(m.GetSummary().GetSampleCount())})
			}
		}
	}
	return s
}

// sum adds the samples of a name, without its prefix, that have these labels. Without any it is NaN.
func (s scrape) sum(name string, labels ...string) float64 {
	sum, found := 0.0, false
next:
	for _, one := range s.samples {
		if one.name != "rest2ldap_"+name {
			continue
		}
		for i := 0; i+1 < len(labels); i += 2 {
			if one.labels[labels[i]] != labels[i+1] {
				continue next
			}
		}
		sum, found = sum+one.value, true
	}
	if !found {
		return math.NaN()
	}
	return sum
}

// awaits scrapes until it is so: a request is counted a moment after its answer.
func (g *gateway) awaits(t *testing.T, what string, is func(scrape) bool) scrape {
	t.Helper()
	var s scrape
	if !eventually(func() bool { s = g.scrape(t); return is(s) }) {
		t.Fatalf("never %s:\n%s", what, s.text)
	}
	return s
}

// F222: what is shown after requests that are known, and that it tells nothing of anybody.
func TestMetrics(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, measured())
		const path = "/api/users/bjensen"
		for range 3 {
			g.get(t, "kvaughan", path).want(http.StatusOK)
		}
		g.list(t, "kvaughan", "/api/users", `userName sw "b"`).want(http.StatusOK)
		g.get(t, "kvaughan", "/api/users/no-such-canary").want(http.StatusNotFound)
		g.get(t, "", path).want(http.StatusUnauthorized)
		g.send(t, ask{method: "GET", path: path, as: "scarter", password: "canary-password"}).want(http.StatusUnauthorized)
		g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: `[{"operation":"replace","field":"/description","value":"canary-value"}]`}).want(http.StatusOK)
		brewed := g.send(t, ask{method: "BREW", path: path, as: "kvaughan"})
		if brewed.status/100 != 4 {
			t.Errorf("BREW: %d", brewed.status)
		}
		s := g.awaits(t, "nine requests", func(s scrape) bool { return s.sum("http_requests_total") == 9 && s.sum("http_requests_in_flight") == 0 })
		at := server.Address
		for _, want := range []struct {
			name   string
			labels []string
			value  float64
		}{
			{"http_requests_total", []string{"method", "GET", "status", "2xx"}, 4},
			{"http_requests_total", []string{"method", "GET", "status", "4xx"}, 3},
			{"http_requests_total", []string{"method", "PATCH", "status", "2xx"}, 1},
			{"http_requests_total", []string{"method", "other", "status", "4xx"}, 1},
			{"http_requests_total", []string{"status", "5xx"}, 0},
			{"http_requests_total", []string{"status", "broken"}, 0},
			{"http_request_duration_seconds_count", []string{"method", "GET"}, 7},
			{"http_request_duration_seconds_count", nil, 9},
			{"http_accept_failures_total", nil, 0},
			{"directory_server_info", []string{"server", at, "role", "primary"}, 1},
			{"directory_breaker_state", []string{"server", at, "state", "closed"}, 1},
			{"directory_breaker_state", nil, 1},
			{"directory_connections_limit", []string{"server", at}, 24 + 32},
			{"directory_connections_failed_total", []string{"server", at}, 0},
			{"directory_checkouts_total", []string{"server", at, "result", "failed"}, 0},
			{"directory_waiting_requests", []string{"server", at}, 0},
			{"directory_requests_in_flight", []string{"server", at}, 0},
			{"directory_panics_contained_total", []string{"server", at}, 0},
			{"audit_records_lost_total", nil, 0},
			{"audit_failures_total", nil, 0},
			{"audit_failing", nil, 0},
			{"reload_successful", nil, 1},
			{"build_info", nil, 1},
		} {
			if got := s.sum(want.name, want.labels...); got != want.value {
				t.Errorf("%s%v is %v, want %v", want.name, want.labels, got, want.value)
			}
		}
		// What is in the file of events is what was counted, the scrapes among it.
		if !eventually(func() bool {
			g.eventsOf(t, g.manage(t, http.MethodGet, "/metrics")) // The last one is in the file.
			text, err := os.ReadFile(g.events)
			if err != nil {
				t.Fatal(err)
			}
			return g.scrape(t).sum("audit_records_written_total") == float64(strings.Count(string(text), "\n"))
		}) {
			t.Error("the records that were counted are not those in the file")
		}
		if open := s.sum("directory_connections_opened_total"); open < 1 || s.sum("directory_connections", "state", "idle")+s.sum("directory_connections", "state", "inUse") < 1 {
			t.Errorf("%v connections were opened:\n%s", open, s.text)
		}
		if taken := s.sum("directory_checkouts_total"); taken < 4 || taken < s.sum("directory_connections_released_total") {
			t.Errorf("%v checkouts, %v given back", taken, s.sum("directory_connections_released_total"))
		}
		problems, err := promlint.New(strings.NewReader(s.text)).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("promlint: %v, %v", problems, err)
		}
		g.tellsNothing(t, s, server)
	})
}

// tellsNothing checks that metrics name nobody: every label is one of these, and holds one of
// these values.
func (g *gateway) tellsNothing(t *testing.T, s scrape, server *slapd.Server) {
	t.Helper()
	allowed := map[string][]string{
		"method": {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"},
		"status": {"1xx", "2xx", "3xx", "4xx", "5xx", "broken"},
		"state":  {"idle", "inUse", "opening", "open", "closed", "halfOpen"},
		"reason": {"defunct", "expired", "unneeded"}, "result": {"withoutWait", "afterWait", "newConnection", "failed"},
		"role": {"primary", "secondary"}, "connection": {"oldest", "median", "newest"},
		"server": {server.Address}, "setting": {"server.certificates[0].cert", "directory.ca"},
	}
	for _, one := range s.samples {
		if !strings.HasPrefix(one.name, "rest2ldap_") || one.name == "rest2ldap_build_info" {
			continue
		}
		for label, value := range one.labels {
			if !slices.Contains(allowed[label], value) {
				t.Errorf("%s has the label %s=%q", one.name, label, value)
			}
		}
	}
	for _, word := range []string{
		"kvaughan", "bjensen", "scarter", "canary", "dc=", "ou=", "uid", "userName", "rest2ldap,", "/api", "description",
		exampledata.Password("kvaughan"), exampledata.Password("scarter"), server.ServicePassword, server.ServiceDN, adminToken, "Bearer",
	} {
		if strings.Contains(s.text, word) {
			t.Errorf("the metrics hold %q", word)
		}
	}
}

// S_J01 and F_23: the admin listener tells nothing to who has no proof, and nothing of it is
// on the listener for clients.
func TestAdminListener(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, measured())
	t.Run("Token", func(t *testing.T) {
		admin := &gateway{url: g.admin, client: g.client}
		for name, value := range map[string]string{
			"None": "", "Wrong": "Bearer " + adminToken + "x", "Shorter": "Bearer " + adminToken[1:], "Empty": "Bearer ",
			"Scheme": "Basic " + adminToken, "Bare": adminToken,
		} {
			for _, path := range []string{"/metrics", "/alive", "/healthy", "/nothing", "/"} {
				a := ask{method: "GET", path: path, header: http.Header{}}
				if value != "" {
					a.header.Set("Authorization", value)
				}
				r := admin.send(t, a).fails(http.StatusUnauthorized, "")
				if challenge := r.header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, `Bearer realm="rest2ldap admin"`) {
					t.Errorf("%s: challenge %q", name, challenge)
				}
			}
		}
		for _, path := range []string{"/metrics", "/healthy", "/nothing"} { // Elsewhere OPTIONS needs no proof.
			admin.send(t, ask{method: "OPTIONS", path: path}).fails(http.StatusUnauthorized, "")
		}
		two := http.Header{"Authorization": {"Bearer " + adminToken, "Bearer x"}}
		admin.send(t, ask{method: "GET", path: "/metrics", header: two}).fails(http.StatusBadRequest, "")
		// A person of the directory is nobody here.
		admin.get(t, "kvaughan", "/metrics").fails(http.StatusUnauthorized, "")
		r := admin.send(t, ask{method: "GET", path: "/metrics", header: headers("Authorization", "Bearer wrong")})
		events := g.eventsOf(t, r)
		if len(events) != 1 || events[0]["reason"] != "wrongToken" || events[0]["path"] != "/metrics" || fmt.Sprint(events[0]["status"]) != "401" {
			t.Errorf("%v", events)
		}
	})
	t.Run("Paths", func(t *testing.T) {
		g.manage(t, "GET", "/metrics").want(http.StatusOK)
		if r := g.manage(t, "HEAD", "/metrics").want(http.StatusOK); r.body != "" {
			t.Errorf("the body of a HEAD: %q", r.body)
		}
		g.manage(t, "GET", "/alive").want(http.StatusOK)
		g.manage(t, "GET", "/healthy").want(http.StatusOK)
		for _, path := range []string{"/", "/metrics/", "/Metrics", "/%6detrics", "/api/users/bjensen", "/debug/pprof/", "/config"} {
			g.manage(t, "GET", path).fails(http.StatusNotFound, "unknownPath")
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			if r := g.manage(t, method, "/metrics").fails(http.StatusMethodNotAllowed, ""); r.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow %q", r.header.Get("Allow"))
			}
		}
		r := g.manage(t, "GET", "/metrics")
		for header, want := range map[string]string{"Cache-Control": "no-cache, no-store", "X-Content-Type-Options": "nosniff"} {
			if got := r.header.Get(header); got != want {
				t.Errorf("%s: %q", header, got)
			}
		}
		events := g.eventsOf(t, r)
		if len(events) != 1 || events[0]["authMethod"] != "adminToken" || events[0]["principal"] != "admin" {
			t.Errorf("%v", events)
		}
	})
	t.Run("S_J01", func(t *testing.T) {
		for _, path := range []string{"/metrics", "/alive", "/healthy", "/debug/pprof", "/config"} {
			g.get(t, "kvaughan", path).fails(http.StatusNotFound, "")
			g.send(t, ask{method: "GET", path: path, header: headers("Authorization", "Bearer "+adminToken)}).fails(http.StatusUnauthorized, "")
		}
	})
	t.Run("TLS", func(t *testing.T) {
		address := strings.TrimPrefix(g.admin, "https://")
		old := g.trust()
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if conn, err := tls.Dial("tcp", address, old); err == nil {
			_ = conn.Close()
			t.Error("TLS 1.1 is good enough")
		}
		plain, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		if _, err := fmt.Fprintf(plain, "GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", adminToken); err != nil {
			t.Fatal(err)
		}
		if answer, _ := io.ReadAll(plain); len(answer) > 0 {
			t.Errorf("an answer in clear: %q", answer)
		}
	})
	t.Run("ConnectionsEnd", func(t *testing.T) {
		for _, http2 := range []bool{false, true} {
			dials := 0
			transport := &http.Transport{TLSClientConfig: g.trust(), ForceAttemptHTTP2: http2, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}}
			one := &gateway{admin: g.admin, client: &http.Client{Transport: transport, Timeout: time.Minute}}
			for range 3 {
				one.scrape(t)
			}
			transport.CloseIdleConnections()
			if dials != 3 {
				t.Errorf("%d connections for three scrapes, HTTP/2 %v", dials, http2)
			}
		}
	})
}

// Without admin.listen nothing listens, and nothing is said of it.
func TestNoAdminListener(t *testing.T) {
	g := start(t, slapd.Start(t, slapd.Options{}), settings{})
	if g.admin != "" {
		t.Errorf("an admin listener: %s", g.admin)
	}
	g.get(t, "kvaughan", "/metrics").fails(http.StatusNotFound, "")
}

// What the metrics tell of a directory that stops, and comes back.
func TestMetrics_Outage(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, measured())
	const path = "/api/users/bjensen"
	g.get(t, "kvaughan", path).want(http.StatusOK)
	before := g.scrape(t)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	g.get(t, "kvaughan", path).fails(http.StatusServiceUnavailable, "")
	g.awaits(t, "open, with failed attempts", func(s scrape) bool {
		return s.sum("directory_breaker_state", "state", "closed") == 0 && s.sum("directory_connections_failed_total") > before.sum("directory_connections_failed_total") &&
			s.sum("http_requests_total", "method", "GET", "status", "5xx") == 1 && s.sum("directory_connections_closed_total", "reason", "defunct") > 0 &&
			s.sum("directory_connections", "state", "idle") == 0
	})
	g.manage(t, "GET", "/alive").want(http.StatusOK)
	if !eventually(func() bool { return g.manage(t, "GET", "/healthy").status == http.StatusServiceUnavailable }) {
		t.Error("healthy without a directory")
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	recovers(t, g, "kvaughan", path)
	g.awaits(t, "closed", func(s scrape) bool {
		return s.sum("directory_breaker_state", "state", "closed") == 1 && s.sum("directory_retry_seconds") == 0
	})
}

// F_18: the directory refuses the gateway's own account, and the metrics tell before anybody asks.
func TestMetrics_F_18(t *testing.T) {
	s := measured("directory.bind.password=env:WRONG_PASSWORD")
	s.env = append(s.env, "WRONG_PASSWORD=canary-wrong")
	g := start(t, slapd.Start(t, slapd.Options{}), s)
	refused := g.awaits(t, "refused", func(s scrape) bool {
		return s.sum("directory_connections_failed_total") >= 1 && s.sum("directory_breaker_state", "state", "open") == 1 && s.sum("directory_retry_seconds") > 1
	})
	if n := refused.sum("directory_connections_opened_total"); n != 0 {
		t.Errorf("%v connections were opened", n)
	}
	if strings.Contains(refused.text, "canary") {
		t.Error("the password is in the metrics")
	}
}

// F_23: the metrics answer while every connection is in use and others wait for one.
func TestMetrics_F_23(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	way := toxic.New(t, server.Address)
	s := measured("directory.servers.0.url="+way.URL, "directory.pool.max=3", "limits.requestTimeout=1m",
		"directory.pool.acquireTimeout=1m", "directory.connectTimeout=1m", "directory.pool.heartbeat=10m", "directory.pool.probeTimeout=1m")
	g := start(t, server, s)
	const path, change = "/api/users/bjensen", `[{"operation":"replace","field":"/description","value":"x"}]`
	for range 2 { // What is looked up once is known then.
		g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: change}).want(http.StatusOK)
	}
	way.Add(toxic.Downstream, "timeout", map[string]any{"timeout": 0})
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer way.Clear()
	defer cancel()
	for range 12 {
		work.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPatch, g.url+path, strings.NewReader(change))
			if err != nil {
				t.Error(err)
				return
			}
			req.SetBasicAuth("kvaughan", exampledata.Password("kvaughan"))
			req.Header.Set("Content-Type", "application/json")
			if response, err := g.client.Do(req); err == nil {
				_ = response.Body.Close()
			}
		})
	}
	g.awaits(t, "exhausted", func(s scrape) bool {
		return s.sum("directory_waiting_requests") > 0 && s.sum("http_requests_in_flight") == 12
	})
	cancel()
	way.Clear()
	work.Wait()
	g.awaits(t, "at rest", func(s scrape) bool {
		return s.sum("directory_waiting_requests") == 0 && s.sum("http_requests_in_flight") == 0 && s.sum("directory_wait_duration_seconds_count") > 0
	})
}

// F_28: connections that could not be taken are counted.
func TestMetrics_F_28(t *testing.T) {
	s := measured()
	s.within = []string{"prlimit", "--nofile=80:80"}
	g := start(t, slapd.Start(t, slapd.Options{}), s)
	if n := g.scrape(t).sum("http_accept_failures_total"); n != 0 {
		t.Fatalf("%v failures", n)
	}
	var crowd []net.Conn
	for range 200 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, conn)
	}
	if !eventually(func() bool {
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.process.Pid))
		return err == nil && len(files) >= 80
	}) {
		t.Fatal("there is still room")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = tls.Client(crowd[len(crowd)-1], g.trust()).HandshakeContext(ctx) // Until then it has tried to take one more.
	for _, conn := range crowd {
		_ = conn.Close()
	}
	g.client.CloseIdleConnections()
	g.awaits(t, "failures", func(s scrape) bool { return s.sum("http_accept_failures_total") > 0 })
}

// The admin listener with client certificates: who has none of the right authority does not
// get as far as a request, also when the authority changes.
func TestAdminListener_Certificates(t *testing.T) {
	dir := t.TempDir()
	own, clients, others := newAuthority(t), newAuthority(t), newAuthority(t)
	write(t, dir, "clients.pem", string(clients.PEM()))
	pair, err := own.Issue(testcert.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := pair.WriteFiles(dir, "admin"); err != nil {
		t.Fatal(err)
	}
	certificates := []string{
		"admin.listen=127.0.0.1:0", "admin.clientCA=" + filepath.Join(dir, "clients.pem"),
		"admin.certificates.0.cert=" + filepath.Join(dir, "admin.pem"), "admin.certificates.0.key=" + filepath.Join(dir, "admin.key"),
	}
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{set: certificates})
	both := start(t, server, settings{set: append(certificates, "admin.token=env:ADMIN_TOKEN"), env: []string{"ADMIN_TOKEN=" + adminToken}})

	ask := func(g *gateway, client *tls.Certificate, token string) (int, string, error) {
		config := &tls.Config{RootCAs: own.Pool(), MinVersion: tls.VersionTLS12}
		if client != nil { // Whether or not the server names its authority.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return client, nil }
		}
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequest(http.MethodGet, g.admin+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(req)
		if err != nil {
			return 0, "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, string(body), err
	}
	issue := func(ca *testcert.CA, leaf testcert.Leaf) *tls.Certificate {
		leaf.CommonName = "prometheus"
		return certificate(t, ca, leaf)
	}
	good, foreign := issue(clients, testcert.Leaf{}), issue(others, testcert.Leaf{})
	expired := issue(clients, testcert.Leaf{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})

	status, text, err := ask(g, good, "")
	if status != http.StatusOK || err != nil {
		t.Fatal(status, err)
	}
	for name, client := range map[string]*tls.Certificate{"none": nil, "of another authority": foreign, "expired": expired} {
		if status, _, err := ask(g, client, adminToken); err == nil || status != 0 {
			t.Errorf("a certificate that is %s: %d, %v", name, status, err)
		}
	}
	for token, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, adminToken: http.StatusOK} {
		if status, _, err := ask(both, good, token); status != want || err != nil {
			t.Errorf("certificate and token %q: %d, %v, want %d", token, status, err, want)
		}
	}
	if _, _, err := ask(both, nil, adminToken); err == nil {
		t.Error("the token alone is enough, where both are needed")
	}
	shown := parse(t, text)
	for setting, file := range map[string]string{
		"admin.certificates[0].cert": filepath.Join(dir, "admin.pem"), "admin.clientCA": filepath.Join(dir, "clients.pem"),
		"server.certificates[0].cert": filepath.Join(filepath.Dir(g.events), "gateway.pem"), "directory.ca": server.CAFile,
	} {
		if got, want := shown.sum("certificate_not_after_seconds", "setting", setting), notAfter(t, file); got != want {
			t.Errorf("%s expires at %v, want %v", setting, got, want)
		}
	}
	if strings.Contains(text, "prometheus\"") || strings.Contains(text, "CN=") {
		t.Error("the metrics name who asks")
	}
	var data []byte
	if !eventually(func() bool { // An event is written a moment after its answer.
		data, err = os.ReadFile(g.events)
		return err == nil && strings.Contains(string(data), `"principal":"CN=prometheus","authMethod":"adminCertificate"`)
	}) {
		t.Errorf("%v\n%s", err, data)
	}

	write(t, dir, "clients.pem", string(others.PEM()))
	hangUp(t, g, "were read anew")
	if status, _, err := ask(g, foreign, ""); status != http.StatusOK || err != nil {
		t.Errorf("a certificate of the new authority: %d, %v", status, err)
	}
	if _, _, err := ask(g, good, ""); err == nil {
		t.Error("a certificate of the old authority is still good")
	}
}

// S_15, F_15 and F_16: when certificates expire is shown, of those that are in force.
func TestMetrics_Certificates(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	dir := t.TempDir()
	trusted, clients := newAuthority(t), newAuthority(t)
	// replace puts a file in the place of another in one step.
	replace := func(name string, text []byte) {
		write(t, dir, "next", string(text))
		if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	soon := &testcert.Leaf{NotAfter: time.Now().Add(time.Hour)}
	pair, err := clients.Issue(testcert.Leaf{CommonName: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	replace("bind.pem", pair.Cert)
	replace("bind.key", pair.Key)
	replace("ca.pem", server.CA.PEM())
	g := start(t, server, measured("directory.ca="+filepath.Join(dir, "ca.pem"), "directory.bind.cert="+filepath.Join(dir, "bind.pem"), "directory.bind.key="+filepath.Join(dir, "bind.key")))
	shows := func(setting, file string) {
		t.Helper()
		want := notAfter(t, file)
		if got := g.scrape(t).sum("certificate_not_after_seconds", "setting", setting); got != want {
			t.Errorf("%s expires at %v, want %v", setting, got, want)
		}
	}
	shows("directory.ca", filepath.Join(dir, "ca.pem"))
	shows("directory.bind.cert", filepath.Join(dir, "bind.pem"))

	// Those towards the directory are read when they change.
	early, err := clients.Issue(*soon)
	if err != nil {
		t.Fatal(err)
	}
	replace("ca.pem", slices.Concat(server.CA.PEM(), early.Cert, trusted.PEM()))
	if got, want := g.scrape(t).sum("certificate_not_after_seconds", "setting", "directory.ca"), float64(soon.NotAfter.Unix()); got != want {
		t.Errorf("the first of the bundle expires at %v, want %v", got, want)
	}

	// Those of the listener are read at SIGHUP, and when they are good.
	served := filepath.Join(filepath.Dir(g.events), "gateway.pem")
	first := notAfter(t, served)
	write(t, filepath.Dir(g.events), "gateway.pem", "nonsense")
	hangUp(t, g, "what was read before stays in force")
	s := g.scrape(t)
	if got := s.sum("certificate_not_after_seconds", "setting", "server.certificates[0].cert"); got != first || s.sum("reload_successful") != 0 {
		t.Errorf("after a file that cannot be used: %v, want %v; reload %v", got, first, s.sum("reload_successful"))
	}
	ca := newAuthority(t)
	if pair, err = ca.Issue(*soon); err != nil {
		t.Fatal(err)
	}
	if _, _, err := pair.WriteFiles(filepath.Dir(g.events), "gateway"); err != nil {
		t.Fatal(err)
	}
	hangUp(t, g, "were read anew")
	g.client.CloseIdleConnections()
	g.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}}}
	s = g.scrape(t)
	if got := s.sum("certificate_not_after_seconds", "setting", "server.certificates[0].cert"); got != float64(soon.NotAfter.Unix()) || s.sum("reload_successful") != 1 {
		t.Errorf("after a new certificate: %v, want %v; reload %v", got, soon.NotAfter.Unix(), s.sum("reload_successful"))
	}
	if at := s.sum("reload_success_timestamp_seconds"); math.Abs(at-float64(time.Now().Unix())) > 3600 {
		t.Errorf("read at %v", at)
	}
}

func newAuthority(t *testing.T) *testcert.CA {
	t.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func certificate(t *testing.T, ca *testcert.CA, leaf testcert.Leaf) *tls.Certificate {
	t.Helper()
	pair, err := ca.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// notAfter returns when the certificate in a file expires.
func notAfter(t *testing.T, file string) float64 {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s is not PEM", file)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return float64(c.NotAfter.Unix())
}

// hangUp sends SIGHUP, and waits until the log says once more what has become of it.
func hangUp(t *testing.T, g *gateway, done string) {
	t.Helper()
	before := strings.Count(g.log.String(), done)
	if err := g.process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return strings.Count(g.log.String(), done) > before }) {
		t.Fatalf("the log does not say %q:\n%s", done, g.log)
	}
}
