package basic

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

const (
	people = "ou=People,dc=example,dc=com"
	babs   = "uid=bjensen,ou=People,dc=example,dc=com"
)

// fixture is an authenticator on a directory, with a clock that only the test moves.
type fixture struct {
	*Authenticator
	memory *memory

	mu  sync.Mutex
	now time.Time
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func newFixture(t testing.TB, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), memory: &memory{people: []*person{
		{dn: babs, uid: "bjensen", password: "hifalutin"},
		{dn: "uid=colon,ou=People,dc=example,dc=com", uid: "colon", password: "a:b::c"},
		{dn: "uid=utf,ou=People,dc=example,dc=com", uid: "jürgen", password: "pässwörd ☃"},
		{dn: "uid=twin,ou=East,ou=People,dc=example,dc=com", uid: "twin", password: "x"},
		{dn: "uid=twin,ou=West,ou=People,dc=example,dc=com", uid: "twin", password: "x"},
	}}}
	accounts, err := auth.NewAccounts(auth.AccountsOptions{Directory: f.memory, Clock: f.clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	filter, err := directory.ParseFilterTemplate("(uid={username})")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Directory: f.memory, Accounts: accounts, Realm: "directory", Cache: MaxCache, Clock: f.clock,
		Search: &Search{Base: directory.MustParseDN(people), Scope: directory.ScopeSubtree, Filter: filter},
	}
	if change != nil {
		change(&o)
	}
	if f.Authenticator, err = New(o); err != nil {
		t.Fatal(err)
	}
	return f
}

func request(name, password string) *http.Request {
	return raw("Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
}

func raw(authorization string) *http.Request {
	return &http.Request{Header: http.Header{"Authorization": {authorization}}}
}

// login logs in and makes sure of the reason, "" for a good login.
func (f *fixture) login(t *testing.T, name, password string, want auth.Reason) *auth.Principal {
	t.Helper()
	principal, err := f.Authenticate(request(name, password))
	if auth.ReasonOf(err) != want || want == "" && (err != nil || principal == nil) || want != "" && err == nil {
		t.Fatalf("%q with %q: got %v, %v; want %q", name, password, principal, err, want)
	}
	return principal
}

func TestGoodLogins(t *testing.T) {
	for name, tt := range map[string]struct{ password, dn string }{
		"bjensen": {"hifalutin", babs},
		"colon":   {"a:b::c", "uid=colon,ou=People,dc=example,dc=com"},
		"jürgen":  {"pässwörd ☃", "uid=utf,ou=People,dc=example,dc=com"},
	} {
		f := newFixture(t, nil)
		want := &auth.Principal{Name: name, Method: "basic", Identity: directory.Identity{AuthzID: "dn:" + tt.dn}}
		if diff := cmp.Diff(want, f.login(t, name, tt.password, "")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]bind{{tt.dn, tt.password}}, f.memory.bound(), cmp.AllowUnexported(bind{})); diff != "" {
			t.Errorf("binds (-want +got):\n%s", diff)
		}
	}
}

func TestOtherSchemesAreNotApplicable(t *testing.T) {
	f := newFixture(t, nil)
	for _, r := range []*http.Request{raw("Bearer abc"), raw("Basics abc"), {Header: http.Header{}}} {
		if _, err := f.Authenticate(r); !errors.Is(err, auth.ErrNotApplicable) {
			t.Errorf("%v: got %v", r.Header, err)
		}
	}
}

// Credentials that make no sense reach no directory.
func TestMalformedCredentials(t *testing.T) {
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for credentials, want := range map[string]auth.Reason{
		"":                          ReasonMalformed,
		"!!!":                       ReasonMalformed,
		"YmplbnNlbjpoaWZhbHV0aW4":   ReasonMalformed, // without padding
		"YmplbnNlbjpoaWZhbHV0aW4=x": ReasonMalformed,
		encode("bjensen"):           ReasonMalformed,
		encode("bjensen:a\x00b"):    ReasonMalformed,
		encode("bjensen:\xff"):      ReasonMalformed,
		encode("\xff:hifalutin"):    ReasonMalformed,
		encode("bjensen:" + strings.Repeat("a", MaxPassword+1)): ReasonMalformed,
		encode(":hifalutin"):                               ReasonName,
		encode(" bjensen:hifalutin"):                       ReasonName,
		encode("bjen\x00sen:hifalutin"):                    ReasonName,
		encode("bjen\u200bsen:hifalutin"):                  ReasonName,
		encode(strings.Repeat("a", auth.MaxName+1) + ":x"): ReasonName,
		encode("bjensen:"):                                 ReasonEmpty,
	} {
		f := newFixture(t, nil)
		principal, err := f.Authenticate(raw("Basic " + credentials))
		if principal != nil || fault.KindOf(err) != fault.Unauthenticated || auth.ReasonOf(err) != want {
			t.Errorf("%.60q: got %v, %v; want %q", credentials, principal, err, want)
		}
		if len(f.memory.bound()) > 0 || len(f.memory.filters) > 0 {
			t.Errorf("%.60q reached the directory", credentials)
		}
	}
}

