package fakeldap

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// The account whose bind the server takes, with any password.
const (
	ServiceDN = "cn=service,dc=example,dc=com"
	Password  = "service"
)

// Script is what the server does about a request. It is called for one request of a
// connection after the other; as long as it runs the next one is not read. An Unbind is
// not given to it.
type Script func(r *Request)

// Server is the server.
type Server struct {
	// URL is the server's, ldaps://127.0.0.1 and a port.
	URL string
	// CAPool trusts its certificate; CA is the same in PEM.
	CAPool *x509.CertPool
	CA     []byte

	listener net.Listener
	bind     Script
	script   Script
	work     sync.WaitGroup
	whoAmI   atomic.Pointer[string]
	offers   atomic.Pointer[[]string]
	contexts atomic.Pointer[[]string]
	checks   atomic.Pointer[[2]int]

	mu       sync.Mutex // guards the fields below
	closed   bool
	conns    []net.Conn
	requests []*Request
	changed  chan struct{} // closed when there is one more request
}

// Start starts a server that ends with the test.
func Start(tb testing.TB, script Script) *Server {
	tb.Helper()
	return StartWithBind(tb, func(r *Request) { r.Done(0) }, script)
}

// StartWithBind is as Start, with a script for the binds of ServiceDN.
func StartWithBind(tb testing.TB, bind, script Script) *Server {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return StartOn(tb, listener, bind, script)
}

// StartNamed is as Start, with a certificate for that name.
func StartNamed(tb testing.TB, name string, script Script) *Server {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return start(tb, listener, testcert.Leaf{Hosts: []string{name}}, func(r *Request) { r.Done(0) }, script)
}

// StartOn is as StartWithBind, behind a listener of the test's. The certificate is for
// 127.0.0.1 and localhost.
func StartOn(tb testing.TB, inner net.Listener, bind, script Script) *Server {
	tb.Helper()
	return start(tb, inner, testcert.Leaf{}, bind, script)
}

func start(tb testing.TB, inner net.Listener, leaf testcert.Leaf, bind, script Script) *Server {
	tb.Helper()
	ca, err := testcert.NewCA()
	if err != nil {
		tb.Fatal(err)
	}
	pair, err := ca.Issue(leaf)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		tb.Fatal(err)
	}
	listener := tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	s := &Server{URL: "ldaps://" + listener.Addr().String(), CAPool: ca.Pool(), CA: ca.PEM(), listener: listener, bind: bind, script: script, changed: make(chan struct{})}
	s.work.Go(s.accept)
	tb.Cleanup(s.close)
	return s
}

// SeeAs has the server see somebody else when it is asked who nobody in particular is, as
// one does that passes over the control.
func (s *Server) SeeAs(authzID string) { s.whoAmI.Store(&authzID) }

// Offer has the server tell that it has those controls, and no others. Without it the server
// has the ones that most tests need.
func (s *Server) Offer(oids ...string) { s.offers.Store(&oids) }

// HasContexts has the server tell its naming contexts, which it does not by itself.
func (s *Server) HasContexts(names ...string) { s.contexts.Store(&names) }

// CheckWith has the server answer with those codes when it is asked who nobody in particular
// is, and to a search of the root DSE for somebody else.
func (s *Server) CheckWith(whoAmI, search int) { s.checks.Store(&[2]int{whoAmI, search}) }

// CloseAll ends the connections that there are.
func (s *Server) CloseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		_ = conn.Close()
	}
}

func (s *Server) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.work.Wait()
}

func (s *Server) accept() {
	for {
		accepted, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		conn, ok := accepted.(*tls.Conn)
		if !ok || s.closed {
			_ = accepted.Close()
			s.mu.Unlock()
			return
		}
		s.conns = append(s.conns, conn)
		number := len(s.conns)
		s.mu.Unlock()
		s.work.Go(func() { s.serve(conn, number) })
	}
}

