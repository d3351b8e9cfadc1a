package audit

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Start is what is known of a request when it arrives.
type Start struct {
	// TransactionID identifies the request; the answer carries the same id.
	TransactionID string
	// Client is the address of the client.
	Client string
	// Method is the HTTP method.
	Method string
	// Path is the path as received. Whatever follows a "?" is not recorded.
	Path string
	// TLS is the state of the client's connection; nil when there is none.
	TLS *tls.ConnectionState
}

// Event is what happened to one request. Its methods may be called by several
// goroutines, and on a nil Event, which records nothing. After End an Event
// takes nothing more.
type Event struct {
	recorder   *Recorder
	began      time.Time
	start      Start
	operations atomic.Int64
	rows       atomic.Int64
	leftOut    atomic.Int64
	deleted    atomic.Int64

	mu         sync.Mutex // guards the fields below
	principal  string
	authMethod string
	authzID    string
	verb       string
	action     string
	resource   string
	changed    []string
	dryRun     bool
	reason     string
	attempt    *ticket // the first record of a change, nil before Attempt
	ended      bool
}

// SetPrincipal sets the name of the caller, how it was authenticated, and as
// whom the gateway acts in the directory.
func (e *Event) SetPrincipal(name, method, authzID string) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.principal, e.authMethod, e.authzID = name, method, authzID
}

// SetResource sets what is done, as a verb, and the path of the resource.
func (e *Event) SetResource(verb, path string) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.verb, e.resource = verb, path
}

// SetAction sets the name of an action, one that the gateway knows, beside its verb.
func (e *Event) SetAction(name string) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.action = name
}

// SetDryRun tells that the change is only tried: nothing is changed.
func (e *Event) SetDryRun() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dryRun = true
}

// SetReason sets a short word for why authentication was refused, or what was special
// about one that was not. Clients never see it.
func (e *Event) SetReason(reason string) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reason = reason
}

// AddChanged adds names of attributes that the request changes. A name that is
// there already is not added again; beyond [MaxChanged] names the rest is left
// out and the last name is "…".
func (e *Event) AddChanged(attributes ...string) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, attribute := range attributes {
		switch {
		case slices.Contains(e.changed, attribute):
		case len(e.changed) < MaxChanged:
			e.changed = append(e.changed, attribute)
		case len(e.changed) == MaxChanged:
			e.changed = append(e.changed, "…")
		}
	}
}

// CountOperation counts one operation sent to the directory.
func (e *Event) CountOperation() {
	if e != nil {
		e.operations.Add(1)
	}
}

// Operations returns the number of operations counted so far.
func (e *Event) Operations() int64 {
	if e == nil {
		return 0
	}
	return e.operations.Load()
}

// AddRows adds to the number of resources returned.
func (e *Event) AddRows(n int) {
	if e != nil {
		e.rows.Add(int64(n))
	}
}

// AddLeftOut adds to the number of entries that a list should have and cannot show.
func (e *Event) AddLeftOut(n int) {
	if e != nil {
		e.leftOut.Add(int64(n))
	}
}

// AddDeleted adds to the number of entries that were deleted one by one with the one
// above them.
func (e *Event) AddDeleted(n int) {
	if e != nil {
		e.deleted.Add(int64(n))
	}
}

// TransactionID returns the id of the request.
func (e *Event) TransactionID() string {
	if e == nil {
		return ""
	}
	return e.start.TransactionID
}

// Attempt records that the request is about to change something, and returns
// when the record is durable. As long as it returns an error the change must
// not be made: the sink could not store the record ([ErrStore], [ErrFull],
// [ErrClosed]), or ctx or [Options.AttemptTimeout] ended the wait. It writes
// one record however often it is called; after a failure the next call tries again.
// A nil Event attempts nothing and returns nil.
func (e *Event) Attempt(ctx context.Context) error {
	if e == nil {
		return nil
	}
	t, err := e.enqueueAttempt()
	if err != nil {
		return err
	}
	select {
	case <-t.done: // without a timer when the answer is there already
		return t.err
	default:
	}
	timeout := time.NewTimer(e.recorder.options.AttemptTimeout)
	defer timeout.Stop()
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timeout.C:
		return ErrTimeout
	}
}

func (e *Event) enqueueAttempt() (*ticket, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return nil, ErrClosed
	}
	if e.attempt != nil && !e.attempt.failed() {
		return e.attempt, nil
	}
	t := &ticket{done: make(chan struct{})}
	if err := e.recorder.put(record{event: e, phase: phaseAttempt, ticket: t}); err != nil {
		return nil, err
	}
	e.attempt = t
	return t, nil
}

// End queues the record of the outcome: the HTTP status, and the kind of the
// fault, "" for none. It never waits for the sink. Only the first call counts.
func (e *Event) End(status int, kind string) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	e.ended = true
	// The recorder counts and logs what it cannot keep.
	_ = e.recorder.put(record{event: e, phase: phaseOutcome, status: status, kind: kind, keep: e.attempt != nil})
}

// path returns the path without a query, should an edge have left one in.
func (s *Start) path() string {
	path, _, _ := strings.Cut(s.Path, "?")
	return path
}

// contextKey is the key of the Event in a context.
type contextKey struct{}

// NewContext returns a context that carries the event.
func NewContext(ctx context.Context, event *Event) context.Context {
	return context.WithValue(ctx, contextKey{}, event)
}

// FromContext returns the event of the context, or nil, whose methods do nothing.
func FromContext(ctx context.Context) *Event {
	event, _ := ctx.Value(contextKey{}).(*Event)
	return event
}
