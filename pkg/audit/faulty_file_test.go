package audit

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// faulty is a file that fails when it is told to.
type faulty struct {
	handle
	faults *faults
}

// faults are those of all files that were opened.
type faults struct {
	opened         int
	short          int // how much of the next write is written before it fails; 0 is all, and no error
	truncate, sync error
}

var errDisk = errors.New("input/output error")

func (f faulty) Write(text []byte) (int, error) {
	n := f.faults.short
	if n == 0 || n >= len(text) {
		return f.handle.Write(text)
	}
	f.faults.short = 0
	n, err := f.handle.Write(text[:n])
	return n, errors.Join(errDisk, err)
}

func (f faulty) Truncate(size int64) error {
	if f.faults.truncate != nil {
		return f.faults.truncate
	}
	return f.handle.Truncate(size)
}

func (f faulty) Sync() error {
	if f.faults.sync != nil {
		return f.faults.sync
	}
	return f.handle.Sync()
}

func openFaulty(t *testing.T, path string) (*File, *faults) {
	t.Helper()
	f, faults := &File{path: path, logger: slog.New(slog.DiscardHandler)}, new(faults)
	f.open = func() (handle, error) {
		file, err := openAppend(path)
		faults.opened++
		return faulty{file, faults}, err
	}
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	return f, faults
}

func TestShortWriteIsCutBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	f, faults := openFaulty(t, path)
	write(t, f, "{\"a\":1}\n", nil)
	faults.short = 4
	write(t, f, "{\"b\":1}\n{\"c\":1}\n", errDisk)
	if got := read(t, path); got != "{\"a\":1}\n" {
		t.Errorf("after the failure the file is %q", got)
	}
	write(t, f, "{\"b\":1}\n", nil)
	if diff := cmp.Diff("{\"a\":1}\n{\"b\":1}\n", read(t, path)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Half a line that cannot be cut off is ended before the next.
func TestShortWriteThatStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	f, faults := openFaulty(t, path)
	faults.short, faults.truncate = 4, errDisk
	write(t, f, "{\"a\":1}\n", errDisk)
	write(t, f, "{\"b\":1}\n", nil)
	write(t, f, "{\"c\":1}\n", nil)
	if diff := cmp.Diff("{\"a\"\n{\"b\":1}\n{\"c\":1}\n", read(t, path)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A file whose fsync failed is not trusted again.
func TestFileIsOpenedAnewAfterSyncFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	f, faults := openFaulty(t, path)
	write(t, f, "{\"a\":1}\n", nil)
	faults.sync = errDisk
	if err := f.Sync(); !errors.Is(err, errDisk) {
		t.Fatalf("got %v", err)
	}
	faults.sync = nil
	write(t, f, "{\"b\":1}\n", nil)
	if err := f.Sync(); err != nil || faults.opened != 2 {
		t.Errorf("got %v; the file was opened %d times", err, faults.opened)
	}
	if diff := cmp.Diff("{\"a\":1}\n{\"b\":1}\n", read(t, path)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, f *File, text string, want error) {
	t.Helper()
	if _, err := f.Write([]byte(text)); !errors.Is(err, want) {
		t.Errorf("%q: got %v, want %v", text, err, want)
	}
}
