package integration_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// TestSlowReaders has 32 clients read long lists at 1 KiB/s. The directory does not notice: a
// plain LDAP client that has just come is answered all the time. When each of them held a
// search open, 16 would freeze slapd, which has as many threads; see TestStalledSearches.
func TestSlowReaders(t *testing.T) {
	const readers = 32
	server := slapd.Start(t, slapd.Options{Users: soak.Size(10_000, 100_000), CallerSizeLimit: slapd.Unlimited, LogLevel: "none"})
	g := start(t, server, settings{set: []string{"directory.pool.max=128", "limits.queries=64", "limits.queryTimeout=5m"}})
	ctx, cancel := context.WithCancel(t.Context())
	var (
		begun atomic.Int32
		work  sync.WaitGroup
	)
	for range readers {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: g.trust()}}
		t.Cleanup(client.CloseIdleConnections)
		work.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/api/users?"+params("_queryFilter", "true").Encode(), http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			req.SetBasicAuth("kvaughan", exampledata.Password("kvaughan"))
			response, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("status %d", response.StatusCode)
			}
			begun.Add(1)
			for ctx.Err() == nil {
				if _, err := io.CopyN(io.Discard, response.Body, 1<<10); err != nil {
					if ctx.Err() == nil {
						t.Errorf("the list broke off: %v", err)
					}
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		})
	}
	if !eventually(func() bool { return begun.Load() == readers || t.Failed() }) {
		t.Errorf("%d of %d lists have begun", begun.Load(), readers)
	}
	for range soak.Size(200, 5000) {
		if err := look(server, patience); err != nil {
			t.Fatalf("slapd, asked directly: %v", err)
		}
		g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
	}
	t.Logf(soak.Mark+"%d readers, %d looks", readers, soak.Size(200, 5000))
	cancel()
	work.Wait()
	if err := look(server, patience); err != nil {
		t.Error(err)
	}
}

// patience is how long a client waits that is to be answered.
const patience = 20 * time.Second

// look is what a plain LDAP client does that has just come.
func look(server *slapd.Server, patience time.Duration) error {
	conn, err := ldap.DialURL(server.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12}), ldap.DialWithDialer(&net.Dialer{Timeout: patience}))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	conn.SetTimeout(patience)
	if err := conn.Bind(server.RootDN, server.RootPassword); err != nil {
		return err
	}
	_, err = conn.Search(ldap.NewSearchRequest(exampledata.Person{ID: "bjensen"}.DN(), ldap.ScopeBaseObject, 0, 1, 0, false, "(objectClass=*)", nil, nil))
	return err
}

// TestStalledSearches is the control of TestSlowReaders: as many LDAP clients that ask for all
// entries and read none of them freeze slapd for everybody, until they go.
func TestStalledSearches(t *testing.T) {
	server := slapd.Start(t, slapd.Options{Users: 10_000, CallerSizeLimit: slapd.Unlimited, LogLevel: "none"})
	var stalled []net.Conn
	for range 32 {
		conn, err := tls.Dial("tcp", server.Address, &tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		request := ldapwire.AppendBind(nil, 1, directory.MustParseDN(server.RootDN), server.RootPassword)
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 256)); err != nil {
			t.Fatal(err)
		}
		stalled = append(stalled, conn)
	}
	if err := look(server, patience); err != nil {
		t.Fatal(err)
	}
	for _, conn := range stalled {
		request := ldapwire.AppendSearch(nil, 2, &directory.SearchRequest{Base: directory.MustParseDN(exampledata.BaseDN), Scope: directory.ScopeSubtree, Filter: directory.Present("objectClass"), Attributes: []string{"*", "+"}})
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
	}
	if !eventually(func() bool { return look(server, 5*time.Second) != nil }) {
		t.Error("slapd answers beside 32 searches that nobody reads: what TestSlowReaders shows would be nothing special")
	}
	for _, conn := range stalled {
		_ = conn.Close()
	}
	if !eventually(func() bool { return look(server, patience) == nil }) {
		t.Error("slapd does not recover")
	}
}
