package ldapclient_test

import (
	"context"
	"slices"
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

// capabilities are those of a client's directory.
func capabilities(t *testing.T, client *ldapclient.Client) *directory.Capabilities {
	t.Helper()
	known, err := client.Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func TestDialects(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		want := "OpenLDAP"
		if server.Kind == slapd.Memory {
			want = "memdir"
		}
		if got := capabilities(t, newClient(t, server, nil)); got.Dialect != want || !got.Trial || !got.Assertion || !got.Sort || got.SubtreeDelete {
			t.Errorf("%+v", got)
		}
	})
}

// TestTrial tries changes of each kind: nothing changes, and what the directory would have
// refused it refuses.
func TestTrial(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		client := newClient(t, server, nil)
		admin := client.As(as("kvaughan"))
		trial := directory.WriteOptions{Trial: true}
		attempts := func(s directory.Session, uid string) map[string]error {
			_, modify := s.Modify(t.Context(), &directory.ModifyRequest{DN: userDN(uid), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "description", Values: []string{"tried"}}}, WriteOptions: trial})
			_, deletion := s.Delete(t.Context(), &directory.DeleteRequest{DN: userDN(uid), WriteOptions: trial})
			_, rename := s.ModifyDN(t.Context(), &directory.ModifyDNRequest{DN: userDN(uid), RDN: directory.RDN{{Type: "uid", Value: "tried"}}, WriteOptions: trial})
			return map[string]error{"modify": modify, "delete": deletion, "modifyDN": rename}
		}
		for name, err := range attempts(admin, "scarter") {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := admin.Add(t.Context(), &directory.AddRequest{DN: userDN("tried"), WriteOptions: trial, Attributes: []directory.Attribute{
			{Name: "objectClass", Values: []string{"inetOrgPerson"}}, {Name: "uid", Values: []string{"tried"}}, {Name: "cn", Values: []string{"T"}}, {Name: "sn", Values: []string{"T"}},
		}})
		if err != nil {
			t.Error(err)
		}
		entries, _, err := collect(t.Context(), admin, read("scarter", "uid", "description"))
		if err != nil || len(entries) != 1 || !slices.Equal(entries[0].Values("uid"), []string{"scarter"}) || entries[0].Value("description") == "tried" {
			t.Errorf("%+v, %v", entries, err)
		}
		_, _, err = collect(t.Context(), admin, read("tried", "uid"))
		kindOf(t, err, fault.NotFound, "")

		for name, err := range attempts(admin, "nobody") {
			if fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s of what is not there: %v", name, err)
			}
		}
		for name, err := range attempts(client.As(as("bjensen")), "scarter") {
			if fault.KindOf(err) != fault.Forbidden {
				t.Errorf("%s without a right: %v", name, err)
			}
		}
	})
}

// TestTrialElsewhere tries a change on servers that answer as others do, or cannot try.
func TestTrialElsewhere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		offered string
		code    int
		kind    fault.Kind
		sent    int
	}{
		{name: "Success", offered: ldapwire.OIDNoOpDraft, code: 0, sent: 1},
		{name: "NoOperation", offered: ldapwire.OIDNoOpDraft, code: ldapwire.NoOperation, sent: 1},
		{name: "OpenLDAPs", offered: ldapwire.OIDNoOp, code: ldapwire.NoOperation, sent: 1},
		{name: "Refused", offered: ldapwire.OIDNoOpDraft, code: 50, kind: fault.Forbidden, sent: 1},
		{name: "Missing", offered: "1.2.3", kind: fault.Unsupported},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(test.code) })
			server.Offer(append(fakeldap.Usual(), test.offered)...)
			_, err := fakeClient(t, server, nil).As(as("a")).Delete(within(t, 0), &directory.DeleteRequest{DN: userDN("a"), WriteOptions: directory.WriteOptions{Trial: true}})
			if (err == nil) != (test.kind == 0) || err != nil && fault.KindOf(err) != test.kind {
				t.Errorf("%v", err)
			}
			deletions := server.Requests("delete")
			if len(deletions) != test.sent || test.sent > 0 && !slices.Contains(deletions[0].Critical, test.offered) {
				t.Errorf("%d were sent", len(deletions))
			}
		})
	}
	t.Run("NotAsked", func(t *testing.T) {
		t.Parallel()
		server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(ldapwire.NoOperation) })
		_, err := fakeClient(t, server, nil).As(as("a")).Delete(within(t, 0), &directory.DeleteRequest{DN: userDN("a")})
		kindOf(t, err, fault.Internal, "directoryError")
	})
	// Nothing changes, so that a lost answer is no unknown outcome, and it is tried again.
	t.Run("Lost", func(t *testing.T) {
		t.Parallel()
		server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Close() })
		server.Offer(append(fakeldap.Usual(), ldapwire.OIDNoOp)...)
		_, err := fakeClient(t, server, nil).As(as("a")).Modify(within(t, 0), &directory.ModifyRequest{DN: userDN("a"), Revision: "1", WriteOptions: directory.WriteOptions{Trial: true}})
		kindOf(t, err, fault.Unavailable, "directoryUnreachable")
		if n := server.Count("modify"); n != 2 || server.Count("search") != 0 {
			t.Errorf("%d were sent", n)
		}
	})
}

