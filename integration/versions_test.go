package integration_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// edition is a mapping file whose resources tell its version.
func edition(root, version string) string {
	return strings.NewReplacer("ROOT", root, "VERSION", version).Replace(`{
  "format": 1, "version": "VERSION",
  "resourceTypes": {
    "ROOT": { "subResources": {
      "users": { "type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user", "namingStrategy": { "type": "clientDnNaming", "dnAttribute": "uid" } }
    } },
    "user": { "objectClasses": [ "inetOrgPerson" ], "properties": {
      "_id": { "type": "simple", "ldapAttribute": "uid", "isRequired": true, "writability": "createOnly" },
      "edition": { "type": "constant", "value": "VERSION" }
    } }
  }
}`)
}

func TestVersions(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		const path = "/api/users/bjensen"
		ask := func(t *testing.T, g *gateway, version string) *reply {
			header := http.Header{}
			if version != "" {
				header.Set("Accept-API-Version", version)
			}
			return g.send(t, ask{method: "GET", path: path, as: "bjensen", header: header})
		}
		tells := func(t *testing.T, r *reply, want string) {
			if got := r.header.Get("Content-API-Version"); got != want {
				t.Errorf("Content-API-Version %q, want %q", got, want)
			}
		}
		t.Run("Shipped", func(t *testing.T) {
			g := start(t, server, settings{})
			t.Run("R_J01", func(t *testing.T) {
				tells(t, ask(t, g, "resource=1.0").want(http.StatusOK), "protocol=2.1,resource=1.0")
			})
			t.Run("R_J03", func(t *testing.T) {
				r := ask(t, g, "resource=2.0").fails(http.StatusBadRequest, "unknownVersion")
				if message, _ := r.at("message").(string); !strings.Contains(message, "it has 1.0") {
					t.Errorf("message %q", message)
				}
			})
			t.Run("R_J09", func(t *testing.T) {
				ask(t, g, "protocol=9.0").fails(http.StatusBadRequest, "unknownProtocol")
				ask(t, g, "1.0").fails(http.StatusBadRequest, "malformedVersion")
			})
			t.Run("Protocol1", func(t *testing.T) {
				old := headers("Accept-API-Version", "protocol=1.0")
				body := `{"_id":"newuser","_schema":"frapi:opendj:rest2ldap:user:1.0","userName":"n@example.com","displayName":["New"],"name":{"familyName":"User"}}`
				g.send(t, askOf("PUT", "/api/users/newuser", old, body)).fails(http.StatusNotFound, "")
				g.send(t, askOf("POST", "/api/users", old, body)).fails(http.StatusBadRequest, "missingAction")
				g.send(t, askOf("PUT", "/api/users/newuser", nil, body)).want(http.StatusCreated)
				g.send(t, askOf("PUT", "/api/users/newuser", old, body)).want(http.StatusOK)
				// The id and the revision are fields like others.
				shows := func(r *reply, want []string, path ...any) {
					t.Helper()
					if diff := cmp.Diff(want, r.members(path...)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", r.body, diff)
					}
				}
				all := g.get(t, "kvaughan", "/api/users/newuser").members()
				shows(g.send(t, askOf("GET", "/api/users/newuser", old, "")).want(http.StatusOK), all)
				shows(g.send(t, askOf("GET", "/api/users/newuser", old, "", "_fields", "userName")).want(http.StatusOK), []string{"userName"})
				shows(g.send(t, askOf("GET", "/api/users/newuser", old, "", "_fields", "userName,_id")).want(http.StatusOK), []string{"_id", "userName"})
				list := g.send(t, askOf("GET", "/api/users", old, "", "_queryFilter", `_id eq "newuser"`, "_fields", "userName")).want(http.StatusOK)
				shows(list, []string{"userName"}, "result", 0)
				r := g.send(t, askOf("PATCH", "/api/users/newuser", old, `[{"operation":"replace","field":"/description","value":"x"}]`, "_fields", "description")).want(http.StatusOK)
				if shows(r, []string{"description"}); r.etag() == "" {
					t.Error("no ETag")
				}
			})
		})
		t.Run("Several", func(t *testing.T) {
			g := start(t, server, settings{mappings: map[string]string{
				"api/a.json": edition("a", "1.0"), "api/b.json": edition("b", "2.0"), "api/c.json": edition("c", "1.1"), "other/d.json": edition("d", "*"),
			}})
			t.Run("R_J05", func(t *testing.T) {
				r := ask(t, g, "").want(http.StatusOK).has(`"2.0"`, "edition")
				tells(t, r, "protocol=2.1,resource=2.0")
				check(t, g.eventsOf(t, r)[0], map[string]any{"resource": path, "path": path})
			})
			t.Run("R_J07", func(t *testing.T) {
				r := ask(t, g, "resource=1.2").fails(http.StatusBadRequest, "unknownVersion")
				if message, _ := r.at("message").(string); !strings.Contains(message, "1.0, 1.1, 2.0") {
					t.Errorf("message %q", message)
				}
			})
			for asked, version := range map[string]string{"resource=1": "1.1", "resource=1.0": "1.1", "resource=1.1": "1.1", "protocol=2.2, resource=2": "2.0"} {
				r := ask(t, g, asked).want(http.StatusOK).has(`"`+version+`"`, "edition")
				if !strings.HasSuffix(r.header.Get("Content-API-Version"), ",resource="+version) {
					t.Errorf("%s: %q", asked, r.header.Get("Content-API-Version"))
				}
			}
			// The mapping has no field for the revision.
			if got := g.send(t, askOf("GET", path, headers("Accept-API-Version", "protocol=1"), "")).want(http.StatusOK).members(); !slices.Equal(got, []string{"_id", "edition"}) {
				t.Errorf("protocol 1 shows %q", got)
			}
			list := g.send(t, askOf("GET", "/api/users", headers("Accept-API-Version", "resource=1"), "", "_queryFilter", `_id eq "bjensen"`)).finds("bjensen")
			tells(t, list.has(`"1.1"`, "result", 0, "edition"), "protocol=2.1,resource=1.1")
			tells(t, g.send(t, askOf("GET", "/other/users/bjensen", headers("Accept-API-Version", "resource=7"), "")).want(http.StatusOK).has(`"*"`, "edition"), "")
		})
	})
}

