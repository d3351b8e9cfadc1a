package slapd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/tally"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// Kind says how a server runs.
type Kind string

// The kinds of server. An empty kind means a process where slapd is installed,
// and a container elsewhere.
const (
	// Process is the slapd installed on this machine.
	Process Kind = "process"
	// Container is the project's own image.
	Container Kind = "container"
	// DS389 is 389 Directory Server in a container of the project's own image: a second
	// dialect of LDAP, for the tests that ask for it. It takes no lines for slapd.conf, and
	// its RootDN is [DirectoryManager].
	DS389 Kind = "389ds"
	// Memory is the directory in memory, package memdir, in the process of the test.
	Memory Kind = "memory"
)

// Names that exist on every server besides those of exampledata.
const (
	// RootDN may do everything to the data. Access rules, limits and the
	// password policy do not bind it.
	RootDN = exampledata.RootDN
	// PolicyDN is the password policy of everyone: five wrong passwords lock an
	// account for five minutes, and pwdReset makes the user change the password.
	PolicyDN = exampledata.PolicyDN
	// ConfigDN may change the configuration below cn=config, with the password
	// of [RootDN].
	ConfigDN = "cn=admin,cn=config"
	// CodesDN holds the names of [Options.Codes]; there is no entry.
	CodesDN = "ou=Codes," + exampledata.BaseDN
	// AccessLogDN holds the log of writes where [Options.AccessLog] asks for it.
	AccessLogDN = "cn=accesslog"
)

// Unlimited is the [Options.CallerSizeLimit] that never stops a search.
const Unlimited = -1

// ErrUnavailable is wrapped by the error of [Run] when this machine cannot have
// a server of the kind asked for.
var ErrUnavailable = errors.New("unavailable on this machine")

// Options say what server to start. The zero value is good.
type Options struct {
	// Kind says how the server runs. Empty: [Process] if possible, else
	// [Container].
	Kind Kind
	// Users is the number of people, generated ones included;
	// exampledata.DefaultUsers when zero.
	Users int
	// LDIF holds more entries, loaded after the example data.
	LDIF string
	// Schema are definitions besides the usual ones, one a line, each behind
	// "attributeTypes: " or "objectClasses: ".
	Schema string
	// Codes are names below [CodesDN], in lower case, each with the result code that every
	// operation on it is answered with.
	Codes map[string]int
	// CallerSizeLimit is the number of entries one search may return to anyone
	// but [RootDN]. Zero leaves slapd's own limit of 500; [Unlimited] lifts it.
	CallerSizeLimit int
	// Clear opens a second listener, without TLS, at [Server.ClearURL]; of a process only.
	Clear bool
	// AccessLog logs writes below [AccessLogDN], which RootDN may read.
	AccessLog bool
	// Durable makes slapd sync each write to disk, as it does in production.
	// Tests do not need it and are faster without.
	Durable bool
	// LogLevel is what [Server.Logs] will show, in slapd's words; "stats" (one
	// line per operation and result) when empty. Benchmarks want "none".
	LogLevel string
	// Access are access rules that come before all others.
	Access []memdir.Rule
	// Plain has people bind by SASL PLAIN (RFC 4616), with their uid and a password that is
	// stored in clear. OpenLDAP may lack the mechanism, which is a package of its own.
	Plain bool
	// Rules holds more access rules that come before all others, in the words of slapd.conf.
	Rules string
	// Global holds lines for slapd.conf ahead of all databases, Database lines
	// for the end of the main database, overlays for instance.
	Global, Database string
}

// Server is a running OpenLDAP. Its methods may be called by one goroutine at a
// time.
type Server struct {
	// Kind says how it runs.
	Kind Kind
	// Version is that of slapd, such as "2.5.13".
	Version string
	// URL is the LDAPS address, and Address the host and port in it.
	URL, Address string
	// ClearURL is the address without TLS, where [Options.Clear] asks for it.
	ClearURL string
	// CA is the authority of the server's certificate; it can issue more.
	CA *testcert.CA
	// CAFile and CAPool hold the authority's certificate.
	CAFile string
	CAPool *x509.CertPool
	// BaseDN is the suffix of the data.
	BaseDN string
	// RootDN and RootPassword are credentials to which nothing is forbidden.
	RootDN, RootPassword string
	// ServiceDN and ServicePassword are the credentials of the gateway.
	ServiceDN, ServicePassword string

	dir     string
	backend backend
}