func TestSubtreeDelete(t *testing.T) {
	t.Parallel()
	remove := func(t *testing.T, server *fakeldap.Server) error {
		t.Helper()
		_, err := fakeClient(t, server, nil).As(as("a")).Delete(within(t, 0), &directory.DeleteRequest{DN: userDN("a"), Subtree: true})
		return err
	}
	t.Run("Sent", func(t *testing.T) {
		t.Parallel()
		server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(0) })
		server.Offer(append(fakeldap.Usual(), ldapwire.OIDSubtreeDelete)...)
		if err := remove(t, server); err != nil {
			t.Fatal(err)
		}
		if got := server.Requests("delete")[0].Critical; !slices.Contains(got, ldapwire.OIDSubtreeDelete) || !slices.Contains(got, ldapwire.OIDProxiedAuthorization) {
			t.Errorf("%q", got)
		}
	})
	t.Run("Missing", func(t *testing.T) {
		t.Parallel()
		server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(0) })
		kindOf(t, remove(t, server), fault.Unsupported, "unavailableCriticalExtension")
		if n := server.Count("delete"); n != 0 {
			t.Errorf("%d were sent", n)
		}
	})
}

// TestRelax changes what only the server itself may change.
func TestRelax(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Rules: `access to attrs=creatorsName by dn.exact="` + userDN("kvaughan").String() + `" manage by * break` + "\n"})
	client := newClient(t, server, nil)
	admin := client.As(as("kvaughan"))
	change := &directory.ModifyRequest{DN: userDN("scarter"), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "creatorsName", Values: []string{userDN("bjensen").String()}}}}
	_, err := admin.Modify(t.Context(), change)
	kindOf(t, err, fault.Invalid, "")
	change.Relax = true
	if _, err := admin.Modify(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if entries, _, err := collect(t.Context(), admin, read("scarter", "creatorsName")); err != nil || entries[0].Value("creatorsName") != userDN("bjensen").String() {
		t.Errorf("%+v, %v", entries, err)
	}
	_, err = client.As(as("bjensen")).Modify(t.Context(), change)
	kindOf(t, err, fault.Forbidden, "")
}

