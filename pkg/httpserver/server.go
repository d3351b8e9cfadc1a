package httpserver

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// maxHeaderBytes bounds the header of a request; net/http answers more with 431.
const maxHeaderBytes = 64 << 10

// maxStreams bounds the requests at work of one HTTP/2 connection. Of requests that the client
// takes back at once net/http lets four times as many wait, and ends the connection then.
const maxStreams = 250

// maxConnections is how many connections there may be where Options say nothing.
const maxConnections = 10_000

// Options configure a Server. A limit of 0 is its default.
type Options struct {
	// Address is where to listen, "host:port"; port 0 picks a free one.
	Address string
	// TLS is the policy and the certificates of the listener; required. ALPN is set here.
	TLS *tls.Config
	// Handler gets the requests; required.
	Handler http.Handler
	// Logger is told of connections that fail (at debug level), and, by the middleware
	// of this package, of requests that do; nil discards it.
	Logger *slog.Logger
	// HeaderTimeout bounds the TLS handshake, and the header of a request; 10 s.
	HeaderTimeout time.Duration
	// BodyTimeout bounds the arrival of a request's body; 30 s.
	BodyTimeout time.Duration
	// AnswerTimeout bounds the time from a request's header to the begin of its answer;
	// 10 min. It is a safety net above the limits that the handler sets itself.
	AnswerTimeout time.Duration
	// StallTimeout is how long a client may take no byte of an answer; 60 s.
	StallTimeout time.Duration
	// IdleTimeout is how long a connection may stay open between requests; 2 min.
	IdleTimeout time.Duration
	// MaxConnections is how many connections there may be at once; 10,000. One more takes the
	// place of the one that has been at rest for longest, or else of one that has sent no
	// request for a second. Where all are at work it waits, and the log tells.
	MaxConnections int
}

// Server is an HTTPS listener for HTTP/1.1 and HTTP/2. There is no plaintext form of
// it. Listen, then Serve; Shutdown may be called at any time, by any goroutine.
type Server struct {
	address     string
	server      *http.Server
	listener    net.Listener
	failures    atomic.Int64
	connections *connections
}

// New makes a server that does not listen yet.
func New(o Options) (*Server, error) {
	switch {
	case o.Handler == nil:
		return nil, errors.New("httpserver: a handler is required")
	case o.TLS == nil:
		return nil, errors.New("httpserver: a TLS configuration is required; there is no plaintext listener")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := settings{
		logger:       o.Logger,
		bodyTimeout:  orDefault(o.BodyTimeout, 30*time.Second),
		stallTimeout: orDefault(o.StallTimeout, time.Minute),
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	connections := newConnections(cmp.Or(o.MaxConnections, maxConnections), o.Logger)
	return &Server{address: o.Address, connections: connections, server: &http.Server{
		ConnState:   connections.note,
		ConnContext: withConn,
		Handler:     secured(o.Handler),
		TLSConfig:   o.TLS.Clone(),
		Protocols:   &protocols,
		// The handshake is bounded by the smallest of these. There is no ReadTimeout: in
		// HTTP/1 it would cancel requests that are still at work. Bodies have a limit of
		// their own.
		ReadHeaderTimeout: orDefault(o.HeaderTimeout, 10*time.Second),
		WriteTimeout:      orDefault(o.AnswerTimeout, 10*time.Minute),
		IdleTimeout:       orDefault(o.IdleTimeout, 2*time.Minute),
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,

			WriteByteTimeout: s.stallTimeout,
			SendPingTimeout:  30 * time.Second,
			PingTimeout:      15 * time.Second,
		},
		// "OPTIONS *" is a request as any other, with an event.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), settingsKey{}, s)
		},
	}}, nil
}

func orDefault(value, standard time.Duration) time.Duration {
	if value <= 0 {
		return standard
	}
	return value
}

// Listen opens the listener and returns its address.
func (s *Server) Listen() (net.Addr, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("httpserver: %w", err)
	}
	s.listener = tlsOnly{listener, &s.failures, s.connections}
	return listener.Addr(), nil
}

// Addr returns the address of the listener, nil before Listen.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// AcceptFailures returns how often a connection could not be taken, because the system has
// no file for it, for instance. After each the listener pauses, for 5 ms at first and 1 s later.
func (s *Server) AcceptFailures() int64 { return s.failures.Load() }

// Serve takes connections until Shutdown is called, and then returns nil.
func (s *Server) Serve() error {
	if s.listener == nil {
		return errors.New("httpserver: Serve is called before Listen")
	}
	err := s.server.ServeTLS(s.listener, "", "")
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("httpserver: %w", err)
}

// Shutdown takes no more connections and waits for the requests at work. When ctx
// ends first, it breaks them off and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		_ = s.server.Close() // It has nothing to add.
	}
	if s.listener != nil {
		_ = s.listener.Close() // For a server that never served; else it is closed already.
	}
	return err
}

// settings are what the middleware has of the server.
type settings struct {
	logger       *slog.Logger
	bodyTimeout  time.Duration
	stallTimeout time.Duration
}

// settingsKey is the key of the settings in the context of a request.
type settingsKey struct{}

// settingsOf returns the settings of the request's server, or, for one of another
// make, no limits and no log.
func settingsOf(ctx context.Context) settings {
	s, ok := ctx.Value(settingsKey{}).(settings)
	if !ok {
		s.logger = slog.New(slog.DiscardHandler)
	}
	return s
}
