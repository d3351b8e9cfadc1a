package audit

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// dying is a file on a disk that dies in the middle of a write, and stays dead.
type dying struct {
	*os.File

	dead *bool
}

func (d dying) Write(lines []byte) (int, error) {
	if !*d.dead {
		return d.File.Write(lines)
	}
	n, _ := d.File.Write(lines[:len(lines)/2])
	return n, errors.New("the disk died")
}

func (d dying) Truncate(size int64) error {
	if *d.dead {
		return errors.New("the disk died")
	}
	return d.File.Truncate(size)
}

func (d dying) Sync() error {
	if *d.dead {
		return errors.New("the disk died")
	}
	return d.File.Sync()
}

// Half a line that could not be taken back stays by itself, also when the same file
// was given up and opened anew meanwhile.
func TestHalfALineStaysByItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f, err := OpenFile(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	dead := false
	f.open = func() (handle, error) {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		return dying{file, &dead}, err
	}
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	write := func(line string) error { _, err := f.Write([]byte(line)); return err }
	if err := write("{\"n\":1}\n"); err != nil {
		t.Fatal(err)
	}
	dead = true
	if write("{\"n\":2}\n") == nil || f.Sync() == nil {
		t.Fatal("the disk lives")
	}
	dead = false
	if err := errors.Join(write("{\"n\":3}\n"), f.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if want := "{\"n\":1}\n{\"n\"\n{\"n\":3}\n"; err != nil || string(text) != want {
		t.Errorf("%v, got %q, want %q", err, text, want)
	}
}

// fixed is a sink that cannot begin a new file.
type fixed struct {
	writes, syncs atomic.Int32
}

func (s *fixed) Write(lines []byte) (int, error) { s.writes.Add(1); return len(lines), nil }
func (s *fixed) Sync() error                     { s.syncs.Add(1); return nil }
func (s *fixed) Reopen() error                   { return errors.New("no such folder") }
func (s *fixed) Close() error                    { return nil }

// When a rotation fails, what is in the old file still becomes durable in its time.
func TestFailedReopenStillSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := new(fixed)
		r, err := NewRecorder(Options{Sink: sink, SyncInterval: time.Minute, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r.Begin(Start{TransactionID: "1"}).End(200, "")
		synctest.Wait()
		if err := r.Reopen(); err == nil || !strings.Contains(err.Error(), "no such folder") {
			t.Errorf("got %v", err)
		}
		if sink.writes.Load() != 1 || sink.syncs.Load() != 0 {
			t.Fatalf("%d writes, %d syncs", sink.writes.Load(), sink.syncs.Load())
		}
		time.Sleep(2 * time.Minute) //nolint:forbidigo // A false clock.
		synctest.Wait()
		if sink.syncs.Load() != 1 {
			t.Errorf("%d syncs", sink.syncs.Load())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}
