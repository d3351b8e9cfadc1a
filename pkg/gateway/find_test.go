package gateway_test

import (
	"errors"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// X24: what is on another server is counted once for each list, however often the directory
// refers to it, and counts go without it. A look-up behind a filter is no list.
func TestReferences(t *testing.T) {
	byID := []query.SortKey{{Field: query.Pointer{"_id"}}}
	all := query.Filter{Op: query.True}
	for name, test := range map[string]struct {
		req         mapping.Request
		sorts       bool
		count, want int
	}{
		"List":           {mapping.Request{Filter: all}, false, 3, 2},
		"Page":           {mapping.Request{Filter: all, PageSize: 2}, false, 2, 2},
		"SortedHere":     {mapping.Request{Filter: all, Sort: byID}, false, 3, 2},
		"Sorted":         {mapping.Request{Filter: all, Sort: byID}, true, 3, 2},
		"SortedPage":     {mapping.Request{Filter: all, Sort: byID, PageSize: 2}, true, 2, 2},
		"SortedPageHere": {mapping.Request{Filter: all, Sort: byID, PageSize: 2}, false, 2, 2},
		"CountedPage":    {mapping.Request{Filter: all, PageSize: 2, Total: true}, false, 2, 2},
		"Count":          {mapping.Request{Filter: all, CountOnly: true}, false, 0, 2},
	} {
		t.Run("X24/"+name, func(t *testing.T) {
			f := newFake("a", "b", "c")
			f.references, f.capabilities.Sort = 2, test.sorts
			test.req.Verb, test.req.Path = mapping.Query, []string{"users"}
			listing, err := newService(t, f, gateway.Options{}).Query(t.Context(), caller, "api", &test.req, func([]byte) error { return nil })
			if listing.Count != test.count || listing.LeftOut != test.want || err != nil {
				t.Errorf("%+v, %v", listing, err)
			}
		})
	}
	t.Run("X24/Filter", func(t *testing.T) {
		f := newFake("a")
		f.references = 1
		_, err := newService(t, f, gateway.Options{}).Query(t.Context(), caller, "api", &mapping.Request{
			Verb: mapping.Query, Path: []string{"users"},
			Filter: query.Filter{Op: query.Equal, Field: query.Pointer{"manager", "displayName"}, Value: "a"},
		}, func([]byte) error { return nil })
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.BadGateway || e.Detail.Kind != "referral" {
			t.Errorf("%v", err)
		}
	})
}
