package ldapclient_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// refusing starts a server that says that it has controls, and refuses those when they are
// critical.
func refusing(t *testing.T, refused func(r *fakeldap.Request, oid string) bool) *fakeldap.Server {
	t.Helper()
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		code := 0
		if slices.ContainsFunc(r.Critical, func(oid string) bool { return refused(r, oid) }) {
			code = 12
		} else if r.Name == "search" {
			r.Entry(r.DN, "cn", "A")
		}
		r.Done(code)
	})
	server.Offer(append(fakeldap.Usual(), ldapwire.OIDSort, ldapwire.OIDSubtreeDelete)...)
	return server
}

// F_34: a control that the server lists and does not have is missing from then on, until the
// capabilities are read again: what needs it is refused without being sent.
func TestMissingControl(t *testing.T) {
	t.Parallel()
	var mended atomic.Bool
	server := refusing(t, func(_ *fakeldap.Request, oid string) bool {
		return (oid == ldapwire.OIDAssertion || oid == ldapwire.OIDSort) && !mended.Load()
	})
	client := fakeClient(t, server, func(o *ldapclient.Options) { o.Refresh = time.Hour })
	s := client.As(as("a"))
	filter := directory.Equal("entryCSN", "1")
	guarded := func() error {
		_, err := s.Modify(within(t, 0), &directory.ModifyRequest{DN: userDN("a"), WriteOptions: directory.WriteOptions{Assert: &filter}})
		return err
	}
	sorted := func() error {
		_, _, err := collect(within(t, 0), s, &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid"), SizeLimit: 5, Sort: []directory.SortKey{{Attribute: "uid"}}})
		return err
	}
	if known := capabilities(t, client); !known.Assertion || !known.Sort {
		t.Fatalf("%+v", known)
	}
	for range 3 {
		kindOf(t, guarded(), fault.Unsupported, "unavailableCriticalExtension")
		kindOf(t, sorted(), fault.Unsupported, "unavailableCriticalExtension")
	}
	if changes, searches := server.Count("modify"), server.Count("search"); changes != 1 || searches != 1 {
		t.Errorf("%d modifications and %d searches were sent", changes, searches)
	}
	if known := capabilities(t, client); known.Assertion || known.Sort || !known.ReadEntry || !known.SubtreeDelete {
		t.Errorf("%+v", known)
	}
	// What does not need it goes on.
	if _, err := s.Modify(within(t, 0), &directory.ModifyRequest{DN: userDN("a")}); err != nil {
		t.Error(err)
	}
	mended.Store(true)
	ldapclient.Refresh(client)
	for deadline := time.Now().Add(long); !capabilities(t, client).Assertion && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) //nolint:forbidigo // It happens in the background.
	}
	if err := guarded(); err != nil {
		t.Error(err)
	}
}

// F_34: a request makes sense without a control that is optional, so that it is sent again
// without it, and the next one at once. Nothing had happened.
func TestOptionalControl(t *testing.T) {
	t.Parallel()
	for _, refused := range []string{ldapwire.OIDPostRead, ldapwire.OIDPermissiveModify} {
		server := refusing(t, func(_ *fakeldap.Request, oid string) bool { return oid == refused })
		s := fakeClient(t, server, nil).As(as("a"))
		filter := directory.Equal("entryCSN", "1")
		for range 3 {
			_, err := s.Modify(within(t, 0), &directory.ModifyRequest{DN: userDN("a"), Permissive: true, WriteOptions: directory.WriteOptions{Assert: &filter, Read: []string{"cn"}}})
			if err != nil {
				t.Errorf("%s: %v", refused, err)
			}
		}
		changes := server.Requests("modify")
		if n := len(changes); n > 2+2+1 {
			t.Errorf("%s: %d were sent", refused, n)
		}
		last := changes[len(changes)-1].Critical
		for _, oid := range []string{ldapwire.OIDAssertion, ldapwire.OIDPostRead, ldapwire.OIDPermissiveModify} {
			if slices.Contains(last, oid) != (oid != refused) {
				t.Errorf("%s: the last one has %q", refused, last)
			}
		}
	}
}