// TestSearchControls asks for parts of a result, of its entries, and of what is known of
// them. The directory in memory has none of these, and says so.
func TestSearchControls(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		client := newClient(t, server, nil)
		known := capabilities(t, client)
		admin := client.As(as("kvaughan"))
		search := func(t *testing.T, has bool, req *directory.SearchRequest) ([]*directory.Entry, directory.SearchResult) {
			t.Helper()
			entries, result, err := collect(t.Context(), admin, req)
			if !has {
				kindOf(t, err, fault.Unsupported, "unavailableCriticalExtension")
				t.Skipf("the server does not have it")
			}
			if err != nil {
				t.Fatal(err)
			}
			return entries, result
		}
		t.Run("ReturnValues", func(t *testing.T) {
			req := read("bjensen", "cn", "sn")
			req.ReturnValues = []directory.Filter{directory.Equal("cn", "babs jensen")}
			entries, _ := search(t, known.ReturnValues, req)
			if len(entries) != 1 || !slices.Equal(entries[0].Values("cn"), []string{"Babs Jensen"}) || len(entries[0].Values("sn")) != 0 {
				t.Errorf("%+v", entries)
			}
			// In pages too.
			req = &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Equal("uid", "bjensen"), Attributes: []string{"cn"}, ReturnValues: req.ReturnValues}
			if entries, _ = search(t, known.ReturnValues, req); len(entries) != 1 || !slices.Equal(entries[0].Values("cn"), []string{"Babs Jensen"}) {
				t.Errorf("%+v", entries)
			}
		})
		t.Run("Original", func(t *testing.T) {
			req := read("bjensen", "cn")
			req.Original = true
			if entries, _ := search(t, known.Original, req); len(entries) != 1 {
				t.Errorf("%+v", entries)
			}
		})
		t.Run("View", func(t *testing.T) {
			req := &directory.SearchRequest{
				Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), Attributes: []string{"uid"},
				Sort: []directory.SortKey{{Attribute: "uid", Rule: "caseIgnoreOrderingMatch"}},
				View: &directory.View{Before: 1, After: 2, Value: "bjensen"},
			}
			entries, result := search(t, known.Views, req)
			var ids []string
			for _, entry := range entries {
				ids = append(ids, entry.Value("uid"))
			}
			if len(ids) != 4 || ids[1] != "bjensen" || !slices.IsSorted(ids) {
				t.Errorf("%q", ids)
			}
			if result.View == nil || result.View.Count < exampledata.DefaultUsers || result.View.Position < 2 {
				t.Errorf("%+v", result.View)
			}
		})
	})
}

// TestUsability asks whether an account can be used. OpenLDAP tells who may compare the
// password.
func TestUsability(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{Rules: `access to attrs=userPassword by dn.exact="` + userDN("kvaughan").String() + `" =cxw by * break` + "\n"})
	client := newClient(t, server, nil)
	ask := func(t *testing.T, who, scope string) *directory.Usability {
		t.Helper()
		req := read("scarter", "uid")
		if scope == "list" {
			req = &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Equal("uid", "scarter"), Attributes: []string{"uid"}}
		}
		req.Usability = true
		entries, _, err := collect(t.Context(), client.As(as(who)), req)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%+v, %v", entries, err)
		}
		return entries[0].Usability
	}
	for _, scope := range []string{"base", "list"} {
		if got := ask(t, "kvaughan", scope); got == nil || !got.Usable || got.Expires >= 0 {
			t.Errorf("%+v", got)
		}
		if got := ask(t, "bjensen", scope); got != nil {
			t.Errorf("it told anybody: %+v", got)
		}
	}
	for range 5 {
		_, err := client.Authenticate(t.Context(), userDN("scarter"), "wrong", nil)
		kindOf(t, err, fault.Unauthenticated, "")
	}
	if got := ask(t, "kvaughan", "base"); got == nil || got.Usable || got.Unlock <= 0 || got.Unlock > 5*time.Minute {
		t.Errorf("%+v", got)
	}
}

