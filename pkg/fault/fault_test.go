package fault_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// TestKinds holds the table against the constants: the names stand in documents and
// in detail.kind, so a change of one is a change of the interface.
func TestKinds(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]string{
		fault.Internal: "internal", fault.Invalid: "invalid", fault.Unauthenticated: "unauthenticated",
		fault.Forbidden: "forbidden", fault.NotFound: "notFound", fault.MethodNotAllowed: "methodNotAllowed",
		fault.Conflict: "conflict", fault.PreconditionFailed: "preconditionFailed", fault.TooLarge: "tooLarge",
		fault.UnsupportedMediaType: "unsupportedMediaType", fault.TooManyRequests: "tooManyRequests",
		fault.Unsupported: "unsupported", fault.BadGateway: "badGateway", fault.Unavailable: "unavailable",
		fault.Timeout: "timeout", fault.Canceled: "canceled",
	}
	got := make(map[fault.Kind]string)
	lowerCamel := regexp.MustCompile(`^[a-z]+([A-Z][a-z]+)*$`)
	for _, kind := range fault.Kinds() {
		if !lowerCamel.MatchString(kind.String()) {
			t.Errorf("kind %d has the name %q", int(kind), kind)
		}
		got[kind] = kind.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, unknown := range []fault.Kind{-1, fault.Kind(len(want))} {
		if got, want := unknown.String(), fmt.Sprintf("kind(%d)", int(unknown)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestKindsIsACopy(t *testing.T) {
	t.Parallel()
	fault.Kinds()[0] = fault.Timeout
	if got := fault.Kinds()[0]; got != fault.Internal {
		t.Errorf("a caller changed the table: %v", got)
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for _, kind := range fault.Kinds() {
		wrapped := fmt.Errorf("outer: %w", errors.Join(io.EOF, fault.New(kind, "sentence")))
		for _, other := range fault.Kinds() {
			if got := errors.Is(wrapped, other); got != (kind == other) {
				t.Errorf("errors.Is(%v, %v) = %t", kind, other, got)
			}
		}
		if got := fault.KindOf(wrapped); got != kind {
			t.Errorf("KindOf = %v, want %v", got, kind)
		}
		if errors.Is(fault.New(kind, "x"), fault.New(kind, "x")) {
			t.Errorf("two faults of kind %v are the same error", kind)
		}
	}
}

func TestKindOfNoFault(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, io.EOF, fmt.Errorf("x: %w", io.EOF)} {
		if got := fault.KindOf(err); got != fault.Internal {
			t.Errorf("KindOf(%v) = %v", err, got)
		}
	}
	// The outermost fault decides.
	inner := fault.New(fault.NotFound, "inner")
	if got := fault.KindOf(fault.Wrap(fault.BadGateway, inner, "outer")); got != fault.BadGateway {
		t.Errorf("KindOf = %v", got)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(fault.Unavailable, io.ErrUnexpectedEOF, "the directory %s is away", "a")
	if got, want := err.Error(), "unavailable: the directory a is away: unexpected EOF"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if err.Message != "the directory a is away" {
		t.Errorf("the message for the client is %q", err.Message)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, fault.Unavailable) {
		t.Error("the cause or the kind is lost")
	}
	var as *fault.Error
	if !errors.As(fmt.Errorf("outer: %w", err), &as) || as != err {
		t.Errorf("errors.As = %v", as)
	}
	bare := fault.New(fault.Conflict, "100 %% sure: %d", 7)
	if got, want := bare.Error(), "conflict: 100 % sure: 7"; got != want || errors.Unwrap(bare) != nil {
		t.Errorf("Error() = %q, want %q; unwraps to %v", got, want, errors.Unwrap(bare))
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	err := fault.New(fault.Invalid, "x")
	if got := err.Named("unknownField").At("/a~1b"); got != err {
		t.Error("Named and At make another fault")
	}
	if diff := cmp.Diff(fault.Detail{Kind: "unknownField", Field: "/a~1b"}, err.Detail); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
