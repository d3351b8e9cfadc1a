package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// overtaken is a directory without assertions in which somebody is faster: between the read
// of an entry and its modification.
type overtaken struct {
	withoutAssertions

	between *func()
}

func (d overtaken) As(identity directory.Identity) directory.Session {
	return overtakenSession{d.withoutAssertions.As(identity), d.between}
}

type overtakenSession struct {
	directory.Session

	between *func()
}

func (s overtakenSession) Modify(ctx context.Context, req *directory.ModifyRequest) (*directory.Entry, error) {
	if faster := *s.between; faster != nil {
		*s.between = nil
		faster()
	}
	return s.Session.Modify(ctx, req)
}

// W8: an entry that leaves its collection just before a change is not changed, though the
// directory cannot be told what has to hold.
func TestFence(t *testing.T) {
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		client := newClient(t, server)
		models, _, err := mapping.Load(fstest.MapFS{"api/hr.json": {Data: []byte(bounded)}})
		if err != nil {
			t.Fatal(err)
		}
		var between func()
		service, err := gateway.New(gateway.Options{Directory: overtaken{withoutAssertions{client}, &between}, Models: models})
		if err != nil {
			t.Fatal(err)
		}
		b := boundary{service, false}
		if err := b.create(t, "all/worker", `["staff"]`); err != nil {
			t.Fatal(err)
		}
		leave := func() {
			if err := b.ask(t, "all/worker", patching("kinds", []any{"guest"})); err != nil {
				t.Error(err)
			}
		}
		for name, req := range map[string]func() *mapping.Request{
			"Patch": func() *mapping.Request { return patching("description", "no") },
			"Update": func() *mapping.Request {
				return &mapping.Request{Verb: mapping.Update, Body: body(t, `{"cn":"worker","sn":"no","kinds":["staff"]}`)}
			},
		} {
			t.Run(name, func(t *testing.T) {
				if err := b.ask(t, "all/worker", patching("kinds", []any{"staff"})); err != nil {
					t.Fatal(err)
				}
				between = leave
				if err := b.ask(t, "staff/worker", req()); !errors.Is(err, fault.NotFound) {
					t.Errorf("%v", err)
				}
				answer, err := service.Do(t.Context(), admin(), "api", &mapping.Request{Verb: mapping.Read, Path: []string{"all", "worker"}})
				if err != nil || strings.Contains(string(answer.JSON), `"no"`) || !strings.Contains(string(answer.JSON), `"guest"`) {
					t.Errorf("%v: %s", err, answer.JSON)
				}
			})
		}
	})
}
