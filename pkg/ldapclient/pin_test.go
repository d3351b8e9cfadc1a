package ldapclient_test

import (
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// F_64: a session reads from the server that took its change, as long as that is up; others
// read from all servers.
func TestF_64SessionReadsWhereItWrote(t *testing.T) {
	onNetwork(t, plan{servers: make([]ldapclient.Server, 2), options: func(o *ldapclient.Options) { o.Balance = ldapclient.LeastRequests }}, func(t *testing.T, n *network) {
		session := n.As(as("a"))
		reads := func(of func() (err error)) []int {
			t.Helper()
			before := n.searches()
			for range 40 {
				if err := of(); err != nil {
					t.Error(err)
				}
			}
			after := n.searches()
			return []int{after[0] - before[0], after[1] - before[1]}
		}
		own := func() error { _, _, err := collect(t.Context(), session, read("a")); return err }
		other := func() error { _, _, err := collect(t.Context(), n.As(as("b")), read("a")); return err }
		if got := reads(own); got[0] == 0 || got[1] == 0 {
			t.Errorf("before the change: %d", got)
		}
		if err := changes()["modify"](t.Context(), session); err != nil {
			t.Fatal(err)
		}
		if got := reads(own); got[1] != 0 {
			t.Errorf("the session that wrote: %d", got)
		}
		if got := reads(other); got[0] == 0 || got[1] == 0 {
			t.Errorf("another session: %d", got)
		}
		n.pipes[0].Refuses.Store(true)
		n.servers[0].CloseAll()
		if got := reads(own); got[1] != 40 {
			t.Errorf("the session that wrote, while that server is down: %d", got)
		}
	})
}
