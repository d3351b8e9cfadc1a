package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rest2ldap/rest2ldap/bench/control"
)

// controlVerb is the first argument of a child that is a control.
const controlVerb = "control"

// runControl is the program of a control: a process of its own, so that its
// processor time is its own.
func runControl(args []string) error {
	var (
		flags    = flag.NewFlagSet(controlVerb, flag.ContinueOnError)
		cert     = flags.String("cert", "", "certificate file")
		key      = flags.String("key", "", "key file")
		body     = flags.String("body", "", "body file")
		ca       = flags.String("ca", "", "CA file")
		address  = flags.String("address", "", "directory")
		bindDN   = flags.String("bind", "", "service account")
		password = flags.String("password", "", "its password")
		authzID  = flags.String("authzid", "", "identity")
		clients  = flags.Int("clients", 1, "goroutines")
		name     = flags.String("client", "", "LDAP client to measure: engine, go-ldap or raw")
		changes  = flags.Bool("changes", false, "the joined control changes what it reads")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *address == "" {
		return serveControl(*cert, *key, *body, nil)
	}
	pool, err := loadPool(*ca)
	if err != nil {
		return err
	}
	config := &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	t := target{*address, *bindDN, *password, *authzID, config, *clients}
	if *name != "" {
		return serveWorker(*name, t)
	}
	if *body != "" {
		return joinedControl(t, *cert, *key, *body, *changes)
	}
	dial := func() (*control.Client, error) {
		return control.Dial(*address, config, *bindDN, *password, *authzID)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		verb, argument, _ := strings.Cut(lines.Text(), " ")
		var n float64
		switch verb {
		case "get":
			n, err = getControl(dial, argument, *clients)
		case "list":
			n, err = listControl(dial)
		case "pages":
			n, err = pagesControl(dial)
		}
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
	return lines.Err()
}

// serveWorker does what the lines of its input say, by an LDAP client.
func serveWorker(name string, t target) (err error) {
	w, err := t.open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		verb, argument, _ := strings.Cut(lines.Text(), " ")
		n, err := perform(w, verb, argument, t.clients)
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
	return lines.Err()
}

func loadPool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}

// joinedControl is both controls in one process: what a gateway without any feature
// would take.
func joinedControl(t target, cert, key, body string, changes bool) error {
	w, err := t.openRaw()
	if err != nil {
		return err
	}
	var count atomic.Int64
	return serveControl(cert, key, body, func() error {
		err := w.get()
		if err == nil && changes {
			n := count.Add(1)
			err = w.modify(int(n)%t.clients, fmt.Sprintf("value %d", n))
		}
		return err
	})
}

func serveControl(cert, key, body string, look func() error) error {
	certificate, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(body)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return control.ServeHTTPS(listener, certificate, text, look)
}

// getControl reads one entry over and over for a duration, several at once over one
// connection, and returns how often.
func getControl(dial func() (*control.Client, error), argument string, clients int) (float64, error) {
	duration, err := time.ParseDuration(argument)
	if err != nil {
		return 0, err
	}
	client, err := dial()
	if err != nil {
		return 0, err
	}
	done := make(chan struct{})
	go func() { defer close(done); client.Run() }()
	defer func() { _ = client.Close(); <-done }()
	var (
		group sync.WaitGroup
		count atomic.Int64
		first atomic.Pointer[error]
	)
	end := time.Now().Add(duration)
	for range clients {
		group.Go(func() {
			waiter := control.NewWaiter()
			for time.Now().Before(end) {
				n, err := client.Get(measuredDN, attributes(), waiter)
				if err == nil && n == 0 {
					err = errors.New("the entry has no attributes")
				}
				if err != nil {
					first.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	group.Wait()
	if err := first.Load(); err != nil {
		return 0, *err
	}
	return float64(count.Load()), nil
}

// listControl lists all users once, and returns their number per second.
func listControl(dial func() (*control.Client, error)) (float64, error) {
	client, err := dial()
	if err != nil {
		return 0, err
	}
	defer func() { _ = client.Close() }()
	begin := time.Now()
	n, err := client.List(peopleDN, attributes(), 500, 0)
	return float64(n) / time.Since(begin).Seconds(), err
}

// pagesControl reads users in pages, and returns the number of pages.
func pagesControl(dial func() (*control.Client, error)) (float64, error) {
	client, err := dial()
	if err != nil {
		return 0, err
	}
	defer func() { _ = client.Close() }()
	n, err := client.List(peopleDN, attributes(), pageSize, maxPages)
	return float64(n) / pageSize, err
}
