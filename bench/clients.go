package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
)

// clientsAlone has the three LDAP clients do the same, one after another.
func (b *bed) clientsAlone(s samples) error {
	for _, verb := range []string{"get", "modify"} {
		for _, name := range []string{"raw", "engine", "go-ldap"} {
			w := b.workers[name]
			n, micros, err := during(w.command.Process.Pid, func() (float64, error) { return w.ask(verb + " " + b.duration.String()) })
			if err != nil {
				return fmt.Errorf("%s by %s: %w", verb, name, err)
			}
			s.add(name+" "+verb, micros)
			s.add(name+" "+verb+" rate", n/b.duration.Seconds())
		}
	}
	for _, name := range []string{"raw", "engine", "go-ldap"} {
		rate, err := b.workers[name].ask("list")
		if err != nil {
			return fmt.Errorf("list by %s: %w", name, err)
		}
		s.add(name+" list", rate)
	}
	return nil
}

// patches are the requests by which each client changes an entry of its own.
func (b *bed) patches() []string {
	const body = `[{"operation":"replace","field":"/description","value":"changed"}]`
	credentials := base64.StdEncoding.EncodeToString([]byte(changerID + ":" + exampledata.Password(changerID)))
	requests := make([]string, b.clients)
	for n := range requests {
		requests[n] = fmt.Sprintf("PATCH /api/users/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			changedID(n), credentials, len(body), body)
	}
	return requests
}

// patchJoined changes entries by way of the joined control.
func (b *bed) patchJoined(s samples) error {
	n, micros, err := during(b.changer.command.Process.Pid, func() (float64, error) {
		return load(b.changerAddress, b.tls, b.patches(), b.duration)
	})
	s.add("patch joined cpu", micros)
	s.add("patch joined rate", n/b.duration.Seconds())
	return err
}

// patchOurs changes one attribute by way of the gateway, over and over.
func (b *bed) patchOurs(s samples) error {
	n, micros, err := during(b.gateway.command.Process.Pid, func() (float64, error) {
		return load(b.gatewayAddress, b.tls, b.patches(), b.duration)
	})
	if err != nil {
		return err
	}
	s.add("patch cpu", micros)
	s.add("patch rate", n/b.duration.Seconds())
	operations, err := b.lastOperations()
	s.add("patch operations", operations)
	return err
}

// slowReader reads the whole list slowly, at 4 MiB/s, and returns by how much the gateway
// has grown meanwhile, at most.
func (b *bed) slowReader() (float64, error) {
	pid := b.gateway.command.Process.Pid
	before, err := memory(pid, "VmRSS")
	if err != nil {
		return 0, err
	}
	// The kernel forgets the most there ever was (proc_pid_clear_refs(5)).
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return 0, err
	}
	count := 0
	if _, err := b.read("/api/users?_queryFilter=true", func(body io.Reader) error {
		count, err = countIDs(&throttle{body})
		return err
	}); err != nil {
		return 0, err
	}
	if count != b.entries {
		return 0, fmt.Errorf("a list of %d resources, %d expected", count, b.entries)
	}
	after, err := memory(pid, "VmHWM")
	return max(0, after-before), err
}

// throttle reads 64 KiB every 16 ms.
type throttle struct{ reader io.Reader }

func (t *throttle) Read(p []byte) (int, error) {
	time.Sleep(16 * time.Millisecond) //nolint:forbidigo // It is to be slow.
	return t.reader.Read(p[:min(len(p), 64<<10)])
}