// backend is what differs between the kinds.
type backend interface {
	// start brings the server up, the first time with fresh data. It returns
	// before the server answers.
	start(ctx context.Context) error
	// stop ends the server and keeps its data.
	stop(ctx context.Context) error
	// exited says whether the server ended by itself.
	exited(ctx context.Context) bool
	// signal freezes the server, or lets it go on.
	freeze(ctx context.Context, frozen bool) error
	// logs returns everything that the server wrote.
	logs(ctx context.Context) string
	// describe says what it is, after the version.
	describe() string
	// remove ends the server and leaves nothing behind.
	remove(ctx context.Context) error
}

const (
	// startTimeout bounds one start. It is generous because several packages
	// may test on two cores.
	startTimeout = time.Minute
	// stopTimeout bounds an orderly stop; the server is killed after it.
	stopTimeout = 10 * time.Second
	// attempts bounds the starts when another process takes the chosen port.
	attempts = 5
)

// Run starts a server. The context bounds the start, not the life of the
// server; the caller closes it.
func Run(ctx context.Context, options Options) (*Server, error) {
	var err error
	for range attempts {
		var server *Server
		if server, err = run(ctx, options, nil); err == nil {
			return server, nil
		}
		if !errors.Is(err, errPortTaken) {
			break
		}
	}
	return nil, fmt.Errorf("slapd: %w", err)
}

// Start starts a server for the duration of a test. The end of slapd's log is
// part of the report when the test fails.
func Start(tb testing.TB, options Options) *Server {
	tb.Helper()
	if options.Kind == "" {
		options.Kind = preferredKind()
	}
	server, err := Run(tb.Context(), options)
	switch {
	case errors.Is(err, ErrUnavailable):
		tally.Missing(tb, options.Kind.directory(), err)
	case err != nil:
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	server.Use(tb)
	return server
}

// Each runs a test as a subtest on every kind of server, a new one each; on the one in
// memory only where the options hold no lines for slapd.conf. The subtests are parallel
// to one another: they begin when the calling test returns.
func Each(t *testing.T, options Options, test func(t *testing.T, server *Server)) {
	t.Helper()
	for _, kind := range []Kind{Process, Container, Memory} {
		if kind == Memory && !options.fitsMemory() {
			continue
		}
		t.Run(string(kind.directory()), func(t *testing.T) {
			t.Parallel()
			options := options
			options.Kind = kind
			test(t, Start(t, options))
		})
	}
}

// Use records that the test runs on this server, and adds the end of the log to
// the test's report when it fails. [Start] calls it; a test on a server shared
// by its package calls it first.
func (s *Server) Use(tb testing.TB) {
	tb.Helper()
	tally.Use(tb, s.Kind.directory(), s.String())
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of the log of %s:\n%s", s, tail(s.Logs(), 40))
		}
	})
}

// String describes the server as in "slapd 2.5.13 process".
func (s *Server) String() string {
	if s.Kind == Memory || s.Kind == DS389 {
		return s.backend.describe()
	}
	return "slapd " + s.Version + " " + s.backend.describe()
}

// Logs returns everything that slapd wrote since the start.
func (s *Server) Logs() string { return s.backend.logs(context.Background()) }

// Stop ends the server in good order. Its port and its data stay, for
// [Server.Restart].
func (s *Server) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return s.backend.stop(ctx)
}

// Restart stops the server if it runs, starts it with the same port and data,
// and waits until it answers.
func (s *Server) Restart() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.backend.stop(ctx); err != nil {
		return err
	}
	if err := s.backend.start(ctx); err != nil {
		return err
	}
	return s.ready(ctx)
}

// Pause freezes the server: connections stay and get no answer.
func (s *Server) Pause() error { return s.backend.freeze(context.Background(), true) }

