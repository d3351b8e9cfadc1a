package audit

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Faults of the recorder. For a change each of them means: do not change anything.
var (
	// ErrStore tells that the sink did not store the record; the sink's own error is wrapped too.
	ErrStore = errors.New("audit: the record could not be stored")
	// ErrFull tells that more records wait for the sink than the buffer holds.
	ErrFull = errors.New("audit: too many records wait to be stored")
	// ErrTimeout tells that the sink did not store the record in time.
	ErrTimeout = errors.New("audit: the record was not stored in time")
	// ErrClosed tells that the recorder is closed, or the event has ended.
	ErrClosed = errors.New("audit: closed")
)

// Sink stores records. A [Recorder] calls its methods from one goroutine at a time.
type Sink interface {
	// Write takes whole lines, and stores all of them or returns an error. After an
	// error the recorder writes what still matters again, so that a line may stand twice.
	Write(lines []byte) (int, error)
	// Sync returns when all that was written is durable.
	Sync() error
	// Reopen begins a new file at the same name, after somebody moved the old one away.
	Reopen() error
	// Close closes the sink.
	Close() error
}

// Options say how to record.
type Options struct {
	// Sink stores the records; required. The recorder closes it.
	Sink Sink
	// Buffer is the greatest size, in bytes, of the records that wait for the sink;
	// 4 MiB when 0. While it is full, attempts fail and the records of reads are lost.
	Buffer int
	// Gather is how long the records of reads are collected, after a write, for the
	// next one; 5 ms when 0. Attempts never wait for it.
	Gather time.Duration
	// SyncInterval is the longest time that a written record stays without being made
	// durable; 1 s when 0. Attempts never wait for it.
	SyncInterval time.Duration
	// AttemptTimeout is the longest wait of an attempt; 5 s when 0.
	AttemptTimeout time.Duration
	// Clock tells the time; time.Now when nil.
	Clock func() time.Time
	// Logger is told when the sink fails and recovers; slog.Default when nil.
	Logger *slog.Logger
}

// Stats count what a recorder did since it began.
type Stats struct {
	// Written is the number of records that the sink took.
	Written int64
	// Lost is the number of records that could not be kept.
	Lost int64
	// Writes and Syncs count the calls of the sink that succeeded.
	Writes, Syncs int64
	// Failures counts the calls of the sink that failed.
	Failures int64
	// Waiting is the size of the records that wait for the sink, in bytes.
	Waiting int
	// Failing tells that the last call of the sink failed.
	Failing bool
}

// Recorder writes events to a sink, through one goroutine of its own. Its
// methods may be called by several goroutines.
type Recorder struct {
	options Options
	scratch sync.Pool // *[]byte, to encode a record without the lock
	suites  map[uint16]string
	wake    chan struct{}
	urgent  chan struct{}
	reopen  chan chan error
	stop    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex // guards the fields below
	pending batch
	flying  int    // bytes that the sink has at the moment, and may give back
	spare   []byte // the buffer that the writer does not use
	gap     int64  // lost records not yet confessed
	closed  bool
	stats   Stats
	closing error // the result of Close
}

// NewRecorder makes a recorder and starts its writer, which [Recorder.Close] ends.
func NewRecorder(options Options) (*Recorder, error) {
	if options.Sink == nil {
		return nil, errors.New("audit: a sink is required")
	}
	setDefault(&options.Buffer, 4<<20)
	setDefault(&options.Gather, 5*time.Millisecond)
	setDefault(&options.SyncInterval, time.Second)
	setDefault(&options.AttemptTimeout, 5*time.Second)
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	r := &Recorder{
		options: options,
		suites:  suiteNames(),
		wake:    make(chan struct{}, 1),
		urgent:  make(chan struct{}, 1),
		reopen:  make(chan chan error),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	go r.run()
	return r, nil
}

func setDefault[T int | time.Duration](value *T, standard T) {
	if *value <= 0 {
		*value = standard
	}
}

// Begin makes the event of a request that has just arrived. Every event must be
// ended.
func (r *Recorder) Begin(start Start) *Event {
	return &Event{recorder: r, start: start, began: r.options.Clock()}
}

// Reopen makes the sink begin a new file at the same name, for whoever rotates
// files (SIGHUP). Records queued before are in the old file. When it fails, the
// old file stays in use.
func (r *Recorder) Reopen() error {
	reply := make(chan error, 1)
	select {
	case r.reopen <- reply:
		return <-reply
	case <-r.stopped:
		return ErrClosed
	}
}

// Close stores what waits, makes it durable and closes the sink. Events that
// end later are counted as lost. It returns an error when something was lost.
func (r *Recorder) Close() error {
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if !closed {
		close(r.stop)
	}
	<-r.stopped
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

// Stats returns the present counts.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	stats := r.stats
	stats.Waiting = len(r.pending.lines)
	return stats
}