// askOf is a request of kvaughan.
func askOf(method, path string, header http.Header, body string, query ...string) ask {
	return ask{method: method, path: path, as: "kvaughan", header: header, body: body, query: params(query...)}
}

// HEAD is GET without the body.
func TestHead(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{})
	for _, a := range []ask{
		askOf("", "/api/users/bjensen", nil, ""),
		askOf("", "/api/users/bjensen", nil, "", "_prettyPrint", "true", "_fields", "userName"),
		askOf("", "/api/users", nil, "", "_queryFilter", "true", "_fields", "_id"),
		askOf("", "/api/users/nobody", nil, ""),
		askOf("", "/api/users", nil, ""),
	} {
		kept := func(method string) (int, http.Header, string) {
			a.method = method
			r := g.send(t, a)
			h := r.header.Clone()
			h.Del("Date")
			h.Del("X-ForgeRock-TransactionId")
			return r.status, h, r.body
		}
		status, want, _ := kept(http.MethodGet)
		gotStatus, got, body := kept(http.MethodHead)
		if diff := cmp.Diff(want, got); diff != "" || status != gotStatus || body != "" || want.Get("Content-Length") == "" {
			t.Errorf("%s %v: %d and %d, body %q (-GET +HEAD):\n%s", a.path, a.query, status, gotStatus, body, diff)
		}
	}
}

// An update that creates, and the update that it is next time, answer as they are asked to.
func TestUpsert(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		g := start(t, server, settings{})
		put := func(t *testing.T, phone string) *reply {
			body := `{"_id":"upsert","_schema":"frapi:opendj:rest2ldap:user:1.0","userName":"u@example.com","displayName":["New User"],
				"name":{"familyName":"User"},"contactInformation":{"telephoneNumber":"` + phone + `"}}`
			return g.send(t, askOf("PUT", "/api/users/upsert", nil, body, "_fields", "contactInformation/telephoneNumber", "_prettyPrint", "true"))
		}
		shows := func(t *testing.T, r *reply, phone string) {
			if diff := cmp.Diff([]string{"_id", "_rev", "contactInformation"}, r.members()); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
			r.has(`"`+phone+`"`, "contactInformation", "telephoneNumber")
			if !strings.HasPrefix(r.body, "{\n  ") || r.header.Get("ETag") == "" {
				t.Errorf("ETag %q, body %s", r.header.Get("ETag"), r.body)
			}
		}
		created := put(t, "+1 408 555 1212").want(http.StatusCreated)
		shows(t, created, "+1 408 555 1212")
		if location := created.header.Get("Location"); location != "/api/users/upsert" {
			t.Errorf("Location %q", location)
		}
		t.Run("R_C03", func(t *testing.T) {
			updated := put(t, "+1 408 555 9999").want(http.StatusOK)
			shows(t, updated, "+1 408 555 9999")
			if updated.header.Get("Location") != "" {
				t.Errorf("Location %q", updated.header.Get("Location"))
			}
		})
	})
}
