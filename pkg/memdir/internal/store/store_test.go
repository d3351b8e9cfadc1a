package store

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

const (
	people = exampledata.PeopleDN
	rootDN = "cn=Manager," + exampledata.BaseDN
)

// recipe are the access rules of the project's OpenLDAP.
func recipe() []Rule {
	admins := Grant{Subject: Group, DN: exampledata.AdministratorsDN, Attribute: "uniqueMember", Level: LevelWrite}
	next := Grant{Subject: Anyone, Break: true}
	return []Rule{
		{Attributes: []string{"authzTo"}, By: []Grant{admins, {Subject: Anyone, Level: LevelAuth}}},
		{Attributes: []string{"userPassword"}, By: []Grant{
			{Subject: Group, DN: admins.DN, Attribute: "uniqueMember", Level: LevelChange}, {Subject: Self, Level: LevelChange}, {Subject: Anonymous, Level: LevelAuth}, {Subject: Anyone},
		}},
		{Base: people, Attributes: []string{"entry", "objectClass", "uid", "mail"}, By: []Grant{{Subject: DN, DN: exampledata.ServiceDN, Level: LevelRead}, next}},
		{By: []Grant{{Subject: DN, DN: exampledata.ServiceDN}, admins, next}},
		{Base: "uid=bjensen," + people, Scope: Exact, Attributes: []string{"description", "telephoneNumber", "mail"}, By: []Grant{{Subject: Self, Level: LevelWrite}, next}},
		{By: []Grant{{Subject: Users, Level: LevelRead}, {Subject: Anyone}}},
	}
}

