package memdir

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// Options are the settings of a server.
type Options struct {
	// Suffix is the name at the top of the data, as "dc=example,dc=com".
	Suffix string
	// Schema are definitions besides OpenLDAP's, one a line, each behind "attributeTypes: "
	// or "objectClasses: " (RFC 4512 §4.2).
	Schema string
	// RootDN is who passes over rules and limits, and binds with RootPassword; "" is
	// nobody.
	RootDN, RootPassword string
	// TLS has the server's certificate. There is no plaintext, so that it has to be set.
	TLS *tls.Config
	// Rules say who may do what; the first that matches decides. Without any nobody but
	// the root may do anything.
	Rules []Rule
	// Limits bound the searches of everybody but the root.
	Limits Limits
	// Policy is the password policy, unless PolicyDN names one that is among the entries.
	Policy   Policy
	PolicyDN string
	// PlainBase has the server take SASL PLAIN (RFC 4616): it is the name right below which the
	// entries of users are, that of the user U being uid=U. Their passwords have to be stored in
	// clear, and anonymous needs LevelAuth to their entry, objectClass and userPassword. "" is no
	// SASL.
	PlainBase string
	// Logger gets what an operator may want to know; nil is nobody.
	Logger *slog.Logger
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// Intercept is called for each operation before it runs, in the goroutine of the
	// operation, and may have it misbehave; nil lets everything pass. See Operation.
	Intercept func(*Operation)
	// Connections is how many there may be at a time; one more is closed at once. 0 is
	// 10,000.
	Connections int
	// WriteTimeout is how long a client may keep an answer waiting before its connection
	// is closed. 0 is 30 seconds.
	WriteTimeout time.Duration
}

const (
	defaultConnections  = 10_000
	defaultWriteTimeout = 30 * time.Second
)

// Server is the server. Its methods may be called from any goroutine.
type Server struct {
	options Options
	store   *store.Store
	special []special
	life    context.Context // It ends when nothing is to run any more.
	kill    context.CancelFunc
	work    sync.WaitGroup // of all connections

	mu        sync.Mutex // guards the fields below
	draining  bool
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	accepted  int // how many connections there were
	sorted    int // how many sorted results are held between pages
}

// New makes a server with an empty directory.
func New(o Options) (*Server, error) {
	if o.TLS == nil || len(o.TLS.Certificates) == 0 && o.TLS.GetCertificate == nil && o.TLS.GetConfigForClient == nil {
		return nil, errors.New("memdir: Options.TLS needs a certificate: there is no LDAP without TLS")
	}
	directory, err := store.New(store.Options{
		Suffix: o.Suffix, Schema: o.Schema, RootDN: o.RootDN, RootPassword: o.RootPassword,
		Rules: o.Rules, Limits: o.Limits, Policy: o.Policy, PolicyDN: o.PolicyDN, PlainBase: o.PlainBase, Now: o.Now,
	})
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Connections = cmp.Or(o.Connections, defaultConnections)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, defaultWriteTimeout)
	life, kill := context.WithCancel(context.Background())
	return &Server{
		options: o, store: directory, life: life, kill: kill,
		special:   []special{{"", "root DSE", rootDSE(directory.Suffix(), o.PlainBase != "")}, {subschema, "subschema subentry", directory.Subschema()}},
		listeners: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{},
	}, nil
}

// Load adds the entries of LDIF content records (RFC 2849), parents first. Errors name
// the line.
func (s *Server) Load(ldif io.Reader) error { return s.store.Load(ldif) }

// Dump writes all entries as LDIF, so that Load makes the same directory of it.
func (s *Server) Dump(w io.Writer) error { return s.store.Dump(w) }

// The result codes that the protocol half gives by itself (RFC 4511 §4.1.9).
const (
	operationsError        = 1
	protocolError          = 2
	compareFalse           = 5
	compareTrue            = 6
	authMethodNotSupported = 7
	strongerAuthRequired   = 8
	adminLimitExceeded     = 11
	unavailableExtension   = 12
	noSuchAttribute        = 16
	invalidCredentials     = 49
	insufficientAccess     = 50
	busy                   = 51
	unavailable            = 52
	unwilling              = 53
	alreadyExists          = 68
	affectsMultipleDSAs    = 71
	assertionFailed        = 122
	authorizationDenied    = 123
)

// wire is a result as it is sent.
func wire(r store.Result) ldapwire.Result {
	return ldapwire.Result{Code: r.Code, MatchedDN: r.MatchedDN, Diagnostic: r.Message}
}