func (s *Server) serve(conn *tls.Conn, number int) {
	defer conn.Close()
	var writing sync.Mutex
	requests := bufio.NewReader(conn) // Packets are read byte by byte.
	for {
		packet, err := ber.ReadPacket(requests)
		if err != nil {
			return
		}
		r := newRequest(packet)
		r.Conn, r.conn, r.mu = number, conn, &writing
		isRoot := r.Name == "search" && (r.DN == "" || r.DN == subschema)
		if isRoot {
			r.Name = "schema"
		}
		if r.nobody {
			r.Name = "check"
		}
		s.note(r)
		switch {
		case r.Name == "unbind":
			return
		case isRoot && r.Values[oidProxy] != "":
			r.Done(s.refusal())
		case isRoot:
			s.describe(r)
		case r.nobody && s.checks.Load() != nil:
			r.Done(s.checks.Load()[0])
		case r.nobody:
			r.whoAmI(s.whoAmI.Load())
		case r.Name == "bind" && r.DN == ServiceDN:
			s.bind(r)
		default:
			s.script(r)
		}
	}
}

// refusal is the answer to a search of the root DSE for somebody else.
func (s *Server) refusal() int {
	switch checks := s.checks.Load(); {
	case checks != nil:
		return checks[1]
	case s.whoAmI.Load() != nil:
		return 0 // The control is passed over.
	}
	return 123
}

const subschema = "cn=Subschema"

// Usual are the controls that a server has without Offer: paging, proxied authorization,
// assertion, pre-read, post-read and permissive modify.
func Usual() []string {
	return []string{OIDPaging, oidProxy, "1.3.6.1.1.12", "1.3.6.1.1.13.1", "1.3.6.1.1.13.2", "1.2.840.113556.1.4.1413"}
}

// schema are the attributes of persons and groups (RFC 4512 §4.1.2), and the revision.
func schema() []string {
	const text, names, octets = "1.3.6.1.4.1.1466.115.121.1.15", "1.3.6.1.4.1.1466.115.121.1.12", "1.3.6.1.4.1.1466.115.121.1.40"
	definitions := []string{
		"( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 )",
		"( 1.3.6.1.4.1.4203.666.1.7 NAME 'entryCSN' SYNTAX " + text + " )",
		"( 2.5.4.31 NAME 'member' EQUALITY distinguishedNameMatch SYNTAX " + names + " )",
		"( 0.9.2342.19200300.100.1.10 NAME 'manager' EQUALITY distinguishedNameMatch SYNTAX " + names + " )",
		"( 0.9.2342.19200300.100.1.60 NAME 'jpegPhoto' SYNTAX " + octets + " )",
	}
	for name, oid := range map[string]string{
		"cn": "2.5.4.3", "sn": "2.5.4.4", "givenName": "2.5.4.42", "description": "2.5.4.13", "telephoneNumber": "2.5.4.20",
		"uid": "0.9.2342.19200300.100.1.1", "mail": "0.9.2342.19200300.100.1.3",
	} {
		definitions = append(definitions, "( "+oid+" NAME '"+name+"' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX "+text+" )")
	}
	return definitions
}

// describe answers for the server itself.
func (s *Server) describe(r *Request) {
	if r.DN == subschema {
		var definitions []string
		for _, definition := range schema() {
			definitions = append(definitions, "attributeTypes", definition)
		}
		r.Entry(subschema, definitions...)
		r.Done(0)
		return
	}
	attributes := []string{"objectClass", "top", "subschemaSubentry", subschema}
	offered := Usual()
	if chosen := s.offers.Load(); chosen != nil {
		offered = *chosen
	}
	for _, oid := range offered {
		attributes = append(attributes, "supportedControl", oid)
	}
	if contexts := s.contexts.Load(); contexts != nil {
		for _, name := range *contexts {
			attributes = append(attributes, "namingContexts", name)
		}
	}
	r.Entry("", attributes...)
	r.Done(0)
}

func (s *Server) note(r *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	close(s.changed)
	s.changed = make(chan struct{})
}

// patience is how long Await waits for what is about to come.
const patience = 10 * time.Second

// Requests returns the requests of that name so far, in the order in which they came.
func (s *Server) Requests(name string) []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*Request
	for _, r := range s.requests {
		if r.Name == name {
			found = append(found, r)
		}
	}
	return found
}

// Count returns how many requests of that name came so far.
func (s *Server) Count(name string) int { return len(s.Requests(name)) }

// Await waits until that many requests of that name have come, and returns them. It
// fails the test when they do not.
func (s *Server) Await(tb testing.TB, name string, n int) []*Request {
	tb.Helper()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if found := s.Requests(name); len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-time.After(patience):
			tb.Fatalf("%d of %d requests %q came", s.Count(name), n, name)
		}
	}
}
