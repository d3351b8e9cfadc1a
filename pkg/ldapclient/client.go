package ldapclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Tracer is told of what is sent.
type Tracer interface {
	// Operation is called once for each request that leaves for the directory on
	// behalf of ctx: "bind", "search", "add", "modify", "delete", "whoami".
	Operation(ctx context.Context, name string)
}

// Server is one server of the directory.
type Server struct {
	// URL is ldaps://host or ldaps://host:port; the port is 636 when absent.
	URL string
	// Secondary tells that the server serves only while no other does.
	Secondary bool
}

// Options say how to reach the directory.
type Options struct {
	// Servers hold the same data. The first one that can be reached serves; at least one.
	Servers []Server
	// TLS is the policy, with the authorities to trust; required. The name to verify
	// is taken from the URL of each server.
	TLS *tls.Config
	// BindDN and Password are the gateway's own account; required.
	BindDN   directory.DN
	Password string
	// MaxConns is the greatest number of connections to each server, those for user
	// binds not counted; 16 when 0, and at least 2.
	MaxConns int
	// MaxWalks is how many connections to each server there may be beyond MaxConns, for
	// walks between whose steps they are idle.
	MaxWalks int
	// ConnectTimeout bounds TCP, TLS and bind of a connection together; 5 s when 0. A
	// connection on which a request went unanswered is given up when the server has
	// said nothing for so long, and any when its system has not even acknowledged the
	// request for so long.
	ConnectTimeout time.Duration
	// OperationTimeout bounds an operation whose context has no deadline; 30 s when 0.
	OperationTimeout time.Duration
	// MaxMessage is the longest message in octets that is taken from a server, and so
	// the largest entry; 16 MiB when 0.
	MaxMessage int
	// Refresh is how often the capabilities are read again; 10 min when 0.
	Refresh time.Duration
	// Tracer may be nil.
	Tracer Tracer
	// Logger is told when servers fail and come back; nil discards it.
	Logger *slog.Logger
}

// Client is a directory behind LDAPS. It is safe for concurrent use.
type Client struct {
	options Options
	servers []*server
	binds   chan struct{} // holds a token for each user bind at work
	life    context.Context
	end     context.CancelFunc

	mu     sync.Mutex // guards the field below, and additions to work
	closed bool
	work   sync.WaitGroup

	known   atomic.Pointer[knowledge]
	stale   atomic.Bool   // known should be read again
	reading chan struct{} // holds a token while the capabilities are read
}

const (
	defaultMaxConns         = 16
	defaultConnectTimeout   = 5 * time.Second
	defaultOperationTimeout = 30 * time.Second
	defaultMaxMessage       = 16 << 20
	defaultRefresh          = 10 * time.Minute
	// maxBinds is how many user binds are at work at once.
	maxBinds = 16
)

// New makes a client. It opens no connection; the first operation does. Wrong
// options are an error that says what to do about them.
func New(o Options) (*Client, error) {
	if len(o.Servers) == 0 {
		return nil, errors.New("ldapclient: at least one server is needed")
	}
	if o.TLS == nil || o.BindDN.IsZero() || o.Password == "" {
		return nil, errors.New("ldapclient: TLS, a bind DN and a password are needed")
	}
	o = o.withDefaults()
	if o.MaxConns < 2 {
		return nil, errors.New("ldapclient: at least 2 connections are needed: one that searches share, and one for a list or a change")
	}
	c := &Client{options: o, binds: make(chan struct{}, maxBinds), reading: make(chan struct{}, 1)}
	c.life, c.end = context.WithCancel(context.Background())
	for _, secondary := range []bool{false, true} {
		for _, s := range o.Servers {
			if s.Secondary != secondary {
				continue
			}
			address, host, err := parseURL(s.URL)
			if err != nil {
				return nil, err
			}
			config := o.TLS.Clone()
			config.ServerName = host
			c.servers = append(c.servers, newServer(c, address, config))
		}
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	o.MaxConns = cmp.Or(o.MaxConns, defaultMaxConns)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, defaultConnectTimeout)
	o.OperationTimeout = cmp.Or(o.OperationTimeout, defaultOperationTimeout)
	o.MaxMessage = cmp.Or(o.MaxMessage, defaultMaxMessage)
	o.Refresh = cmp.Or(o.Refresh, defaultRefresh)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// parseURL takes a URL of a server apart.
func parseURL(text string) (address, host string, err error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("ldapclient: %w", err)
	case u.Scheme == "ldap":
		return "", "", fmt.Errorf("ldapclient: %s is not encrypted; use ldaps://%s", text, u.Hostname())
	case u.Scheme != "ldaps" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/":
		return "", "", fmt.Errorf("ldapclient: %q is no URL of a server; write ldaps://host or ldaps://host:port", text)
	}
	port := u.Port()
	if port == "" {
		port = "636"
	}
	return net.JoinHostPort(u.Hostname(), port), u.Hostname(), nil
}

// Close says goodbye to the servers and waits until everything of the client has
// ended, or ctx. Operations at work end with an error.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	for _, s := range c.servers {
		s.close()
	}
	done := make(chan struct{})
	go func() { c.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start runs f in the background and has Close wait for it. After Close it reports
// false, and f does not run.
func (c *Client) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.work.Go(f)
	}
	return !c.closed
}

// bounded gives an operation a deadline when it has none.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.options.OperationTimeout)
}

// As returns a session that acts as the identity.
func (c *Client) As(identity directory.Identity) directory.Session {
	return &session{client: c, proxied: true, authzID: identity.AuthzID}
}

// Service returns a session that acts as the gateway's own account.
func (c *Client) Service() directory.Session { return &session{client: c} }

// Check connects, and tells what is wrong with the directory for this gateway: nil
// when it can be reached and does what is needed.
func (c *Client) Check(ctx context.Context) error {
	known, err := c.knowledge(ctx)
	if err != nil {
		return err
	}
	if !known.proxied {
		return errNoProxy()
	}
	return nil
}

func (c *Client) trace(ctx context.Context, operation string) {
	if c.options.Tracer != nil {
		c.options.Tracer.Operation(ctx, operation)
	}
}

// jitter spreads a wait, so that gateways do not come back all at once.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d/4)+1)) //nolint:gosec // No secret depends on it.
}
