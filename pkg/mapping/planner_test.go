package mapping_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// shipped binds the shipped mapping to OpenLDAP's schema.
func shipped(t testing.TB) *planner {
	t.Helper()
	return newPlanner(t, &txtar.Archive{})
}

func (p *planner) at(t testing.TB, path string) *mapping.Target {
	t.Helper()
	target, err := p.locate(path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return target
}

// recorder answers every search with the same entries, and keeps the requests.
type recorder struct {
	requests []*directory.SearchRequest
	entries  []*directory.Entry
	err      error
}

func (r *recorder) find(_ context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
	r.requests = append(r.requests, req)
	return r.entries, r.err
}

// leaves counts the comparisons of a filter.
func leaves(f directory.Filter) int {
	if len(f.Children) == 0 {
		return 1
	}
	n := 0
	for _, child := range f.Children {
		n += leaves(child)
	}
	return n
}

func memberDN(i int) string { return fmt.Sprintf("uid=user%d,ou=People,dc=example,dc=com", i) }

// TestReferencesAreFetchedInBatches: a page costs one batch for a property, never one
// search for a row.
func TestReferencesAreFetchedInBatches(t *testing.T) {
	t.Parallel()
	target := shipped(t).at(t, "/groups")
	var page []*directory.Entry
	for g := range 10 {
		e := &directory.Entry{DN: fmt.Sprintf("cn=g%d,ou=Groups,dc=example,dc=com", g)}
		var members []string
		for m := range 100 {
			members = append(members, memberDN((g*50)+m)) // half of each are in the next one too
		}
		e.Attributes = []directory.Attribute{{Name: "cn", Values: []string{fmt.Sprint("g", g)}}, {Name: "uniqueMember", Values: members}}
		page = append(page, e)
	}
	encoder := target.Encoder(&mapping.Request{})
	r := &recorder{}
	if err := encoder.Resolve(t.Context(), r.find, page); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, req := range r.requests {
		sizes = append(sizes, leaves(req.Filter))
		if req.Scope != directory.ScopeOneLevel || req.Base.String() != "ou=People,dc=example,dc=com" || req.SizeLimit != 0 {
			t.Errorf("search %s", searchText(req))
		}
	}
	if diff := cmp.Diff([]int{200, 200, 150}, sizes); diff != "" {
		t.Errorf("550 different members in batches of (-want +got):\n%s", diff)
	}
}

// TestManyMembersAreLookedUpOnce: an id that is sent twice, in one batch or in two, names one
// resource, and so does one beside which its entry has another.
func TestManyMembersAreLookedUpOnce(t *testing.T) {
	t.Parallel()
	group := shipped(t).at(t, "/groups")
	var requests int
	find := func(_ context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
		requests++
		var found []*directory.Entry
		matcher := directory.NewMatcher(openLDAP(t))
		for i := range 300 {
			// Each entry has the id of the next one as a second value, which leads to that one.
			entry := &directory.Entry{DN: memberDN(i), Attributes: []directory.Attribute{{Name: "uid", Values: []string{fmt.Sprint("user", i), fmt.Sprint("user", i+1)}}}}
			if matches, err := matcher.Matches(req.Filter, entry); err != nil {
				return nil, err
			} else if matches {
				found = append(found, entry)
			}
		}
		return found, nil
	}
	var members []any
	for i := range 300 {
		for _, id := range []string{fmt.Sprint("user", i), fmt.Sprint("USER", 299-i)} {
			members = append(members, &mapping.Object{Members: []mapping.Member{{Name: "_id", Value: id}}})
		}
	}
	creation, err := group.Create(t.Context(), &mapping.Object{Members: []mapping.Member{{Name: "_id", Value: "g"}, {Name: "members", Value: members}}}, find)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range creation.Entry.Attributes {
		if a.Name == "uniqueMember" && len(a.Values) != 300 {
			t.Errorf("%d members", len(a.Values))
		}
	}
	if requests != 2 {
		t.Errorf("%d searches for 300 members", requests)
	}
}

// TestReferenceLimit: a filter through a reference with too many targets is refused,
// never answered by a part.
func TestReferenceLimit(t *testing.T) {
	t.Parallel()
	all := shipped(t)
	filter, err := query.ParseFilter(`manager/displayName pr`)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		limit, targets int
		want           error
	}{
		{mapping.MaxReferenceTargets, mapping.MaxReferenceTargets, nil},
		{mapping.MaxReferenceTargets, mapping.MaxReferenceTargets + 1, fault.TooLarge},
		{3, 3, nil},
		{3, 4, fault.TooLarge},
	} {
		target := (&planner{dir: all.dir, binding: all.binding.LimitReferences(test.limit)}).at(t, "/users")
		r := &recorder{}
		for i := range test.targets {
			r.entries = append(r.entries, &directory.Entry{DN: memberDN(i)})
		}
		selection, err := target.Select(t.Context(), filter, r.find)
		if !errors.Is(err, test.want) {
			t.Fatalf("%d targets: %v", test.targets, err)
		}
		var f *fault.Error
		if errors.As(err, &f) {
			if want := (fault.Detail{Kind: "referenceLimit", Limit: int64(test.limit)}); f.Detail != want {
				t.Errorf("detail %+v", f.Detail)
			}
		} else if got := leaves(selection.Filter); got != test.targets {
			t.Errorf("%d names for %d targets", got, test.targets)
		}
	}
}