// F_33, F_34: a directory without pages is asked for a list in one piece, and for a walk not
// at all.
func TestNoPages(t *testing.T) {
	t.Parallel()
	server := refusing(t, func(_ *fakeldap.Request, oid string) bool { return oid == ldapwire.OIDPaging })
	client := fakeClient(t, server, nil)
	s := client.As(as("a"))
	req := &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid"), Attributes: []string{"cn"}}
	_, _, err := s.Walk(req).Next(within(t, 0), 10)
	kindOf(t, err, fault.Unsupported, "unavailableCriticalExtension")
	for range 2 {
		if entries, _, err := collect(within(t, 0), s, req); err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
	}
	sent := server.Count("search")
	_, _, err = s.Walk(req).Next(within(t, 0), 10)
	kindOf(t, err, fault.Unsupported, "")
	if n := server.Count("search"); n != sent || n > 4 {
		t.Errorf("%d searches, %d before", n, sent)
	}
}

// A part of a directory may be in a database of its own, which has other features.
func TestMissingControlOfOneContext(t *testing.T) {
	t.Parallel()
	server := refusing(t, func(r *fakeldap.Request, oid string) bool {
		return oid == ldapwire.OIDSubtreeDelete && slices.Contains([]string{"dc=remote,dc=example,dc=com", "ou=a,dc=remote,dc=example,dc=com"}, r.DN)
	})
	server.HasContexts("dc=example,dc=com", "dc=remote,dc=example,dc=com")
	s := fakeClient(t, server, nil).As(as("a"))
	remove := func(name string) error {
		_, err := s.Delete(within(t, 0), &directory.DeleteRequest{DN: directory.MustParseDN(name), Subtree: true})
		return err
	}
	if err := remove("ou=a,dc=example,dc=com"); err != nil {
		t.Error(err)
	}
	for range 2 {
		kindOf(t, remove("ou=a,dc=remote,dc=example,dc=com"), fault.Unsupported, "unavailableCriticalExtension")
		kindOf(t, remove("dc=remote,dc=example,dc=com"), fault.Unsupported, "unavailableCriticalExtension")
	}
	if n := server.Count("delete"); n != 2 {
		t.Errorf("%d were sent", n)
	}
}

// slapd has a control for the deletion of subtrees that none of its databases takes; sorting
// is not for entries of its own.
func TestRefusedOfContext(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	client := newClient(t, server, nil)
	s := client.As(as("kvaughan"))
	dn := newcomer(t, s, "passing")
	tree := directory.Control{OID: ldapwire.OIDSubtreeDelete, Critical: true}
	for range 2 {
		_, err := s.Delete(t.Context(), &directory.DeleteRequest{DN: dn, WriteOptions: directory.WriteOptions{Controls: []directory.Control{tree}}})
		kindOf(t, err, fault.Unsupported, "unavailableCriticalExtension")
	}
	root := &directory.SearchRequest{Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), SizeLimit: 1, Sort: []directory.SortKey{{Attribute: "uid"}}}
	_, _, _ = collect(t.Context(), s, root)
	if known := capabilities(t, client); !known.Sort {
		t.Error("what is refused for the root DSE says nothing about the data")
	}
}

