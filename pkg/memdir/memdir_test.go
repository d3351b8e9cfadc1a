package memdir_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// The data of the tests.
const (
	suffix   = exampledata.BaseDN
	rootDN   = slapd.RootDN
	peopleDN = exampledata.PeopleDN
	// people is how many the tests use, of whom nothing else in the data knows.
	people = 40
)

// users is how many people there are in the data.
func users() int { return len(exampledata.People()) + people }

// person is the n-th of the people that the tests use, counted from 0.
func person(n int) string { return exampledata.Generated(n + 1).DN() }

func password(n int) string { return exampledata.Generated(n + 1).Password }

// place is where a directory is.
type place struct {
	addr         string
	pool         *x509.CertPool
	rootPassword string
}

// both runs a test on memdir, and on OpenLDAP to see that the test is right: with a size
// limit for everybody but the root, 0 for the usual one.
func both(t *testing.T, limit int, test func(t *testing.T, d *place)) {
	t.Helper()
	t.Run("memdir", func(t *testing.T) {
		t.Parallel()
		test(t, start(t, func(o *memdir.Options) { o.Limits.SizeLimit = limit }).place)
	})
	t.Run("slapd", func(t *testing.T) {
		t.Parallel()
		s := slapd.Start(t, slapd.Options{Users: users(), CallerSizeLimit: limit})
		test(t, &place{s.Address, s.CAPool, s.RootPassword})
	})
}

// server is one that runs.
type server struct {
	*memdir.Server
	*place
}

// start starts a server that ends with the test.
func start(tb testing.TB, change func(*memdir.Options)) *server {
	tb.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		tb.Fatal(err)
	}
	pair, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		tb.Fatal(err)
	}
	options := memdir.Options{
		Suffix: suffix, RootDN: rootDN, RootPassword: "manager", Rules: rules(), Policy: memdir.Policy{MustChange: true},
		TLS: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	if change != nil {
		change(&options)
	}
	made, err := memdir.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	if err := made.Load(bytes.NewReader(exampledata.LDIF(users()))); err != nil {
		tb.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- made.Serve(listener) }()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := made.Shutdown(ctx); err != nil {
			tb.Error(err)
		}
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return &server{made, &place{listener.Addr().String(), ca.Pool(), "manager"}}
}

func (d *place) tls() *tls.Config { return &tls.Config{RootCAs: d.pool, ServerName: "localhost"} }

// dial connects with an independent client.
func (d *place) dial(tb testing.TB) *ldap.Conn {
	tb.Helper()
	conn, err := ldap.DialURL("ldaps://"+d.addr, ldap.DialWithTLSConfig(d.tls()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// as connects as somebody.
func (d *place) as(tb testing.TB, dn, password string) *ldap.Conn {
	tb.Helper()
	conn := d.dial(tb)
	if err := conn.Bind(dn, password); err != nil {
		tb.Fatal(err)
	}
	return conn
}

// raw is a connection on which a test sends octets.
type raw struct {
	place  *place
	tb     testing.TB
	net    *tls.Conn
	reader *ldapwire.Reader
}

func (d *place) raw(tb testing.TB) *raw {
	tb.Helper()
	conn, err := tls.Dial("tcp", d.addr, d.tls())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // A test that hangs is to fail.
	return &raw{d, tb, conn, ldapwire.NewReader(conn, 1<<20)}
}

func (r *raw) send(encoded ...[]byte) {
	r.tb.Helper()
	for _, part := range encoded {
		if _, err := r.net.Write(part); err != nil {
			r.tb.Fatal(err)
		}
	}
}

// read reads a message.
func (r *raw) read() *ldapwire.Message {
	r.tb.Helper()
	m, err := r.reader.Read()
	if err != nil {
		r.tb.Fatal(err)
	}
	return m
}

// result reads the end of an operation, and counts the entries before it.
func (r *raw) result(id int32) (result ldapwire.Result, entries int, m *ldapwire.Message) {
	r.tb.Helper()
	for {
		m := r.read()
		if m.ID != id {
			r.tb.Fatalf("message of %d, not %d", m.ID, id)
		}
		if m.Op == ldapwire.SearchResultEntry {
			entries++
			continue
		}
		result, err := m.Result()
		if err != nil {
			r.tb.Fatal(err)
		}
		return result, entries, m
	}
}

// ended checks that the server closed the connection.
func (r *raw) ended() {
	r.tb.Helper()
	if m, err := r.reader.Read(); !errors.Is(err, io.EOF) {
		r.tb.Errorf("%v, %v", m, err)
	}
}

// bind binds with message id 1.
func (r *raw) bind(dn, password string) {
	r.tb.Helper()
	r.send(bindRequest(1, dn, password))
	if result, _, _ := r.result(1); result.Code != 0 {
		r.tb.Fatalf("%+v", result)
	}
}

func (r *raw) bindRoot() { r.bind(rootDN, r.place.rootPassword) }

// code is the result code of an error of the independent client.
func code(err error) int {
	var result *ldap.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &result):
		return int(result.ResultCode)
	}
	return -1
}

func wantCode(tb testing.TB, what string, err error, want int) {
	tb.Helper()
	if got := code(err); got != want {
		tb.Errorf("%s: code %d, want %d: %v", what, got, want, err)
	}
}

// TestWithoutEquality: single values that nobody compares are neither added beside others nor
// deleted.
func TestWithoutEquality(t *testing.T) {
	t.Parallel()
	both(t, 0, func(t *testing.T, d *place) {
		root := d.as(t, rootDN, d.rootPassword)
		for _, step := range []struct {
			name   string
			change func(r *ldap.ModifyRequest)
			code   int
		}{
			{"First", func(r *ldap.ModifyRequest) { r.Add("jpegPhoto", []string{"a", "b"}) }, 0},
			{"Another", func(r *ldap.ModifyRequest) { r.Add("jpegPhoto", []string{"c"}) }, ldap.LDAPResultInappropriateMatching},
			{"Delete", func(r *ldap.ModifyRequest) { r.Delete("jpegPhoto", []string{"a"}) }, ldap.LDAPResultInappropriateMatching},
			{"Replace", func(r *ldap.ModifyRequest) { r.Replace("jpegPhoto", []string{"b"}) }, 0},
			{"DeleteAndAdd", func(r *ldap.ModifyRequest) { r.Delete("jpegPhoto", nil); r.Add("jpegPhoto", []string{"c"}) }, 0},
		} {
			request := ldap.NewModifyRequest(person(2), nil)
			step.change(request)
			wantCode(t, step.name, root.Modify(request), step.code)
		}
	})
}
