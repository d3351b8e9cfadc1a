package gateway_test

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/audit"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

const stored = `{"_id":"a","_schema":"frapi:opendj:rest2ldap:user:1.0","displayName":["a"],"name":{"familyName":"a"},"description":"second"}`

// F_58: of clients that name a revision exactly one succeeds, so that a lost answer to their
// change is never made good by what the entry looks like; nor is one to a change that no
// revision guards.
func TestLostAnswersMadeGood(t *testing.T) {
	changes := []mapping.PatchOp{{Verb: mapping.PatchReplace, Field: query.Pointer{"description"}, Value: "x", HasValue: true}}
	for name, test := range map[string]struct {
		req  mapping.Request
		want string
	}{
		"Update":             {mapping.Request{Verb: mapping.Update, Body: body(t, stored)}, "1"},
		"F_58/UpdateIfMatch": {mapping.Request{Verb: mapping.Update, Body: body(t, stored), MustExist: true, Revision: "1"}, ""},
		"F_58/PatchIfMatch":  {mapping.Request{Verb: mapping.Patch, Revision: "1", Changes: changes}, ""},
		"Patch":              {mapping.Request{Verb: mapping.Patch, Changes: changes}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake("a")
			test.req.Path = []string{"users", "a"}
			if _, err := do(t, newService(t, f, gateway.Options{}), &test.req); err != nil {
				t.Fatal(err)
			}
			if len(f.revisions) != 1 || f.revisions[0] != test.want {
				t.Errorf("%q", f.revisions)
			}
		})
	}
}

// An update that somebody overtakes is planned anew from what is there then, a few
// times; one that requires a revision is not.
func TestUpdateIsPlannedAnew(t *testing.T) {
	f := newFake("a")
	revision := 1
	f.before = func(operation string) error {
		if operation == "modify" && revision < 3 {
			revision++
			f.put("a", strconv.Itoa(revision), "by another")
		}
		return nil
	}
	s := newService(t, f, gateway.Options{})
	if _, err := do(t, s, &mapping.Request{Verb: mapping.Update, Path: []string{"users", "a"}, Body: body(t, stored)}); err != nil {
		t.Fatal(err)
	}
	if n := f.operations("modify"); n != 3 {
		t.Errorf("%d modifications, want 3: %q", n, f.log)
	}

	t.Run("NotForever", func(t *testing.T) {
		f.log, revision = nil, -1<<30
		_, err := do(t, s, &mapping.Request{Verb: mapping.Update, Path: []string{"users", "a"}, Body: body(t, stored)})
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("error %v", err)
		}
		if n := f.operations("modify"); n != 5 {
			t.Errorf("%d modifications: %q", n, f.log)
		}
	})
	t.Run("RequiredRevision", func(t *testing.T) {
		f.log, revision = nil, 1
		f.put("a", "1", "first")
		_, err := do(t, s, &mapping.Request{Verb: mapping.Update, Path: []string{"users", "a"}, Body: body(t, stored), MustExist: true, Revision: "1"})
		if !errors.Is(err, fault.PreconditionFailed) || f.operations("modify") != 1 {
			t.Errorf("error %v, %q", err, f.log)
		}
	})
}

// full is a sink that stores nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }
func (full) Sync() error               { return nil }
func (full) Reopen() error             { return nil }
func (full) Close() error              { return nil }

// What cannot be put on record does not leave.
func TestNoChangeWithoutRecord(t *testing.T) {
	recorder, err := audit.NewRecorder(audit.Options{Sink: full{}, AttemptTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = recorder.Close() }() // It has records that it cannot write.
	f := newFake("a")
	s := newService(t, f, gateway.Options{})
	for _, req := range []*mapping.Request{
		{Verb: mapping.Create, Path: []string{"users", "b"}, Named: true, Body: body(t, strings.Replace(stored, `"_id":"a",`, "", 1))},
		{Verb: mapping.Update, Path: []string{"users", "a"}, Body: body(t, stored)},
		{Verb: mapping.Patch, Path: []string{"users", "a"}, Changes: []mapping.PatchOp{{Verb: mapping.PatchReplace, Field: query.Pointer{"description"}, Value: "x", HasValue: true}}},
		{Verb: mapping.Delete, Path: []string{"users", "a"}},
		changeTo("a", "old", "new"),
	} {
		event := recorder.Begin(audit.Start{TransactionID: "t"})
		_, err := s.Do(audit.NewContext(t.Context(), event), caller, "api", req)
		event.End(503, "")
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unavailable || e.Detail.Kind != "audit" {
			t.Errorf("%s: error %v", req.Verb, err)
		}
	}
	for _, operation := range []string{"add", "modify", "delete"} {
		if f.operations(operation) != 0 {
			t.Errorf("a change left without a record: %q", f.log)
		}
	}
}

// ordered notes when the attempt is stored.
type ordered struct {
	f *fake
}

func (o ordered) Write(p []byte) (int, error) {
	if strings.Contains(string(p), `"attempt"`) {
		o.f.mu.Lock()
		o.f.log = append(o.f.log, "recorded")
		o.f.mu.Unlock()
	}
	return len(p), nil
}
func (ordered) Sync() error   { return nil }
func (ordered) Reopen() error { return nil }
func (ordered) Close() error  { return nil }

func TestTheAttemptIsRecordedFirst(t *testing.T) {
	f := newFake("a")
	recorder, err := audit.NewRecorder(audit.Options{Sink: ordered{f: f}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = recorder.Close() }() // It has nothing to lose.
	s := newService(t, f, gateway.Options{})
	event := recorder.Begin(audit.Start{TransactionID: "t"})
	if _, err := s.Do(audit.NewContext(t.Context(), event), caller, "api", &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}}); err != nil {
		t.Fatal(err)
	}
	if last := f.log[len(f.log)-2:]; last[0] != "recorded" || !strings.HasPrefix(last[1], "delete") {
		t.Errorf("order %q", f.log)
	}
}

