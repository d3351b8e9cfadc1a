package gateway_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// bounded maps the same people with several boundaries.
const bounded = `{
  "format": 1,
  "resourceTypes": {
    "hr": { "subResources": {
      "all":     { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } },
      "persons": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }, "baseSearchFilter": "(objectClass=person)" },
      "hosts":   { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }, "baseSearchFilter": "(objectClass=device)" },
      "staff":   { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }, "baseSearchFilter": "(&(objectClass=person)(employeeType=Staff))" },
      "guests":  { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "person", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" }, "baseSearchFilter": "(!(employeeType=staff))" }
    } },
    "person": { "objectClasses": [ "inetOrgPerson" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "uid", "writability": "createOnly" },
      "cn": { "type": "simple" },
      "sn": { "type": "simple" },
      "kinds": { "type": "simple", "ldapAttribute": "employeeType", "isMultiValued": true },
      "description": { "type": "simple" }
    } }
  }
}`

// newClient connects to a directory as the gateway does.
func newClient(t *testing.T, server *slapd.Server) *ldapclient.Client {
	t.Helper()
	client, err := ldapclient.New(ldapclient.Options{
		Servers: []ldapclient.Server{{URL: server.URL}},
		TLS:     &tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12},
		BindDN:  directory.MustParseDN(server.ServiceDN), Password: server.ServicePassword,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = client.Close(ctx)
	})
	return client
}

// W8: the filter of a collection is a boundary for every verb, on a directory with assertions
// and on one without.
func TestBoundary(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		client := newClient(t, server)
		models, problems, err := mapping.Load(fstest.MapFS{"api/hr.json": {Data: []byte(bounded)}})
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		for name, of := range map[string]directory.Directory{"Assertion": client, "Read": withoutAssertions{client}} {
			t.Run(name, func(t *testing.T) {
				service, err := gateway.New(gateway.Options{Directory: of, Models: models})
				if err != nil {
					t.Fatal(err)
				}
				boundary{service, name == "Assertion"}.test(t)
			})
		}
	})
}

type boundary struct {
	service *gateway.Service
	asserts bool
}

func (b boundary) ask(t *testing.T, path string, req *mapping.Request) error {
	req.Path = strings.Split(path, "/")
	_, err := b.service.Do(t.Context(), admin(), "api", req)
	return err
}

// admin may write everything.
func admin() auth.Principal {
	return auth.Principal{Name: "kvaughan", Identity: directory.Identity{AuthzID: "dn:uid=kvaughan,ou=People,dc=example,dc=com"}}
}

func (b boundary) create(t *testing.T, path, kinds string) error {
	_, id, _ := strings.Cut(path, "/")
	return b.ask(t, path, &mapping.Request{Verb: mapping.Create, Named: true, Body: body(t, `{"_id":"`+id+`","cn":"`+id+`","sn":"x","kinds":`+kinds+`}`)})
}

func patching(field string, value any) *mapping.Request {
	return &mapping.Request{Verb: mapping.Patch, Changes: []mapping.PatchOp{{Verb: mapping.PatchReplace, Field: query.Pointer{field}, Value: value, HasValue: true}}}
}

func (b boundary) test(t *testing.T) {
	fails := func(t *testing.T, err error, kind fault.Kind, detail string) {
		t.Helper()
		var e *fault.Error
		if !errors.Is(err, kind) || !errors.As(err, &e) || detail != "" && e.Detail.Kind != detail {
			t.Errorf("%v, want %v %s", err, kind, detail)
		}
	}
	works := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	t.Run("Create", func(t *testing.T) {
		fails(t, b.create(t, "staff/fresh", `["guest"]`), fault.Invalid, "outsideCollection")
		fails(t, b.create(t, "guests/fresh", `["STAFF"]`), fault.Invalid, "outsideCollection")
		fails(t, b.create(t, "hosts/fresh", `[]`), fault.Invalid, "outsideCollection")
		fails(t, b.ask(t, "all/fresh", &mapping.Request{Verb: mapping.Read}), fault.NotFound, "")
		works(t, b.create(t, "persons/guest", `[]`))
		works(t, b.create(t, "staff/worker", `["staff","other"]`))
	})
	t.Run("OutsideIsNotThere", func(t *testing.T) {
		for _, path := range []string{"staff/guest", "guests/worker", "hosts/guest"} {
			for name, req := range map[string]*mapping.Request{
				"Read":   {Verb: mapping.Read},
				"Patch":  patching("description", "no"),
				"Update": {Verb: mapping.Update, Body: body(t, `{"cn":"a","sn":"no","kinds":["staff"]}`)},
				"Delete": {Verb: mapping.Delete},
			} {
				t.Run(path+"/"+name, func(t *testing.T) { fails(t, b.ask(t, path, req), fault.NotFound, "") })
			}
		}
	})
	t.Run("StaysInside", func(t *testing.T) {
		fails(t, b.ask(t, "staff/worker", patching("kinds", []any{"guest"})), fault.Invalid, "outsideCollection")
		fails(t, b.ask(t, "staff/worker", &mapping.Request{Verb: mapping.Update, Body: body(t, `{"cn":"worker","sn":"x","kinds":["other"]}`)}), fault.Invalid, "outsideCollection")
		fails(t, b.ask(t, "staff/worker", &mapping.Request{Verb: mapping.Patch, Changes: []mapping.PatchOp{
			{Verb: mapping.PatchRemove, Field: query.Pointer{"kinds"}, Value: []any{"Staff"}, HasValue: true},
		}}), fault.Invalid, "outsideCollection")
		works(t, b.ask(t, "staff/worker", patching("kinds", []any{"STAFF", "third"})))
		works(t, b.ask(t, "staff/worker", &mapping.Request{Verb: mapping.Update, Body: body(t, `{"cn":"worker","sn":"x","kinds":["staff"],"description":"updated"}`)}))
		works(t, b.ask(t, "persons/worker", patching("description", "patched")))
	})
	t.Run("WithoutAnAssertion", func(t *testing.T) {
		// The negation cannot be guarded; the equality can, in a modification.
		works(t, b.ask(t, "staff/worker", patching("description", "guarded")))
		if b.asserts {
			works(t, b.ask(t, "guests/guest", patching("description", "asserted")))
			works(t, b.ask(t, "staff/worker", &mapping.Request{Verb: mapping.Delete}))
		} else {
			fails(t, b.ask(t, "guests/guest", patching("description", "no")), fault.Unsupported, "membership")
			fails(t, b.ask(t, "staff/worker", &mapping.Request{Verb: mapping.Delete}), fault.Unsupported, "membership")
			works(t, b.ask(t, "all/worker", &mapping.Request{Verb: mapping.Delete}))
		}
		works(t, b.ask(t, "persons/guest", &mapping.Request{Verb: mapping.Delete}))
	})
}
