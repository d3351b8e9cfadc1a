package memdir

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// Bounds of a connection, as slapd's sockbuf_max_incoming, conn_max_pending and
// threads: what an anonymous client may do, and what others.
const (
	maxMessageAnonymous = 1<<18 - 1
	maxMessage          = 1<<22 - 1
	maxPendingAnonymous = 100
	maxPending          = 1000
	maxRunning          = 16
	// readBuffer is small, so that an idle connection costs little.
	readBuffer = 2 << 10
)

// conn is the connection of a client.
type conn struct {
	server *Server
	number int
	net    *tls.Conn
	reader *ldapwire.Reader
	out    output
	life   context.Context //nolint:containedctx // It is that of the connection.
	end    context.CancelFunc
	slots  chan struct{}  // of the operations that run
	work   sync.WaitGroup // of all operations

	// The reading goroutine alone writes who, and passes it on with each request.
	who store.Who

	mu          sync.Mutex // guards the fields below
	outstanding map[int32]*request
	pending     int
	page        *walk
	// restricted says that the client has to change its password before anything else.
	restricted bool
}

func newConn(s *Server, c *tls.Conn, number int) *conn {
	life, end := context.WithCancel(s.life)
	return &conn{
		server: s, number: number, net: c, reader: ldapwire.NewReaderSize(c, maxMessageAnonymous, readBuffer),
		out: output{conn: c, timeout: s.options.WriteTimeout}, life: life, end: end,
		slots: make(chan struct{}, maxRunning), outstanding: map[int32]*request{},
	}
}

// stopReading makes the reading goroutine come to its end.
func (c *conn) stopReading() { _ = c.net.SetReadDeadline(time.Unix(1, 0)) }

// serve reads requests until the connection ends.
func (c *conn) serve() {
	defer c.close()
	ctx, cancel := context.WithTimeout(c.life, handshakeTimeout)
	err := c.net.HandshakeContext(ctx)
	cancel()
	if err != nil {
		c.server.options.Logger.Debug("a TLS handshake failed", "conn", c.number, "error", err)
		return
	}
	for {
		m, err := c.reader.Read()
		if err == nil {
			err = c.take(m)
		}
		if err != nil {
			c.leave(err)
			return
		}
	}
}

// errUnbind is that the client took its leave.
var errUnbind = errors.New("unbind")

// refusedMessage is what is wrong with a message, in the words of slapd.
type refusedMessage struct{ text string }

func (e *refusedMessage) Error() string { return e.text }

// leave tells the client why its connection ends, where it cannot know.
func (c *conn) leave(err error) {
	var code int
	var text string
	var refused *refusedMessage
	var network net.Error
	switch {
	case errors.As(err, &refused):
		code, text = protocolError, refused.text
	case errors.Is(err, ldapwire.ErrMalformed):
		code, text = protocolError, "decoding error"
	case errors.As(err, &network) && network.Timeout() && c.server.isDraining():
		c.work.Wait()
		code, text = unavailable, "the server is shutting down"
	default:
		if !errors.Is(err, errUnbind) && !errors.Is(err, io.EOF) {
			c.server.options.Logger.Debug("a connection broke", "conn", c.number, "error", err)
		}
		return
	}
	log := c.server.options.Logger.Info
	if code == unavailable { // Nothing is wrong.
		log = c.server.options.Logger.Debug
	}
	log("a connection ends", "conn", c.number, "error", err, "code", code)
	_ = c.out.write(ldapwire.AppendDisconnection(nil, code, text), func() bool { return true })
	if code != unavailable {
		c.linger()
	}
}

// linger lets the client read what it was told last: a connection that is closed with
// octets unread is reset, and the client's side forgets what it has not read.
func (c *conn) linger() {
	_ = c.net.CloseWrite()
	_ = c.net.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, c.net.NetConn(), maxMessage)
}

// close gives up what runs, and waits for it.
func (c *conn) close() {
	c.end()
	_ = c.net.Close()
	c.work.Wait()
	c.setPage(nil)
}

// take does about a message what has to be done before the next is read.
func (c *conn) take(m *ldapwire.Message) error {
	if m.ID == 0 {
		return &refusedMessage{"the message id is 0"} // slapd takes it; its answer would look like a notification.
	}
	controls, err := m.Controls()
	if err != nil {
		return &refusedMessage{"decoding controls error"}
	}
	switch m.Op { //nolint:exhaustive // The others are decoded below.
	case ldapwire.UnbindRequest:
		return errUnbind
	case ldapwire.AbandonRequest:
		id, err := m.Abandon()
		if err == nil {
			c.abandon(c.newRequest(m, &operation{name: "abandon"}, nil), id)
		}
		return err
	case ldapwire.BindRequest:
		bind, err := m.Bind()
		if err == nil {
			c.bind(c.newRequest(m, &operation{name: "bind", target: bind.DN}, controls), bind)
		}
		return err
	}
	o, err := decode(m)
	if err != nil {
		return err
	}
	return c.begin(c.newRequest(m, o, controls))
}

// begin runs a request in a goroutine of its own.
func (c *conn) begin(r *request) error {
	most := maxPending
	if c.who == (store.Who{}) {
		most = maxPendingAnonymous
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending >= most {
		return &refusedMessage{"too many operations are pending"}
	}
	c.pending++
	c.outstanding[r.id] = r
	c.work.Go(func() {
		defer c.finish(r)
		select {
		case c.slots <- struct{}{}:
			defer func() { <-c.slots }()
			r.serve()
		case <-r.ctx.Done():
		}
	})
	return nil
}

func (c *conn) finish(r *request) {
	r.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending--
	if c.outstanding[r.id] == r {
		delete(c.outstanding, r.id)
	}
}

// abandon gives an operation up (RFC 4511 §4.11). What it changed stays changed.
func (c *conn) abandon(r *request, id int32) {
	defer r.cancel()
	if !r.passes() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.outstanding[id]; other != nil {
		other.cancel()
	}
}

// abandonAll gives all operations up.
func (c *conn) abandonAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.outstanding {
		r.cancel()
	}
}
