package store_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

const (
	suffix = "dc=example,dc=com"
	data   = `version: 1

# The top.
dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=People, dc=example,dc=com
objectClass: organizationalUnit
ou: People

dn: uid=a\2Cb,ou=People,dc=example,dc=com
objectClass: inetOrgPerson
uid: a,b
cn:: SsO8cmdlbg==
description: a long
  line
userPassword: {SSHA}QmAxbpTALgjB4b0CAGJSog++KdY/NFpx8m6H2Q==
authzTo: dn.onelevel:ou=People,dc=example,dc=com
`
)

var root = store.Who{Root: true} //nolint:gochecknoglobals // A constant.

func newStore(t *testing.T, rules ...store.Rule) *store.Store {
	t.Helper()
	s, err := store.New(store.Options{Suffix: suffix, RootDN: "cn=Manager," + suffix, RootPassword: "x", Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return s
}

func find(t *testing.T, s *store.Store, who store.Who, req store.SearchRequest) (names []string, code int) {
	t.Helper()
	cursor, result := s.Search(who, &req)
	if result.Code != 0 {
		return nil, result.Code
	}
	for {
		entry, ok := cursor.Next()
		if !ok {
			return names, cursor.Result().Code
		}
		names = append(names, entry.DN)
	}
}

// TestRoundTrip loads what was dumped.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	var first, second strings.Builder
	if err := newStore(t).Dump(&first); err != nil {
		t.Fatal(err)
	}
	again, err := store.New(store.Options{Suffix: suffix})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Load(strings.NewReader(first.String())); err != nil {
		t.Fatal(err)
	}
	if err := again.Dump(&second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" || !strings.Contains(first.String(), "description: a long line\n") {
		t.Errorf("%s\n%s", diff, first.String())
	}
}

func TestLoadRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, ldif, want string }{
		{"NoName", "cn: x\n", "in the record at line 1: it has no dn"},
		{"BadName", "\n\ndn: nonsense\ncn: x\n", `line 3: "nonsense" is no name of an entry`},
		{"Outside", "dn: dc=other\ndc: other\n", `line 1: "dc=other" is not below dc=example,dc=com`},
		{"NoParent", "dn: cn=x,ou=no," + suffix + "\ncn: x\n", "has no parent"},
		{"Twice", "dn: " + suffix + "\ndc: example\n", "is there already"},
		{"NoColon", "dn: cn=x," + suffix + "\nnonsense\n", "is not of the form"},
		{"Base64", "dn: cn=x," + suffix + "\ncn:: ?\n", "cn: illegal base64"},
		{"Continuation", " x\n", "line 1 continues nothing"},
		{"Change", "dn: " + suffix + "\nchangetype: delete\n", "changes cannot be loaded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			// What comes before an error is not kept either.
			err := s.Load(strings.NewReader("dn: cn=before," + suffix + "\ncn: before\n\n" + test.ldif))
			if err == nil {
				t.Fatal("it was loaded")
			}
			if err := s.Load(strings.NewReader(test.ldif)); !strings.Contains(err.Error(), test.want) {
				t.Error(err)
			}
			if names, code := find(t, s, root, store.SearchRequest{Base: "cn=before," + suffix, Filter: directory.Filter{}}); code != 32 {
				t.Errorf("%v, code %d", names, code)
			}
		})
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	users := store.Rule{By: []store.Grant{{Subject: store.Users, Level: store.LevelRead}}}
	s := newStore(t, store.Rule{Attributes: []string{"description"}, By: []store.Grant{{Subject: store.Self, Level: store.LevelRead}}}, users)
	someone := store.Who{DN: "uid=x," + suffix}
	self := store.Who{DN: `UID=a\,B, ou=people,` + suffix}
	const a = `uid=a\2Cb,ou=People,dc=example,dc=com`
	below := func(filter directory.Filter) store.SearchRequest {
		return store.SearchRequest{Base: suffix, Scope: 2, Filter: filter}
	}
	description := directory.Equal("description", "A LONG line")
	for _, test := range []struct {
		name string
		who  store.Who
		req  store.SearchRequest
		want []string
		code int
	}{
		{"Base", someone, store.SearchRequest{Base: `uid=A\,b,ou=people,dc=example,dc=com`}, []string{a}, 0},
		{"OneLevel", someone, store.SearchRequest{Base: suffix, Scope: 1}, []string{"ou=People, dc=example,dc=com"}, 0},
		{"Children", someone, store.SearchRequest{Base: "ou=People," + suffix, Scope: 3}, []string{a}, 0},
		{"Anonymous", store.Who{}, below(directory.Filter{}), nil, 32},
		{"Nowhere", someone, store.SearchRequest{Base: "ou=no," + suffix}, nil, 32},
		{"NoName", someone, store.SearchRequest{Base: "no"}, nil, 34},
		{"Self", self, below(description), []string{a}, 0},
		{"HiddenFromOthers", someone, below(description), nil, 0},
		{"HiddenIsUndefined", someone, below(directory.And(directory.Equal("uid", "a,b"), directory.Not(description))), nil, 0},
		{"Substrings", self, below(directory.Filter{Op: directory.FilterSubstrings, Attribute: "description", Initial: "A", Any: []string{"ON"}, Final: "e"}), []string{a}, 0},
		{"SubstringsOverlap", self, below(directory.Filter{Op: directory.FilterSubstrings, Attribute: "uid", Initial: "a,b", Final: "b"}), nil, 0},
		{"SizeLimit", root, store.SearchRequest{Base: suffix, Scope: 2, SizeLimit: 1}, []string{suffix}, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, code := find(t, s, test.who, test.req)
			if diff := cmp.Diff(test.want, got); diff != "" || code != test.code {
				t.Errorf("code %d, %s", code, diff)
			}
		})
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	by := store.Who{DN: `uid=a\2Cb,ou=People,dc=example,dc=com`}
	for _, test := range []struct {
		authzID, who string
		code         int
	}{
		{"dn:uid=Ghost, ou=People," + suffix, "uid=ghost,ou=people," + suffix, 0},
		{"", "", 0},
		{"dn:", "", 0},
		{"dn:" + suffix, "", 123},
		{"dn:cn=x,uid=y,ou=People," + suffix, "", 123},
		{"dn:nonsense", "", 123},
		{"u:ghost", "", 123},
	} {
		who, result := s.Proxy(by, test.authzID)
		if who.DN != test.who || who.Root || result.Code != test.code {
			t.Errorf("%q: %+v, %+v", test.authzID, who, result)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	s := newStore(t, store.Rule{By: []store.Grant{{Subject: store.Users, Level: store.LevelRead}}})
	const a = `uid=a\2Cb,ou=People,dc=example,dc=com`
	change := func(op directory.ChangeOp, values ...string) []directory.Change {
		return []directory.Change{{Op: op, Attribute: "description", Values: values}}
	}
	add := change(directory.ChangeAdd, "new")
	for _, test := range []struct {
		name string
		do   func() store.Outcome
		code int
	}{
		{"Anonymous", func() store.Outcome { return s.Modify(store.Who{}, a, add, store.Write{}) }, 32},
		{"Reader", func() store.Outcome { return s.Modify(store.Who{DN: a}, a, add, store.Write{}) }, 50},
		{"NoOp", func() store.Outcome { return s.Modify(root, a, add, store.Write{NoOp: true}) }, 16654},
		{"Add", func() store.Outcome { return s.Modify(root, a, add, store.Write{}) }, 0},
		{"AddAgain", func() store.Outcome { return s.Modify(root, a, add, store.Write{}) }, 20},
		{"AddAgainPermissive", func() store.Outcome { return s.Modify(root, a, add, store.Write{Permissive: true}) }, 0},
		{"DeleteAbsent", func() store.Outcome { return s.Modify(root, a, change(directory.ChangeDelete, "no"), store.Write{}) }, 16},
		{"UnknownOperation", func() store.Outcome { return s.Modify(root, a, change(9, "x"), store.Write{}) }, 2},
		{"AssertionFails", func() store.Outcome {
			no := directory.Equal("uid", "no")
			return s.Delete(root, a, store.Write{Assert: &no})
		}, 122},
		{"DeleteAbove", func() store.Outcome { return s.Delete(root, suffix, store.Write{}) }, 66},
		{"Outside", func() store.Outcome { return s.Delete(root, "dc=other", store.Write{}) }, 53},
		{"RenameByReader", func() store.Outcome { return s.Rename(store.Who{DN: a}, a, "uid=c", true, "", store.Write{}) }, 50},
		{"Rename", func() store.Outcome { return s.Rename(root, a, "uid=c", true, "", store.Write{}) }, 0},
		{"RenamedAway", func() store.Outcome { return s.Delete(root, a, store.Write{}) }, 32},
	} {
		if outcome := test.do(); outcome.Code != test.code {
			t.Errorf("%s: %+v", test.name, outcome.Result)
		}
	}
	cursor, _ := s.Search(root, &store.SearchRequest{Base: "uid=c,ou=People," + suffix, Attributes: []string{"uid", "description"}})
	entry, ok := cursor.Next()
	want := []directory.Attribute{{Name: "description", Values: []string{"a long line", "new"}}, {Name: "uid", Values: []string{"c"}}}
	if !ok {
		t.Fatal("it is not there")
	}
	if diff := cmp.Diff(want, entry.Attributes); diff != "" {
		t.Error(diff)
	}
}
