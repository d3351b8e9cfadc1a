// Package demo is the gateway as one command: the program as it is, speaking LDAP over TLS
// to a directory in memory with example data. It is for trying things out. Every password
// in it is public, and what is written is gone at the end.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledir"
	"github.com/rest2ldap/rest2ldap/pkg/app"
	"github.com/rest2ldap/rest2ldap/pkg/config"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// Options are the settings of a demo.
type Options struct {
	// HTTPS and LDAPS are the addresses of the gateway and of the directory, host:port;
	// port 0 picks a free one.
	HTTPS, LDAPS string
	// Dir holds certificates, keys and the configuration; the authority in it is used
	// again. Without it a folder is made, and removed at the end.
	Dir string
	// Entries is the number of people; 0 is 150.
	Entries int
	// Events is the file of the audit events; without it they go to Stderr.
	Events string
	// Stdout gets the ready line and the curl lines, Stderr everything else.
	Stdout, Stderr io.Writer
	// Environ is the environment in the form of os.Environ.
	Environ []string
}

// Run runs a demo until ctx ends or a signal comes (SIGINT, SIGTERM): then requests at
// work are finished, and it returns nil. The error says what to do.
func Run(ctx context.Context, o Options) (err error) {
	for flag, address := range map[string]string{"--https": o.HTTPS, "--ldaps": o.LDAPS} {
		if _, port, err := net.SplitHostPort(address); err != nil || !isPort(port) {
			return fmt.Errorf("%s %s: not host:port; write for example %s 127.0.0.1:0", flag, address, flag)
		}
	}
	if err := checkEvents(o.Events); err != nil {
		return err
	}
	// A signal while things are made ends it as well: what is left to do is not begun. The
	// next one kills.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	files, err := prepare(&o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.remove()) }()
	directory, address, err := listenLDAPS(&o, files) //nolint:contextcheck // It ends with Shutdown.
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- directory.serve() }() //nolint:contextcheck // As above.
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, directory.Shutdown(last), <-served)
	}()
	gateway, err := newGateway(&o, files, address) //nolint:contextcheck // It takes ctx in Run.
	if err != nil || ctx.Err() != nil {
		return err
	}
	err = gateway.Run(ctx)
	if errors.Is(err, syscall.EADDRINUSE) {
		return taken("--https", o.HTTPS)
	}
	return err
}

// checkEvents makes sure that the file for the events can be written.
func checkEvents(name string) error {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--events %s: %w", name, errors.Unwrap(err))
	}
	return file.Close()
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// taken is the error for an address that somebody else has.
func taken(flag, address string) error {
	return fmt.Errorf("%s %s: the port is taken; end what uses it, or choose another one, as %s 127.0.0.1:0 for any that is free", flag, address, flag)
}

// directory is the directory with its listener.
type directory struct {
	*memdir.Server

	listener net.Listener
}

func (d *directory) serve() error { return d.Serve(d.listener) }

func listenLDAPS(o *Options, files *files) (*directory, string, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", o.LDAPS)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, "", taken("--ldaps", o.LDAPS)
	}
	if err != nil {
		return nil, "", fmt.Errorf("--ldaps %s: %w", o.LDAPS, err)
	}
	tls, err := files.directoryTLS()
	if err != nil {
		return nil, "", errors.Join(err, listener.Close())
	}
	server, err := exampledir.New(exampledir.Options{TLS: tls, Users: o.Entries, Logger: slog.New(slog.NewJSONHandler(o.Stderr, nil))})
	if err != nil {
		return nil, "", errors.Join(err, listener.Close())
	}
	return &directory{server, listener}, reachable(listener.Addr()), nil
}

// reachable is an address at which this machine reaches a listener.
func reachable(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return address.String()
}

func newGateway(o *Options, files *files, ldaps string) (*app.App, error) {
	if err := files.writeConfig(o, ldaps); err != nil {
		return nil, err
	}
	file, problems := config.Load(config.Sources{Path: files.config(), Environ: o.Environ})
	if errs := problems.Errors(); len(errs) > 0 {
		return nil, errs
	}
	return app.New(file, app.Options{
		Stdout: o.Stdout, Stderr: o.Stderr, Environ: o.Environ,
		Ready: func(address net.Addr) {
			_, _ = fmt.Fprintln(o.Stderr, "rest2ldap demo: example data behind public passwords, in memory; for trying things out only. Ctrl-C ends it.")
			https := reachable(address)
			_, _ = fmt.Fprintf(o.Stdout, "ready https=https://%s ldaps=ldaps://%s ca=%s\n", https, ldaps, files.ca())
			for _, line := range lines("https://"+https, files.ca()) {
				_, _ = fmt.Fprintln(o.Stdout, line)
			}
		},
	})
}

// prepare makes the folder with the certificates.
func prepare(o *Options) (*files, error) {
	f := &files{dir: o.Dir}
	var err error
	if f.temporary = o.Dir == ""; f.temporary {
		if f.dir, err = os.MkdirTemp("", "rest2ldap-demo-"); err != nil {
			return nil, fmt.Errorf("%w; name a folder with --dir", err)
		}
	}
	if f.dir, err = filepath.Abs(f.dir); err == nil {
		err = os.MkdirAll(f.dir, 0o700)
	}
	if err == nil {
		err = f.certify(o)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--dir %s: %w; name a folder that you may write to", f.dir, err), f.remove())
	}
	return f, nil
}
