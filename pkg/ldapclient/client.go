package ldapclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Server is one server of the directory.
type Server struct {
	// URL is ldaps://host or ldaps://host:port; the port is 636 when absent. With StartTLS it
	// is ldap://host or ldap://host:port; the port is 389 when absent.
	URL string
	// StartTLS turns the connection into one over TLS (RFC 4511 §4.14) before anything else
	// is sent; one with a server that does not is given up.
	StartTLS bool
	// Secondary tells that the server serves only while no primary does.
	Secondary bool
	// ReadOnly tells that the server takes no changes; they go to the others.
	ReadOnly bool
}

// Options say how to reach the directory.
type Options struct {
	// Servers hold the same data; at least one, and one that is not read-only.
	Servers []Server
	// Balance is how requests are spread over servers of the same role; Failover when "".
	Balance Balance
	// WriteCoherence is for how long a caller reads from the server that took its last
	// change, so that it sees it; 0 is not at all. Failover over servers that all take
	// changes does not need it.
	WriteCoherence time.Duration
	// TLS is the policy, with the authorities to trust; required. The name to verify
	// is taken from the URL of each server.
	TLS *tls.Config
	// Roots returns the authorities to trust, and is asked for each new connection; those
	// of TLS when nil.
	Roots func() *x509.CertPool
	// Mechanism is how the gateway's own account binds; Simple when "".
	Mechanism Mechanism
	// BindDN and Password are the gateway's own account for Simple, User and Password for
	// Plain. External needs a certificate in TLS.
	BindDN   directory.DN
	User     string
	Password string
	// Mode is how the gateway acts for its callers; Proxied when "". SASLProxy needs one of
	// the SASL mechanisms.
	Mode Mode
	// MaxConns is the greatest number of connections to each server, those for user
	// binds not counted; 24 when 0, and at least 2.
	MaxConns int
	// MaxWalks is how many connections to each server there may be beyond MaxConns, for
	// walks between whose steps they are idle.
	MaxWalks int
	// MinIdle is how many connections to each server are kept ready for lists and changes,
	// and whether one for searches is.
	MinIdle int
	// MaxCallers is how many connections to each server there may be that are bound as
	// callers, all of them together; 64 when 0. When there are more callers, those that
	// use none lose theirs.
	MaxCallers int
	// IdleTime is how long a connection beyond MinIdle is kept unused; 5 min when 0.
	IdleTime time.Duration
	// MaxAge is how long a connection lives, 20 % more or less; 1 h when 0. AgeGap is the
	// least time between two that end for their age; 10 s when 0.
	MaxAge, AgeGap time.Duration
	// MaxOperations is how many requests a connection carries; 100,000,000 when 0, and at
	// most 1,000,000,000.
	MaxOperations int32
	// AcquireTimeout is how long somebody waits for a connection, if the context lasts so
	// long; 10 s when 0. MaxQueue is how many wait for one of each sort to each server, and for
	// those that are bound as callers, whoever they are; 1,000 when 0.
	AcquireTimeout time.Duration
	MaxQueue       int
	// MaxDials is how many connections to each server are opened at once, those for user
	// binds among them; 2 when 0.
	MaxDials int
	// MaxBinds is how many user binds are at work at once, each on a connection of its own; 16
	// when 0.
	MaxBinds int
	// Heartbeat is how often a connection from which nothing comes is asked whether it
	// lives, after half of this time at the earliest; 10 s when 0. ProbeTimeout is how long
	// the answer may take; 3 s when 0.
	Heartbeat, ProbeTimeout time.Duration
	// RefusedPause is the first pause after the directory refused the gateway's own
	// account, so that attempts do not lock it; 15 s when 0. Pauses grow to 20 times that.
	RefusedPause time.Duration
	// ConnectTimeout bounds TCP, TLS and bind of a connection, and what it is asked before
	// anybody gets it, together; 3 s when 0. A
	// connection on which a request went unanswered is given up when the server has
	// said nothing for so long, and any when its system has not even acknowledged the
	// request for so long.
	ConnectTimeout time.Duration
	// OperationTimeout bounds an operation whose context has no deadline; 30 s when 0.
	OperationTimeout time.Duration
	// IdleGap is how long a server may pause in the middle of its answer to a search, between
	// two messages of it or two pages; 30 s when 0.
	IdleGap time.Duration
	// MaxMessage is the longest message in octets that is taken from a server, and so
	// the largest entry; 16 MiB when 0.
	MaxMessage int
	// Refresh is how often the capabilities are read again; 10 min when 0.
	Refresh time.Duration
	// Dial opens a connection below TLS; nil is TCP to the address, host and port, whose
	// name is resolved anew each time.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// TransactionID returns the id of the transaction on behalf of which something is asked,
	// "" for none. It goes with every request to servers that take it; nil is never.
	TransactionID func(ctx context.Context) string
	// Tracer may be nil.
	Tracer Tracer
	// Logger is told when servers fail and come back; nil discards it.
	Logger *slog.Logger
}

