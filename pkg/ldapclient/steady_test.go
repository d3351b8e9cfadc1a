package ldapclient_test

import (
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// F_26: that a server went and came is forgotten when it has stayed for a minute: after the
// next time it is trusted at once again.
func TestF_26SteadyServerIsForgiven(t *testing.T) {
	onNetwork(t, plan{servers: make([]ldapclient.Server, 2), options: func(o *ldapclient.Options) { o.Heartbeat = 2 * time.Second }}, func(t *testing.T, n *network) {
		// outage has the first server be away for a second, and returns for how long it had to
		// prove itself.
		outage := func() (unsteady time.Duration) {
			n.pipes[0].Refuses.Store(true)
			n.servers[0].CloseAll()
			for i := range 600 {
				if i == 10 {
					n.pipes[0].Refuses.Store(false)
				}
				n.get(t, "a")
				unsteady = max(unsteady, n.Stats()[0].Unsteady)
				time.Sleep(50 * time.Millisecond) //nolint:forbidigo // On the clock of the test.
			}
			return unsteady
		}
		n.get(t, "a")
		if got := outage(); got != 0 {
			t.Errorf("the first time: %s", got)
		}
		if got := outage(); got == 0 { // Half a minute later.
			t.Error("it comes and goes, and is trusted at once")
		}
		time.Sleep(2 * time.Minute) //nolint:forbidigo // On the clock of the test.
		if got := outage(); got != 0 {
			t.Errorf("after two minutes: %s", got)
		}
	})
}
