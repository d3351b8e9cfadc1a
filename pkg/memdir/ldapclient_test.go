package memdir_test

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// TestGatewayClient has the client of the gateway use the directory.
func TestGatewayClient(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := start(t, nil)
	client, err := ldapclient.New(ldapclient.Options{
		Servers:  []ldapclient.Server{{URL: "ldaps://" + d.addr}},
		TLS:      &tls.Config{RootCAs: d.pool, MinVersion: tls.VersionTLS12},
		BindDN:   dn(t, exampledata.ServiceDN),
		Password: exampledata.ServicePassword,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			t.Error(err)
		}
	})

	bjensen := exampledata.Person{ID: "bjensen"}.DN()
	known, err := client.Capabilities(ctx)
	if err != nil || !known.Assertion || !known.ReadEntry || !known.Sort || known.Revision != "entryCSN" {
		t.Fatalf("%+v, %v", known, err)
	}
	session := client.As(directory.Identity{AuthzID: "dn:" + bjensen})
	if who, err := session.WhoAmI(ctx, nil); err != nil || !dn(t, who[3:]).Equal(dn(t, bjensen)) {
		t.Errorf("%q, %v", who, err)
	}
	entries := 0
	walk := session.Walk(&directory.SearchRequest{Base: dn(t, peopleDN), Scope: directory.ScopeOneLevel, Filter: directory.Filter{Op: directory.FilterSubstrings, Attribute: "uid", Initial: "gen"}, Attributes: []string{"uid"}})
	for more := true; more; {
		var page []*directory.Entry
		if page, more, err = walk.Next(ctx, 7); err != nil {
			t.Fatal(err)
		}
		entries += len(page)
	}
	walk.Close()
	if entries != people {
		t.Errorf("%d entries", entries)
	}
	change := &directory.ModifyRequest{DN: dn(t, bjensen), Changes: []directory.Change{{Op: directory.ChangeReplace, Attribute: "description", Values: []string{"new"}}}}
	change.Read = []string{"description"}
	holds := directory.Equal("uid", "bjensen")
	change.Assert = &holds
	entry, err := session.Modify(ctx, change)
	if err != nil || entry.Value("description") != "new" {
		t.Errorf("%+v, %v", entry, err)
	}
	fails := directory.Equal("uid", "scarter")
	change.Assert = &fails
	if _, err = session.Modify(ctx, change); fault.KindOf(err) != fault.PreconditionFailed {
		t.Error(err)
	}
	if _, err := client.Authenticate(ctx, dn(t, bjensen), exampledata.Password("bjensen"), nil); err != nil {
		t.Error(err)
	}
	if _, err := client.Authenticate(ctx, dn(t, bjensen), "wrong", nil); fault.KindOf(err) != fault.Unauthenticated {
		t.Error(err)
	}
}

func dn(tb testing.TB, s string) directory.DN {
	tb.Helper()
	parsed, err := directory.ParseDN(s)
	if err != nil {
		tb.Fatal(err)
	}
	return parsed
}