// Client is a directory behind LDAPS. It is safe for concurrent use.
type Client struct {
	options Options
	servers []*server // primaries first
	// writable are those of the servers that take changes.
	writable []*server
	pins     pins
	watching sync.Once
	binds    chan struct{} // holds a token for each user bind at work
	life     context.Context
	end      context.CancelFunc

	mu     sync.Mutex // guards the field below, and additions to work
	closed bool
	work   sync.WaitGroup

	believing sync.Mutex // held while known is made of what the servers are known to have

	// decodes is called before what a server sent is taken apart; nil but in tests.
	decodes func()

	warned atomic.Int64 // when somebody was told of the password, in Unix seconds

	known   atomic.Pointer[knowledge]
	stale   atomic.Bool   // known should be read again
	reading chan struct{} // holds a token while the capabilities are read
}

const (
	defaultMaxConns         = 24
	defaultMaxCallers       = 64
	defaultIdleTime         = 5 * time.Minute
	defaultMaxAge           = time.Hour
	defaultAgeGap           = 10 * time.Second
	defaultMaxOperations    = 100_000_000
	maxOperations           = 1_000_000_000 // long before the ids of messages run out
	defaultAcquireTimeout   = 10 * time.Second
	defaultMaxQueue         = 1000
	defaultMaxDials         = 2
	defaultHeartbeat        = 10 * time.Second
	defaultProbeTimeout     = 3 * time.Second
	defaultRefusedPause     = 15 * time.Second
	defaultConnectTimeout   = 3 * time.Second
	defaultOperationTimeout = 30 * time.Second
	defaultIdleGap          = 30 * time.Second
	defaultMaxMessage       = 16 << 20
	defaultRefresh          = 10 * time.Minute
	defaultMaxBinds         = 16
)

// New makes a client. It opens no connection; the first operation does. Wrong
// options are an error that says what to do about them.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Client{options: o, binds: make(chan struct{}, o.MaxBinds), reading: make(chan struct{}, 1), pins: pins{hold: o.WriteCoherence, made: make(map[string]pin)}}
	c.life, c.end = context.WithCancel(context.Background())
	for _, secondary := range []bool{false, true} {
		for _, s := range o.Servers {
			if s.Secondary != secondary {
				continue
			}
			address, host, err := parseURL(s.URL, s.StartTLS)
			if err != nil {
				return nil, err
			}
			config := o.TLS.Clone()
			config.ServerName = host
			config.DynamicRecordSizingDisabled = true // A server needs the whole request.
			fresh := newServer(c, address, config, s)
			c.servers = append(c.servers, fresh)
			if !s.ReadOnly {
				c.writable = append(c.writable, fresh)
			}
		}
	}
	if len(c.writable) == 0 {
		return nil, errors.New("ldapclient: every server is read-only; changes need one that is not")
	}
	return c, nil
}

// check reports what is wrong with the options.
func (o *Options) check() error {
	hasCertificate := o.TLS != nil && (len(o.TLS.Certificates) > 0 || o.TLS.GetClientCertificate != nil)
	switch {
	case len(o.Servers) == 0:
		return errors.New("ldapclient: at least one server is needed")
	case o.TLS == nil:
		return errors.New("ldapclient: a TLS configuration is needed")
	case o.Mechanism == Simple && (o.BindDN.IsZero() || o.Password == ""):
		return errors.New("ldapclient: a bind DN and a password are needed")
	case o.Mechanism == Plain && (o.User == "" || o.Password == ""):
		return errors.New("ldapclient: the mechanism PLAIN needs a user and a password")
	case o.Mechanism == External && !hasCertificate:
		return errors.New("ldapclient: the mechanism EXTERNAL needs a client certificate")
	case o.Mode == SASLProxy && o.Mechanism == Simple:
		return errors.New("ldapclient: sasl-proxy needs the mechanism EXTERNAL or PLAIN")
	case o.MaxConns < 2:
		return errors.New("ldapclient: at least 2 connections are needed: one that searches share, and one for a list or a change")
	case o.MaxOperations > maxOperations:
		return fmt.Errorf("ldapclient: a connection carries at most %d operations", maxOperations)
	case !slices.Contains([]Mechanism{Simple, External, Plain}, o.Mechanism):
		return fmt.Errorf("ldapclient: %q is no mechanism; use simple, EXTERNAL or PLAIN", o.Mechanism)
	case !slices.Contains([]Mode{Proxied, BindAs, SASLProxy, AsService}, o.Mode):
		return fmt.Errorf("ldapclient: %q is no mode; use proxied, bind, sasl-proxy or service", o.Mode)
	case !slices.Contains([]Balance{Failover, LeastRequests, Affinity}, o.Balance):
		return fmt.Errorf("ldapclient: %q is no balance; use failover, leastRequests or affinity", o.Balance)
	}
	return nil
}

