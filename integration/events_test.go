package integration_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/tally"
)

func TestEvents(t *testing.T) {
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{})
	const path = "/api/users/bjensen"

	t.Run("Read", func(t *testing.T) {
		events := g.eventsOf(t, g.get(t, "scarter", path, "_fields", "userName").want(http.StatusOK))
		if len(events) != 1 {
			t.Fatalf("%d events: %v", len(events), events)
		}
		check(t, events[0], map[string]any{
			"phase": "outcome", "principal": "scarter", "authMethod": "basic", "authzId": "dn:uid=scarter,ou=People,dc=example,dc=com",
			"verb": "read", "resource": path, "method": "GET", "status": 200.0, "result": "ok",
		})
		for _, name := range []string{"time", "client", "elapsedMicros", "ldapOperations", "tlsVersion"} {
			if events[0][name] == nil {
				t.Errorf("no %s: %v", name, events[0])
			}
		}
	})
	t.Run("Change", func(t *testing.T) {
		events := g.eventsOf(t, g.send(t, ask{
			method: "PATCH", path: path, as: "bjensen",
			body: `[{"operation":"replace","field":"/description","value":"a secret text"},{"operation":"replace","field":"/userName","value":"b@example.com"}]`,
		}).want(http.StatusOK))
		if len(events) != 2 {
			t.Fatalf("%d events: %v", len(events), events)
		}
		check(t, events[0], map[string]any{"phase": "attempt", "verb": "patch", "principal": "bjensen", "resource": path})
		check(t, events[1], map[string]any{"phase": "outcome", "status": 200.0})
		if changed, _ := events[1]["changed"].([]any); len(changed) != 2 || changed[0] != "description" || changed[1] != "mail" {
			t.Errorf("changed %v", events[1]["changed"])
		}
	})
	t.Run("Refused", func(t *testing.T) {
		events := g.eventsOf(t, g.send(t, ask{method: "GET", path: path, as: "bjensen", password: "notthepassword"}).want(http.StatusUnauthorized))
		if len(events) != 1 {
			t.Fatalf("%d events: %v", len(events), events)
		}
		check(t, events[0], map[string]any{"status": 401.0, "result": "unauthenticated"})
		if events[0]["reason"] == nil {
			t.Errorf("no reason: %v", events[0])
		}
	})
	t.Run("Failed", func(t *testing.T) {
		for status, a := range map[int]ask{
			404: {method: "GET", path: "/api/nosuch", as: "bjensen"},
			405: {method: "TRACE", path: path, as: "bjensen"},
			415: {method: "PUT", path: path, as: "bjensen", body: "x", noType: true},
			400: {method: "GET", path: "/api/users", as: "bjensen", query: params("_queryFilter", "(")},
		} {
			events := g.eventsOf(t, g.send(t, a).want(status))
			if len(events) != 1 || events[0]["status"] != float64(status) {
				t.Errorf("%d: events %v", status, events)
			}
		}
	})
	t.Run("NoSecrets", func(t *testing.T) {
		data, err := os.ReadFile(g.events)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{exampledata.Password("bjensen"), exampledata.Password("scarter"), "notthepassword", "a secret text", server.ServicePassword, "Basic "} {
			if strings.Contains(string(data), secret) || strings.Contains(g.log.String(), secret) {
				t.Errorf("the events or the log hold %q", secret)
			}
		}
	})
}

// What cannot be put on record is not done.
func TestNoChangeWithoutRecord(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		tally.Unfit(t, err)
	}
	server := slapd.Start(t, slapd.Options{})
	g := start(t, server, settings{set: []string{"audit.file=/dev/full"}})
	r := g.send(t, ask{method: "PATCH", path: "/api/users/bjensen", as: "kvaughan", body: `[{"operation":"replace","field":"/description","value":"unrecorded"}]`})
	r.fails(http.StatusServiceUnavailable, "audit")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if entry := ldapEntry(t, server, "uid=bjensen,ou=People,dc=example,dc=com"); strings.Contains(entry, "unrecorded") {
		t.Error("the change was made without a record")
	}
	g.get(t, "kvaughan", "/api/users/bjensen").want(http.StatusOK)
}

func check(t *testing.T, e event, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if e[name] != value {
			t.Errorf("%s is %v, want %v: %v", name, e[name], value, e)
		}
	}
}