func example(t testing.TB, users int) *Store {
	t.Helper()
	s, err := New(Options{Suffix: exampledata.BaseDN, RootDN: rootDN, RootPassword: "root", Rules: recipe(), Policy: Policy{MaxFailure: 5, LockoutDuration: 5 * time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(bytes.NewReader(exampledata.LDIF(users))); err != nil {
		t.Fatal(err)
	}
	return s
}

func person(uid string) Who { return Who{DN: "uid=" + uid + "," + people} }

// find searches below the people and returns the uids, and the result.
func find(s *Store, who Who, filter string, change func(*SearchRequest)) ([]string, Result) {
	f, err := directory.ParseFilter(filter)
	if err != nil {
		panic(err) //nolint:forbidigo // The test is wrong.
	}
	q := &SearchRequest{Base: people, Scope: 1, Filter: f, Attributes: []string{"uid"}}
	if change != nil {
		change(q)
	}
	c, result := s.Search(who, q)
	if result.Code != 0 {
		return nil, result
	}
	var uids []string
	for {
		e, ok := c.Next()
		if !ok {
			return uids, c.Result()
		}
		uids = append(uids, e.Value("uid"))
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	s := example(t, 0)
	for filter, want := range map[string]string{
		"(uid=bjensen)":     "bjensen",
		"(UID=  BJensen )":  "bjensen",
		"(cn=babs  JENSEN)": "bjensen",
		"(name=jensen)":     "ajensen bjensen gjensen jjensen kjensen rjensen tjensen",
		"(uid=a*n)":         "abergin achassin ajensen",
		"(cn=*-louise*)":    "abarnes",
		"(uidNumber<=1002)": "scarter tmorris",
		"(&(uidNumber>=1130)(objectClass=person))":              "ttully",
		"(uidNumber:integerOrderingMatch:=1002)":                "tmorris",
		"(mail>=a)":                                             "",
		"(!(mail>=a))":                                          "",
		"(nosuch=x)":                                            "",
		"(!(nosuch=x))":                                         "",
		"(|(nosuch=x)(uid=ahall))":                              "ahall",
		"(uid:caseIgnoreOrderingMatch:=ad)":                     "abarnes abergin achassin",
		"(mail:caseIgnoreOrderingMatch:=zz)":                    "",
		"(manager=UID=scarter, ou=people,dc=example,dc=com)":    "abarnes ahall ahunter jjensen tjensen wlutz",
		"(manager=not a dn)":                                    "",
		"(uidNumber=x)":                                         "",
		"(!(uidNumber=x))":                                      "",
		"(memberOf=cn=HR Managers,ou=Groups,dc=example,dc=com)": "cschmith kvaughan",
		"(telephoneNumber=+14085551862)":                        "bjensen",
		"(objectClass=2.5.6.6)":                                 "*",
		"(userPassword=*)":                                      "",
		"(description=*)":                                       "bjensen",
		"(ou:dn:=people)":                                       "*",
		"(entryUUID=*)":                                         "*",
		"(hasSubordinates=TRUE)":                                "nbohr",
	} {
		got, result := find(s, person("kvaughan"), filter, nil)
		slices.Sort(got)
		if want == "*" && len(got) == len(exampledata.People()) {
			continue
		}
		if strings.Join(got, " ") != want || result.Code != 0 {
			t.Errorf("%s: %q, %+v, want %q", filter, got, result, want)
		}
	}
}

func TestLimitsAndOrder(t *testing.T) {
	t.Parallel()
	s := example(t, 700)
	if got, result := find(s, person("scarter"), "(uid=*)", nil); len(got) != 500 || result.Code != 4 {
		t.Errorf("%d, %+v", len(got), result)
	}
	if got, result := find(s, Who{DN: rootDN, Root: true}, "(uid=*)", nil); len(got) != 700 || result.Code != 0 {
		t.Errorf("root: %d, %+v", len(got), result)
	}
	if got, result := find(s, person("scarter"), "(uid=*jensen)", func(q *SearchRequest) { q.SizeLimit = 7 }); len(got) != 7 || result.Code != 0 {
		t.Errorf("%d, %+v", len(got), result)
	}
	got, result := find(s, person("scarter"), "(uid=*)", func(q *SearchRequest) {
		q.SizeLimit, q.Sort = 3, []SortKey{{Attribute: "uidNumber", Reverse: true}}
	})
	if strings.Join(got, " ") != "gen674 gen673 gen672" || result.Code != 4 {
		t.Errorf("%q, %+v", got, result)
	}
	if _, result := find(s, person("scarter"), "(uid=*)", func(q *SearchRequest) { q.Sort = []SortKey{{Attribute: "mail"}} }); result.Code != 18 {
		t.Errorf("%+v", result)
	}
	if got, result := find(s, Who{}, "(uid=*)", nil); len(got) != 0 || result.Code != 32 {
		t.Errorf("anonymous: %q, %+v", got, result)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	s := example(t, 0)
	modify := func(who, uid string, changes ...directory.Change) int {
		return s.Modify(person(who), person(uid).DN, changes, Write{}).Code
	}
	change := func(op directory.ChangeOp, attribute string, values ...string) directory.Change {
		return directory.Change{Op: op, Attribute: attribute, Values: values}
	}
	for name, test := range map[string]struct{ got, want int }{
		"own description": {modify("bjensen", "bjensen", change(directory.ChangeReplace, "description", "x")), 0},
		"own name":        {modify("bjensen", "bjensen", change(directory.ChangeReplace, "cn", "x")), 50},
		"another's":       {modify("bjensen", "scarter", change(directory.ChangeReplace, "description", "x")), 50},
		"twice":           {modify("kvaughan", "ahall", change(directory.ChangeAdd, "cn", "ANDY  hall")), 20},
		"absent value":    {modify("kvaughan", "ahall", change(directory.ChangeDelete, "cn", "nobody")), 16},
		"unknown":         {modify("kvaughan", "ahall", change(directory.ChangeAdd, "nosuch", "x")), 17},
		"syntax":          {modify("kvaughan", "ahall", change(directory.ChangeReplace, "uidNumber", "x")), 21},
		"single":          {modify("kvaughan", "ahall", change(directory.ChangeAdd, "uidNumber", "7")), 19},
		"required":        {modify("kvaughan", "ahall", change(directory.ChangeDelete, "sn")), 65},
		"not allowed":     {modify("kvaughan", "ahall", change(directory.ChangeAdd, "uniqueMember", people)), 65},
		"of the server":   {modify("kvaughan", "ahall", change(directory.ChangeReplace, "entryUUID", "x")), 19},
		"name":            {modify("kvaughan", "ahall", change(directory.ChangeReplace, "uid", "other")), 64},
		"class":           {modify("kvaughan", "ahall", change(directory.ChangeReplace, "objectClass", "device")), 69},
		"increment":       {modify("kvaughan", "ahall", change(directory.ChangeIncrement, "uidNumber", "-3")), 0},
		"missing":         {modify("kvaughan", "nobody", change(directory.ChangeReplace, "cn", "x")), 32},
		"not a leaf":      {s.Delete(person("kvaughan"), person("nbohr").DN, Write{}).Code, 66},
		"not the right":   {s.Delete(person("bjensen"), person("ahel").DN, Write{}).Code, 50},
		"no-op":           {s.Delete(person("kvaughan"), person("ahel").DN, Write{NoOp: true}).Code, 16654},
		"assertion":       {s.Delete(person("kvaughan"), person("ahel").DN, Write{Assert: &directory.Filter{Op: directory.FilterEqual, Attribute: "uid", Value: "x"}}).Code, 122},
		"there already":   {s.Add(person("kvaughan"), person("ahel").DN, []directory.Attribute{{Name: "objectClass", Values: []string{"account"}}, {Name: "uid", Values: []string{"ahel"}}}, Write{}).Code, 68},
		"nowhere":         {s.Add(person("kvaughan"), "cn=x,ou=nowhere,"+exampledata.BaseDN, []directory.Attribute{{Name: "objectClass", Values: []string{"device"}}}, Write{}).Code, 32},
		"compare":         {s.Compare(person("kvaughan"), person("ahel").DN, "sn", "hel", nil).Code, 6},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d, want %d", name, test.got, test.want)
		}
	}
	if got, _ := find(s, person("kvaughan"), "(&(uid=ahall)(uidNumber=1100))", nil); len(got) != 1 {
		t.Error("the increment is not there")
	}
	if r := s.Rename(person("kvaughan"), person("trigden").DN, "uid=renamed", true, "", Write{}); r.Code != 0 {
		t.Fatalf("rename: %+v", r)
	}
	if got, _ := find(s, person("kvaughan"), "(manager=uid=renamed,"+people+")", nil); strings.Join(got, " ") != "bjensen" {
		t.Errorf("after the rename: %q", got)
	}
	if r := s.Rename(person("kvaughan"), person("nbohr").DN, "uid=niels", false, "", Write{}); r.Code != 0 {
		t.Fatalf("rename: %+v", r)
	}
	if got, result := find(s, person("kvaughan"), "(cn=quantum dot)", func(q *SearchRequest) { q.Base, q.Scope, q.Attributes = "uid=niels,"+people, 3, []string{"*"} }); len(got) != 1 || result.Code != 0 {
		t.Errorf("below the renamed: %q, %+v", got, result)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := example(t, 0)
	s.options.Now = func() time.Time { return now }
	for _, p := range exampledata.People() {
		if who, r := s.Bind(p.DN(), p.Password); r.Code != 0 || who.DN != p.DN() || who.Root {
			t.Errorf("%s: %+v %+v", p.ID, who, r)
		}
	}
	bind := func(password string) int { _, r := s.Bind(person("bjensen").DN, password); return r.Code }
	for range 5 {
		if bind("wrong") != 49 {
			t.Error("a wrong password")
		}
	}
	if bind("hifalutin") != 49 {
		t.Error("locked, and yet")
	}
	now = now.Add(6 * time.Minute)
	if bind("hifalutin") != 0 {
		t.Error("the lock did not end")
	}
	if _, r := s.ChangePassword(person("bjensen"), "", "wrong", "new"); r.Code != 53 {
		t.Errorf("wrong old one: %+v", r)
	}
	if _, r := s.ChangePassword(person("bjensen"), person("scarter").DN, "", "new"); r.Code != 50 {
		t.Errorf("another's: %+v", r)
	}
	if _, r := s.ChangePassword(person("bjensen"), "", "hifalutin", "new"); r.Code != 0 || bind("new") != 0 || bind("hifalutin") != 49 {
		t.Errorf("%+v", r)
	}
	if generated, r := s.ChangePassword(person("kvaughan"), person("bjensen").DN, "", ""); r.Code != 0 || bind(generated) != 0 {
		t.Errorf("%+v", r)
	}
	if who, r := s.Proxy(Who{DN: exampledata.ServiceDN}, "dn:uid=ghost,"+people); r.Code != 0 || who.DN != "uid=ghost,"+strings.ToLower(people) {
		t.Errorf("a ghost: %+v %+v", who, r)
	}
	if _, r := s.Proxy(person("bjensen"), "dn:uid=scarter,"+people); r.Code != 123 {
		t.Errorf("%+v", r)
	}
}

func TestDump(t *testing.T) {
	t.Parallel()
	s := example(t, 30)
	var first, second bytes.Buffer
	if err := s.Dump(&first); err != nil {
		t.Fatal(err)
	}
	again, err := New(s.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Load(bytes.NewReader(first.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := again.Dump(&second); err != nil || first.String() != second.String() {
		a, b := strings.Split(first.String(), "\n"), strings.Split(second.String(), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("%v: line %d was %q and is %q", err, i+1, a[i], b[i])
			}
		}
	}
	for text, line := range map[string]string{
		"dn: uid=x," + people + "\nobjectClass: nosuch\n": "line 1",
		"\n\ndn: x\n":                       "line 3",
		"dn: dc=example,dc=com\nnonsense\n": "line 2",
		"dn: cn=a,ou=nowhere,dc=example,dc=com\nobjectClass: device\n": "parent",
		"cn: x\n":                           "dn:",
		"dn: dc=example,dc=com\ndc:: %%%\n": "base64",
	} {
		fresh, _ := New(Options{Suffix: exampledata.BaseDN})
		if err := fresh.Load(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%q: %v, want %q", text, err, line)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	ldif := exampledata.LDIF(100_000)
	for b.Loop() {
		s, _ := New(Options{Suffix: exampledata.BaseDN})
		if err := s.Load(bytes.NewReader(ldif)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(ldif)), "octets")
}
