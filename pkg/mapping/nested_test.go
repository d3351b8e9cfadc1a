package mapping_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// TestNestedReferences: fields that lead from reference to reference are shown as far as
// there is room for it, and are refused beyond, before anything is written.
func TestNestedReferences(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	const people, groups = 30, 3
	dir := &fakeDirectory{matcher: p.dir.matcher, schema: p.dir.schema}
	var members, of []string
	for i := range people {
		members = append(members, memberDN(i))
	}
	for i := range groups {
		of = append(of, fmt.Sprintf("cn=g%d,ou=Groups,dc=example,dc=com", i))
		dir.entries = append(dir.entries, &directory.Entry{DN: of[i], Attributes: []directory.Attribute{
			{Name: "objectClass", Values: []string{"groupOfUniqueNames"}}, {Name: "cn", Values: []string{fmt.Sprint("g", i)}}, {Name: "uniqueMember", Values: members},
		}})
	}
	for i := range people {
		dir.entries = append(dir.entries, &directory.Entry{DN: members[i], Attributes: []directory.Attribute{
			{Name: "objectClass", Values: []string{"inetOrgPerson"}},
			{Name: "uid", Values: []string{fmt.Sprint("user", i)}},
			{Name: "memberOf", Values: of},
			{Name: "manager", Values: members[:1]},
		}})
	}
	target := p.at(t, "/groups")
	for field, want := range map[string]int{
		"members/groups":                             people * groups,
		"members/groups/members":                     people * groups * people,
		"members/manager/manager/manager":            people,
		"members/manager/reports/manager":            people * people,
		"members/groups/members/groups":              -1,
		strings.Repeat("members/groups/", 7) + "_id": -1,
		strings.Repeat("members/groups/", 9) + "_id": -2,
		"members" + strings.Repeat("/manager", 16):   -2,
	} {
		pointer, err := query.ParsePointer(field)
		if err != nil {
			t.Fatal(err)
		}
		searches := 0
		find := func(ctx context.Context, req *directory.SearchRequest) ([]*directory.Entry, error) {
			searches++
			return dir.find(ctx, req)
		}
		encoder := target.Encoder(&mapping.Request{Fields: []query.Pointer{pointer}})
		err = encoder.Resolve(t.Context(), find, dir.entries[:1])
		switch {
		case want == -1 && errors.Is(err, fault.TooLarge), want == -2 && errors.Is(err, fault.Invalid):
			var e *fault.Error
			if errors.As(err, &e); e.Detail.Parameter != "_fields" {
				t.Errorf("%s: %+v names no parameter", field, e.Detail)
			}
		case err != nil || want < 0:
			t.Errorf("%s: %v, want %d", field, err, want)
		default:
			last := pointer[len(pointer)-1]
			if shown := string(encoder.Append(nil, dir.entries[0])); want != people && strings.Count(shown, `"`+last+`":`) == 0 {
				t.Errorf("%s: %.200s", field, shown)
			}
		}
		if searches > len(pointer) {
			t.Errorf("%s: %d searches", field, searches)
		}
	}
	filter, err := query.ParseFilter(strings.Repeat("members/groups/", 9) + "_id eq 'x'")
	if err != nil {
		t.Fatal(err)
	}
	_, err = target.Select(t.Context(), filter, dir.find)
	var e *fault.Error
	if !errors.Is(err, fault.Invalid) || !errors.As(err, &e) || e.Detail.Kind != "tooDeep" || e.Detail.Position != 1 {
		t.Errorf("a filter through 18 references: %v", err)
	}
}