// An empty password never binds, with a search and with a template (RFC 4513 §5.1.2).
func TestF_38EmptyPasswordNeverBinds(t *testing.T) {
	template, err := directory.ParseDNTemplate("uid={username}," + people)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*Options){nil, func(o *Options) { o.Search, o.DNTemplate = nil, template }} {
		f := newFixture(t, change)
		f.login(t, "bjensen", "", ReasonEmpty)
		if binds := f.memory.bound(); len(binds) > 0 {
			t.Errorf("bound %v", binds)
		}
	}
}

func TestNameIsAValueInTheFilter(t *testing.T) {
	f := newFixture(t, nil)
	for name, want := range map[string]string{
		"*":               `(uid=\2a)`,
		"bj*":             `(uid=bj\2a)`,
		"x)(|(uid=*)":     `(uid=x\29\28|\28uid=\2a\29)`,
		`a\2a`:            `(uid=a\5c2a)`,
		"bjensen)(cn=a))": `(uid=bjensen\29\28cn=a\29\29)`,
	} {
		f.memory.filters = nil
		f.login(t, name, "x", ReasonUnknown)
		if diff := cmp.Diff([]string{want}, f.memory.filters); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNameIsAValueInTheTemplate(t *testing.T) {
	template, err := directory.ParseDNTemplate("uid={username}," + people)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(o *Options) { o.Search, o.DNTemplate = nil, template })
	f.login(t, "bjensen", "hifalutin", "")
	f.login(t, "bjensen,ou=Admins", "x", ReasonPassword)
	binds := f.memory.bound()
	if want := `uid=bjensen\,ou=Admins,` + people; len(binds) != 2 || binds[1].dn != want {
		t.Errorf("bound %v, want %s", binds, want)
	}
	if len(f.memory.filters) > 0 {
		t.Error("a template searched")
	}
}

// An unknown name, a name that several have and a wrong password are one answer, and
// each costs one search and one bind.
func TestF_37_S_F05_RefusalsAreOneAnswer(t *testing.T) {
	var first *fault.Error
	for _, tt := range []struct {
		name, password string
		want           auth.Reason
		dn             string // of the bind; "" is one that nobody has
	}{
		{"bjensen", "wrong", ReasonPassword, babs},
		{"nobody", "wrong", ReasonUnknown, ""},
		{"twin", "x", ReasonAmbiguous, ""},
	} {
		f := newFixture(t, nil)
		_, err := auth.NewChain(f).Authenticate(request(tt.name, tt.password))
		var e *fault.Error
		if !errors.As(err, &e) || auth.ReasonOf(err) != tt.want {
			t.Fatalf("%s: got %v", tt.name, err)
		}
		if len(f.memory.filters) != 1 {
			t.Errorf("%s: %d searches", tt.name, len(f.memory.filters))
		}
		binds := f.memory.bound()
		if len(binds) != 1 || binds[0].password != tt.password || tt.dn != "" && binds[0].dn != tt.dn {
			t.Errorf("%s: bound %v", tt.name, binds)
		}
		for _, p := range f.memory.people {
			if tt.dn == "" && binds[0].dn == p.dn {
				t.Errorf("%s: bound as %s", tt.name, p.dn)
			}
		}
		seen := *e
		seen.Err = nil
		if first == nil {
			first = &seen
		}
		if diff := cmp.Diff(first, &seen); diff != "" {
			t.Errorf("%s can be told apart (-first +this):\n%s", tt.name, diff)
		}
	}
	if diff := cmp.Diff([]string{`Basic realm="directory", charset="UTF-8"`}, first.Challenges); diff != "" {
		t.Errorf("challenges (-want +got):\n%s", diff)
	}
}

// A directory that does not answer refuses nobody, whether the name is known or not.
func TestS_F07_DirectoryDown(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Unavailable, fault.Timeout} {
		down := fault.New(kind, "the directory does not answer")
		for _, name := range []string{"bjensen", "nobody"} {
			for _, set := range []func(*memory){func(m *memory) { m.down = down }, func(m *memory) { m.bindDown = down }} {
				f := newFixture(t, nil)
				set(f.memory)
				principal, err := f.Authenticate(request(name, "hifalutin"))
				if principal != nil || fault.KindOf(err) != kind || auth.ReasonOf(err) != "" {
					t.Errorf("%s: got %v, %v; want %v", name, principal, err, kind)
				}
				f.memory.change(func() { f.memory.down, f.memory.bindDown = nil, nil })
				f.login(t, "bjensen", "hifalutin", "")
			}
		}
	}
}