// What the servers do not have in common cannot be had: a request may go to any of them.
func TestServersDiffer(t *testing.T) {
	t.Parallel()
	sorts, second := fakeldap.Start(t, find), fakeldap.Start(t, find)
	sorts.Offer(append(fakeldap.Usual(), ldapwire.OIDSort)...)
	first := newGate(t, sorts, through)
	client := fakeClient(t, sorts, func(o *ldapclient.Options) {
		o.Servers = []ldapclient.Server{{URL: first.url}, {URL: second.URL}}
		o.TLS.RootCAs = trust(t, sorts, second)
	})
	if !capabilities(t, client).Sort {
		t.Fatal("the only server that is known sorts")
	}
	first.state.Store(hangUp)
	sorts.CloseAll()
	if _, _, err := collect(within(t, 0), client.As(as("a")), read("a", "cn")); err != nil || second.Count("search") != 1 {
		t.Fatalf("the other server was not asked: %v", err)
	}
	first.state.Store(through)
	for deadline := time.Now().Add(long); capabilities(t, client).Sort; {
		if time.Now().After(deadline) {
			t.Fatal("the other server does not sort")
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // It happens in the background.
	}
}

// find finds an entry whatever is searched for.
func find(r *fakeldap.Request) {
	if r.Name == "search" {
		r.Entry("uid=a,"+r.DN, "cn", "A")
	}
	r.Done(0)
}

// logged keeps what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// F_46: each server is asked whether the control of proxied authorization arrives, before it
// serves anybody, and again whenever it comes back. One where it does not is not used.
func TestDroppedControlOfOneServer(t *testing.T) {
	t.Parallel()
	logs := &logged{}
	good, bad := fakeldap.Start(t, find), fakeldap.Start(t, find)
	bad.SeeAs("dn:" + fakeldap.ServiceDN)
	way := newGate(t, good, through)
	client := fakeClient(t, good, func(o *ldapclient.Options) {
		o.Servers = []ldapclient.Server{{URL: bad.URL}, {URL: way.url}}
		o.Logger = slog.New(slog.NewTextHandler(logs, nil))
		o.TLS.RootCAs = trust(t, good, bad)
	})
	s := client.As(as("a"))
	look := func() error { _, _, err := collect(within(t, 0), s, read("a", "cn")); return err }
	if err := look(); err != nil {
		t.Fatal(err)
	}
	if good.Count("search") != 1 || bad.Count("search") != 0 || bad.Count("check") == 0 {
		t.Errorf("%d and %d searches", good.Count("search"), bad.Count("search"))
	}
	if text := logs.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "must not be used") {
		t.Errorf("no alarm: %s", text)
	}
	// It is a way that was good until it was lost.
	checks := good.Count("check")
	good.SeeAs("dn:" + fakeldap.ServiceDN)
	good.CloseAll()
	for range 3 {
		kindOf(t, look(), fault.BadGateway, "proxiedAuthorization")
	}
	if good.Count("check") == checks || good.Count("search") != 1 {
		t.Errorf("%d checks, %d before; %d searches", good.Count("check"), checks, good.Count("search"))
	}
}

// A server that does not list the control is asked again what it can do, until it does.
func TestUnfitServerIsMended(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, find)
	server.Offer(fakeldap.OIDPaging)
	client := fakeClient(t, server, nil)
	kindOf(t, client.Check(within(t, 0)), fault.BadGateway, "proxiedAuthorization")
	if n := server.Count("check"); n != 0 {
		t.Errorf("%d requests were sent with a control that is not there", n)
	}
	server.Offer(fakeldap.Usual()...)
	for deadline := time.Now().Add(long); ; {
		err := client.Check(within(t, 0))
		if err == nil {
			break
		}
		kindOf(t, err, fault.BadGateway, "proxiedAuthorization")
		if time.Now().After(deadline) {
			t.Fatal("it does not come back")
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // It is tried again in the background.
	}
}

// F_46: a directory that cannot be asked who somebody is must refuse who makes no sense.
func TestDroppedControlWithoutWhoAmI(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		whoAmI, search int
		kind           fault.Kind
		detail         string
	}{
		{"Refused", 2, 123, 0, ""},
		{"PassedOver", 2, 0, fault.BadGateway, "proxiedAuthorization"},
		{"NotThere", 12, 12, fault.BadGateway, "proxiedAuthorization"},
		{"Denied", 123, 0, 0, ""},
		{"Busy", 51, 0, fault.Unavailable, "directoryUnreachable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, find)
			server.CheckWith(test.whoAmI, test.search)
			err := fakeClient(t, server, nil).Check(within(t, 0))
			if test.kind == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			kindOf(t, err, test.kind, test.detail)
		})
	}
}
