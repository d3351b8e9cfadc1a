package ldapclient_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

func everybody() *directory.SearchRequest {
	return &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), Attributes: []string{"uid"}}
}

// Several walks go on beside each other, each with its own place.
func TestWalk(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Users: 700, CallerSizeLimit: slapd.Unlimited})
	session := newClient(t, server, func(o *ldapclient.Options) { o.MaxConns, o.MaxWalks = 2, 3 }).As(as("kvaughan"))
	walks := []directory.Walk{session.Walk(everybody()), session.Walk(everybody()), session.Walk(everybody())}
	sizes := []int{7, 250, 600}
	seen := make([]map[string]bool, len(walks))
	counts := make([]int, len(walks))
	for open := len(walks); open > 0; {
		for i, w := range walks {
			if w == nil {
				continue
			}
			entries, more, err := w.Next(t.Context(), sizes[i])
			if err != nil || len(entries) > sizes[i] || w.Server() != server.Address {
				t.Fatalf("%d entries from %q: %v", len(entries), w.Server(), err)
			}
			for _, entry := range entries {
				if seen[i] == nil {
					seen[i] = make(map[string]bool)
				}
				seen[i][entry.DN] = true
				counts[i]++
			}
			if !more {
				open--
				walks[i] = nil
				if _, _, err := w.Next(t.Context(), 1); !errors.Is(err, fault.Internal) {
					t.Errorf("after the end: %v", err)
				}
			}
		}
	}
	for i := range walks {
		if counts[i] != 700 || len(seen[i]) != 700 {
			t.Errorf("steps of %d: %d entries, %d of them different", sizes[i], counts[i], len(seen[i]))
		}
	}
	// All connections have come back.
	for range 3 {
		if _, _, err := collect(t.Context(), session, everybody()); err != nil {
			t.Error(err)
		}
	}
}

func TestF_31WalkBeyondTheLimit(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Users: 700})
	w := newClient(t, server, nil).As(as("kvaughan")).Walk(everybody())
	defer w.Close()
	count := 0
	for {
		entries, more, err := w.Next(t.Context(), 200)
		count += len(entries)
		if err != nil {
			kindOf(t, err, fault.TooLarge, "sizeLimit")
			break
		}
		if !more {
			t.Error("the limit of 500 was passed over")
			break
		}
	}
	if count != 400 {
		t.Errorf("%d entries before the error", count)
	}
}

// paged serves pages of the size that is asked for.
func paged(r *fakeldap.Request) {
	if r.Name != "search" {
		return
	}
	r.Entry(fmt.Sprintf("uid=%d,%s", len(r.Cookie), r.DN), "uid", "x")
	r.DonePage(r.Cookie + "+")
}

