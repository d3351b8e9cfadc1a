package app

import (
	"context"
	"errors"
	"fmt"
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
// and serves until ctx ends or the process gets SIGTERM or SIGINT. It returns nil after
// an orderly end, and an error when the gateway could not listen, when the directory
// turned out not to fit the configuration, and when requests or audit records were lost
// at the end. Run takes the signals of the process while it runs, and is called once.
func (a *App) Run(ctx context.Context) error {
	address, err := a.server.Listen()
	if err != nil {
		return errors.Join(err, a.close())
	}
	hangup, stop := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(stop)

	working, end := context.WithCancel(ctx)
	defer end()
	var work sync.WaitGroup
	failed := make(chan error, 2) // one for each goroutine that sends
	work.Go(func() { failed <- a.server.Serve() })
	work.Go(func() {
		if err := a.probe(working, a.directory); err != nil {
			failed <- err
		}
	})
	work.Go(func() { a.rotate(working, hangup) })
	if _, err := fmt.Fprintf(a.stdout, "ready https=https://%s\n", address); err != nil {
		a.logger.Warn("standard output is closed", "error", err)
	}

	var cause error
	select {
	case cause = <-failed:
	case s := <-stop:
		a.logger.Info("ending", "signal", s.String())
	case <-ctx.Done():
	}
	signal.Stop(stop) // from here on a signal kills the process
	end()
	err = errors.Join(cause, a.shutdown(), a.close())
	work.Wait()
	return err
}

// rotate begins a new audit file for every SIGHUP.
func (a *App) rotate(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		if err := a.recorder.Reopen(); err != nil {
			a.logger.Error("the audit file could not be opened anew; the old one stays in use", "error", err)
			continue
		}
		a.logger.Info("the audit file was opened anew")
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
func (a *App) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), a.grace)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	idle := make(chan struct{})
	go func() {
		a.requests.Lock()
		close(idle)
	}()
	select {
	case <-idle:
	case <-time.After(goodbye):
	}
	return fmt.Errorf("requests that were still at work after %s were broken off", a.grace)
}

// close ends what serves requests, once there are no more.
func (a *App) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	err := a.recorder.Close()
	if err != nil {
		err = fmt.Errorf("audit records were lost: %w", err)
	}
	if err := a.directory.Close(ctx); err != nil {
		a.logger.Warn("the directory was not unbound", "error", err)
	}
	return err
}
