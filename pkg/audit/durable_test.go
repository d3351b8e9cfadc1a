package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Nothing is changed before the record of the attempt is on disk.
func TestAttemptIsDurableBeforeItReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := new(memsink)
		r := newRecorder(t, Options{Sink: sink})
		e := r.Begin(Start{TransactionID: "a"})
		for range 3 { // one record however often it is called
			if err := e.Attempt(t.Context()); err != nil {
				t.Fatal(err)
			}
			sink.note("change")
		}
		e.End(200, "")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"write", "sync", "change", "change", "change", "write", "sync", "close"}, sink.steps); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a attempt", "a outcome"}, sink.lines(t)); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
	})
}

// Reads wait for no disk; what they wrote is durable within SyncInterval.
func TestOutcomeIsDurableLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := new(memsink)
		r := newRecorder(t, Options{Sink: sink, SyncInterval: time.Second})
		began := time.Now()
		for range 10 {
			r.Begin(Start{TransactionID: "a"}).End(200, "")
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("reads waited %v", waited)
		}
		time.Sleep(500 * time.Millisecond) //nolint:forbidigo // Fake time, in a bubble of synctest.
		synctest.Wait()
		if len(sink.lines(t)) != 10 || sink.synced() != 0 {
			t.Errorf("half a second later: %d lines, %d syncs", len(sink.lines(t)), sink.synced())
		}
		time.Sleep(600 * time.Millisecond) //nolint:forbidigo // Fake time, in a bubble of synctest.
		synctest.Wait()
		if sink.synced() != 1 {
			t.Errorf("after a second: %d syncs", sink.synced())
		}
		time.Sleep(time.Hour) //nolint:forbidigo // Fake time, in a bubble of synctest.
		if sink.synced() != 1 {
			t.Errorf("%d syncs although nothing was written", sink.synced())
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// All attempts that wait at the same moment share a write and an fsync.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 64
		sink := &memsink{hold: make(chan struct{})}
		r := newRecorder(t, Options{Sink: sink})
		var done sync.WaitGroup
		for i := range callers {
			done.Go(func() {
				e := r.Begin(Start{TransactionID: fmt.Sprint(i)})
				if err := e.Attempt(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(sink.hold)
		done.Wait()
		if sink.synced() > 2 || len(sink.lines(t)) != callers {
			t.Errorf("%d syncs for %d lines", sink.synced(), len(sink.lines(t)))
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// While the sink fails changes are refused and reads go on; afterwards the records of
// the reads are there, and changes go through.
func TestSinkFailureAndRecovery(t *testing.T) {
	broken := errors.New("no space left on device")
	for name, set := range map[string]func(*memsink){
		"write": func(s *memsink) { s.fail(broken, nil) },
		"sync":  func(s *memsink) { s.fail(nil, broken) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := new(memsink)
				set(sink)
				r := newRecorder(t, Options{Sink: sink})
				change := r.Begin(Start{TransactionID: "change"})
				for range 2 {
					if err := change.Attempt(t.Context()); !errors.Is(err, ErrStore) || !errors.Is(err, broken) {
						t.Fatalf("got %v", err)
					}
				}
				r.Begin(Start{TransactionID: "read"}).End(200, "")
				if !r.Stats().Failing {
					t.Error("a failing sink is not told of")
				}
				sink.fail(nil, nil)
				time.Sleep(time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
				synctest.Wait()
				if err := change.Attempt(t.Context()); err != nil {
					t.Fatalf("after the recovery: %v", err)
				}
				change.End(200, "")
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				got := sink.lines(t)
				if name == "sync" { // lines whose fsync failed may be there already
					got = got[len(got)-3:]
				}
				if diff := cmp.Diff([]string{"read outcome", "change attempt", "change outcome"}, got); diff != "" {
					t.Errorf("lines (-want +got):\n%s", diff)
				}
				if s := r.Stats(); s.Lost != 0 || s.Failing || s.Failures < 2 {
					t.Errorf("got %+v", s)
				}
			})
		})
	}
}

// What does not fit into the buffer is counted, and confessed in the stream.
func TestBufferFullAndGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := new(memsink)
		sink.fail(errors.New("broken"), nil)
		r := newRecorder(t, Options{Sink: sink, Buffer: 1000})
		const reads = 100
		for range reads {
			r.Begin(Start{TransactionID: "read"}).End(200, "")
		}
		if waiting := r.Stats().Waiting; waiting > 1000 {
			t.Errorf("%d bytes wait", waiting)
		}
		if err := r.Begin(Start{TransactionID: "change"}).Attempt(t.Context()); !errors.Is(err, ErrFull) {
			t.Errorf("a change got %v", err)
		}
		lost := r.Stats().Lost
		if lost == 0 || lost >= reads {
			t.Fatalf("%d of %d records are lost", lost, reads)
		}
		sink.fail(nil, nil)
		time.Sleep(time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		lines := parseLines(t, sink.text())
		gaps, confessed := 0, int64(0)
		for _, l := range lines {
			if l.Phase == "gap" {
				gaps++
				confessed += l.Lost
			}
		}
		if confessed != lost || int64(len(lines)-gaps)+lost != reads {
			t.Errorf("%d lines, %d of them gaps of %d records; %d are lost", len(lines), gaps, confessed, lost)
		}
	})
}

// A sink that fails slowly gives back what it had; the buffer's limit counts that too,
// however long the failure lasts.
func TestBufferIsBoundedWhileTheSinkFailsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const buffer = 1000
		sink := &memsink{pause: time.Second}
		sink.fail(errors.New("broken"), nil)
		r := newRecorder(t, Options{Sink: sink, Buffer: buffer})
		for range 20 {
			for range 50 {
				r.Begin(Start{TransactionID: "read"}).End(200, "")
			}
			time.Sleep(700 * time.Millisecond) //nolint:forbidigo // Fake time, in a bubble of synctest.
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
		if err := r.Close(); !errors.Is(err, ErrStore) {
			t.Errorf("got %v", err)
		}
		if got := sink.greatest; got == 0 || got > buffer+100 { // 100 for the record of a gap
			t.Errorf("%d bytes waited, the limit is %d", got, buffer)
		}
	})
}