// TestFinderErrors: what a look-up could not find out fails the plan. Only the read of
// references goes on where the caller may not see what they point to (W3).
func TestFinderErrors(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	users, group := p.at(t, "/users"), p.at(t, "/groups/g")
	entry := &directory.Entry{DN: "cn=g,ou=Groups,dc=example,dc=com", Attributes: []directory.Attribute{
		{Name: "cn", Values: []string{"g"}}, {Name: "uniqueMember", Values: []string{memberDN(1), memberDN(2)}},
	}}
	body, err := decodeObject(`{"members": [{"_id": "x"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := patchOps(`[{"operation":"add","field":"members","value":[{"_id":"x"}]}]`)
	if err != nil {
		t.Fatal(err)
	}
	filter, err := query.ParseFilter(`groups/description eq "x" or true`)
	if err != nil {
		t.Fatal(err)
	}
	plans := map[string]func(mapping.Finder) error{
		"create": func(find mapping.Finder) error { _, err := group.Create(t.Context(), body, find); return err },
		"update": func(find mapping.Finder) error { _, err := group.Update(t.Context(), entry, body, find); return err },
		"update without members": func(find mapping.Finder) error {
			_, err := group.Update(t.Context(), entry, &mapping.Object{}, find)
			return err
		},
		"patch":  func(find mapping.Finder) error { _, err := group.Patch(t.Context(), nil, ops, find); return err },
		"select": func(find mapping.Finder) error { _, err := users.Select(t.Context(), filter, find); return err },
		"resolve": func(find mapping.Finder) error {
			return group.Encoder(&mapping.Request{}).Resolve(t.Context(), find, []*directory.Entry{entry})
		},
	}
	for name, plan := range plans {
		for _, kind := range []fault.Kind{fault.TooLarge, fault.Unavailable, fault.Timeout, fault.Forbidden, fault.NotFound} {
			r := &recorder{err: fault.New(kind, "x"), entries: []*directory.Entry{{DN: memberDN(1)}}}
			err := plan(r.find)
			goesOn := (kind == fault.NotFound || kind == fault.Forbidden) && (name == "resolve" || name == "update without members")
			if goesOn != (err == nil) || !goesOn && !errors.Is(err, kind) {
				t.Errorf("%s: a look-up fails with %v, the plan with %v", name, kind, err)
			}
			if len(r.requests) == 0 {
				t.Errorf("%s looked nothing up", name)
			}
		}
	}
}

// TestReferenceOutsideOfWhatWasAsked: an entry that nobody asked for is not shown as a target.
func TestReferenceOutsideOfWhatWasAsked(t *testing.T) {
	t.Parallel()
	target := shipped(t).at(t, "/users/a")
	encoder := target.Encoder(&mapping.Request{Fields: []query.Pointer{{"manager", "displayName"}}})
	entry := &directory.Entry{DN: "uid=a,ou=People,dc=example,dc=com", Attributes: []directory.Attribute{
		{Name: "uid", Values: []string{"a"}}, {Name: "manager", Values: []string{memberDN(1)}},
	}}
	r := &recorder{entries: []*directory.Entry{{DN: memberDN(2), Attributes: []directory.Attribute{{Name: "cn", Values: []string{"Two"}}}}}}
	if err := encoder.Resolve(t.Context(), r.find, []*directory.Entry{entry}); err != nil {
		t.Fatal(err)
	}
	if got, want := string(encoder.Append(nil, entry)), `{"_id":"a","manager":{"_id":"user1"}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestRevision checks what the revision comes from and how strong it is.
func TestRevision(t *testing.T) {
	t.Parallel()
	models, _, err := mapping.Load(mappings.Files())
	if err != nil {
		t.Fatal(err)
	}
	entry := &directory.Entry{Attributes: []directory.Attribute{
		{Name: "ENTRYCSN", Values: []string{"c"}}, {Name: "etag", Values: []string{"e"}}, {Name: "modifyTimestamp", Values: []string{"20240101000000Z"}},
	}}
	for attribute, want := range map[string]mapping.Revision{
		"":                {},
		"etag":            {Value: "e"},
		"entryCSN":        {Value: "c"},
		"modifyTimestamp": {Value: "20240101000000Z", Weak: true},
	} {
		var more []string
		if attribute == "etag" {
			more = []string{"( 1.1.1 NAME 'etag' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"}
		}
		b := models[0].Bind(&directory.Capabilities{Revision: attribute, Schema: openLDAP(t, more...)})
		target, err := b.Locate(t.Context(), []string{"users", "x"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := target.RevisionOf(entry); got != want {
			t.Errorf("%q: %+v, want %+v", attribute, got, want)
		}
		warned := slices.ContainsFunc(b.Warnings(), func(w string) bool { return strings.Contains(w, "/_rev") })
		if warned != (attribute == "") {
			t.Errorf("%q: warnings %q", attribute, b.Warnings())
		}
		if b.Model() != models[0] || b.Capabilities().Revision != attribute {
			t.Error("the binding lost what it was made of")
		}
	}
}

// TestReadBack: attributes that a server works out for each search cannot be read back
// with a change.
func TestReadBack(t *testing.T) {
	t.Parallel()
	archive := &txtar.Archive{Files: []txtar.File{{Name: "schema", Data: []byte("( 1.1.1 NAME 'numSubordinates' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 NO-USER-MODIFICATION USAGE directoryOperation )")}}}
	p := newPlanner(t, archive)
	for _, test := range []struct {
		path, fields                string
		wantReadBack, wantReference bool
	}{
		{"/groups/x", "", true, true},
		{"/groups/x", "displayName", true, false},
		{"/users/x", "name,_meta", true, false},
		{"/users/x", "groups", memberOfIsStored(t), true},
		{"/users/x", "manager", true, true},
	} {
		fields, err := query.ParseFields(test.fields)
		if err != nil {
			t.Fatal(err)
		}
		e := p.at(t, test.path).Encoder(&mapping.Request{Fields: fields})
		if e.ReadBack() != test.wantReadBack || e.HasReferences() != test.wantReference {
			t.Errorf("%s?%s: read back %t, references %t", test.path, test.fields, e.ReadBack(), e.HasReferences())
		}
	}
}

// memberOfIsStored tells whether the server says that memberOf is an ordinary attribute.
func memberOfIsStored(t *testing.T) bool {
	t.Helper()
	return openLDAP(t).Attribute("memberOf").Usage == directory.UserApplications
}

// TestIDOf: the id is in the entry's own spelling; of several values it is the one in
// the name, else the same one every time.
func TestIDOf(t *testing.T) {
	t.Parallel()
	target := shipped(t).at(t, "/users")
	for _, test := range []struct {
		dn     string
		values []string
		want   string
	}{
		{"uid=BJENSEN,ou=People,dc=example,dc=com", []string{"bjensen"}, "bjensen"},
		{"uid=B,ou=People,dc=example,dc=com", []string{"a", "b"}, "b"},
		{"uid=c,ou=People,dc=example,dc=com", []string{"a", "b"}, "c"},
		{"cn=x,ou=People,dc=example,dc=com", []string{"b", "a"}, "a"},
		{"cn=x+uid=b,ou=People,dc=example,dc=com", []string{"a", "b"}, "b"},
		{"uid=only in the name,ou=People,dc=example,dc=com", nil, "only in the name"},
		{"no name", []string{"b", "a"}, "a"},
		{"no name", nil, ""},
	} {
		entry := &directory.Entry{DN: test.dn, Attributes: []directory.Attribute{{Name: "uid", Values: test.values}}}
		if got := target.IDOf(entry); got != test.want {
			t.Errorf("%s %q: %q, want %q", test.dn, test.values, got, test.want)
		}
	}
}

// TestBindingServesManyRequests plans at once; the race detector looks on.
func TestBindingServesManyRequests(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	filter, err := query.ParseFilter(`manager/displayName sw "Tor" and userName lt "z"`)
	if err != nil {
		t.Fatal(err)
	}
	find := func(_ context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
		return p.dir.search(req)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				target := p.at(t, "/users/bjensen")
				encoder := target.Encoder(&mapping.Request{Fields: []query.Pointer{{"groups", "members", "displayName"}}})
				entries, err := p.dir.search(target.Lookup(encoder.Attributes()))
				if err != nil || len(entries) != 1 {
					t.Errorf("%d entries, %v", len(entries), err)
					return
				}
				if err := encoder.Resolve(t.Context(), find, entries); err != nil {
					t.Error(err)
				}
				if got := string(encoder.Append(nil, entries[0])); !strings.Contains(got, "Babs Jensen") {
					t.Error(got)
				}
				if _, err := p.at(t, "/users").Select(t.Context(), filter, find); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestVerbString(t *testing.T) {
	t.Parallel()
	var got []string
	for v := mapping.Read; v <= mapping.Action; v++ {
		got = append(got, v.String())
	}
	if diff := cmp.Diff([]string{"read", "create", "update", "patch", "delete", "query", "action"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestAttributeUnderAnotherName: the groups of an entry are in an attribute that has another
// name in other directories.
func TestAttributeUnderAnotherName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ attribute, schema, want string }{
		{"isMemberOf", "memberOf", "memberOf"},
		{"ISMEMBEROF", "memberOf", "memberOf"},
		{"memberOf", "isMemberOf", "isMemberOf"},
		{"isMemberOf", "isMemberOf", "isMemberOf"},
		{"isMemberOf", "other", "isMemberOf"},
		{"other", "memberOf", "other"},
	} {
		schema, err := directory.ParseSchema([]string{"( 1.1.1 NAME '" + test.schema + "' )"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := mapping.AttributeIn(&directory.Capabilities{Schema: schema}, test.attribute); got != test.want {
			t.Errorf("%s where there is %s: %s", test.attribute, test.schema, got)
		}
	}
	if got := mapping.AttributeIn(&directory.Capabilities{}, "isMemberOf"); got != "isMemberOf" {
		t.Errorf("without a schema: %s", got)
	}
}
