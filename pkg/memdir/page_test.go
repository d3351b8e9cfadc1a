package memdir_test

import (
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// generated finds the people that the tests use.
func generated() *ber.Packet {
	return element(0xa4, octets(0x04, "uid"), element(0x30, octets(0x80, "gen")))
}

// list asks for them.
func list(size int64, attributes ...string) *ber.Packet {
	return query{base: peopleDN, scope: 1, size: size, filter: generated(), attributes: attributes}.packet()
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
	both(t, 30, testPages)
}

func testPages(t *testing.T, d *place) {
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
				r.bindRoot()
			} else {
				r.bind(person(1), password(1))
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
	both(t, 0, func(t *testing.T, d *place) { testCookies(t, d, false) })
	t.Run("strict", func(t *testing.T) {
		t.Parallel()
		testCookies(t, start(t, nil).place, true)
	})
}

func testCookies(t *testing.T, d *place, strict bool) {
	r := d.raw(t)
	r.bindRoot()
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
	if strict { // slapd takes the cookie, and goes on in the wrong search.
		want("another search", r, list(0, "cn"), 3, one, 2, invalid)
		want("another base", r, query{base: suffix, scope: 1, filter: generated()}.packet(), 3, one, 2, invalid)
		want("another filter", r, query{base: peopleDN, scope: 1}.packet(), 3, one, 2, invalid)
	}
	other := d.raw(t)
	other.bindRoot()
	want("another connection", other, list(0), 3, one, 2, invalid)
	want("the right one, with another size", r, list(0), 2, one, 0, "")
	want("the right one again", r, list(0), 3, one, 53, "paged results cookie is invalid or old")

	want("size 0", r, list(0), 0, first(), 0, "search abandoned by pagedResult size=0")
	if strict { // The cookie of slapd is the place in the data.
		one, two := first(), first()
		want("replaced by another walk", r, list(0), 3, one, 2, invalid)
		want("size 0", r, list(0), 0, two, 0, "search abandoned by pagedResult size=0")
		want("after the end", r, list(0), 3, two, 2, invalid)
		one = first()
		r.bind(person(1), password(1))
		want("another identity", r, list(0), 3, one, 2, invalid)
	}
}

// TestPageSizeZero begins a walk without taking anything.
func TestPageSizeZero(t *testing.T) {
	t.Parallel()
	r := start(t, nil).raw(t)
	r.bindRoot()
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
	r.bindRoot()
	other.bindRoot()
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
	both(t, 0, testSortedPages)
}

func testSortedPages(t *testing.T, d *place) {
	sorted := control(ldapwire.OIDSort, true, sortBy("uid", "caseIgnoreOrderingMatch"))
	var holders []*raw
	for range 8 {
		r := d.raw(t)
		r.bindRoot()
		_, code, cookie := r.page(list(0), sorted, page(3, ""))
		if code != 0 || cookie == "" {
			t.Fatalf("code %d, cookie %q", code, cookie)
		}
		holders = append(holders, r)
	}
	r := d.raw(t)
	r.bindRoot()
	result, _, _ := r.exchange(list(0), sorted)
	wantResult(t, result, 51, "Other sort requests already in progress")
	_ = holders[0].net.Close()
	for result.Code == 51 { // Until the server has seen it.
		var entries int
		var m *ldapwire.Message
		if result, entries, m = r.exchange(list(0), sorted); result.Code == 51 {
			continue
		}
		controls, err := m.Controls()
		if result.Code != 0 || entries != people || err != nil || len(controls) != 1 || controls[0].OID != ldapwire.OIDSortResponse {
			t.Errorf("%+v, %d entries, %+v, %v", result, entries, controls, err)
		}
	}
}