// The outcome of a change is kept even when the buffer is full.
func TestOutcomeOfChangeIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := new(memsink)
		r := newRecorder(t, Options{Sink: sink, Buffer: 1000})
		change := r.Begin(Start{TransactionID: "change"})
		if err := change.Attempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		sink.fail(errors.New("broken"), nil)
		for range 100 {
			r.Begin(Start{TransactionID: "read"}).End(200, "")
		}
		change.End(200, "")
		sink.fail(nil, nil)
		time.Sleep(time.Second) //nolint:forbidigo // Fake time, in a bubble of synctest.
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, l := range sink.lines(t) {
			if l == "change outcome" {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d outcomes of the change", found)
		}
	})
}

func TestAttemptWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &memsink{hold: make(chan struct{})}
		r := newRecorder(t, Options{Sink: sink, AttemptTimeout: 2 * time.Second})
		began := time.Now()
		if err := r.Begin(Start{}).Attempt(t.Context()); !errors.Is(err, ErrTimeout) || time.Since(began) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Begin(Start{}).Attempt(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(sink.hold)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCloseDrains(t *testing.T) {
	sink := new(memsink)
	r := newRecorder(t, Options{Sink: sink, Gather: time.Hour})
	for range 100 {
		r.Begin(Start{TransactionID: "read"}).End(200, "")
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(sink.lines(t)); n != 100 {
		t.Errorf("%d of 100 lines are stored", n)
	}
	if n := len(sink.steps); sink.steps[n-1] != "close" || sink.steps[n-2] != "sync" {
		t.Errorf("the end was %q", sink.steps)
	}
	late := r.Begin(Start{})
	if err := late.Attempt(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("an attempt got %v", err)
	}
	late.End(200, "")
	if lost := r.Stats().Lost; lost != 1 {
		t.Errorf("%d lost", lost)
	}
	if err := r.Reopen(); !errors.Is(err, ErrClosed) {
		t.Errorf("Reopen got %v", err)
	}
}

func TestCloseTellsWhatIsLost(t *testing.T) {
	sink := new(memsink)
	sink.fail(errors.New("broken"), nil)
	r := newRecorder(t, Options{Sink: sink})
	for range 3 {
		r.Begin(Start{}).End(200, "")
	}
	if err := r.Close(); !errors.Is(err, ErrStore) {
		t.Errorf("got %v", err)
	}
	if lost := r.Stats().Lost; lost != 3 {
		t.Errorf("%d lost", lost)
	}
}

func TestAttemptAfterEnd(t *testing.T) {
	r := newRecorder(t, Options{Sink: new(memsink)})
	e := r.Begin(Start{})
	e.End(200, "")
	if err := e.Attempt(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRecorderNeedsASink(t *testing.T) {
	if _, err := NewRecorder(Options{}); err == nil {
		t.Error("a recorder without a sink was made")
	}
}
