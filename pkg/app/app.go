package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/config"
	"github.com/rest2ldap/rest2ldap/pkg/crest"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/telemetry"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// Options are what a process gives to an App.
type Options struct {
	// Stdout gets the line that says that the gateway listens.
	Stdout io.Writer
	// Ready is called with the address of the listener, instead of the line on Stdout.
	Ready func(address net.Addr)
	// Stderr gets the logs, and the events where the configuration names no file.
	Stderr io.Writer
	// Environ is the environment in the form of os.Environ. One that makes the Go
	// runtime less careful (GODEBUG) is refused.
	Environ []string
}

// App is a gateway that is ready to run.
type App struct {
	stdout io.Writer
	ready  func(net.Addr)
	logger *slog.Logger
	grace  time.Duration
	// requests is held for reading by each request at work.
	requests sync.RWMutex

	builder   *builder
	directory *ldapclient.Client
	recorder  *audit.Recorder
	server    *httpserver.Server
	// admin is the listener for those who run the gateway, and metrics what it shows; nil
	// where there is none.
	admin   *httpserver.Server
	metrics *telemetry.Metrics
	// current is what a reload replaces.
	current atomic.Pointer[current]
}

// New builds a gateway from a configuration without errors. It opens the audit file but
// no connection; Run must follow, which closes what New opened. The error is a
// config.Problems where the configuration is at fault.
func New(file *config.File, o Options) (*App, error) {
	if err := refuseLoosened(o.Environ); err != nil {
		return nil, err
	}
	parts, problems := inspect(file)
	if errs := problems.Errors(); len(errs) > 0 {
		return nil, errs
	}
	stderr := &lines{stream: o.Stderr}
	b := &builder{File: file, parts: parts, logger: slog.New(slog.NewJSONHandler(stderr, nil)), cookieKey: file.Server.CookieKey.Value()}
	if b.cookieKey == "" {
		b.cookieKey = rand.Text() + rand.Text() // It outlives reloads.
	}
	a, err := b.build(o.Stdout, stderr)
	if err == nil && o.Ready != nil {
		a.ready = o.Ready
	}
	return a, err
}

// builder makes the rooms, each from those below it.
type builder struct {
	*config.File
	parts

	logger    *slog.Logger
	cookieKey string
	accounts  *auth.Accounts // of chain
	// watched are files that are read anew when they change, by the path of the setting; the
	// functions tell for how long their certificates are good.
	watched map[string]func() tlspolicy.Validity
	// forget are told of entries whose passwords were changed.
	forget []func(directory.DN)
}

func (b *builder) build(stdout, stderr io.Writer) (*App, error) {
	client, err := b.ldap()
	if err != nil {
		return nil, err
	}
	handler, err := b.handler(client)
	if err != nil {
		return nil, err
	}
	sink, err := openSink(string(b.Audit.File), stderr, b.logger)
	if err != nil {
		return nil, err
	}
	recorder, err := audit.NewRecorder(audit.Options{Sink: sink, Logger: b.logger})
	if err != nil {
		return nil, err
	}
	a := &App{stdout: stdout, logger: b.logger, grace: Grace, builder: b, directory: client, recorder: recorder}
	a.ready = a.printReady
	a.install(handler, &b.parts)
	if err := a.listeners(); err != nil {
		a.close(context.Background())
		return nil, err
	}
	return a, nil
}

// listeners makes the two listeners.
func (a *App) listeners() (err error) {
	b, health := a.builder, newHealth(a.directory)
	options := b.recordOptions()
	if b.Admin.Listen != "" {
		a.metrics = a.newMetrics()
		options = append(options, httpserver.Trace(a.metrics))
		if a.admin, err = a.newAdmin(health); err != nil {
			return err
		}
	}
	a.server, err = httpserver.New(httpserver.Options{
		Address:        b.Server.Listen,
		TLS:            a.tls(func(c *current) *tls.Config { return c.tls }),
		Handler:        a.counted(httpserver.Record(a.recorder, options...)(health.before(b.Server.Health, http.HandlerFunc(a.serve)))),
		Logger:         b.logger,
		MaxConnections: b.Server.MaxConnections,
		AnswerTimeout:  max(b.Limits.RequestTimeout, b.Limits.QueryTimeout).Std() + time.Minute,
	})
	return err
}

// handler makes what answers requests: who the caller is, and the mapped APIs.
func (b *builder) handler(client *ldapclient.Client) (http.Handler, error) {
	callers, err := b.chain(client)
	if err != nil {
		return nil, err
	}
	api, err := b.api(client)
	if err != nil {
		return nil, err
	}
	return httpserver.Authenticate(callers, crest.ChangesPassword, crest.AboutPassword)(api), nil
}

// recordOptions returns the options of the record of requests.
func (b *builder) recordOptions() []httpserver.RecordOption {
	options := []httpserver.RecordOption{httpserver.FormatErrors(crest.FormatError)}
	if b.Server.TrustTransactionID {
		options = append(options, httpserver.TrustTransactionID)
	}
	return options
}

