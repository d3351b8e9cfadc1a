package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	// Grace is how long requests at work may take once the gateway is told to end.
	Grace = 15 * time.Second
	// goodbye bounds what follows: the last events of requests that were broken off, and
	// the unbinding of connections to the directory.
	goodbye = 2 * time.Second
)

// Run listens, prints the line "ready https=https://127.0.0.1:8443" on standard output,
// with " admin=https://127.0.0.1:9443" behind it where there is an admin listener, and
// serves until ctx ends or the process gets SIGTERM or SIGINT. It returns nil after such an
// end, and an error when the gateway could not listen, or the directory turned out not to
// fit the configuration. Requests that were broken off and events that were
// lost at the end are told in the log. Run takes the signals of the process while it
// runs, and is called once.
func (a *App) Run(ctx context.Context) error {
	address, err := a.listen(ctx)
	if err != nil {
		a.close(ctx)
		return err
	}
	hangup, stop := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(stop)

	working, end := context.WithCancel(ctx)
	defer end()
	var work sync.WaitGroup
	failed := make(chan error, 3) // one for each goroutine that sends
	work.Go(func() { failed <- a.server.Serve() })
	if a.admin != nil {
		work.Go(func() { failed <- a.admin.Serve() })
	}
	work.Go(func() {
		if err := a.probe(working, a.directory); err != nil {
			failed <- err
		}
	})
	work.Go(func() { a.hangups(working, hangup) })
	work.Go(func() { a.remind(working) })
	a.ready(address)

	var cause error
	select {
	case cause = <-failed:
	case s := <-stop:
		a.logger.Info("ending", "signal", s.String())
	case <-ctx.Done():
	}
	signal.Stop(stop) // from here on a signal kills the process
	end()
	last := context.WithoutCancel(ctx)
	a.shutdown(last)
	a.close(last)
	work.Wait()
	return cause
}

// listen opens the listeners.
func (a *App) listen(ctx context.Context) (net.Addr, error) {
	address, err := a.server.Listen() //nolint:contextcheck // The listener ends with Shutdown.
	if err != nil {
		return nil, unable("server.listen", a.builder.Server.Listen, err)
	}
	if a.admin == nil {
		return address, nil
	}
	if _, err := a.admin.Listen(); err != nil { //nolint:contextcheck // Likewise.
		_ = a.server.Shutdown(ctx) // It has served nobody.
		return nil, unable("admin.listen", a.builder.Admin.Listen, err)
	}
	return address, nil
}

// unable is the error of a listener that could not be opened.
func unable(setting, address string, err error) error {
	remedy := "choose another address"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = "end what listens there, or choose another port"
	case errors.Is(err, syscall.EACCES):
		remedy = "a port below 1024 is for root, or needs the capability CAP_NET_BIND_SERVICE; grant it, or choose another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		remedy = "this machine has no such address; 0.0.0.0 or [::] is all that it has"
	}
	var inner *net.OpError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return fmt.Errorf("%s: %s: %w; %s", setting, address, err, remedy)
}

// printReady says that the gateway listens.
func (a *App) printReady(address net.Addr) {
	line := "ready https=https://" + address.String()
	if a.admin != nil {
		line += " admin=https://" + a.admin.Addr().String()
	}
	if _, err := fmt.Fprintln(a.stdout, line); err != nil {
		a.logger.Warn("standard output is closed", "error", err)
	}
}

// hangups begins a new audit file for every SIGHUP, and reads the files anew.
func (a *App) hangups(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		if err := a.recorder.Reopen(); err != nil {
			a.logger.Error("the audit file could not be opened anew; the old one stays in use", "error", err)
		} else {
			a.logger.Info("the audit file was opened anew")
		}
		a.reload()
	}
}

// counted lets shutdown know of requests that are at work.
func (a *App) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.requests.RLock()
		defer a.requests.RUnlock()
		next.ServeHTTP(w, r)
	})
}

// shutdown takes no more requests and waits for those at work. Requests that take too
// long are broken off; they still get the time to complete their events.
func (a *App) shutdown(ctx context.Context) {
	if a.admin != nil { // It shows how they end.
		defer func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, goodbye)
			defer cancel()
			_ = a.admin.Shutdown(ctx) // What is broken off is an answer about a gateway that ends.
		}(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, a.grace)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if err == nil {
		return
	}
	a.logger.Warn("requests that were still at work were broken off", "error", err, "after", a.grace.String())
	idle := make(chan struct{})
	go func() {
		a.requests.Lock()
		close(idle)
	}()
	select {
	case <-idle:
	case <-time.After(goodbye):
	}
}

// close ends what serves requests, once there are no more.
func (a *App) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, goodbye)
	defer cancel()
	if err := a.recorder.Close(); err != nil {
		a.logger.Error("events were lost at the end", "error", err)
	}
	if err := a.directory.Close(ctx); err != nil {
		a.logger.Warn("the directory was not unbound", "error", err)
	}
}
