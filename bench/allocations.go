package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// allocations counts the allocations for each entry of a list, with the gateway's engine in this
// process: from the socket of the directory to the entry, and to the JSON of the rows.
func (b *bed) allocations(ctx context.Context) (toEntry, toJSON float64, err error) {
	bindDN, err := directory.ParseDN(b.slapd.ServiceDN)
	if err != nil {
		return 0, 0, err
	}
	client, err := ldapclient.New(ldapclient.Options{
		Servers:  []ldapclient.Server{{URL: b.slapd.URL}},
		TLS:      &tls.Config{RootCAs: b.slapd.CAPool, MinVersion: tls.VersionTLS12},
		BindDN:   bindDN,
		Password: b.slapd.ServicePassword,
	})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, client.Close(ctx)) }()
	models, _, err := mapping.Load(mappings.Files())
	if err != nil {
		return 0, 0, err
	}
	service, err := gateway.New(gateway.Options{Directory: client, Models: models})
	if err != nil {
		return 0, 0, err
	}
	people, err := directory.ParseDN(peopleDN)
	if err != nil {
		return 0, 0, err
	}
	caller := auth.Principal{Identity: directory.Identity{AuthzID: "dn:uid=" + callerID + "," + peopleDN}}
	fetch := func() (n int, err error) {
		req := &directory.SearchRequest{Base: people, Scope: directory.ScopeOneLevel, Filter: directory.Present("uid")}
		_, err = client.As(caller.Identity).Search(ctx, req, func(*directory.Entry) error { n++; return nil })
		return n, err
	}
	list := func() (int, error) {
		listing, err := service.Query(ctx, caller, "api", &mapping.Request{
			Verb: mapping.Query, Path: []string{"users"}, Filter: query.Filter{Op: query.True},
		}, func([]byte) error { return nil })
		return listing.Count, err
	}
	if toEntry, err = b.perEntry(fetch); err != nil {
		return 0, 0, err
	}
	toJSON, err = b.perEntry(list)
	return toEntry, toJSON, err
}

// perEntry counts the allocations of a list for each of its entries.
func (b *bed) perEntry(list func() (int, error)) (float64, error) {
	if _, err := list(); err != nil { // connections and schema
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := list()
	runtime.ReadMemStats(&after)
	if err == nil && n != b.entries {
		err = fmt.Errorf("a list of %d entries, %d expected", n, b.entries)
	}
	return float64(after.Mallocs-before.Mallocs) / float64(n), err
}