// ldap makes the directory.
func (b *builder) ldap() (*ldapclient.Client, error) {
	d := &b.Directory
	servers := make([]ldapclient.Server, len(d.Servers))
	for i, s := range d.Servers {
		servers[i] = ldapclient.Server{URL: s.URL, StartTLS: s.StartTLS, Secondary: s.Role == "secondary", ReadOnly: s.ReadOnly}
	}
	settings := tlspolicy.Client(b.directoryRoots)
	var roots func() *x509.CertPool
	b.watched = map[string]func() tlspolicy.Validity{}
	watch := func(setting string, file config.Path) {
		b.watched[setting] = tlspolicy.WatchValidity(string(file), b.validity[setting])
	}
	if d.CA != "" {
		watch("directory.ca", d.CA)
		roots = tlspolicy.WatchRoots(string(d.CA), b.directoryRoots, b.unreadable("directory.ca"))
	}
	if b.bindCertificate != nil {
		watch("directory.bind.cert", d.Bind.Cert)
		settings.GetClientCertificate = tlspolicy.WatchCertificate(string(d.Bind.Cert), string(d.Bind.Key), *b.bindCertificate, b.unreadable("directory.bind.cert"))
	}
	return ldapclient.New(ldapclient.Options{
		Servers:          servers,
		Balance:          ldapclient.Balance(d.Balance),
		WriteCoherence:   d.WriteCoherence.Std(),
		TLS:              settings,
		Roots:            roots,
		Mechanism:        ldapclient.Mechanism(d.Bind.Mechanism),
		BindDN:           b.bindDN,
		User:             d.Bind.User,
		Password:         d.Bind.Password.Value(),
		Mode:             ldapclient.Mode(d.Identity),
		MaxConns:         d.Pool.Max,
		MinIdle:          d.Pool.MinIdle,
		MaxCallers:       d.Pool.Callers,
		IdleTime:         d.Pool.IdleTime.Std(),
		MaxAge:           d.Pool.MaxAge.Std(),
		AgeGap:           d.Pool.AgeGap.Std(),
		MaxOperations:    int32(d.Pool.MaxOperations), //nolint:gosec // At most 1,000,000,000.
		AcquireTimeout:   d.Pool.AcquireTimeout.Std(),
		MaxQueue:         d.Pool.Queue,
		MaxDials:         d.Pool.Dials,
		MaxBinds:         d.Pool.Binds,
		Heartbeat:        d.Pool.Heartbeat.Std(),
		ProbeTimeout:     d.Pool.ProbeTimeout.Std(),
		MaxWalks:         gateway.DefaultWalks,
		ConnectTimeout:   d.ConnectTimeout.Std(),
		IdleGap:          d.IdleGap.Std(),
		OperationTimeout: b.Limits.RequestTimeout.Std(),
		TransactionID:    func(ctx context.Context) string { return audit.FromContext(ctx).TransactionID() },
		Tracer:           counter{},
		Logger:           b.logger,
	})
}

// unreadable returns what is told when a file has changed and cannot be used any more.
func (b *builder) unreadable(setting string) func(error) {
	return func(err error) {
		b.logger.Error("a file has changed and cannot be used; what was read before stays in force", "setting", setting, "error", err)
	}
}

// counter counts the operations of a request in its event.
type counter struct{}

func (counter) Connection(string, ldapclient.Event, time.Duration) {}

func (counter) Operation(ctx context.Context, _ string) { audit.FromContext(ctx).CountOperation() }

// api makes the mapped APIs.
func (b *builder) api(client directory.Directory) (http.Handler, error) {
	service, err := gateway.New(gateway.Options{
		Directory:   client,
		Models:      b.models,
		Engine:      engine(&b.Mapping.Options, &b.Limits),
		Policy:      b.policy,
		Timeout:     b.Limits.RequestTimeout.Std(),
		ListTimeout: b.Limits.QueryTimeout.Std(),
		Lists:       b.Limits.Queries,
		CookieKey:   b.cookieKey,
		PasswordChanged: func(dn directory.DN) {
			for _, forget := range b.forget {
				forget(dn)
			}
		},
		Accounts: b.accounts,
		Logger:   b.logger,
	})
	if err != nil {
		return nil, err
	}
	return crest.New(protocol(b.File, b.models, service))
}

// engine returns the switches of the engine.
func engine(o *config.MappingOptions, limits *config.Limits) gateway.Engine {
	return gateway.Engine{
		NoRevisions: !o.UseMvcc,
		Revision:    o.MvccAttribute,
		ReadBack: map[string]gateway.ReadBack{
			"controls": gateway.ReadBackControls, "search": gateway.ReadBackSearch, "disabled": gateway.ReadBackNothing,
		}[o.ReadOnUpdatePolicy],
		NoSubtreeDelete: !o.UseSubtreeDelete,
		StrictModify:    !o.UsePermissiveModify,
		ShowAbsent:      o.ReturnNullForMissingProperties,
		MaxSorted:       o.LocalSortMaxEntries,
		MaxTargets:      limits.References,
	}
}

// protocol returns the options of the edge.
func protocol(file *config.File, models []*mapping.Model, service *gateway.Service) crest.Options {
	apis := make([]crest.API, len(models))
	for i, model := range models {
		apis[i] = crest.API{BasePath: model.BasePath, Version: model.Version, Legacy: model.Legacy}
	}
	return crest.Options{
		Service:  service,
		APIs:     apis,
		BasePath: file.Server.BasePath,
		MaxPage:  file.Limits.PageSize,
		MaxBody:  int64(file.Limits.Body),
		MaxPart:  int64(file.Limits.Part),
		MaxDepth: file.Limits.Depth,

		CloseFailedLists: file.Mapping.Options.CloseFailedLists,
		Basic:            file.Auth.Has("basic"),
		Bearer:           file.Auth.Has("bearer"),
		ShowAbsent:       file.Mapping.Options.ReturnNullForMissingProperties,
	}
}
