package ldapclient_test

import (
	"fmt"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// A size limit of the caller's own ends a list at exactly that many different entries,
// wherever the ends of pages are.
func TestSizeLimitOfAList(t *testing.T) {
	t.Parallel()
	const users = 1100
	server := slapd.Start(t, slapd.Options{Users: users, CallerSizeLimit: slapd.Unlimited})
	session := newClient(t, server, nil).As(as("kvaughan"))
	for _, limit := range []int{33, 499, 500, 501, 1000, users - 1, users, users + 1} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			entries, result, err := collect(t.Context(), session, &directory.SearchRequest{
				Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid"), Attributes: []string{"uid"}, SizeLimit: limit,
			})
			if err != nil || len(entries) != min(limit, users) {
				t.Fatalf("%d entries, %v", len(entries), err)
			}
			if result.More != (limit < users) {
				t.Errorf("more: %t", result.More)
			}
			seen := make(map[string]bool)
			for _, entry := range entries {
				seen[entry.DN] = true
			}
			if len(seen) != len(entries) {
				t.Errorf("%d of %d entries are different", len(seen), len(entries))
			}
		})
	}
}
