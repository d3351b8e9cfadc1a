package ldapclient_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// Searches share a quarter of the connections; those beyond what these carry wait, and leave
// room for changes.
func TestSharedConnectionsAreBounded(t *testing.T) {
	release := make(chan struct{})
	onNetwork(t, plan{script: func(_ int, r *fakeldap.Request) {
		if r.Name == "search" {
			go func() { <-release; answer(r) }()
			return
		}
		answer(r)
	}, options: func(o *ldapclient.Options) { o.MaxConns, o.MaxQueue, o.AcquireTimeout = 8, 1000, time.Hour }}, func(t *testing.T, n *network) {
		release = make(chan struct{})
		var work sync.WaitGroup
		for range 200 {
			work.Go(func() { n.get(t, "a") })
			synctest.Wait()
		}
		if open, asked := n.open(), n.searches()[0]; open != 2 || asked != 128 {
			t.Errorf("%d searches on %d connections", asked, open)
		}
		n.put(t, "a")
		close(release)
		work.Wait()
	})
}

// Walks that rest make room for other work up to their number, and none beyond.
func TestParkedWalksAreBounded(t *testing.T) {
	h := &holding{release: make(chan struct{})}
	onNetwork(t, plan{script: func(server int, r *fakeldap.Request) {
		paged(r)
		if r.Name != "search" {
			h.answer(server, r)
		}
	}, options: func(o *ldapclient.Options) {
		o.MaxConns, o.MaxWalks, o.AcquireTimeout, o.OperationTimeout = 4, 1, time.Hour, time.Hour
	}}, func(t *testing.T, n *network) {
		h.release = make(chan struct{})
		walks := make([]directory.Walk, 2)
		for i := range walks {
			walks[i] = n.As(as("a")).Walk(everybody())
			if _, _, err := walks[i].Next(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		var work sync.WaitGroup
		for range 5 {
			work.Go(func() { n.put(t, "a") })
		}
		synctest.Wait()
		if held := h.held.Load(); held != 2 { // Of three connections two rest, and one more is let in.
			t.Errorf("%d changes at work beside two walks at rest", held)
		}
		close(h.release)
		work.Wait()
		for _, w := range walks {
			w.Close()
		}
	})
}

// Close waits no longer than it is to, whatever hangs.
func TestCloseIsBounded(t *testing.T) {
	release := make(chan struct{})
	onNetwork(t, plan{options: func(o *ldapclient.Options) {
		o.Dial = func(context.Context, string) (net.Conn, error) { <-release; return nil, errors.New("too late") }
	}}, func(t *testing.T, n *network) {
		release = make(chan struct{})
		defer close(release)
		var work sync.WaitGroup
		work.Go(func() {
			if _, _, err := collect(t.Context(), n.As(as("a")), read("a")); err == nil {
				t.Error("there is an answer")
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if err := n.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
		work.Wait() // Who waited for the connection was told.
	})
}