// What the directory has against the gateway's own search is not the caller's fault.
func TestSearchRefused(t *testing.T) {
	for _, kind := range []fault.Kind{fault.NotFound, fault.Forbidden, fault.Invalid, fault.TooLarge, fault.Unauthenticated} {
		f := newFixture(t, nil)
		f.memory.down = fault.New(kind, "no")
		if _, err := f.Authenticate(request("bjensen", "hifalutin")); fault.KindOf(err) != fault.BadGateway || auth.ReasonOf(err) != "" {
			t.Errorf("%v: got %v", kind, err)
		}
	}
}

func TestMustChange(t *testing.T) {
	f := newFixture(t, nil)
	f.memory.people[0].mustChange = true
	for range 2 {
		principal, err := f.Authenticate(request("bjensen", "hifalutin"))
		if principal == nil || principal.Identity.AuthzID != "dn:"+babs {
			t.Errorf("got the principal %v", principal)
		}
		var e *fault.Error
		if !auth.MustChange(err) || !errors.As(err, &e) || e.Kind != fault.Forbidden || e.Detail.Kind != "passwordMustChange" {
			t.Errorf("got %v", err)
		}
	}
	if got := len(f.memory.bound()); got != 2 {
		t.Errorf("%d binds for 2 logins: one who must change the password was remembered", got)
	}
	f.memory.change(func() { f.memory.people[0].mustChange = false })
	f.login(t, "bjensen", "hifalutin", "")
}

func TestNewRefuses(t *testing.T) {
	f := newFixture(t, nil)
	template := func(text string) directory.DNTemplate {
		d, err := directory.ParseDNTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	fixed, err := directory.ParseFilterTemplate("(uid=admin)")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"no directory":        func(o *Options) { o.Directory = nil },
		"no accounts":         func(o *Options) { o.Accounts = nil },
		"no way to find":      func(o *Options) { o.Search = nil },
		"filter without name": func(o *Options) { o.Search = &Search{Filter: fixed} },
		"another variable":    func(o *Options) { o.Search, o.DNTemplate = nil, template("uid={username},ou={unit},dc=com") },
		"the name is the DN":  func(o *Options) { o.Search, o.DNTemplate = nil, template("{username}") },
		"the template climbs": func(o *Options) { o.Search, o.DNTemplate = nil, template("uid={username},..") },
		"template, no name":   func(o *Options) { o.Search, o.DNTemplate = nil, template("uid=admin,dc=com") },
	} {
		o := f.options
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: an authenticator was made", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"bjensen:hifalutin", ":", "a:", "a:b:c", "a\x00:b", "a:\x00", "\xff:a", "a"} {
		f.Add(base64.StdEncoding.EncodeToString([]byte(seed)))
	}
	f.Add("a")
	f.Add("YQ")
	f.Fuzz(func(t *testing.T, encoded string) {
		name, password, err := parse(encoded)
		if err != nil {
			if fault.KindOf(err) != fault.Unauthenticated || name != "" || password != "" {
				t.Fatalf("got %q, %q, %v", name, password, err)
			}
			return
		}
		if !auth.IsName(name) || strings.Contains(name, ":") || password == "" || len(password) > MaxPassword || strings.Contains(password, "\x00") {
			t.Fatalf("%q was taken as %q and %q", encoded, name, password)
		}
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || string(decoded) != name+":"+password {
			t.Fatalf("%q is %q, not %q and %q", encoded, decoded, name, password)
		}
	})
}
