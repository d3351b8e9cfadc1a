package ldapclient_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// blackHole has the system drop, without a word, all that comes in on the connections
// that the gate has taken so far.
func (g *gate) blackHole(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range g.accepted {
		socket, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var failed error
		err = socket.Control(func(fd uintptr) {
			failed = syscall.AttachLsf(int(fd), []syscall.SockFilter{{Code: syscall.BPF_RET | syscall.BPF_K}}) //nolint:staticcheck // The alternative wraps the socket.
		})
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
	}
	g.accepted = nil
}

// F_05: the way to the server is gone under connections that are idle. Who comes next does
// not wait for its own deadline: a read goes to another connection, and so does a change,
// for a connection that has been at rest is asked whether it lives before it gets one. Of a
// change on a connection that was used a moment ago the outcome is unknown.
func TestF_05HalfOpen(t *testing.T) {
	t.Parallel()
	t.Run("F_05", func(t *testing.T) {
		t.Parallel()
		server := fakeldap.Start(t, answer)
		way := newGate(t, server, through)
		session := fakeClient(t, server, func(o *ldapclient.Options) {
			o.Servers = []ldapclient.Server{{URL: way.url}}
			o.ConnectTimeout = time.Second
		}).As(as("a"))
		change := changes()["modify"]
		if _, _, err := collect(within(t, 0), session, read("a", "uid")); err != nil {
			t.Fatal(err)
		}
		if err := change(within(t, 0), session); err != nil {
			t.Fatal(err)
		}
		way.blackHole(t)
		if _, _, err := collect(within(t, 0), session, read("a", "uid")); err != nil { // This takes a second.
			t.Errorf("a read: %v", err)
		}
		if err := change(within(t, 0), session); err != nil {
			t.Errorf("a change: %v", err)
		}
		way.blackHole(t)
		ctx := within(t, 0)
		kindOf(t, change(ctx, session), fault.Timeout, "unknownOutcome")
		if ctx.Err() != nil {
			t.Error("it took all of its time")
		}
		if err := change(within(t, 0), session); err != nil {
			t.Errorf("the next change: %v", err)
		}
		if n := server.Count("modify"); n != 3 {
			t.Errorf("%d changes came, want 3", n)
		}
	})
}
