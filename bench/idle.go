package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
)

// crowd is how many connections are left idle.
const crowd = 10_000

// idleConnections compares what connections cost on which a request was answered and none
// follows, in a gateway and in a control that were just started. Both collect their garbage
// often, so that it is not what is measured.
func (b *bed) idleConnections(s samples) error {
	gateway, err := launch(&b.log, "env", "GOGC=20", b.program, "serve", "--config", filepath.Join(b.dir, "gateway.yaml"), "--set", "audit.file="+filepath.Join(b.dir, "idle.jsonl"))
	if err != nil {
		return err
	}
	defer gateway.stop() //nolint:errcheck // Nothing is left to do about it.
	control, err := launch(os.Stderr, "env", append([]string{"GOGC=20"}, b.control...)...)
	if err != nil {
		return err
	}
	defer control.stop() //nolint:errcheck // As above.
	address, err := b.ready(gateway)
	if err != nil {
		return err
	}
	ours, err := b.grows(gateway, address)
	if err != nil {
		return err
	}
	if address, err = control.line(); err != nil {
		return err
	}
	bare, err := b.grows(control, address)
	s.add("idle connections", ours)
	s.add("idle connections control", bare)
	return err
}

// grows returns by how much a process grows, in KiB for each connection.
func (b *bed) grows(p *process, address string) (float64, error) {
	before, err := memory(p.command.Process.Pid, "VmRSS")
	if err != nil {
		return 0, err
	}
	conns := make([]*tls.Conn, 0, crowd)
	defer func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}()
	request := b.requests()[0]
	for range crowd {
		conn, err := tls.Dial("tcp", address, b.tls)
		if err != nil {
			return 0, err
		}
		conns = append(conns, conn)
		if _, err := io.WriteString(conn, request); err != nil {
			return 0, err
		}
		if err := answer(bufio.NewReader(conn)); err != nil {
			return 0, err
		}
	}
	after, err := memory(p.command.Process.Pid, "VmRSS")
	return (after - before) * 1024 / float64(len(conns)), err
}
