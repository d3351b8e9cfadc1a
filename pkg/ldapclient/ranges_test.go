package ldapclient_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// ranged answers for a group of so many members as Active Directory does: in ranges, beside
// an attribute without values.
func ranged(members, step int) fakeldap.Script {
	return func(r *fakeldap.Request) {
		if r.Name != "search" {
			r.Done(0)
			return
		}
		from := 0
		for _, asked := range r.Attributes {
			if _, option, ok := strings.Cut(asked, ";range="); ok {
				from, _ = strconv.Atoi(strings.TrimSuffix(option, "-*"))
			}
		}
		r.Send(fakeldap.Message(r.ID, group(r.DN, from, members, step)))
		if r.Paged {
			r.DonePage("")
		} else {
			r.Done(0)
		}
	}
}

func TestRangeRetrieval(t *testing.T) {
	t.Parallel()
	const members = 4321
	server := fakeldap.Start(t, ranged(members, 1500))
	s := fakeClient(t, server, nil).As(as("a"))
	whole := func(t *testing.T, entries []*directory.Entry, err error) {
		t.Helper()
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		values := entries[0].Values("member")
		if len(values) != members || values[0] != "m0" || values[members-1] != "m4320" || len(entries[0].Attributes) != 2 || entries[0].Value("cn") != "G" {
			t.Errorf("%d values, %d attributes", len(values), len(entries[0].Attributes))
		}
		for i, value := range values {
			if value != "m"+strconv.Itoa(i) {
				t.Fatalf("value %d is %q", i, value)
			}
		}
	}
	// F_49: the ranges are followed, as the same identity, until all values are there.
	t.Run("F_49", func(t *testing.T) {
		entries, _, err := collect(within(t, 3*time.Minute), s, read("g", "cn", "member"))
		whole(t, entries, err)
		requests := server.Requests("search")
		if len(requests) != 3 || !slices.Equal(requests[2].Attributes, []string{"member;range=3000-*"}) || requests[2].DN != userDN("g").String() {
			t.Fatalf("%d searches", len(requests))
		}
		for _, r := range requests {
			if r.Values[ldapwire.OIDProxiedAuthorization] != as("a").AuthzID {
				t.Errorf("a range was asked for as %q", r.Values[ldapwire.OIDProxiedAuthorization])
			}
		}
	})
	list := &directory.SearchRequest{Base: people, Scope: directory.ScopeSubtree, Filter: directory.Present("member"), Attributes: []string{"cn", "member"}}
	t.Run("List", func(t *testing.T) {
		entries, _, err := collect(within(t, 0), s, list)
		whole(t, entries, err)
	})
	t.Run("Walk", func(t *testing.T) {
		entries, more, err := s.Walk(list).Next(within(t, 0), 10)
		if more {
			t.Error("there is more")
		}
		whole(t, entries, err)
	})
	t.Run("Asked", func(t *testing.T) {
		entries, _, err := collect(within(t, 0), s, read("g", "member;range=0-*"))
		if err != nil || len(entries[0].Values("member;range=0-1499")) != 1500 {
			t.Errorf("%v, %v", entries, err)
		}
	})
}

// F_49: an entry of a million values is taken whole where the bound is high enough, in one
// message or in ranges, and refused where it is not; it is never short.
func TestManyValues(t *testing.T) {
	t.Parallel()
	const members = 1_000_000
	for _, test := range []struct {
		name   string
		step   int
		limit  int
		kind   fault.Kind
		detail string
	}{
		{"Whole", members, 32 << 20, 0, ""},
		{"WholeInRanges", 100_000, 32 << 20, 0, ""},
		{"TooMany", members, 1 << 20, fault.BadGateway, "malformedAnswer"},
		{"TooManyRanges", 20_000, 1 << 20, fault.TooLarge, "rangeRetrieval"},
	} {
		t.Run("F_49/"+test.name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, ranged(members, test.step))
			s := fakeClient(t, server, func(o *ldapclient.Options) { o.MaxMessage, o.Heartbeat = test.limit, time.Hour }).As(as("a")) // The answer takes long to read.
			entries, _, err := collect(within(t, 3*time.Minute), s, read("g", "cn", "member"))
			if test.kind != 0 {
				kindOf(t, err, test.kind, test.detail)
				if n := server.Count("search"); n > 10 || len(entries) > 0 {
					t.Errorf("%d searches, %d entries", n, len(entries))
				}
				return
			}
			if err != nil || len(entries) != 1 || len(entries[0].Values("member")) != members {
				t.Errorf("%d entries, %v", len(entries), err)
			}
		})
	}
}