func (o Options) withDefaults() Options {
	o.Balance = cmp.Or(o.Balance, Failover)
	o.Mechanism = cmp.Or(o.Mechanism, Simple)
	o.Mode = cmp.Or(o.Mode, Proxied)
	o.MaxConns = cmp.Or(o.MaxConns, defaultMaxConns)
	o.MaxCallers = cmp.Or(o.MaxCallers, defaultMaxCallers)
	o.IdleTime = cmp.Or(o.IdleTime, defaultIdleTime)
	o.MaxAge = cmp.Or(o.MaxAge, defaultMaxAge)
	o.AgeGap = cmp.Or(o.AgeGap, defaultAgeGap)
	o.MaxOperations = cmp.Or(o.MaxOperations, defaultMaxOperations)
	o.AcquireTimeout = cmp.Or(o.AcquireTimeout, defaultAcquireTimeout)
	o.MaxQueue = cmp.Or(o.MaxQueue, defaultMaxQueue)
	o.MaxDials = cmp.Or(o.MaxDials, defaultMaxDials)
	o.MaxBinds = cmp.Or(o.MaxBinds, defaultMaxBinds)
	o.Heartbeat = cmp.Or(o.Heartbeat, defaultHeartbeat)
	o.ProbeTimeout = cmp.Or(o.ProbeTimeout, defaultProbeTimeout)
	o.RefusedPause = cmp.Or(o.RefusedPause, defaultRefusedPause)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, defaultConnectTimeout)
	o.OperationTimeout = cmp.Or(o.OperationTimeout, defaultOperationTimeout)
	o.IdleGap = cmp.Or(o.IdleGap, defaultIdleGap)
	o.MaxMessage = cmp.Or(o.MaxMessage, defaultMaxMessage)
	o.Refresh = cmp.Or(o.Refresh, defaultRefresh)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// parseURL takes a URL of a server apart.
func parseURL(text string, startTLS bool) (address, host string, err error) {
	scheme, port := "ldaps", "636"
	if startTLS {
		scheme, port = "ldap", "389"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("ldapclient: %w", err)
	case u.Scheme == "ldap" && !startTLS:
		return "", "", fmt.Errorf("ldapclient: %s is not encrypted; use ldaps://%s, or StartTLS", text, u.Hostname())
	case u.Scheme != scheme || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/":
		return "", "", fmt.Errorf("ldapclient: %q is no URL of a server; write %s://host or %s://host:port", text, scheme, scheme)
	}
	if u.Port() != "" {
		port = u.Port()
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
		c.work.Go(c.inBackground(f))
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

// As returns a session that acts as the identity, in the way of Options.Mode. Nobody in
// particular can act in the mode Proxied only.
func (c *Client) As(identity directory.Identity) directory.Session {
	s := &session{client: c, key: identity.AuthzID, authzID: identity.AuthzID}
	switch mode := c.options.Mode; {
	case mode == Proxied:
		s.proxied = true
	case identity.IsAnonymous():
		s.refused = fault.New(fault.Forbidden, "who is not authenticated has no access to the directory").Named("anonymous")
	case mode == AsService:
		s.authzID = "" // The directory does not tell callers apart.
	default:
		s.as, s.refused = accountOf(mode, identity)
	}
	return s
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
	if c.options.Mode != Proxied {
		return nil
	}
	if !known.proxied {
		return errNoProxy()
	}
	return nil // Each connection was asked whether it heeds the control; see server.vet.
}

// isNobody reports whether an answer to "Who am I?" is that nobody in particular asks (RFC
// 4532 §2).
func isNobody(authzID string) bool {
	return authzID == "" || strings.EqualFold(authzID, nobody) || strings.EqualFold(authzID, "anonymous")
}
