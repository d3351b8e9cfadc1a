package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// gateway is the running program.
type gateway struct {
	url string
	// admin is the URL of the admin listener, where there is one.
	admin  string
	client *http.Client
	events string
	log    *logBuffer
	// process is the running program.
	process *os.Process
}

// settings change the configuration of a gateway under test.
type settings struct {
	// mappings are mapping files by path ("api/x.json"); none is the shipped ones.
	mappings map[string]string
	// auth replaces the section "auth".
	auth string
	// set are further --set flags.
	set []string
	// env are further variables of the environment.
	env []string
	// systemCA leaves directory.ca out.
	systemCA bool
	// within is a command that runs the program, with its arguments.
	within []string
}

const basicSearch = `
auth:
  basic:
    mode: search
    baseDn: ou=People,dc=example,dc=com
    scope: one
    filter: (&(uid={username})(objectClass=inetOrgPerson))
`

// configure writes the files of a gateway in front of a directory, and returns their folder, the
// authority of its certificate, and the arguments of the program.
func configure(t *testing.T, server *slapd.Server, s settings) (dir string, ca *testcert.CA, args []string) {
	t.Helper()
	dir = t.TempDir()
	ca = writeCertificate(t, dir)
	write(t, dir, "password", server.ServicePassword+"\n")
	if s.auth == "" {
		s.auth = basicSearch
	}
	config := fmt.Sprintf(`version: 1
server:
  listen: 127.0.0.1:0
  certificates: [{cert: gateway.pem, key: gateway.key}]
directory:
  servers: [{url: %s}]
  ca: %s
  bind: {dn: %q, password: "file:password"}
audit: {file: events.jsonl}
%s`, server.URL, server.CAFile, server.ServiceDN, s.auth)
	if s.systemCA {
		config = strings.Replace(config, "\n  ca: "+server.CAFile, "", 1)
	}
	for name, text := range s.mappings {
		write(t, filepath.Join(dir, "mappings"), name, text)
	}
	if s.mappings != nil {
		config += "\nmapping: {dir: mappings}\n"
	}
	write(t, dir, "gateway.yaml", config)
	args = []string{"serve", "--config", filepath.Join(dir, "gateway.yaml")}
	for _, set := range s.set {
		args = append(args, "--set", set)
	}
	return dir, ca, args
}

// start runs the program in front of a directory for the duration of a test.
func start(t *testing.T, server *slapd.Server, s settings) *gateway {
	t.Helper()
	dir, ca, args := configure(t, server, s)
	g := &gateway{log: &logBuffer{}, events: filepath.Join(dir, "events.jsonl")}
	g.url = g.serve(t, append(slices.Clone(s.within), append([]string{program()}, args...)...), s.env)
	g.client = &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
		},
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(g.client.CloseIdleConnections)
	return g
}

func writeCertificate(t *testing.T, dir string) *testcert.CA {
	t.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := pair.WriteFiles(dir, "gateway"); err != nil {
		t.Fatal(err)
	}
	return ca
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve starts the process and returns its URL once it says that it is ready.
func (g *gateway) serve(t *testing.T, args, env []string) string {
	t.Helper()
	command := exec.Command(args[0], args[1:]...)
	command.Env = append(os.Environ(), env...)
	command.Stderr = g.log
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	g.process = command.Process
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	if err != nil {
		_ = command.Wait()
		t.Fatalf("the program did not become ready: %v\n%s", err, g.log)
	}
	t.Cleanup(func() { g.stop(t, command, lines) })
	g.admin = urlIn(line, "admin=")
	if address := urlIn(line, "https="); address != "" {
		return address
	}
	t.Fatalf("the ready line names no address: %q", line)
	return ""
}

// urlIn finds an address in a ready line by its name.
func urlIn(line, name string) string {
	for _, word := range strings.Fields(line) {
		if address, ok := strings.CutPrefix(word, name); ok {
			return address
		}
	}
	return ""
}

func (g *gateway) stop(t *testing.T, command *exec.Cmd, stdout io.Reader) {
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("the program ended before the test: %v", err)
	}
	_, _ = io.Copy(io.Discard, stdout)
	if err := command.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	if log := g.log.String(); strings.Contains(log, "DATA RACE") || strings.Contains(log, "panic") || t.Failed() {
		t.Logf("the log of the program:\n%s", log)
		if !t.Failed() {
			t.Error("the log shows a data race or a panic")
		}
	}
}

// logBuffer collects what a process writes.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// ask is a request to be sent.
type ask struct {
	method string
	path   string
	query  url.Values
	// as is the uid of a person of the example data, who sends the right password.
	as string
	// password replaces the right one.
	password string
	body     string
	header   http.Header
	// noType leaves out the media type of the body.
	noType bool
}

// reply is what came back.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	json   any
}

func (g *gateway) get(t *testing.T, as, path string, query ...string) *reply {
	t.Helper()
	return g.send(t, ask{method: http.MethodGet, path: path, query: params(query...), as: as})
}

// list queries a collection.
func (g *gateway) list(t *testing.T, as, path, filter string, query ...string) *reply {
	t.Helper()
	return g.get(t, as, path, append([]string{"_queryFilter", filter}, query...)...)
}

