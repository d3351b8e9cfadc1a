package integration_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/soak"
)

// TestSlowReaders has 32 clients read long lists at 1 KiB/s. The directory does not notice: a
// plain LDAP client is answered all the time. When each of them held a search open, 16
// would freeze slapd, which has as many threads.
func TestSlowReaders(t *testing.T) {
	const readers = 32
	server := slapd.Start(t, slapd.Options{Users: soak.Size(10_000, 100_000), CallerSizeLimit: slapd.Unlimited, LogLevel: "none"})
	g := start(t, server, settings{set: []string{"directory.pool.max=128", "limits.queries=64", "limits.queryTimeout=5m"}})
	root := dialRoot(t, server)
	root.SetTimeout(20 * time.Second)
	look := func() error {
		_, err := root.Search(ldap.NewSearchRequest(exampledata.Person{ID: "bjensen"}.DN(), ldap.ScopeBaseObject, 0, 1, 0, false, "(objectClass=*)", nil, nil))
		return err
	}
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
		if err := look(); err != nil {
			t.Fatalf("slapd, asked directly: %v", err)
		}
		g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
	}
	cancel()
	work.Wait()
	if err := look(); err != nil {
		t.Error(err)
	}
}