// Resume lets a frozen server go on.
func (s *Server) Resume() error { return s.backend.freeze(context.Background(), false) }

// Close ends the server and removes all that belongs to it.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return errors.Join(s.backend.remove(ctx), os.RemoveAll(s.dir))
}

// directory is the kind's name in the tally.
func (k Kind) directory() tally.Directory {
	switch k {
	case Container:
		return tally.Container
	case Memory:
		return tally.Memdir
	case DS389:
		return tally.DS389
	case Process:
	}
	return tally.Slapd
}

func preferredKind() Kind {
	if _, err := findInstallation(); err != nil {
		return Container
	}
	return Process
}

// run makes one attempt to start a server, which may be a member of a pair.
func run(ctx context.Context, options Options, m *member) (_ *Server, err error) {
	if options.Kind == "" {
		options.Kind = preferredKind()
	}
	if options.Kind == DS389 {
		if _, err := findDS389(); err != nil { // As below.
			return nil, err
		}
	}
	if options.Kind == Container {
		// Building the image takes a minute or two, once per machine; that is not
		// part of a start and must not use up its time.
		if _, err := findEngine(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "rest2ldap-slapd-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	var port string
	if m != nil {
		port = m.port
	} else if port, err = freePort(ctx); err != nil {
		return nil, err
	}

	clearURL := ""
	if options.Clear {
		second, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		clearURL = "ldap://" + net.JoinHostPort("127.0.0.1", second)
	}

	site, err := newSite(dir, options, m)
	if err != nil {
		return nil, err
	}
	var b backend
	switch options.Kind {
	case Process:
		b, err = newProcess(site, port, clearURL)
	case Container:
		b, err = newContainer(ctx, site, port)
	case Memory:
		b = newMemory(site, port)
	case DS389:
		b, err = newDS389(ctx, site, port)
	default:
		err = fmt.Errorf("unknown kind %q", options.Kind)
	}
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", port)
	s := &Server{
		Kind:            options.Kind,
		URL:             "ldaps://" + address,
		Address:         address,
		ClearURL:        clearURL,
		CA:              site.ca,
		CAFile:          filepath.Join(dir, caFile),
		CAPool:          site.ca.Pool(),
		BaseDN:          exampledata.BaseDN,
		RootDN:          RootDN,
		RootPassword:    site.rootPassword,
		ServiceDN:       exampledata.ServiceDN,
		ServicePassword: exampledata.ServicePassword,
		dir:             dir,
		backend:         b,
	}
	if options.Kind == DS389 {
		s.RootDN = DirectoryManager
	}
	err = b.start(ctx)
	if err == nil {
		err = s.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.remove(context.WithoutCancel(ctx)))
	}
	if found := bannerPattern.FindStringSubmatch(b.logs(ctx)); found != nil {
		s.Version = found[1]
	}
	return s, nil
}

// bannerPattern finds the version in the first line that slapd writes.
var bannerPattern = regexp.MustCompile(`OpenLDAP: slapd ([0-9.]+)`)

// errPortTaken means that the chosen port went to someone else.
var errPortTaken = errors.New("the port is taken")

// ready waits until the server completes a TLS handshake. Its socket takes
// connections earlier than that.
func (s *Server) ready(ctx context.Context) error {
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: time.Second},
		Config:    &tls.Config{RootCAs: s.CAPool, MinVersion: tls.VersionTLS12},
	}
	for {
		// A port that somebody else took must not pass for ours.
		if s.backend.exited(ctx) {
			logs := s.backend.logs(ctx)
			if strings.Contains(logs, "errno=98") || strings.Contains(logs, "Address already in use") {
				return errPortTaken
			}
			return fmt.Errorf("slapd ended before it answered:\n%s", tail(logs, 20))
		}
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		conn, err := dialer.DialContext(attempt, "tcp", s.Address)
		cancel()
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("slapd did not answer in time: %w:\n%s", err, tail(s.backend.logs(context.WithoutCancel(ctx)), 20))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// freePort returns a port that nobody listens on at the moment.
func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// tail returns the last n lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