// Removing a value that is not there is no fault of the client, although slapd
// refuses some of it; the rest of the change is made.
func TestRemovalOfAbsentValues(t *testing.T) {
	f := newFake("a")
	f.before = func(operation string) error {
		if operation == "modify" && strings.Contains(f.log[len(f.log)-1], "absent") {
			return fault.New(fault.Invalid, "no such value").Named("noSuchAttribute")
		}
		return nil
	}
	shipped, err := fs.ReadFile(mappings.Files(), "api/example-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	// Of what is not required, nothing has to be known before.
	text := strings.Replace(string(shipped), `"ldapAttribute": "cn", "isMultiValued": true, "isRequired": true`, `"ldapAttribute": "cn", "isMultiValued": true`, 1)
	models, problems, err := mapping.Load(fstest.MapFS{"api/example-v1.json": {Data: []byte(text)}})
	if err != nil || len(problems) > 0 || text == string(shipped) {
		t.Fatal(err, problems)
	}
	s, err := gateway.New(gateway.Options{Directory: f, Models: models})
	if err != nil {
		t.Fatal(err)
	}
	patch := func(values ...any) error {
		f.log = nil
		_, err := do(t, s, &mapping.Request{Verb: mapping.Patch, Path: []string{"users", "a"}, Changes: []mapping.PatchOp{
			{Verb: mapping.PatchRemove, Field: query.Pointer{"displayName"}, Value: values, HasValue: true},
			{Verb: mapping.PatchReplace, Field: query.Pointer{"description"}, Value: "x", HasValue: true},
		}})
		return err
	}
	if err := patch("a", "absent"); err != nil {
		t.Fatal(err)
	}
	if last := f.log[len(f.log)-1]; !strings.Contains(last, "[a]") || strings.Contains(last, "absent") || f.operations("modify") != 2 {
		t.Errorf("%q", f.log)
	}
	if err := patch("absent"); err != nil {
		t.Fatal(err)
	}
	if last := f.log[len(f.log)-1]; strings.Contains(last, "cn") || !strings.Contains(last, "description") {
		t.Errorf("%q", f.log)
	}
	// A required field keeps its last value, and what is not there can be removed from it, too.
	s = newService(t, f, gateway.Options{})
	if err := patch("a", "absent"); !errors.Is(err, fault.Invalid) || f.operations("modify") != 0 {
		t.Errorf("%v: %q", err, f.log)
	}
	if err := patch("absent"); err != nil || f.operations("modify") != 1 || strings.Contains(f.log[len(f.log)-1], "cn") {
		t.Errorf("%v: %q", err, f.log)
	}
}

// Of a refused change one read decides: a resource that the caller may not see is
// not there for it.
func TestRefusedChange(t *testing.T) {
	f := newFake("a")
	hidden := false
	f.before = func(operation string) error {
		switch {
		case operation == "delete":
			return fault.New(fault.Forbidden, "insufficient access")
		case operation == "search" && hidden && f.operations("delete") > 0:
			return fault.New(fault.NotFound, "no entry")
		}
		return nil
	}
	s := newService(t, f, gateway.Options{})
	if _, err := do(t, s, &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("visible: %v", err)
	}
	f.log, hidden = nil, true
	if _, err := do(t, s, &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}}); !errors.Is(err, fault.NotFound) {
		t.Errorf("hidden: %v", err)
	}
}

// Queries beyond the limit wait for their turn, inside their time.
func TestQueriesWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("a", "b")
		s := newService(t, f, gateway.Options{Lists: 1, ListTimeout: time.Minute})
		all := &mapping.Request{Verb: mapping.Query, Path: []string{"users"}, Filter: query.Filter{Op: query.True}}
		begun, release := make(chan struct{}), make(chan struct{})
		first := make(chan error, 1)
		go func() {
			_, err := s.Query(t.Context(), caller, "api", all, func([]byte) error {
				select {
				case <-begun:
				default:
					close(begun)
				}
				<-release
				return nil
			})
			first <- err
		}()
		<-begun
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Query(ctx, caller, "api", all, func([]byte) error { return nil }); !errors.Is(err, fault.Unavailable) {
			t.Errorf("the second: %v", err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Errorf("the first: %v", err)
		}
		third, err := s.Query(t.Context(), caller, "api", all, func([]byte) error { return nil })
		if third.Count != 2 || err != nil {
			t.Errorf("the third: %d, %v", third.Count, err)
		}
	})
}

// A row that cannot be written ends the search.
func TestQueryEndsWithItsReader(t *testing.T) {
	s := newService(t, newFake("a", "b"), gateway.Options{})
	gone := errors.New("gone")
	listing, err := s.Query(t.Context(), caller, "api", &mapping.Request{Verb: mapping.Query, Path: []string{"users"}, Filter: query.Filter{Op: query.True}},
		func([]byte) error { return gone })
	if listing.Count != 0 || !errors.Is(err, gone) {
		t.Errorf("%d, %v", listing.Count, err)
	}
}
