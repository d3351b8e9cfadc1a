package slapd

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/tally"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

// Replication says how two servers get the changes of each other.
type Replication struct {
	// Mirror has both servers take changes, and each get those of the other. Otherwise only the
	// first takes any.
	Mirror bool
	// Through returns the URL at which the server at an address is reached by the other one: that
	// of a way on which changes can be held back. Nil is its own. It is asked once for each
	// server, and again when another process takes a chosen port.
	Through func(address string) string
}

// Pair are two processes of slapd that hold the same data, by its own replication (syncrepl, RFC
// 4533). They have one authority and the same passwords. The number of the server that took a
// change is in the entryCSN of the entry: 001 or 002.
type Pair struct {
	First, Second *Server
}

// member is what makes a server one of a pair.
type member struct {
	// ID is its number.
	ID int
	// Provider is the URL of whom it gets changes from; "" when it gets none.
	Provider string
	// Mirror tells that it takes changes nevertheless.
	Mirror bool

	port         string
	ca           *testcert.CA
	rootPassword string
}

// isEmpty reports whether a server gets its data from another one.
func (m *member) isEmpty() bool { return m != nil && m.ID > 1 }

// StartPair starts two servers for the duration of a test, and waits until the second one has the
// data of the first. The options are those of both; their kind is [Process].
func StartPair(tb testing.TB, options Options, r Replication) *Pair {
	tb.Helper()
	options.Kind = Process
	var pair *Pair
	err := errPortTaken
	for i := 0; i < attempts && errors.Is(err, errPortTaken); i++ {
		pair, err = runPair(tb.Context(), options, r)
	}
	switch {
	case errors.Is(err, ErrUnavailable):
		tally.Missing(tb, Process.directory(), err)
	case err != nil:
		tb.Fatalf("slapd: %v", err)
	}
	for _, server := range []*Server{pair.First, pair.Second} {
		tb.Cleanup(func() {
			if err := server.Close(); err != nil {
				tb.Error(err)
			}
		})
		server.Use(tb)
	}
	pair.Settle(tb)
	return pair
}

// runPair makes one attempt to start a pair.
func runPair(ctx context.Context, options Options, r Replication) (*Pair, error) {
	ca, err := testcert.NewCA()
	if err != nil {
		return nil, err
	}
	var members [2]*member
	var urls [2]string
	for i := range members {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		address := net.JoinHostPort("127.0.0.1", port)
		urls[i] = "ldaps://" + address
		if r.Through != nil {
			urls[i] = r.Through(address)
		}
		members[i] = &member{ID: i + 1, Mirror: r.Mirror, port: port, ca: ca}
	}
	members[1].Provider = urls[0]
	if r.Mirror {
		members[0].Provider = urls[1]
	}
	members[0].rootPassword = rand.Text()
	members[1].rootPassword = members[0].rootPassword
	first, err := run(ctx, options, members[0])
	if err != nil {
		return nil, err
	}
	second, err := run(ctx, options, members[1])
	if err != nil {
		return nil, errors.Join(err, first.Close())
	}
	return &Pair{first, second}, nil
}

// Settle waits until both servers have the same entries, each changed last by the same change. One
// that was killed, and not stopped, may never tell the other of its last changes.
func (p *Pair) Settle(tb testing.TB) {
	tb.Helper()
	deadline := time.Now().Add(startTimeout)
	for {
		first, err := p.First.state()
		second, otherErr := p.Second.state()
		if err == nil && otherErr == nil && len(first) > 0 && slices.Equal(first, second) {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("the servers do not agree: %d entries, %v; %d entries, %v", len(first), err, len(second), otherErr)
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // Nothing tells when slapd has done it.
	}
}

// state is all entries that the server has, with their last changes.
func (s *Server) state() ([]string, error) {
	conn, err := ldap.DialURL(s.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: s.CAPool, MinVersion: tls.VersionTLS12}))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Bind(s.RootDN, s.RootPassword); err != nil {
		return nil, err
	}
	found, err := conn.Search(ldap.NewSearchRequest(s.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"entryCSN"}, nil))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, entry := range found.Entries {
		all = append(all, entry.DN+" "+entry.GetAttributeValue("entryCSN"))
	}
	slices.Sort(all)
	return all, nil
}
