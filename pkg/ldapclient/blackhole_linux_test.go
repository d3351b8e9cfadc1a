package ldapclient_test

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/fakeldap"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// blackHole is an address whose system drops what would open a connection: its queue is full,
// and nobody takes anything from it.
func blackHole(t *testing.T) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(socket, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port) //nolint:forcetypeassert // We bound it.
	for range 8 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address // The queue is full.
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the queue does not become full")
	return ""
}

// F_12: a server whose system does not answer at all costs the first request the time that a
// connection may take, and those after it nothing.
func TestF_12BlackHole(t *testing.T) {
	t.Parallel()
	server := fakeldap.Start(t, answer)
	const connecting = time.Second
	session := fakeClient(t, server, func(o *ldapclient.Options) {
		o.ConnectTimeout = connecting
		o.Servers = []ldapclient.Server{{URL: "ldaps://" + blackHole(t)}, {URL: server.URL}}
	}).As(as("a"))
	if _, _, err := collect(within(t, 10*connecting), session, read("a")); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, _, err := collect(within(t, connecting), session, read("a")); err != nil {
			t.Fatal(err)
		}
	}
}
