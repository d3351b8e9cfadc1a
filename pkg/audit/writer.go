package audit

import (
	"errors"
	"fmt"
	"time"
)

// retryPause is the time between two tries while the sink fails and nobody waits.
const retryPause = 250 * time.Millisecond

// ticket is the wait for one attempt.
type ticket struct {
	start, end int // its line in the batch
	done       chan struct{}
	err        error // set before done is closed
}

// failed reports whether the attempt is over and was not stored.
func (t *ticket) failed() bool {
	select {
	case <-t.done:
		return t.err != nil
	default:
		return false
	}
}

func (t *ticket) settle(err error) {
	t.err = err
	close(t.done)
}

// batch is what goes to the sink at once.
type batch struct {
	lines   []byte
	records int
	tickets []*ticket // in the order of their lines
}

// put queues a record. An attempt that cannot be queued is an error; of other
// records the loss is counted and logged.
func (r *Recorder) put(rec record) error {
	scratch, _ := r.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	line := rec.append((*scratch)[:0], r.options.Clock())
	err := r.queue(&rec, line)
	*scratch = line
	r.scratch.Put(scratch)
	return err
}

func (r *Recorder) queue(rec *record, line []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refuse(rec, len(line)); err != nil {
		if rec.ticket == nil {
			r.lose(1, err)
		}
		return err
	}
	if t := rec.ticket; t != nil {
		t.start, t.end = len(r.pending.lines), len(r.pending.lines)+len(line)
		r.pending.tickets = append(r.pending.tickets, t)
		signal(r.urgent)
	}
	r.pending.lines = append(r.pending.lines, line...)
	r.pending.records++
	signal(r.wake)
	return nil
}

// refuse tells why the record cannot be queued. The lock is held.
func (r *Recorder) refuse(rec *record, size int) error {
	switch {
	case r.closed:
		return ErrClosed
	case !rec.keep && r.flying+len(r.pending.lines)+size > r.options.Buffer:
		return ErrFull
	}
	return nil
}

// lose counts lost records, and logs the first of a row. The lock is held.
func (r *Recorder) lose(n int64, cause error) {
	if r.gap == 0 || r.closed {
		r.options.Logger.Error("audit records are being lost", "error", cause, "lostBefore", r.stats.Lost)
	}
	r.gap += n
	r.stats.Lost += n
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run is the writer: it alone calls the sink.
func (r *Recorder) run() {
	defer close(r.stopped)
	ticker := time.NewTicker(r.options.SyncInterval)
	defer ticker.Stop()
	dirty := false
	for {
		select {
		case <-r.wake:
			dirty = r.flush(dirty)
			r.gather()
		case <-ticker.C:
			dirty = r.sync(dirty)
		case reply := <-r.reopen:
			dirty = r.flush(dirty)
			err := r.options.Sink.Reopen()
			dirty = dirty && err != nil // Reopen made the old file durable
			reply <- err
		case <-r.stop:
			r.finish(dirty)
			return
		}
	}
}

// gather waits for more records, unless somebody waits for one of them.
func (r *Recorder) gather() {
	pause := r.options.Gather
	if r.Stats().Failing {
		pause = retryPause
		signal(r.wake) // what was kept is tried again
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.urgent:
	case <-r.stop:
	}
}

// flush writes what is pending, and makes it durable when an attempt is in it.
// It returns whether the sink holds something that is not durable.
func (r *Recorder) flush(dirty bool) bool {
	b, gap := r.take()
	if len(b.lines) == 0 && gap == 0 {
		return dirty
	}
	lines := b.lines
	if gap > 0 {
		// After the lines: they are older than the gap, and the tickets point into them.
		lines = appendGap(lines, r.options.Clock(), gap)
	}
	_, err := r.options.Sink.Write(lines)
	wrote := err == nil
	synced := false
	if wrote && len(b.tickets) > 0 {
		err = r.options.Sink.Sync()
		synced = err == nil
	}
	r.settle(b, gap, wrote, synced, err)
	return wrote && !synced || !wrote && dirty
}

// take takes what is pending and leaves the spare buffer.
func (r *Recorder) take() (b batch, gap int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, gap = r.pending, r.gap
	r.pending = batch{lines: r.spare[:0]}
	r.flying = len(b.lines)
	r.spare = nil
	r.gap = 0
	return b, gap
}

// settle answers those who wait, and after an error puts the other records back.
func (r *Recorder) settle(b batch, gap int64, wrote, synced bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying = 0
	r.note(err)
	if wrote {
		r.stats.Writes++
	}
	if synced {
		r.stats.Syncs++
	}
	if err == nil {
		r.stats.Written += int64(b.records)
		r.spare = b.lines[:0]
	} else {
		err = fmt.Errorf("%w: %w", ErrStore, err)
		r.restore(b)
		r.gap += gap
	}
	for _, t := range b.tickets {
		t.settle(err)
	}
}

// restore puts the records that nobody waits for back in front. The attempts
// among them are dropped: their changes will not be made. The lock is held.
func (r *Recorder) restore(b batch) {
	kept := make([]byte, 0, len(b.lines)+len(r.pending.lines))
	from := 0
	for _, t := range b.tickets {
		kept = append(kept, b.lines[from:t.start]...)
		from = t.end
	}
	kept = append(kept, b.lines[from:]...)
	for _, t := range r.pending.tickets {
		t.start += len(kept)
		t.end += len(kept)
	}
	r.pending.lines = append(kept, r.pending.lines...)
	r.pending.records += b.records - len(b.tickets)
}

// note keeps the state of the sink, and logs when it changes. The lock is held.
func (r *Recorder) note(err error) {
	failing := err != nil
	if failing {
		r.stats.Failures++
	}
	if failing == r.stats.Failing {
		return
	}
	r.stats.Failing = failing
	if failing {
		r.options.Logger.Error("the audit sink fails; changes are refused", "error", err)
	} else {
		r.options.Logger.Warn("the audit sink works again", "lost", r.stats.Lost)
	}
}

// sync makes durable what was written without anybody waiting for it.
func (r *Recorder) sync(dirty bool) bool {
	if !dirty {
		return false
	}
	err := r.options.Sink.Sync()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(err)
	if err == nil {
		r.stats.Syncs++
	}
	return err != nil
}

// finish stores the rest and closes the sink.
func (r *Recorder) finish(dirty bool) {
	dirty = r.flush(dirty)
	r.sync(dirty)
	err := r.options.Sink.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if rest := int64(r.pending.records); rest > 0 {
		r.lose(rest, ErrStore)
		r.pending = batch{}
		err = errors.Join(err, fmt.Errorf("%w: %d records", ErrStore, rest))
	}
	r.closing = err
}