func params(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// send sends a request and reads the whole reply.
func (g *gateway) send(t *testing.T, a ask) *reply {
	t.Helper()
	r, err := g.try(a)
	if err != nil {
		t.Fatalf("%s %s: %v", a.method, a.path, err)
	}
	r.t = t
	return r
}

// try is send for requests whose reply may break off.
func (g *gateway) try(a ask) (*reply, error) { return g.tryWithin(context.Background(), a) }

// tryWithin is try for a client that goes away when ctx is over.
func (g *gateway) tryWithin(ctx context.Context, a ask) (*reply, error) {
	target := g.url + a.path
	if len(a.query) > 0 {
		target += "?" + a.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, a.method, target, strings.NewReader(a.body))
	if err != nil {
		return nil, err
	}
	if a.header != nil {
		req.Header = a.header.Clone()
	}
	if a.body != "" && !a.noType && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.as != "" {
		password := a.password
		if password == "" {
			password = exampledata.Password(a.as)
		}
		req.SetBasicAuth(a.as, password)
	}
	response, err := g.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	r := &reply{status: response.StatusCode, header: response.Header, body: string(body)}
	if err != nil {
		return r, err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	_ = decoder.Decode(&r.json)
	return r, nil
}

// want checks the status, and goes on.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d; body %s", r.status, status, r.body)
	}
	return r
}

// fails checks a refusal: the status, the one error body, and its finer kind.
func (r *reply) fails(status int, kind string) *reply {
	r.t.Helper()
	r.want(status)
	if got := r.at("code"); got != json.Number(fmt.Sprint(status)) {
		r.t.Errorf("code %v in the body of a %d: %s", got, status, r.body)
	}
	if got := r.at("reason"); got != http.StatusText(status) {
		r.t.Errorf("reason %v in the body of a %d: %s", got, status, r.body)
	}
	if kind != "" && r.at("detail", "kind") != kind {
		r.t.Errorf("detail.kind %v, want %q: %s", r.at("detail", "kind"), kind, r.body)
	}
	if media := r.header.Get("Content-Type"); !strings.HasPrefix(media, "application/json") {
		r.t.Errorf("media type %q", media)
	}
	if r.header.Get("X-ForgeRock-TransactionId") == "" {
		r.t.Error("no transaction id")
	}
	return r
}

// at descends into the JSON by member names and indexes.
func (r *reply) at(path ...any) any {
	value := r.json
	for _, step := range path {
		switch s := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[s]
		case int:
			list, _ := value.([]any)
			if s >= len(list) {
				return nil
			}
			value = list[s]
		}
	}
	return value
}

// has checks a member of the JSON against a JSON text.
func (r *reply) has(wanted string, path ...any) *reply {
	r.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(wanted))
	decoder.UseNumber()
	var want any
	if err := decoder.Decode(&want); err != nil {
		r.t.Fatal(err)
	}
	got := r.at(path...)
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) {
		r.t.Errorf("%v is %s, want %s\n%s", path, a, b, r.body)
	}
	return r
}

// lacks checks that a member is absent.
func (r *reply) lacks(path ...any) *reply {
	r.t.Helper()
	if got := r.at(path...); got != nil {
		r.t.Errorf("%v is %v, want nothing", path, got)
	}
	return r
}

// members returns the names of the members at a place, sorted.
func (r *reply) members(path ...any) []string {
	object, _ := r.at(path...).(map[string]any)
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ids returns the sorted ids of a list of resources.
func (r *reply) ids(path ...any) []string {
	r.t.Helper()
	list, ok := r.at(path...).([]any)
	if !ok {
		r.t.Fatalf("%v is no list: %s", path, r.body)
	}
	ids := []string{}
	for _, item := range list {
		object, _ := item.(map[string]any)
		id, _ := object["_id"].(string)
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// finds checks the ids of a query's result and its count.
func (r *reply) finds(ids ...string) *reply {
	r.t.Helper()
	r.want(http.StatusOK)
	if got := r.ids("result"); !slices.Equal(got, append([]string{}, ids...)) {
		r.t.Errorf("found %q, want %q", got, ids)
	}
	return r.has(fmt.Sprint(len(ids)), "resultCount")
}

// etag returns the revision of the reply.
func (r *reply) etag() string {
	r.t.Helper()
	tag := r.header.Get("ETag")
	if tag == "" {
		r.t.Fatalf("no ETag: %v", r.header)
	}
	return tag
}

// event is one line of the audit file.
type event map[string]any

// eventsOf returns the events with the reply's transaction id, waiting until the
// last of them is the outcome.
func (g *gateway) eventsOf(t *testing.T, r *reply) []event {
	t.Helper()
	id := r.header.Get("X-ForgeRock-TransactionId")
	deadline := time.Now().Add(10 * time.Second)
	for {
		var found []event
		data, err := os.ReadFile(g.events)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e["transactionId"] == id {
				found = append(found, e)
			}
		}
		if len(found) > 0 && found[len(found)-1]["status"] != nil || time.Now().After(deadline) {
			return found
		}
		time.Sleep(10 * time.Millisecond)
	}
}