// TestSortRefused has a server say what is wrong with a sort key, and that it did not sort.
func TestSortRefused(t *testing.T) {
	t.Parallel()
	reason := fakeldap.Element(0x30, fakeldap.Integer(0x0a, 16), fakeldap.Octets(0x80, "uid"))
	view := fakeldap.Element(0x30, fakeldap.Integer(0x02, 0), fakeldap.Integer(0x02, 9), fakeldap.Integer(0x0a, 61))
	for _, test := range []struct {
		name   string
		answer func(r *fakeldap.Request)
		view   *directory.View
		kind   fault.Kind
		detail fault.Detail
	}{
		{"Refused", func(r *fakeldap.Request) { r.DoneWith(18, ldapwire.OIDSortResponse, reason) }, nil, fault.Invalid, fault.Detail{Kind: "inappropriateMatching", Attribute: "uid"}},
		{"NotSorted", func(r *fakeldap.Request) { r.DoneWith(0, ldapwire.OIDSortResponse, reason) }, nil, fault.Invalid, fault.Detail{Kind: "noSuchAttribute", Attribute: "uid"}},
		{"NotAWord", func(r *fakeldap.Request) { r.Done(0) }, nil, fault.BadGateway, fault.Detail{Kind: "malformedAnswer"}},
		{"Nonsense", func(r *fakeldap.Request) { r.DoneWith(0, ldapwire.OIDSortResponse, fakeldap.Octets(0x04, "x")) }, nil, fault.BadGateway, fault.Detail{Kind: "malformedAnswer"}},
		{"NoView", func(r *fakeldap.Request) {
			r.DoneWith(0, ldapwire.OIDSortResponse, fakeldap.Element(0x30, fakeldap.Integer(0x0a, 0)))
		}, &directory.View{Offset: 1}, fault.BadGateway, fault.Detail{Kind: "malformedAnswer"}},
		{"ViewRefused", func(r *fakeldap.Request) { r.DoneWith(76, ldapwire.OIDViewResponse, view) }, &directory.View{Offset: 1}, fault.Invalid, fault.Detail{Kind: "virtualListViewError"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, func(r *fakeldap.Request) {
				r.Entry("uid=b,dc=example,dc=com", "uid", "b")
				r.Entry("uid=a,dc=example,dc=com", "uid", "a")
				test.answer(r)
			})
			server.Offer(append(fakeldap.Usual(), ldapwire.OIDSort, ldapwire.OIDView)...)
			entries, _, err := collect(within(t, 0), fakeClient(t, server, nil).As(as("a")), &directory.SearchRequest{
				Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid"), Attributes: []string{"uid"}, SizeLimit: 10,
				Sort: []directory.SortKey{{Attribute: "uid"}}, View: test.view,
			})
			kindOf(t, err, test.kind, test.detail.Kind)
			var e *fault.Error
			if asFault(err, &e) && e.Detail.Attribute != test.detail.Attribute || len(entries) != 0 {
				t.Errorf("%v, %d entries", err, len(entries))
			}
		})
	}
}

// TestReadIsCritical asks for the entry after a change: by a critical control where the
// server lists it, else by one that it may pass over.
func TestReadIsCritical(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{true, false} {
		server := fakeldap.Start(t, func(r *fakeldap.Request) { r.Done(0) })
		if !listed {
			server.Offer(ldapwire.OIDProxiedAuthorization)
		}
		_, err := fakeClient(t, server, nil).As(as("a")).Modify(within(t, 0), &directory.ModifyRequest{DN: userDN("a"), WriteOptions: directory.WriteOptions{Read: []string{"cn"}}})
		if err != nil {
			t.Fatal(err)
		}
		r := server.Requests("modify")[0]
		if !slices.Contains(r.Controls, ldapwire.OIDPostRead) || slices.Contains(r.Critical, ldapwire.OIDPostRead) != listed {
			t.Errorf("listed %t: %q, critical %q", listed, r.Controls, r.Critical)
		}
	}
}

