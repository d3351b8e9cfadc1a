package gateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// deep is a directory with two entries below a user.
func deep() *fake {
	f := newFake("a")
	for _, dn := range []string{"cn=one,uid=a,ou=People,dc=example,dc=com", "cn=two,cn=one,uid=a,ou=People,dc=example,dc=com"} {
		f.entries[directory.MustParseDN(dn).Key()] = &directory.Entry{DN: dn}
	}
	f.before = func(operation string) error {
		if operation == "delete" && len(f.entries) > 1 {
			return f.refuseNonLeaf()
		}
		return nil
	}
	return f
}

// refuseNonLeaf deletes a leaf, and refuses others.
func (f *fake) refuseNonLeaf() error {
	_, name, _ := strings.Cut(f.log[len(f.log)-1], " ")
	dn := directory.MustParseDN(name)
	for _, entry := range f.entries {
		if other := directory.MustParseDN(entry.DN); !other.Equal(dn) && other.IsBelow(dn) {
			return fault.New(fault.Invalid, "others are below").Named("notAllowedOnNonLeaf")
		}
	}
	if dn.Depth() > directory.MustParseDN("uid=a,ou=People,dc=example,dc=com").Depth() {
		delete(f.entries, dn.Key())
	}
	return nil
}

func TestSubtreeByTheDirectory(t *testing.T) {
	f := newFake("a")
	f.capabilities.SubtreeDelete = true
	answer, err := do(t, newService(t, f, gateway.Options{}), &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}, Subtree: true})
	if err != nil || answer.Deleted != 0 || f.operations("delete") != 1 || !f.subtree {
		t.Errorf("%v, %v, %q", answer, err, f.log)
	}
}

// What goes one by one goes from the deepest on.
func TestSubtreeOneByOne(t *testing.T) {
	f := deep()
	answer, err := do(t, newService(t, f, gateway.Options{}), &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}, Subtree: true})
	if err != nil || answer.Deleted != 2 {
		t.Fatalf("%v, %v: %q", answer, err, f.log)
	}
	var deleted []string
	for _, line := range f.log {
		if name, ok := strings.CutPrefix(line, "delete "); ok {
			deleted = append(deleted, strings.SplitN(name, ",", 2)[0])
		}
	}
	if fmt.Sprint(deleted) != "[uid=a cn=two cn=one uid=a]" {
		t.Errorf("order %q", deleted)
	}
	if f.subtree {
		t.Error("a control that the directory does not have was sent")
	}
}

// F066: a thousand go one by one; of one more, none does.
func TestSubtreeLimit(t *testing.T) {
	for below, kind := range map[int]error{1000: nil, 1001: fault.TooLarge} {
		f := newFake("a")
		for i := range below {
			dn := fmt.Sprintf("cn=%d,uid=a,ou=People,dc=example,dc=com", i)
			f.entries[directory.MustParseDN(dn).Key()] = &directory.Entry{DN: dn}
		}
		f.before = func(operation string) error {
			_, name, _ := strings.Cut(f.log[len(f.log)-1], " ")
			isLeaf := strings.HasPrefix(name, "cn=")
			switch {
			case operation == "delete" && isLeaf:
				delete(f.entries, directory.MustParseDN(name).Key())
			case operation == "delete" && len(f.entries) > 1:
				return fault.New(fault.Invalid, "others are below").Named("notAllowedOnNonLeaf")
			}
			return nil
		}
		answer, err := do(t, newService(t, f, gateway.Options{}), &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}, Subtree: true})
		var e *fault.Error
		switch {
		case kind == nil && (err != nil || answer.Deleted != below):
			t.Errorf("%d below: %+v, %v", below, answer, err)
		case kind != nil && (!errors.Is(err, kind) || !errors.As(err, &e) || e.Detail.Kind != "subtreeLimit" || e.Detail.Limit != 1000 || len(f.entries) != below+1):
			t.Errorf("%d below: %v, %d are left", below, err, len(f.entries)-1)
		}
	}
}

// A failure tells what is gone.
func TestSubtreePart(t *testing.T) {
	f := deep()
	leaf := f.before
	f.before = func(operation string) error {
		if operation == "delete" && strings.HasPrefix(f.log[len(f.log)-1], "delete cn=one") {
			return fault.New(fault.Forbidden, "you have no right to do this").Named("insufficientAccessRights")
		}
		return leaf(operation)
	}
	var told []string
	options := gateway.Options{PasswordChanged: func(dn directory.DN) { told = append(told, dn.String()) }}
	_, err := do(t, newService(t, f, options), &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}, Subtree: true})
	if len(told) == 0 {
		t.Error("who keeps passwords in mind was not told of what is gone")
	}
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Forbidden || e.Detail.Deleted != 1 || !strings.Contains(e.Message, "were deleted before: 1") {
		t.Errorf("%v", err)
	}
}

// It tells so too when the entry itself turns out to be another one in the end.
func TestSubtreePartOfAnother(t *testing.T) {
	f := deep()
	leaf := f.before
	f.before = func(operation string) error {
		if operation == "delete" && len(f.entries) == 1 {
			return fault.New(fault.PreconditionFailed, "assertion")
		}
		return leaf(operation)
	}
	_, err := do(t, newService(t, f, gateway.Options{}), &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}, Subtree: true, Revision: "1"})
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.PreconditionFailed || e.Detail.Deleted != 2 {
		t.Errorf("%v", err)
	}
}

// The revision that the client requires is compared before anything goes.
func TestSubtreeRevision(t *testing.T) {
	f := deep()
	_, err := do(t, newService(t, f, gateway.Options{}), &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}, Subtree: true, Revision: "other"})
	if !errors.Is(err, fault.PreconditionFailed) || len(f.entries) != 3 {
		t.Errorf("%v, %d entries", err, len(f.entries))
	}
}

// Who keeps passwords in mind is told of entries that are gone, and of no others.
func TestDeletedEntriesAreForgotten(t *testing.T) {
	var told []string
	options := gateway.Options{PasswordChanged: func(dn directory.DN) { told = append(told, dn.String()) }}
	f := newFake("a")
	f.capabilities.Trial = true
	s := newService(t, f, options)
	for _, req := range []*mapping.Request{{Verb: mapping.Delete, DryRun: true}, {Verb: mapping.Delete}} {
		req.Path = []string{"users", "a"}
		if _, err := do(t, s, req); err != nil {
			t.Fatal(err)
		}
	}
	f.before = func(operation string) error {
		if operation == "delete" {
			return fault.New(fault.Forbidden, "no")
		}
		return nil
	}
	if _, err := do(t, s, &mapping.Request{Verb: mapping.Delete, Path: []string{"users", "a"}}); !errors.Is(err, fault.Forbidden) {
		t.Error(err)
	}
	if fmt.Sprint(told) != "[uid=a,ou=People,dc=example,dc=com]" {
		t.Errorf("told of %q", told)
	}
}
