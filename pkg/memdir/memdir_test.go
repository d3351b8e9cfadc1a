package memdir_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// The data of the tests.
const (
	suffix       = "dc=example,dc=com"
	rootDN       = "cn=Manager," + suffix
	rootPassword = "manager"
	peopleDN     = "ou=People," + suffix
	serviceDN    = "cn=rest2ldap," + suffix
	servicePass  = "service"
	// people is how many there are below peopleDN.
	people = 40
)

func person(n int) string { return fmt.Sprintf("uid=u%02d,%s", n, peopleDN) }

// data is LDIF with one service account and the people.
func data() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dn: %s\nobjectClass: domain\ndc: example\n\n", suffix)
	fmt.Fprintf(&b, "dn: %s\nobjectClass: organizationalUnit\nou: People\n\n", peopleDN)
	fmt.Fprintf(&b, "dn: %s\nobjectClass: person\ncn: rest2ldap\nsn: service\nuserPassword: %s\nauthzTo: dn.onelevel:%s\n\n", serviceDN, servicePass, peopleDN)
	for n := range people {
		fmt.Fprintf(&b, "dn: %s\nobjectClass: inetOrgPerson\nuid: u%02d\ncn: User %d\nsn: User\nuserPassword: pw%02d\n\n", person(n), n, n, n)
	}
	return b.String()
}

// server is one that runs.
type server struct {
	*memdir.Server
	addr string
	pool *x509.CertPool
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
		Suffix: suffix, RootDN: rootDN, RootPassword: rootPassword, Rules: rules(),
		TLS: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	if change != nil {
		change(&options)
	}
	made, err := memdir.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	if err := made.Load(strings.NewReader(data())); err != nil {
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
	return &server{made, listener.Addr().String(), ca.Pool()}
}

func (d *server) tls() *tls.Config { return &tls.Config{RootCAs: d.pool, ServerName: "localhost"} }

// dial connects with an independent client.
func (d *server) dial(tb testing.TB) *ldap.Conn {
	tb.Helper()
	conn, err := ldap.DialURL("ldaps://"+d.addr, ldap.DialWithTLSConfig(d.tls()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// as connects as somebody.
func (d *server) as(tb testing.TB, dn, password string) *ldap.Conn {
	tb.Helper()
	conn := d.dial(tb)
	if err := conn.Bind(dn, password); err != nil {
		tb.Fatal(err)
	}
	return conn
}

// raw is a connection on which a test sends octets.
type raw struct {
	tb     testing.TB
	net    *tls.Conn
	reader *ldapwire.Reader
}

func (d *server) raw(tb testing.TB) *raw {
	tb.Helper()
	conn, err := tls.Dial("tcp", d.addr, d.tls())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // A test that hangs is to fail.
	return &raw{tb, conn, ldapwire.NewReader(conn, 1<<20)}
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
