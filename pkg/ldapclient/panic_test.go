package ldapclient_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// bomb is a decoder that panics when it is used for the n-th time, once.
type bomb struct{ left atomic.Int64 }

func (b *bomb) decode() {
	if b.left.Add(-1) == 0 {
		panic("a fault of the decoder") //nolint:forbidigo // It is what is tested.
	}
}

// defused reports whether the decoder was not used so often, so that nothing happened.
func (b *bomb) defused() bool { return b.left.Swap(0) > 0 }

func newEvents() *events {
	return &events{counts: make(map[ldapclient.Event]int), waits: make(map[ldapclient.Event]time.Duration)}
}

// A panic while something that the directory sent is taken apart, wherever that is done, ends the
// connection that it came on, and nothing else. It is counted, and is told as an answer that makes
// no sense, unless the result counts without it.
func TestPanicInDecoding(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	happened, decoder := newEvents(), &bomb{}
	client := newClient(t, server, func(o *ldapclient.Options) { o.Tracer, o.Heartbeat = happened, time.Hour })
	ldapclient.OnDecode(client, decoder.decode)
	session := client.As(as("kvaughan"))
	sorted := everybody()
	sorted.Sort = []directory.SortKey{{Attribute: "uidNumber"}}
	part := everybody()
	part.Sort, part.View = sorted.Sort, &directory.View{After: 3, Offset: 1}
	search := func(req *directory.SearchRequest) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, _, err := collect(ctx, session, req); return err }
	}
	modify := func(attribute string, values ...string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := session.Modify(ctx, &directory.ModifyRequest{
				DN: userDN("bjensen"), Changes: []directory.Change{replaced(attribute, values...)},
				WriteOptions: directory.WriteOptions{Read: []string{"uid"}, Answer: new(directory.Answer)},
			})
			return err
		}
	}
	for name, test := range map[string]struct {
		run func(ctx context.Context) error
		// kind and detail are those of the fault; none is a result that counts nevertheless.
		kind   fault.Kind
		detail string
		// alone tells that the connection is nobody else's, and ends anyway.
		alone bool
	}{
		"Read":   {search(read("bjensen", "cn")), fault.BadGateway, "malformedAnswer", false},
		"List":   {search(everybody()), fault.BadGateway, "malformedAnswer", false},
		"Sorted": {search(sorted), fault.BadGateway, "malformedAnswer", false},
		"Part":   {search(part), fault.BadGateway, "malformedAnswer", false},
		"Walk": {func(ctx context.Context) error {
			walk := session.Walk(everybody())
			defer walk.Close()
			_, _, err := walk.Next(ctx, 5)
			return err
		}, fault.BadGateway, "malformedAnswer", false},
		"WhoAmI": {func(ctx context.Context) error { _, err := session.WhoAmI(ctx, nil); return err }, fault.BadGateway, "malformedAnswer", false},
		"Extended": {func(ctx context.Context) error {
			_, err := session.Extended(ctx, &directory.ExtendedRequest{OID: ldapwire.OIDWhoAmI, Reads: true})
			return err
		}, fault.BadGateway, "malformedAnswer", false},
		"Compare": {func(ctx context.Context) error {
			_, err := session.Compare(ctx, &directory.CompareRequest{DN: userDN("bjensen"), Attribute: "uid", Value: "bjensen", Answer: new(directory.Answer)})
			return err
		}, 0, "", false},
		"Modify":        {modify("description", "x"), 0, "", false},
		"ModifyRefused": {modify("sn"), fault.Invalid, "objectClassViolation", false},
		"ModifyPassword": {func(ctx context.Context) error {
			_, err := session.ModifyPassword(ctx, &directory.PasswordRequest{DN: userDN("scarter")})
			return err
		}, fault.Timeout, "unknownOutcome", false},
		"Authenticate": {func(ctx context.Context) error {
			_, err := client.Authenticate(ctx, userDN("bjensen"), exampledata.Password("bjensen"), nil)
			return err
		}, fault.BadGateway, "malformedAnswer", true},
	} {
		t.Run(name, func(t *testing.T) {
			for place := int64(1); ; place++ {
				warm(t, session)
				panics, ends := happened.count(ldapclient.PanicContained), happened.count(ldapclient.ConnectionDefunct)
				decoder.left.Store(place)
				err := test.run(within(t, 0))
				if decoder.defused() {
					if place == 1 {
						t.Error("nothing was taken apart")
					}
					break
				}
				if test.detail != "" {
					kindOf(t, err, test.kind, test.detail)
				} else if err != nil {
					t.Errorf("place %d: %v", place, err)
				}
				if progress := directory.OutcomeOf(err).Progress; test.kind == fault.BadGateway && progress != directory.ProtocolError {
					t.Errorf("place %d: the outcome is %v", place, progress)
				}
				if got := happened.count(ldapclient.PanicContained) - panics; got != 1 {
					t.Errorf("place %d: %d panics were counted", place, got)
				}
				for deadline := time.Now().Add(patience); !test.alone && happened.count(ldapclient.ConnectionDefunct) == ends; time.Sleep(time.Millisecond) { //nolint:forbidigo // Connections end in the background.
					if time.Now().After(deadline) {
						t.Fatalf("place %d: the connection lives on", place)
					}
				}
			}
		})
	}
	// While a connection is opened, and while the client finds out what the server can do.
	for place := int64(1); ; place++ {
		happened, decoder := newEvents(), &bomb{}
		client := newClient(t, server, func(o *ldapclient.Options) { o.Tracer, o.Heartbeat = happened, time.Hour })
		ldapclient.OnDecode(client, decoder.decode)
		decoder.left.Store(place)
		_, err := client.Capabilities(within(t, 0))
		if decoder.defused() {
			if place < 4 {
				t.Errorf("%d places are too few", place-1)
			}
			break
		}
		// The read may have gone over another connection, and the server counts as down when there
		// was none.
		if kind := fault.KindOf(err); err != nil && kind != fault.BadGateway && kind != fault.Unavailable {
			t.Errorf("place %d: %v", place, err)
		}
		if happened.count(ldapclient.PanicContained) != 1 {
			t.Errorf("place %d: %d panics were counted", place, happened.count(ldapclient.PanicContained))
		}
		for range 50 {
			if _, err = client.Capabilities(within(t, 0)); err == nil {
				break
			}
			var e *fault.Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			time.Sleep(e.RetryAfter) //nolint:forbidigo // What the fault asks for.
		}
		if err != nil {
			t.Errorf("place %d: %v", place, err)
		}
	}
}

// A control that makes no sense comes with a good answer: the connection is given up, and a search
// fails. Those after it have another connection.
func TestNonsenseInControls(t *testing.T) {
	var bad atomic.Bool
	onNetwork(t, plan{script: func(_ int, r *fakeldap.Request) {
		if bad.Swap(false) {
			r.Entry(r.DN, "uid", "a")
			r.DoneWith(0, ldapwire.OIDSortResponse, fakeldap.Octets(0x04, "nonsense"))
			return
		}
		answer(r)
	}}, func(t *testing.T, n *network) {
		n.get(t, "a")
		sorted := read("a", "uid")
		sorted.Sort = []directory.SortKey{{Attribute: "uid"}}
		bad.Store(true)
		_, _, err := collect(t.Context(), n.As(as("a")), sorted)
		kindOf(t, err, fault.BadGateway, "malformedAnswer")
		n.get(t, "a")
		n.put(t, "a")
		if got := n.count(ldapclient.ConnectionDefunct); got != 1 {
			t.Errorf("%d connections were given up", got)
		}
	})
}
