package memdir_test

import (
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// list asks for all people.
func list(size int64, attributes ...string) *ber.Packet {
	return query{base: peopleDN, scope: 1, size: size, attributes: attributes}.packet()
}

// page asks for a page of list, and returns its size, the result code and the cookie.
func (r *raw) page(op *ber.Packet, controls ...*ber.Packet) (entries, code int, cookie string) {
	r.tb.Helper()
	result, entries, m := r.exchange(op, controls...)
	cookie, _, err := m.PagingCookie()
	if err != nil {
		r.tb.Fatal(err)
	}
	return entries, result.Code, cookie
}

// outcome is what a page came to.
type outcome struct {
	entries, code int
	more          bool
}

// TestPages walks in pages of several sizes, under limits of the client and of the
// directory. The numbers are slapd's.
func TestPages(t *testing.T) {
	t.Parallel()
	d := start(t, func(o *memdir.Options) { o.Limits.SizeLimit = 30 })
	for _, test := range []struct {
		name         string
		root         bool
		limit, pages int64
		want         []outcome
	}{
		{"LastIsShort", true, 0, 16, []outcome{{16, 0, true}, {16, 0, true}, {8, 0, false}}},
		{"LastIsFull", true, 0, 20, []outcome{{20, 0, true}, {20, 0, false}}},
		{"One", true, 0, 100, []outcome{{40, 0, false}}},
		{"ClientLimit", true, 5, 3, []outcome{{3, 0, true}, {2, 4, false}}},
		{"ClientLimitIsAPage", true, 3, 3, []outcome{{3, 4, false}}},
		{"ClientLimitBelowAPage", true, 2, 3, []outcome{{2, 4, false}}},
		{"DirectoryLimit", false, 0, 20, []outcome{{20, 0, true}, {10, 4, false}}},
		{"DirectoryLimitAfterAPage", false, 0, 15, []outcome{{15, 0, true}, {15, 0, true}, {0, 4, false}}},
		{"DirectoryLimitBelowAPage", false, 0, 31, []outcome{{30, 4, false}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := d.raw(t)
			if test.root {
				r.bind(rootDN, rootPassword)
			} else {
				r.bind(person(1), "pw01")
			}
			cookie := ""
			for i, want := range test.want {
				var got outcome
				got.entries, got.code, cookie = r.page(list(test.limit, "cn"), page(test.pages, cookie))
				if got.more = cookie != ""; got != want {
					t.Fatalf("page %d: %+v, want %+v", i, got, want)
				}
			}
		})
	}
}

// TestCookies are cookies that are good for nothing, and those that stay good meanwhile.
func TestCookies(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	r := d.raw(t)
	r.bind(rootDN, rootPassword)
	first := func() string {
		t.Helper()
		_, _, cookie := r.page(list(0), page(3, ""))
		if cookie == "" {
			t.Fatal("no cookie")
		}
		return cookie
	}
	want := func(what string, on *raw, op *ber.Packet, size int64, cookie string, code int, text string) {
		t.Helper()
		result, _, _ := on.exchange(op, page(size, cookie))
		if result.Code != code || result.Diagnostic != text {
			t.Errorf("%s: %+v", what, result)
		}
	}
	const invalid = "paged results cookie is invalid"
	one := first()
	want("short", r, list(0), 3, "x", 2, invalid)
	want("of the right length", r, list(0), 3, "abcdefghijklmnopqrst", 2, invalid)
	want("another search", r, list(0, "cn"), 3, one, 2, invalid)
	want("another base", r, query{base: suffix, scope: 1}.packet(), 3, one, 2, invalid)
	want("another filter", r, query{base: peopleDN, scope: 1, filter: octets(0x87, "cn")}.packet(), 3, one, 2, invalid)
	other := d.raw(t)
	other.bind(rootDN, rootPassword)
	want("another connection", other, list(0), 3, one, 2, invalid)
	want("the right one, with another size", r, list(0), 2, one, 0, "")
	want("the right one again", r, list(0), 3, one, 53, "paged results cookie is invalid or old")

	one = first()
	two := first()
	want("replaced by another walk", r, list(0), 3, one, 2, invalid)
	want("size 0", r, list(0), 0, two, 0, "search abandoned by pagedResult size=0")
	want("after the end", r, list(0), 3, two, 2, invalid)

	one = first()
	r.bind(person(1), "pw01")
	want("another identity", r, list(0), 3, one, 2, invalid)
}

// TestPageSizeZero begins a walk without taking anything.
func TestPageSizeZero(t *testing.T) {
	t.Parallel()
	r := start(t, nil).raw(t)
	r.bind(rootDN, rootPassword)
	entries, code, cookie := r.page(list(0), page(0, ""))
	if entries != 0 || code != 0 || cookie == "" {
		t.Fatalf("%d entries, code %d, cookie %q", entries, code, cookie)
	}
	if entries, code, cookie = r.page(list(0), page(100, cookie)); entries != people || code != 0 || cookie != "" {
		t.Errorf("%d entries, code %d, cookie %q", entries, code, cookie)
	}
}

// TestPagesAreSnapshots changes what a page is still to show.
func TestPagesAreSnapshots(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	r, other := d.raw(t), d.raw(t)
	r.bind(rootDN, rootPassword)
	other.bind(rootDN, rootPassword)
	_, _, cookie := r.page(list(0), page(10, ""))
	for n := range people {
		if result, _, _ := other.exchange(octets(0x4a, person(n))); result.Code != 0 {
			t.Fatalf("%+v", result)
		}
	}
	if entries, code, _ := r.page(list(0), page(100, cookie)); entries != people-10 || code != 0 {
		t.Errorf("%d entries, code %d", entries, code)
	}
}

// TestSortedPages holds as many sorted results as may be: another search is not sorted
// until one of them is given up.
func TestSortedPages(t *testing.T) {
	t.Parallel()
	d := start(t, nil)
	sorted := control(ldapwire.OIDSort, true, sortBy("uid", "caseIgnoreOrderingMatch"))
	var holders []*raw
	var cookies []string
	for range 8 {
		r := d.raw(t)
		r.bind(rootDN, rootPassword)
		_, code, cookie := r.page(list(0), sorted, page(3, ""))
		if code != 0 || cookie == "" {
			t.Fatalf("code %d, cookie %q", code, cookie)
		}
		holders, cookies = append(holders, r), append(cookies, cookie)
	}
	r := d.raw(t)
	r.bind(rootDN, rootPassword)
	result, _, _ := r.exchange(list(0), sorted)
	wantResult(t, result, 51, "Other sort requests already in progress")
	if entries, code, _ := holders[0].page(list(0), sorted, page(100, cookies[0])); entries != people-3 || code != 0 {
		t.Errorf("%d entries, code %d", entries, code)
	}
	result, entries, m := r.exchange(list(0), sorted)
	controls, err := m.Controls()
	if result.Code != 0 || entries != people || err != nil || len(controls) != 1 || controls[0].OID != ldapwire.OIDSortResponse {
		t.Errorf("%+v, %d entries, %+v, %v", result, entries, controls, err)
	}
}
