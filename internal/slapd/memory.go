package slapd

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/rest2ldap/rest2ldap/internal/exampledir"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// memory is the directory in memory, in this process. It writes a log in the words of
// slapd's, as far as tests read it.
type memory struct {
	site    *site
	address string
	server  *memdir.Server
	served  chan error
	data    []byte // of a server that is stopped

	mu     sync.Mutex // guards the fields below
	log    bytes.Buffer
	thawed chan struct{} // closed when a frozen server goes on; nil while it does
}

func newMemory(s *site, port string) *memory {
	return &memory{site: s, address: net.JoinHostPort("127.0.0.1", port)}
}

// fits tells whether the directory in memory is able to do what the options ask for.
func (o *Options) fitsMemory() bool {
	return o.Rules == "" && o.Global == "" && o.Database == "" && !o.AccessLog
}

func (m *memory) start(ctx context.Context) error {
	if !m.site.options.fitsMemory() {
		return fmt.Errorf("%w: these options are lines for slapd.conf", ErrUnavailable)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(m.site.dir, certName+".pem"), filepath.Join(m.site.dir, certName+".key"))
	if err != nil {
		return err
	}
	if m.data == nil {
		if m.data, err = os.ReadFile(filepath.Join(m.site.dir, dataFile)); err != nil {
			return err
		}
	}
	m.server, err = exampledir.New(exampledir.Options{
		TLS:  &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		Data: m.data, Schema: m.site.options.Schema, SizeLimit: m.site.options.CallerSizeLimit,
		Access: m.site.options.Access, Plain: m.site.options.Plain, RootPassword: m.site.rootPassword, Intercept: m.note,
	})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", m.address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return errPortTaken
	}
	if err != nil {
		return err
	}
	m.served = make(chan error, 1)
	go func() { m.served <- m.server.Serve(listener) }()
	return nil
}

// note writes the log, waits while the server is frozen, and refuses what the options say.
func (m *memory) note(o *memdir.Operation) {
	m.mu.Lock()
	thawed := m.thawed
	m.mu.Unlock()
	if thawed != nil {
		select {
		case <-thawed:
		case <-o.Context.Done():
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	name := map[string]string{"bind": "BIND", "search": "SRCH", "modify": "MOD", "add": "ADD", "delete": "DEL", "modifyDN": "MODRDN", "compare": "CMP", "extended": "EXT", "abandon": "ABANDON"}[o.Name]
	if parent, ok := strings.CutSuffix(strings.ToLower(o.Target), ","+strings.ToLower(CodesDN)); ok {
		if code, ok := m.site.options.Codes[strings.TrimPrefix(parent, "cn=")]; ok {
			o.Action, o.Code, o.Message = memdir.Refuse, code, "for operators only"
		}
	}
	fmt.Fprintf(&m.log, "conn=%d op=%d %s dn=%q", o.Conn, o.ID, name, o.Target)
	if o.Filter != nil {
		fmt.Fprintf(&m.log, " filter=\"%s\"", o.Filter)
	}
	m.log.WriteByte('\n')
}

func (m *memory) stop(ctx context.Context) error {
	if m.server == nil {
		return nil
	}
	_ = m.freeze(ctx, false) // It does not fail.
	var dump bytes.Buffer
	err := errors.Join(m.server.Dump(&dump), m.server.Shutdown(ctx), <-m.served)
	m.data, m.server = dump.Bytes(), nil
	return err
}

func (m *memory) exited(context.Context) bool { return false }

func (m *memory) freeze(_ context.Context, frozen bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case frozen && m.thawed == nil:
		m.thawed = make(chan struct{})
	case !frozen && m.thawed != nil:
		close(m.thawed)
		m.thawed = nil
	}
	return nil
}

func (m *memory) logs(context.Context) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.String()
}

func (m *memory) describe() string { return "memdir" }

func (m *memory) remove(ctx context.Context) error { return m.stop(ctx) }
