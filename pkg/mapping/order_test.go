package mapping_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/internal/soak"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// TestOrderIsTotal makes entries with no, one and several values, and checks that the
// filters of an order select at each place exactly what the order says.
func TestOrderIsTotal(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	random := soak.Rand(t)
	capabilities := *p.binding.Capabilities()
	capabilities.Sort = true
	matcher := directory.NewMatcher(capabilities.Schema)
	target, err := p.binding.Model().Bind(&capabilities).Locate(t.Context(), []string{"users"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fields := []string{"description", "name/familyName", "displayName", "uidNumber", "_meta/created", "_id"}
	for range soak.Size(200, 10_000) {
		var keys []query.SortKey
		for range random.IntN(4) {
			field, err := query.ParsePointer(fields[random.IntN(len(fields))])
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, query.SortKey{Field: field, Reverse: random.IntN(2) == 0})
		}
		order, err := target.Order(keys)
		if err != nil || !order.IsServed() {
			t.Fatalf("%v: served %t, %v", keys, err == nil && order.IsServed(), err)
		}
		entries := make([]*directory.Entry, 12)
		for i := range entries {
			entries[i] = randomEntry(random)
		}
		order.Sort(entries)
		for i, at := range entries {
			position := order.PositionOf(at)
			for j, entry := range entries {
				for filter, want := range map[string]bool{order.After(position).String(): j > i, order.At(position).String(): j == i} {
					parsed, err := directory.ParseFilter(filter)
					if err != nil {
						t.Fatal(err)
					}
					if got, err := matcher.Matches(parsed, entry); got != want || err != nil {
						t.Fatalf("%v: %s for %v, the entry %d after %d: %t, %v", keys, filter, entry, j, i, got, err)
					}
				}
			}
		}
	}
}

func randomEntry(random *rand.Rand) *directory.Entry {
	texts := []string{"a", "A", "b", "B c", "b  C", "d", "1", "10"}
	entry := &directory.Entry{Attributes: []directory.Attribute{
		{Name: "entryUUID", Values: []string{fmt.Sprintf("%08x-0000-0000-0000-%012x", random.Uint32(), random.Uint32())}},
	}}
	for _, name := range []string{"description", "sn", "cn", "uid"} {
		var values []string
		for range random.IntN(3) {
			if value := texts[random.IntN(len(texts))]; !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
		if values != nil {
			entry.Attributes = append(entry.Attributes, directory.Attribute{Name: name, Values: values})
		}
	}
	if random.IntN(3) > 0 {
		entry.Attributes = append(entry.Attributes,
			directory.Attribute{Name: "uidNumber", Values: []string{fmt.Sprint(random.IntN(20))}},
			directory.Attribute{Name: "createTimestamp", Values: []string{fmt.Sprintf("200%d0101000000Z", random.IntN(5))}})
	}
	return entry
}

// An order that the directory does not have is one of the gateway.
func TestOrderOfTheGateway(t *testing.T) {
	t.Parallel()
	for name, capabilities := range map[string]*directory.Capabilities{
		"NoSort":   {Schema: openLDAP(t)},
		"NoSchema": {Sort: true},
	} {
		model := shipped(t).binding.Model()
		target, err := model.Bind(capabilities).Locate(t.Context(), []string{"users"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		order, err := target.Order([]query.SortKey{{Field: query.Pointer{"userName"}}})
		if err != nil || order.IsServed() {
			t.Errorf("%s: %v", name, err)
		}
		a := order.PositionOf(&directory.Entry{DN: "uid=x", Attributes: []directory.Attribute{{Name: "mail", Values: []string{"B@x", "a@x"}}}})
		b := order.PositionOf(&directory.Entry{DN: "uid=a", Attributes: []directory.Attribute{{Name: "mail", Values: []string{"b@x"}}}})
		if order.Compare(a, b) >= 0 || order.Compare(b, a) <= 0 || order.Compare(a, a) != 0 {
			t.Errorf("%s: %v and %v", name, a, b)
		}
	}
}

// A position is a value that need not be text, and comes back from JSON as it was.
func TestPositionOfOctets(t *testing.T) {
	t.Parallel()
	target := shipped(t).at(t, "/users")
	order, err := target.Order([]query.SortKey{{Field: query.Pointer{"photo"}}, {Field: query.Pointer{"description"}}, {Field: query.Pointer{"displayName"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"\xff\xd8\x00\"", "a\xc3", "", "\u00fc"} {
		entry := &directory.Entry{DN: "uid=" + value, Attributes: []directory.Attribute{
			{Name: "jpegPhoto", Values: []string{value}}, {Name: "description", Values: []string{value}},
		}}
		position := order.PositionOf(entry)
		text, err := json.Marshal(position)
		if err != nil {
			t.Fatal(err)
		}
		var read mapping.Position
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(position.Values, read.Values); diff != "" || read.Identity != position.Identity || order.Compare(order.Restore(read), position) != 0 {
			t.Errorf("%q: %s %s", value, text, diff)
		}
	}
}

// TestOrderInsideJSON: numbers come before strings and those before booleans, the least of
// what stands in arrays counts, and what says nothing comes last.
func TestOrderInsideJSON(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/plan/json.txtar")
	if err != nil {
		t.Fatal(err)
	}
	target := newPlanner(t, archive).at(t, "/things")
	values := []string{`{"n":[5,{"n":1}]}`, `{"n":-1e2}`, `{"n":10}`, `{"n":9.5}`, `{"n":"b"}`, `{"n":"A"}`, `{"n":true}`, `{"n":null}`, `{"n":{}}`, `{"N":1}`, `no`, ``, `7`, `["x",[3]]`}
	for field, want := range map[string][]int{"json/n": {1, 0, 3, 2, 5, 4, 6}, "json/n/n": {0}, "json/n/0": {0}, "json": {13, 12}, "exact/n": {1, 0, 3, 2, 5, 4, 6}} {
		pointer, err := query.ParsePointer(field)
		if err != nil {
			t.Fatal(err)
		}
		order, err := target.Order([]query.SortKey{{Field: pointer}})
		if err != nil {
			t.Fatal(err)
		}
		if order.IsServed() {
			t.Errorf("%s: no directory sorts inside of JSON", field)
		}
		var entries []*directory.Entry
		for i, value := range values {
			entry := &directory.Entry{DN: fmt.Sprintf("cn=%02d,dc=test", i)}
			if value != "" {
				name := map[bool]string{true: "l", false: "description"}[pointer[0] == "exact"]
				entry.Attributes = []directory.Attribute{{Name: name, Values: []string{value}}}
			}
			entries = append(entries, entry)
		}
		for i := range values {
			if !slices.Contains(want, i) {
				want = append(want, i) // By what tells them apart.
			}
		}
		order.Sort(entries)
		for i, entry := range entries {
			if got := fmt.Sprintf("cn=%02d,dc=test", want[i]); entry.DN != got {
				t.Errorf("%s: %s at place %d, want %s", field, entry.DN, i, got)
			}
			data, err := json.Marshal(order.PositionOf(entry))
			var stored mapping.Position
			if err == nil {
				err = json.Unmarshal(data, &stored)
			}
			if err != nil || order.Compare(order.Restore(stored), order.PositionOf(entry)) != 0 {
				t.Errorf("%s: the position %s is another one: %v", field, data, err)
			}
		}
	}
}

// TestOrderRuleInsideJSON: the rule for the order says whether the case of strings counts, and
// where there is none the rule for filters does.
func TestOrderRuleInsideJSON(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/plan/json.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for rules, isExact := range map[string]bool{
		"": false, "jsonQueryEqualityMatchingRule: caseExactJsonQueryMatch": true,
		"extensibleJsonOrderingMatchingRule: caseExactOrderingMatch":                                                          true,
		"jsonQueryEqualityMatchingRule: caseExactJsonQueryMatch, extensibleJsonOrderingMatchingRule: caseIgnoreOrderingMatch": false,
	} {
		with := &txtar.Archive{Files: slices.Clone(archive.Files)}
		with.Files[0].Data = bytes.Replace(with.Files[0].Data, []byte("{type: json, ldapAttribute: description}"), []byte("{type: json, ldapAttribute: description, "+rules+"}"), 1)
		order, err := newPlanner(t, with).at(t, "/things").Order([]query.SortKey{{Field: query.Pointer{"json", "n"}}})
		if err != nil {
			t.Fatal(err)
		}
		var entries []*directory.Entry
		for _, name := range []string{"B", "a"} {
			entries = append(entries, &directory.Entry{DN: "cn=" + name + ",dc=test", Attributes: []directory.Attribute{{Name: "description", Values: []string{`{"n":"` + name + `"}`}}}})
		}
		if order.Sort(entries); (entries[0].DN == "cn=B,dc=test") != isExact {
			t.Errorf("%s: %s comes first", rules, entries[0].DN)
		}
	}
}
