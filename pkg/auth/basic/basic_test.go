package basic_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/rest2ldap/rest2ldap/pkg/auth/basic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestChallenge(t *testing.T) {
	f := bySearch(t, basic.Options{Realm: "directory"})
	want := `Basic realm="directory", charset="UTF-8"`
	for _, code := range []string{"", "invalid_token"} {
		if got := f.Challenge(code); got != want {
			t.Errorf("%q: got %s, want %s", code, got, want)
		}
	}
}

// The search names no attributes, and stops at the second entry.
func TestSearchRequest(t *testing.T) {
	f := bySearch(t, basic.Options{})
	f.person("bjensen", "hifalutin")
	if _, err := f.login(t.Context(), "bjensen", "hifalutin"); err != nil {
		t.Fatal(err)
	}
	if len(f.searches) != 1 {
		t.Fatalf("%d searches", len(f.searches))
	}
	r := f.searches[0]
	if r.Base.String() != people || r.Scope != directory.ScopeSubtree || r.SizeLimit != 2 || len(r.Attributes) != 0 {
		t.Errorf("got %+v", r)
	}
}
