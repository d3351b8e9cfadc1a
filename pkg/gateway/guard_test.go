package gateway_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// withoutAssertions is a directory that has no assertion control.
type withoutAssertions struct{ *ldapclient.Client }

func (d withoutAssertions) Capabilities(ctx context.Context) (*directory.Capabilities, error) {
	capabilities, err := d.Client.Capabilities(ctx)
	if err != nil {
		return nil, err
	}
	less := *capabilities
	less.Assertion = false
	return &less, nil
}

// F_59: without the assertion control a change is guarded by the values that it changes, or
// refused: never is a revision compared first and the change sent then.
func TestGuardedModifications(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		client, err := ldapclient.New(ldapclient.Options{
			Servers: []ldapclient.Server{{URL: server.URL}},
			TLS:     &tls.Config{RootCAs: server.CAPool, MinVersion: tls.VersionTLS12},
			BindDN:  directory.MustParseDN(server.ServiceDN), Password: server.ServicePassword,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_ = client.Close(ctx)
		}()
		models, _, err := mapping.Load(mappings.Files())
		if err != nil {
			t.Fatal(err)
		}
		service, err := gateway.New(gateway.Options{Directory: withoutAssertions{client}, Models: models})
		if err != nil {
			t.Fatal(err)
		}
		admin := auth.Principal{Name: "kvaughan", Identity: directory.Identity{AuthzID: "dn:uid=kvaughan,ou=People,dc=example,dc=com"}}
		ask := func(req *mapping.Request) (*gateway.Answer, error) {
			req.Path = []string{"users", "bjensen"}
			return service.Do(t.Context(), admin, "api", req)
		}
		replace := func(field, value string) []mapping.PatchOp {
			pointer, err := query.ParsePointer(field)
			if err != nil {
				t.Fatal(err)
			}
			return []mapping.PatchOp{{Verb: mapping.PatchReplace, Field: pointer, Value: value, HasValue: true}}
		}
		revision := func() string {
			answer, err := ask(&mapping.Request{Verb: mapping.Read})
			if err != nil {
				t.Fatal(err)
			}
			return answer.Revision.Value
		}

		t.Run("F_59/Guarded", func(t *testing.T) {
			old := revision()
			answer, err := ask(&mapping.Request{Verb: mapping.Patch, Revision: old, Changes: replace("/description", "guarded")})
			if err != nil || !strings.Contains(string(answer.JSON), `"guarded"`) {
				t.Fatalf("%+v, %v", answer, err)
			}
			if _, err := ask(&mapping.Request{Verb: mapping.Patch, Revision: old, Changes: replace("/description", "late")}); !errors.Is(err, fault.PreconditionFailed) {
				t.Errorf("the old revision: %v", err)
			}
		})
		t.Run("F_59/Unguarded", func(t *testing.T) {
			// A first value of several that there may be; a photo that nobody compares; a deletion.
			for name, req := range map[string]*mapping.Request{
				"FirstValue": {Verb: mapping.Patch, Changes: replace("/photo", "/9j/")},
				"Delete":     {Verb: mapping.Delete},
			} {
				req.Revision = revision()
				if _, err := ask(req); !errors.Is(err, fault.Unsupported) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
		t.Run("F_59/Writers", func(t *testing.T) {
			if _, err := ask(&mapping.Request{Verb: mapping.Patch, Changes: replace("/description", "0")}); err != nil {
				t.Fatal(err)
			}
			const writers, each = 4, 10
			var work sync.WaitGroup
			for range writers {
				work.Go(func() {
					for made := 0; made < each; {
						answer, err := ask(&mapping.Request{Verb: mapping.Read, Fields: []query.Pointer{{"description"}}})
						if err != nil {
							t.Error(err)
							return
						}
						n := number(t, string(answer.JSON))
						_, err = ask(&mapping.Request{Verb: mapping.Patch, Revision: answer.Revision.Value, Changes: replace("/description", strconv.Itoa(n+1))})
						if err == nil {
							made++
						} else if !errors.Is(err, fault.PreconditionFailed) {
							t.Error(err)
							return
						}
					}
				})
			}
			work.Wait()
			answer, err := ask(&mapping.Request{Verb: mapping.Read, Fields: []query.Pointer{{"description"}}})
			if err != nil || number(t, string(answer.JSON)) != writers*each {
				t.Errorf("%s, %v; want %d", answer.JSON, err, writers*each)
			}
		})
	})
}

// number finds the description, which is a number.
func number(t *testing.T, json string) int {
	_, rest, _ := strings.Cut(json, `"description":"`)
	var n int
	if _, err := fmt.Sscan(strings.TrimRight(strings.SplitN(rest, `"`, 2)[0], " "), &n); err != nil {
		t.Errorf("%s: %v", json, err)
	}
	return n
}
