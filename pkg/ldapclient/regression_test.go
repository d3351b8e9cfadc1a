package ldapclient_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// several are six entries, whose order tells.
func several(r *fakeldap.Request, from, to int) {
	for i := from; i <= to; i++ {
		r.Entry(fmt.Sprintf("uid=%d,%s", i, r.DN), "uid", fmt.Sprint(i))
	}
}

// order is the uids of entries.
func order(entries []*directory.Entry) string {
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Value("uid"))
	}
	return strings.Join(all, " ")
}

// onFake makes a client of a server that answers searches by a script.
func onFake(t *testing.T, search fakeldap.Script) (*fakeldap.Server, *ldapclient.Client) {
	t.Helper()
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		switch r.Name {
		case "search":
			search(r)
		case "abandon":
		default:
			r.Done(0)
		}
	})
	return server, fakeClient(t, server, nil)
}

// bothSorts runs a test with a search that shares its connection, and with one that does not.
func bothSorts(t *testing.T, test func(t *testing.T, req *directory.SearchRequest)) {
	t.Helper()
	bounded := everybody()
	bounded.SizeLimit = 32
	for name, req := range map[string]*directory.SearchRequest{"Bounded": bounded, "List": everybody()} {
		t.Run(name, func(t *testing.T) {
			leakFree(t)
			test(t, req)
		})
	}
}

// What clients of LDAP have got wrong before, under the names of the experiments that showed
// it: a search that is cut short and looks complete, a panic, and a wait without an end.
func TestRegressions(t *testing.T) {
	for id, test := range map[string]func(t *testing.T){
		"E3": closedConnection, "E4": emptyControls, "E4b": onlyAnID, "E4c": policyWithoutValue, "E5": pausedReader,
		"E7": stalledReader, "E8": cancelledAfterOne, "E9": noticeOfDisconnection, "E10": neverAnswered, "E11": cutInTheMiddle,
		"E11b": idIsNoInteger, "H1": bigChangeNobodyReads, "H2": closeWhileNobodyReads,
	} {
		t.Run(id, test)
	}
}

// A search on a closed connection is an error or goes to another one; it is not empty.
func closedConnection(t *testing.T) {
	bothSorts(t, func(t *testing.T, req *directory.SearchRequest) {
		server, client := onFake(t, func(r *fakeldap.Request) { several(r, 1, 6); r.Done(0) })
		for i := range 3 {
			entries, _, err := collect(within(t, 0), client.As(as("a")), req)
			if got := order(entries); got != "1 2 3 4 5 6" || err != nil {
				t.Errorf("%d: %q, %v", i, got, err)
			}
			server.CloseAll()
		}
		if err := client.Close(within(t, 0)); err != nil {
			t.Error(err)
		}
		entries, _, err := collect(within(t, 0), client.As(as("a")), req)
		kindOf(t, err, fault.Unavailable, "")
		if len(entries) != 0 {
			t.Errorf("%d entries of a closed client", len(entries))
		}
	})
}

// An entry whose controls are an empty sequence is an entry. What no sequence of controls is
// ends the search with an error.
func emptyControls(t *testing.T) {
	bothSorts(t, func(t *testing.T, req *directory.SearchRequest) {
		var broken atomic.Bool
		_, client := onFake(t, func(r *fakeldap.Request) {
			several(r, 1, 3)
			controls := fakeldap.Element(0xa0)
			if broken.Load() {
				controls = fakeldap.Element(0xa0, fakeldap.Element(0x30))
			}
			r.Send(fakeldap.Element(0x30, fakeldap.Integer(0x02, r.ID), fakeldap.Entry("uid=4", "uid", "4"), controls).Bytes())
			several(r, 5, 6)
			r.Done(0)
		})
		entries, _, err := collect(within(t, 0), client.As(as("a")), req)
		if got := order(entries); got != "1 2 3 4 5 6" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		broken.Store(true)
		entries, _, err = collect(within(t, 0), client.As(as("a")), req)
		kindOf(t, err, fault.BadGateway, "malformedAnswer")
		if len(entries) != 0 {
			t.Errorf("%d entries", len(entries))
		}
	})
}