func TestF_32WalkFaults(t *testing.T) {
	leakFree(t)
	for name, test := range map[string]struct {
		steps  int // that go well
		do     fakeldap.Script
		kind   fault.Kind
		detail string
	}{
		"NoPages":      {0, func(r *fakeldap.Request) { r.Entry("uid=x,"+r.DN, "uid", "x"); r.Done(0) }, fault.BadGateway, "malformedAnswer"},
		"TooMany":      {0, func(r *fakeldap.Request) { r.Entry("uid=x," + r.DN); r.Entry("uid=y," + r.DN); r.DonePage("+") }, fault.BadGateway, "malformedAnswer"},
		"Lost":         {2, func(r *fakeldap.Request) { r.Close() }, fault.Unavailable, "directoryUnreachable"},
		"LostAfterOne": {2, func(r *fakeldap.Request) { r.Entry("uid=x," + r.DN); r.Close() }, fault.Unavailable, "directoryUnreachable"},
		"Forgotten":    {2, func(r *fakeldap.Request) { r.Done(2) }, fault.Internal, "directoryError"},
		"SameAgain":    {2, func(r *fakeldap.Request) { r.Entry("uid=1," + r.DN); r.DonePage("again") }, fault.BadGateway, "malformedAnswer"},
		"FromTheStart": {3, func(r *fakeldap.Request) { r.Entry("uid=0," + r.DN); r.DonePage("+") }, fault.BadGateway, "malformedAnswer"},
		"SizeLimit":    {1, func(r *fakeldap.Request) { r.Entry("uid=x," + r.DN); r.Done(4) }, fault.TooLarge, "sizeLimit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			searches := 0
			server := fakeldap.Start(t, func(r *fakeldap.Request) {
				if searches++; searches > test.steps {
					test.do(r)
					return
				}
				paged(r)
			})
			w := fakeClient(t, server, nil).As(as("a")).Walk(everybody())
			for i := range test.steps {
				if entries, more, err := w.Next(within(t, 0), 1); err != nil || !more || len(entries) != 1 {
					t.Fatalf("step %d: %d entries, %t, %v", i, len(entries), more, err)
				}
			}
			entries, more, err := w.Next(within(t, 0), 1)
			kindOf(t, err, test.kind, test.detail)
			if len(entries) > 0 || more {
				t.Errorf("%d entries beside the error", len(entries))
			}
			if _, _, err := w.Next(within(t, 0), 1); !errors.Is(err, fault.Internal) {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

// A connection that died while nobody used it is no fault of the walk.
func TestWalkBeginsOnADeadConnection(t *testing.T) {
	leakFree(t)
	searches := 0
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		if searches++; searches == 1 {
			r.Close()
			return
		}
		paged(r)
	})
	w := fakeClient(t, server, nil).As(as("a")).Walk(everybody())
	defer w.Close()
	entries, more, err := w.Next(within(t, 0), 1)
	if err != nil || !more || len(entries) != 1 {
		t.Errorf("%d entries, %t, %v", len(entries), more, err)
	}
}

// The walk begins elsewhere when the server of a dead connection loses the next one, too.
func TestWalkBeginsElsewhere(t *testing.T) {
	leakFree(t)
	bad := fakeldap.Start(t, func(r *fakeldap.Request) {
		if r.Name == "search" && r.DN == people.String() {
			r.Close()
			return
		}
		behave(r)
	})
	good := fakeldap.Start(t, paged)
	client := fakeClient(t, bad, func(o *ldapclient.Options) {
		o.Servers = append(o.Servers, ldapclient.Server{URL: good.URL})
		o.TLS.RootCAs = trust(t, bad, good)
	})
	if _, _, err := collect(within(t, 0), client.As(as("a")), read("a", "uid")); err != nil { // So that the server is not down.
		t.Fatal(err)
	}
	w := client.As(as("a")).Walk(everybody())
	defer w.Close()
	entries, _, err := w.Next(within(t, 0), 1)
	if err != nil || len(entries) != 1 || w.Server() != strings.TrimPrefix(good.URL, "ldaps://") {
		t.Errorf("%d entries from %s, %v", len(entries), w.Server(), err)
	}
}

// The directory sorts, by several keys and as the caller.
func TestSortedSearch(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Users: 700})
	session := newClient(t, server, nil).As(as("kvaughan"))
	req := everybody()
	req.Attributes = []string{"uidNumber"}
	req.Sort = []directory.SortKey{{Attribute: "uidNumber", Reverse: true}}
	for _, limit := range []int{3, 40, 500} {
		req.SizeLimit = limit
		entries, result, err := collect(t.Context(), session, req)
		if err != nil || !result.More || len(entries) != limit {
			t.Fatalf("%d entries, %+v, %v", len(entries), result, err)
		}
		for i, entry := range entries[:3] {
			if want := fmt.Sprint(2674 - i); entry.Value("uidNumber") != want {
				t.Errorf("%d: %s, want %s", i, entry.Value("uidNumber"), want)
			}
		}
	}
	for _, limit := range []int{0, 501} {
		req.SizeLimit = limit
		_, _, err := collect(t.Context(), session, req)
		kindOf(t, err, fault.TooLarge, "sizeLimit")
	}
	req.Sort = []directory.SortKey{{Attribute: "mail"}}
	_, _, err := collect(t.Context(), session, req)
	kindOf(t, err, fault.Invalid, "inappropriateMatching")
}

// The room that there is for walks between their steps is nobody else's: changes have as many
// connections as without it, whether walks are at rest or not, and those that were opened while
// they were end when the walks go on.
func TestRoomForWalks(t *testing.T) {
	h := &holding{}
	onNetwork(t, plan{script: func(server int, r *fakeldap.Request) {
		paged(r)
		if r.Name != "search" {
			h.answer(server, r)
		}
	}, options: func(o *ldapclient.Options) {
		o.MaxConns, o.MaxWalks, o.AcquireTimeout, o.OperationTimeout = 3, 2, time.Hour, time.Hour
	}}, func(t *testing.T, n *network) {
		var walks []directory.Walk
		next := func(w directory.Walk) {
			t.Helper()
			if _, _, err := w.Next(t.Context(), 1); err != nil {
				t.Error(err)
			}
		}
		for range 4 {
			h.release = make(chan struct{})
			var work sync.WaitGroup
			for range 10 {
				work.Go(func() { n.put(t, "a") })
			}
			synctest.Wait()
			if held := h.held.Swap(0); held != 2 {
				t.Errorf("%d walks are at rest, and %d changes at work", len(walks), held)
			}
			for _, w := range walks {
				next(w)
			}
			close(h.release)
			work.Wait()
			h.held.Store(0)
			if len(walks) < 2 {
				walks = append(walks, n.As(as("a")).Walk(everybody()))
				next(walks[len(walks)-1])
			}
		}
		for _, w := range walks {
			w.Close()
		}
		synctest.Wait()
		if got := n.Stats()[0]; got.Open > 3 || got.Limit != 5 {
			t.Errorf("at the end: %+v", got)
		}
	})
}