// TestTransactionID sends the id of the caller's transaction with every request, to servers
// that take it.
func TestTransactionID(t *testing.T) {
	t.Parallel()
	type key struct{}
	id := func(ctx context.Context) string { id, _ := ctx.Value(key{}).(string); return id }
	for _, listed := range []bool{true, false} {
		server := fakeldap.Start(t, func(r *fakeldap.Request) {
			if r.Name != "abandon" {
				r.Done(0)
			}
		})
		if listed {
			server.Offer(append(fakeldap.Usual(), ldapwire.OIDTransactionID)...)
		}
		client := fakeClient(t, server, func(o *ldapclient.Options) { o.TransactionID = id })
		ctx := context.WithValue(within(t, 0), key{}, "t-1")
		s := client.As(as("a"))
		_, _, _ = collect(ctx, s, read("a", "cn"))
		_, _, _ = collect(ctx, s, &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid")})
		_, _ = s.Delete(ctx, &directory.DeleteRequest{DN: userDN("a")})
		_, _ = s.Modify(ctx, &directory.ModifyRequest{DN: userDN("a")})
		_, _ = s.Compare(ctx, &directory.CompareRequest{DN: userDN("a"), Attribute: "cn", Value: "a"})
		_, _ = s.ModifyPassword(ctx, &directory.PasswordRequest{DN: userDN("a"), New: "n"})
		_, _ = s.WhoAmI(ctx, nil)
		for _, name := range []string{"search", "delete", "modify", "compare", "extended"} {
			requests := server.Requests(name)
			if len(requests) == 0 {
				t.Errorf("no %s came", name)
			}
			for _, r := range requests {
				if got := r.Values[ldapwire.OIDTransactionID]; listed && got != "t-1" || !listed && slices.Contains(r.Controls, ldapwire.OIDTransactionID) {
					t.Errorf("%s, listed %t: %q", name, listed, got)
				}
			}
		}
		if _, _, err := collect(within(t, 0), s, read("b", "cn")); err != nil {
			t.Fatal(err)
		}
		if last := server.Requests("search"); slices.Contains(last[len(last)-1].Controls, ldapwire.OIDTransactionID) {
			t.Error("an id came that nobody had")
		}
	}
}

// F_35: a referral is an error of its own, whatever the operation, and nobody follows it.
func TestReferral(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, func(r *fakeldap.Request) {
		r.Send(fakeldap.Message(r.ID, fakeldap.Element(r.Tag(), fakeldap.Integer(0x0a, 10), fakeldap.Octets(0x04, ""), fakeldap.Octets(0x04, fakeldap.Secret),
			fakeldap.Element(0xa3, fakeldap.Octets(0x04, "ldaps://127.0.0.1:1/"), fakeldap.Octets(0x04, "ldaps://127.0.0.1:2/")))))
	})
	client := fakeClient(t, server, nil)
	s := client.As(as("a"))
	list := &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("uid")}
	for name, run := range map[string]func() error{
		"read":   func() error { _, _, err := collect(within(t, 0), s, read("a", "cn")); return err },
		"list":   func() error { _, _, err := collect(within(t, 0), s, list); return err },
		"walk":   func() error { _, _, err := s.Walk(list).Next(within(t, 0), 5); return err },
		"add":    func() error { _, err := s.Add(within(t, 0), &directory.AddRequest{DN: userDN("a")}); return err },
		"modify": func() error { _, err := s.Modify(within(t, 0), &directory.ModifyRequest{DN: userDN("a")}); return err },
		"delete": func() error { _, err := s.Delete(within(t, 0), &directory.DeleteRequest{DN: userDN("a")}); return err },
		"modifyDN": func() error {
			_, err := s.ModifyDN(within(t, 0), &directory.ModifyDNRequest{DN: userDN("a")})
			return err
		},
		"compare": func() error {
			_, err := s.Compare(within(t, 0), &directory.CompareRequest{DN: userDN("a"), Attribute: "cn"})
			return err
		},
		"extended": func() error { _, err := s.Extended(within(t, 0), &directory.ExtendedRequest{OID: "1.2"}); return err },
		"modifyPassword": func() error {
			_, err := s.ModifyPassword(within(t, 0), &directory.PasswordRequest{DN: userDN("a"), New: "x"})
			return err
		},
		"whoAmI":       func() error { _, err := s.WhoAmI(within(t, 0), nil); return err },
		"authenticate": func() error { _, err := client.Authenticate(within(t, 0), userDN("a"), "x", nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			err := run()
			kindOf(t, err, fault.BadGateway, "referral")
			silent(t, err)
		})
	}
	t.Run("bind", func(t *testing.T) {
		t.Parallel()
		refers := fakeldap.StartWithBind(t, func(r *fakeldap.Request) { r.Done(10) }, answer)
		_, _, err := collect(within(t, 0), fakeClient(t, refers, nil).As(as("a")), read("a", "cn"))
		kindOf(t, err, fault.BadGateway, "referral")
	})
}