// A message that has an id and nothing else.
func onlyAnID(t *testing.T) {
	bothSorts(t, func(t *testing.T, req *directory.SearchRequest) {
		_, client := onFake(t, func(r *fakeldap.Request) {
			several(r, 1, 3)
			r.Send(fakeldap.Element(0x30, fakeldap.Integer(0x02, r.ID)).Bytes())
		})
		entries, _, err := collect(within(t, 0), client.As(as("a")), req)
		kindOf(t, err, fault.BadGateway, "malformedAnswer")
		if len(entries) != 0 {
			t.Errorf("%d entries", len(entries))
		}
	})
}

// The control of the password policy without a value, with the answer to a bind.
func policyWithoutValue(t *testing.T) {
	leakFree(t)
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		r.Send(fakeldap.Message(r.ID, r.Result(0), fakeldap.Element(0x30, fakeldap.Octets(0x04, "1.3.6.1.4.1.42.2.27.8.5.1"))))
	})
	client := fakeClient(t, server, nil)
	_, err := client.Authenticate(within(t, 0), userDN("a"), "x", nil)
	kindOf(t, err, fault.BadGateway, "malformedAnswer")
	if n := server.Count("bind"); n != 1 {
		t.Errorf("%d binds", n)
	}
}

// A caller that pauses in the middle gets every entry, in order.
func pausedReader(t *testing.T) {
	bothSorts(t, func(t *testing.T, req *directory.SearchRequest) {
		server, client := onFake(t, func(r *fakeldap.Request) { several(r, 1, 6); r.Done(0) })
		var entries []*directory.Entry
		_, err := client.As(as("a")).Search(within(t, 0), req, func(entry *directory.Entry) error {
			if entries = append(entries, entry); len(entries) == 1 {
				// Much happens meanwhile.
				if err := changes()["modify"](t.Context(), client.As(as("b"))); err != nil {
					t.Error(err)
				}
				server.Await(t, "modify", 1)
			}
			return nil
		})
		if got := order(entries); got != "1 2 3 4 5 6" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A caller that has stopped in the middle of a long list holds up neither a search of
// somebody else on the same server, nor the end of the client.
func stalledReader(t *testing.T) {
	leakFree(t)
	server, client := onFake(t, func(r *fakeldap.Request) {
		if r.Paged {
			several(r, 1, 500)
			r.DonePage("next")
			return
		}
		several(r, 1, 1)
		r.Done(0)
	})
	stalled, release := make(chan struct{}), make(chan struct{})
	outcome := make(chan error, 1)
	go func() {
		_, err := client.As(as("a")).Search(within(t, 0), everybody(), func(*directory.Entry) error {
			select {
			case <-stalled:
			default:
				close(stalled)
			}
			<-release
			return nil
		})
		outcome <- err
	}()
	<-stalled
	for range 100 {
		if entries, _, err := collect(within(t, 0), client.As(as("b")), read("b", "uid")); err != nil || len(entries) != 1 {
			t.Fatalf("%v, %v", entries, err)
		}
	}
	if n := server.Count("bind"); n != 2 {
		t.Errorf("%d connections", n)
	}
	if err := client.Close(within(t, 0)); err != nil {
		t.Error(err)
	}
	close(release)
	kindOf(t, <-outcome, fault.Unavailable, "")
}

// A caller that goes away in the middle of an answer: the server is told, and stops.
func cancelledAfterOne(t *testing.T) {
	leakFree(t)
	var told atomic.Bool
	sent := make(chan int, 1)
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		switch r.Name {
		case "abandon":
			told.Store(true)
		case "search":
			go func() {
				n := 0
				for ; n < 1_000_000 && !told.Load(); n++ {
					r.Entry("uid=x,"+r.DN, "uid", "x")
				}
				sent <- n
			}()
		}
	})
	client := fakeClient(t, server, nil)
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() {
		_, _, err := collect(ctx, client.As(as("a")), everybody())
		outcome <- err
	}()
	id := server.Await(t, "search", 1)[0].ID
	cancel()
	kindOf(t, <-outcome, fault.Canceled, "")
	if got := server.Await(t, "abandon", 1)[0].Abandoned; got != id {
		t.Errorf("request %d was abandoned, not %d", got, id)
	}
	if n := <-sent; n == 1_000_000 {
		t.Error("it sent everything")
	}
}

// A notice of disconnection: its code is in the error, and its text not in the message.
func noticeOfDisconnection(t *testing.T) {
	bothSorts(t, func(t *testing.T, req *directory.SearchRequest) {
		_, client := onFake(t, func(r *fakeldap.Request) { several(r, 1, 2); r.Send(notice()); r.Close() })
		entries, _, err := collect(within(t, 0), client.As(as("a")), req)
		kindOf(t, err, fault.Unavailable, "directoryUnreachable")
		silent(t, err)
		if !strings.Contains(err.Error(), "result 52") || len(entries) != 0 {
			t.Errorf("%d entries, %v", len(entries), err)
		}
	})
}

// A server that takes requests and never answers, and a caller without a deadline.
func neverAnswered(t *testing.T) {
	const deadline = 30 * time.Second // That of an operation whose context has none.
	synctest.Test(t, func(t *testing.T) {
		session, server := adopt(t, true)
		go swallow(server)
		begun := time.Now()
		_, _, err := collect(context.Background(), session, read("a", "uid"))
		kindOf(t, err, fault.Timeout, "directoryTimeout")
		if spent := time.Since(begun); spent != deadline {
			t.Errorf("it took %s", spent)
		}
	})
}

// The connection ends in the middle of an answer: by a close, by a reset, and by a length that
// cannot be. What came before is not a result.
func cutInTheMiddle(t *testing.T) {
	for name, cut := range map[string]fakeldap.Script{
		"Close":  func(r *fakeldap.Request) { r.Close() },
		"Reset":  func(r *fakeldap.Request) { r.Reset() },
		"Length": func(r *fakeldap.Request) { r.Send([]byte("\x30\x84\xff\xff\xff\xff\x02\x01\x02")) },
	} {
		t.Run(name, func(t *testing.T) {
			bothSorts(t, func(t *testing.T, req *directory.SearchRequest) {
				var healed atomic.Bool
				server, client := onFake(t, func(r *fakeldap.Request) {
					if healed.Load() {
						several(r, 1, 6)
						r.Done(0)
						return
					}
					several(r, 1, 3)
					cut(r)
				})
				entries, result, err := collect(within(t, 0), client.As(as("a")), req)
				var e *fault.Error
				if !errors.As(err, &e) || len(entries) != 0 || result.More {
					t.Errorf("%d entries, %v", len(entries), err)
				}
				if n := server.Count("search"); n != 2 {
					t.Errorf("%d searches, want the first and one more", n)
				}
				healed.Store(true)
				time.Sleep(e.RetryAfter) //nolint:forbidigo // What the fault asks for.
				entries, _, err = collect(within(t, 0), client.As(as("a")), req)
				if got := order(entries); got != "1 2 3 4 5 6" || err != nil {
					t.Errorf("afterwards: %q, %v", got, err)
				}
			})
		})
	}
}

// A message whose id is a string.
func idIsNoInteger(t *testing.T) {
	bothSorts(t, func(t *testing.T, req *directory.SearchRequest) {
		_, client := onFake(t, func(r *fakeldap.Request) {
			several(r, 1, 3)
			r.Send(fakeldap.Element(0x30, fakeldap.Octets(0x04, "2"), r.Result(0)).Bytes())
		})
		entries, _, err := collect(within(t, 0), client.As(as("a")), req)
		kindOf(t, err, fault.BadGateway, "malformedAnswer")
		if len(entries) != 0 {
			t.Errorf("%d entries", len(entries))
		}
	})
}

// bigChange has more to write than goes anywhere before somebody reads it.
func bigChange(ctx context.Context, session directory.Session) error {
	_, err := session.Modify(ctx, &directory.ModifyRequest{DN: userDN("a"), Changes: []directory.Change{replaced("jpegPhoto", strings.Repeat("x", 8<<20))}})
	return err
}

// A change that the server does not even read ends with its time.
func bigChangeNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session, _ := adopt(t, false)
		const deadline = 500 * time.Millisecond
		spent, err := took(t, deadline, func(ctx context.Context) error { return bigChange(ctx, session) })
		kindOf(t, err, fault.Timeout, "unknownOutcome")
		if spent < deadline || spent > deadline+late {
			t.Errorf("it took %s", spent)
		}
	})
}

// The client ends at once although a change is being written that nobody reads.
func closeWhileNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := adoptClient(t, false)
		outcome := make(chan error, 1)
		go func() { outcome <- bigChange(context.Background(), client.Service()) }()
		synctest.Wait()
		spent, err := took(t, time.Minute, client.Close)
		if err != nil || spent > late {
			t.Errorf("it took %s: %v", spent, err)
		}
		kindOf(t, <-outcome, fault.Timeout, "unknownOutcome")
	})
}
