package tlspolicy_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/testcert"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// A file that changes is read anew; one that makes no sense changes nothing, and is told
// of once.
func TestWatchRoots(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	authority := func() *testcert.CA {
		ca, err := testcert.NewCA()
		if err != nil {
			t.Fatal(err)
		}
		return ca
	}
	write := func(text []byte) {
		t.Helper()
		fresh := file + ".new"
		if err := os.WriteFile(fresh, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, file); err != nil {
			t.Fatal(err)
		}
	}
	first, second := authority(), authority()
	write(first.PEM())
	pool, err := tlspolicy.LoadRoots(file)
	if err != nil {
		t.Fatal(err)
	}
	var told []error
	get := tlspolicy.WatchRoots(file, pool, func(err error) { told = append(told, err) })
	if get() != pool {
		t.Error("a file that did not change was read again")
	}
	write(second.PEM())
	if !get().Equal(second.Pool()) {
		t.Error("the new authority is not trusted")
	}
	write([]byte("nonsense"))
	for range 3 {
		if !get().Equal(second.Pool()) {
			t.Error("the old authority is not trusted any more")
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if !get().Equal(second.Pool()) || len(told) != 2 {
		t.Errorf("told of %v", told)
	}
	write(first.PEM())
	if !get().Equal(first.Pool()) || len(told) != 2 {
		t.Errorf("not the first authority again, or told of %v", told)
	}
}

// A certificate follows both of its files.
func TestWatchCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, err := testcert.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	write := func() (cert, key string) {
		t.Helper()
		pair, err := ca.Issue(testcert.Leaf{})
		if err != nil {
			t.Fatal(err)
		}
		if cert, key, err = pair.WriteFiles(dir, "client"); err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	cert, key := write()
	first, err := tlspolicy.LoadCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	get := tlspolicy.WatchCertificate(cert, key, first, func(err error) { t.Error(err) })
	write()
	second, err := tlspolicy.LoadCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := get(nil)
	if err != nil || !shown.Leaf.Equal(second.Leaf) || shown.Leaf.Equal(first.Leaf) {
		t.Errorf("the old certificate is shown: %v", err)
	}
}

// For how long certificates are good is known of the file that is in force.
func TestValidity(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	dir := t.TempDir()
	soon, late := time.Now().Add(time.Hour).Truncate(time.Second), time.Now().Add(48*time.Hour).Truncate(time.Second)
	pem := func(at time.Time) []byte {
		pair, err := ca.Issue(testcert.Leaf{NotAfter: at})
		if err != nil {
			t.Fatal(err)
		}
		return pair.Cert
	}
	file := filepath.Join(dir, "bundle.pem")
	put := func(text []byte) {
		next := filepath.Join(dir, "next.pem")
		if err := os.WriteFile(next, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, file); err != nil {
			t.Fatal(err)
		}
	}
	key, err := ca.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	put(slices.Concat(key, pem(late), pem(soon), ca.PEM()))
	first, err := tlspolicy.ReadValidity(file)
	if err != nil || !first.NotAfter.Equal(soon) || !first.NotBefore.Before(soon) || first.Certificates != 3 {
		t.Errorf("%v, %v, want %v", first, err, soon)
	}
	at := tlspolicy.WatchValidity(file, first)
	put(pem(late))
	if got := at(); !got.NotAfter.Equal(late) {
		t.Errorf("%v, want %v", got, late)
	}
	put([]byte("nonsense"))
	if got := at(); !got.NotAfter.Equal(late) {
		t.Errorf("%v after nonsense, want %v", got, late)
	}
	if _, err := tlspolicy.ReadValidity(file); err == nil || !strings.Contains(err.Error(), "bundle.pem holds no certificate") {
		t.Error(err)
	}
}

// It is time for another certificate 14 days before the end, or, when it lives for days only,
// in the last third of its life.
func TestEndsSoon(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Now()
	for name, test := range map[string]struct {
		age, left time.Duration
		want      bool
	}{
		"Year":       {351 * day, 15 * day, false},
		"YearEnds":   {351 * day, 14 * day, true},
		"Days":       {4 * day, 3 * day, false},
		"DaysEnd":    {4 * day, 2 * day, true},
		"Hours":      {15 * time.Hour, 9 * time.Hour, false},
		"HoursEnd":   {17 * time.Hour, 7 * time.Hour, true},
		"Expired":    {400 * day, -time.Second, true},
		"NotYetGood": {-day, 366 * day, false},
	} {
		v := tlspolicy.Validity{NotBefore: now.Add(-test.age), NotAfter: now.Add(test.left), Certificates: 1}
		if v.EndsSoon(now) != test.want {
			t.Errorf("%s: %t", name, !test.want)
		}
	}
}