// TestBrokenRanges has a server that begins with a range go on with something else. What
// cannot be had whole is an error, never an attribute that looks complete.
func TestBrokenRanges(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]func(r *fakeldap.Request){
		"Refused":   func(r *fakeldap.Request) { r.Done(50) },
		"Gone":      func(r *fakeldap.Request) { r.Done(32) },
		"NoEntry":   func(r *fakeldap.Request) { r.Done(0) },
		"NoValues":  func(r *fakeldap.Request) { r.Entry(r.DN, "cn", "G"); r.Done(0) },
		"SameAgain": func(r *fakeldap.Request) { r.Entry(r.DN, "member;range=0-0", "m0"); r.Done(0) },
		"AHole":     func(r *fakeldap.Request) { r.Entry(r.DN, "member;range=5-*", "m5"); r.Done(0) },
		"Another":   func(r *fakeldap.Request) { r.Entry(r.DN, "owner;range=1-*", "m1"); r.Done(0) },
		"Shorter":   func(r *fakeldap.Request) { r.Entry(r.DN, "member;range=1-9", "m1"); r.Done(0) },
		"Empty":     func(r *fakeldap.Request) { r.Send(fakeldap.Message(r.ID, group(r.DN, 1, 1, 5))); r.Done(0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := fakeldap.Start(t, func(r *fakeldap.Request) {
				if r.Attributes[0] == "member;range=1-*" {
					second(r)
					return
				}
				r.Entry(r.DN, "member;RANGE=0-0", "m0")
				r.Done(0)
			})
			entries, _, err := collect(within(t, 0), fakeClient(t, server, nil).As(as("a")), read("g", "member"))
			if name == "Empty" { // The end, right behind the last value.
				if err != nil || !slices.Equal(entries[0].Values("member"), []string{"m0"}) {
					t.Errorf("%v, %v", entries, err)
				}
				return
			}
			kindOf(t, err, fault.BadGateway, "rangeRetrieval")
			if len(entries) != 0 || server.Count("search") != 2 {
				t.Errorf("%d entries, %d searches", len(entries), server.Count("search"))
			}
		})
	}
}

// group is an entry with a range of its members, and an attribute member without values.
func group(dn string, from, members, step int) *ber.Packet {
	to, set := min(from+step, members), fakeldap.Element(0x31)
	var values []byte // A packet for each of a million would take long to make.
	for i := from; i < to; i++ {
		value := "m" + strconv.Itoa(i)
		values = append(append(values, 0x04, byte(len(value))), value...)
	}
	set.Data.Write(values)
	name := fmt.Sprintf("member;range=%d-%d", from, to-1)
	if to == members {
		name = fmt.Sprintf("member;range=%d-*", from)
	}
	return fakeldap.Element(0x64, fakeldap.Octets(0x04, dn), fakeldap.Element(0x30,
		fakeldap.Element(0x30, fakeldap.Octets(0x04, "cn"), fakeldap.Element(0x31, fakeldap.Octets(0x04, "G"))),
		fakeldap.Element(0x30, fakeldap.Octets(0x04, "member"), fakeldap.Element(0x31)),
		fakeldap.Element(0x30, fakeldap.Octets(0x04, name), set)))
}
