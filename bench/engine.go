package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/bench/control"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// The LDAP engine of the gateway is measured alone, too: one process asks the directory by it,
// one by the LDAPS control, and one by go-ldap as it is used everywhere. All three do the
// same work over LDAPS for the same identity.

// worker does the work of an LDAP client.
type worker interface {
	// get reads one entry.
	get() error
	// list reads all users, and returns how many there are.
	list() (int, error)
	// modify replaces a value of the nth entry.
	modify(n int, value string) error
	// close ends its connections.
	close() error
}

// target is the directory that workers ask.
type target struct {
	address, bindDN, password, authzID string
	tls                                *tls.Config
	clients                            int
}

// open makes the worker of that name.
func (t target) open(name string) (worker, error) {
	switch name {
	case "engine":
		return t.openEngine()
	case "go-ldap":
		return t.openGoLDAP()
	case "raw":
		return t.openRaw()
	}
	return nil, fmt.Errorf("there is no client %q", name)
}

// perform does what a line says, and returns how often, or at what rate.
func perform(w worker, verb, argument string, clients int) (float64, error) {
	if verb == "list" {
		begin := time.Now()
		n, err := w.list()
		return float64(n) / time.Since(begin).Seconds(), err
	}
	duration, err := time.ParseDuration(argument)
	if err != nil {
		return 0, err
	}
	var (
		group sync.WaitGroup
		count atomic.Int64
		first atomic.Pointer[error]
	)
	end := time.Now().Add(duration)
	for n := range clients {
		group.Go(func() {
			for i := 0; time.Now().Before(end) && first.Load() == nil; i++ {
				var err error
				if verb == "get" {
					err = w.get()
				} else {
					err = w.modify(n, fmt.Sprintf("value %d", i))
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

// changedID is the user that the nth client changes, and changedDN its entry.
func changedID(n int) string { return fmt.Sprintf("gen%03d", n+2) }

func changedDN(n int) string { return "uid=" + changedID(n) + "," + peopleDN }

// engine is the gateway's own client.
type engine struct {
	client  *ldapclient.Client
	session directory.Session
	read    *directory.SearchRequest
}

func (t target) openEngine() (worker, error) {
	bindDN, err := directory.ParseDN(t.bindDN)
	if err != nil {
		return nil, err
	}
	read, err := directory.ParseDN(measuredDN)
	if err != nil {
		return nil, err
	}
	client, err := ldapclient.New(ldapclient.Options{
		Servers: []ldapclient.Server{{URL: "ldaps://" + t.address}}, TLS: t.tls, BindDN: bindDN, Password: t.password, MaxConns: max(2*t.clients, 4),
	})
	if err != nil {
		return nil, err
	}
	return &engine{client, client.As(directory.Identity{AuthzID: t.authzID}), &directory.SearchRequest{
		Base: read, Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), Attributes: attributes(), SizeLimit: 1,
	}}, nil
}

func (e *engine) get() error {
	found := 0
	_, err := e.session.Search(context.Background(), e.read, func(*directory.Entry) error { found++; return nil })
	if err == nil && found != 1 {
		err = fmt.Errorf("%d entries", found)
	}
	return err
}

func (e *engine) list() (n int, err error) {
	base, err := directory.ParseDN(peopleDN)
	if err != nil {
		return 0, err
	}
	req := &directory.SearchRequest{Base: base, Scope: directory.ScopeOneLevel, Filter: directory.Present("objectClass"), Attributes: attributes()}
	_, err = e.session.Search(context.Background(), req, func(*directory.Entry) error { n++; return nil })
	return n, err
}

func (e *engine) modify(n int, value string) error {
	dn, err := directory.ParseDN(changedDN(n))
	if err != nil {
		return err
	}
	_, err = e.session.Modify(context.Background(), &directory.ModifyRequest{
		DN: dn, Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "description", Values: []string{value}}},
	})
	return err
}

func (e *engine) close() error { return e.client.Close(context.Background()) }

// goLDAP is go-ldap, with a connection for each client.
type goLDAP struct {
	conns   chan *ldap.Conn
	control ldap.Control
}

func (t target) openGoLDAP() (worker, error) {
	g := &goLDAP{conns: make(chan *ldap.Conn, t.clients), control: ldap.NewControlString("2.16.840.1.113730.3.4.18", true, t.authzID)}
	for range t.clients {
		conn, err := ldap.DialURL("ldaps://"+t.address, ldap.DialWithTLSConfig(t.tls))
		if err != nil {
			return nil, err
		}
		g.conns <- conn
		if err := conn.Bind(t.bindDN, t.password); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *goLDAP) use(work func(*ldap.Conn) error) error {
	conn := <-g.conns
	defer func() { g.conns <- conn }()
	return work(conn)
}

func (g *goLDAP) get() error {
	return g.use(func(conn *ldap.Conn) error {
		result, err := conn.Search(ldap.NewSearchRequest(measuredDN, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", attributes(), []ldap.Control{g.control}))
		if err == nil && len(result.Entries) != 1 {
			err = fmt.Errorf("%d entries", len(result.Entries))
		}
		return err
	})
}

func (g *goLDAP) list() (n int, err error) {
	err = g.use(func(conn *ldap.Conn) error {
		result, err := conn.SearchWithPaging(ldap.NewSearchRequest(peopleDN, ldap.ScopeSingleLevel, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attributes(), []ldap.Control{g.control}), 500)
		if err == nil {
			n = len(result.Entries)
		}
		return err
	})
	return n, err
}

func (g *goLDAP) modify(n int, value string) error {
	return g.use(func(conn *ldap.Conn) error {
		req := ldap.NewModifyRequest(changedDN(n), []ldap.Control{g.control})
		req.Replace("description", []string{value})
		return conn.Modify(req)
	})
}

func (g *goLDAP) close() error {
	var err error
	for range cap(g.conns) {
		err = errors.Join(err, (<-g.conns).Close())
	}
	return err
}

// raw is the LDAPS control. Changes have connections of their own, as in the gateway.
type raw struct {
	dial    func() (*control.Client, error)
	shared  *control.Client
	changes chan *control.Client
	waiters sync.Pool
	work    sync.WaitGroup
}

func (t target) openRaw() (worker, error) {
	r := &raw{
		dial: func() (*control.Client, error) {
			return control.Dial(t.address, t.tls, t.bindDN, t.password, t.authzID)
		},
		changes: make(chan *control.Client, t.clients),
		waiters: sync.Pool{New: func() any { return control.NewWaiter() }},
	}
	var err error
	if r.shared, err = r.run(); err != nil {
		return nil, err
	}
	for range t.clients {
		client, err := r.run()
		if err != nil {
			return nil, err
		}
		r.changes <- client
	}
	return r, nil
}

func (r *raw) run() (*control.Client, error) {
	client, err := r.dial()
	if err == nil {
		r.work.Go(client.Run)
	}
	return client, err
}

func (r *raw) get() error {
	waiter := r.waiters.Get()
	defer r.waiters.Put(waiter)
	n, err := r.shared.Get(measuredDN, attributes(), waiter.(control.Waiter))
	if err == nil && n == 0 {
		err = errors.New("the entry has no attributes")
	}
	return err
}

func (r *raw) list() (int, error) {
	client, err := r.dial()
	if err != nil {
		return 0, err
	}
	defer func() { _ = client.Close() }()
	return client.List(peopleDN, attributes(), 500, 0)
}

func (r *raw) modify(n int, value string) error {
	client, waiter := <-r.changes, r.waiters.Get()
	defer func() { r.changes <- client; r.waiters.Put(waiter) }()
	return client.Replace(changedDN(n), "description", value, waiter.(control.Waiter))
}

func (r *raw) close() error {
	err := r.shared.Close()
	for range cap(r.changes) {
		err = errors.Join(err, (<-r.changes).Close())
	}
	r.work.Wait()
	return err
}
