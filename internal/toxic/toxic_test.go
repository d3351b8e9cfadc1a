package toxic_test

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/toxic"
)

// TestClear makes a way good again in the moment in which it ends connections, of which more
// comes than is let through: nobody waits for ever.
func TestClear(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				for {
					if _, err := conn.Write([]byte("more and more")); err != nil {
						_ = conn.Close()
						return
					}
				}
			}()
		}
	}()
	way := toxic.New(t, listener.Addr().String())
	address := strings.TrimPrefix(way.URL, "ldaps://")
	for round := range 20 {
		way.CutNext(toxic.Downstream)
		if round%2 == 0 {
			way.Add(toxic.Downstream, "limit_data", map[string]any{"bytes": 30})
		}
		var work sync.WaitGroup
		for range 8 {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			work.Go(func() {
				defer conn.Close()
				var err error
				buffer := make([]byte, 1024)
				for err == nil {
					_, err = conn.Read(buffer)
				}
			})
		}
		way.Clear()
		way.Down()
		work.Wait()
		way.Up()
	}
}
