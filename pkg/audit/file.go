package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// handle is the part of *os.File that a File uses.
type handle interface {
	io.Writer
	Sync() error
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
	Close() error
}

// File is a sink that appends to a file. Should the file be moved away or
// deleted while it is in use, the next write begins a new one at the same name.
type File struct {
	path   string
	open   func() (handle, error)
	logger *slog.Logger
	file   handle // nil after a fault that the file may not survive
	torn   bool   // the file may end in half a line
}

// OpenFile opens a file for appending, and creates it, readable by the owner
// only (0600), when it is not there. Its directory must exist. The mode of a
// file that is there already stays as the operator set it; should its last line
// be half a record, the first one of ours begins on a new line. What is not a
// regular file is refused; see [Stream]. The logger, slog.Default when nil, is told when
// the file was found replaced.
func OpenFile(path string, logger *slog.Logger) (*File, error) {
	if logger == nil {
		logger = slog.Default()
	}
	f := &File{path: path, logger: logger, open: func() (handle, error) { return openAppend(path) }}
	file, err := f.open()
	if err != nil {
		return nil, err
	}
	f.file, f.torn = file, endsTorn(path)
	return f, nil
}

// endsTorn reports whether a file ends within a line, as that of a program that died
// in the middle of a write does. One that cannot be looked at counts as torn: an empty
// line does less harm than two records in one.
func endsTorn(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return true
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return err != nil
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, info.Size()-1)
	return err != nil || last[0] != '\n'
}

func openAppend(path string) (handle, error) {
	info, err := os.Stat(path)
	created := errors.Is(err, fs.ErrNotExist)
	if err != nil && !created {
		return nil, fmt.Errorf("audit file: %w", err)
	}
	if !created && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("audit file: %s is not a regular file", path)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit file: %w", err)
	}
	if created {
		err = syncDirectory(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("audit file: %w", err), file.Close())
	}
	return file, nil
}

// syncDirectory makes the name of a new file durable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// Write appends whole lines. After an error the file is cut back to where it
// was; where that fails, the next write begins on a new line.
func (f *File) Write(lines []byte) (int, error) {
	if err := f.ensure(); err != nil {
		return 0, err
	}
	if f.torn {
		if _, err := f.file.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		f.torn = false
	}
	n, err := f.file.Write(lines)
	if err != nil && n > 0 {
		f.torn = !f.cut(n)
	}
	return n, err
}

// cut takes the last n bytes off the file, and reports whether it could.
func (f *File) cut(n int) bool {
	info, err := f.file.Stat()
	return err == nil && f.file.Truncate(info.Size()-int64(n)) == nil
}

// ensure opens the file anew when it was given up, moved away or deleted.
func (f *File) ensure() error {
	if f.file != nil && f.inPlace() {
		return nil
	}
	moved := f.file != nil
	if err := f.Reopen(); err != nil {
		return err
	}
	if moved {
		f.logger.Warn("the audit file was moved away or deleted; a new one is in use", "file", f.path)
	}
	return nil
}

// inPlace reports whether the name still leads to the open file.
func (f *File) inPlace() bool {
	named, err := os.Stat(f.path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	opened, err := f.file.Stat()
	return err != nil || os.SameFile(named, opened)
}

// Sync makes the file durable. A file whose fsync failed is given up and opened
// anew for the next write: the kernel reports such an error only once, so that a
// second fsync of the same file would be believed without reason.
func (f *File) Sync() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Sync()
	if err != nil {
		_ = f.file.Close()
		f.file = nil
	}
	return err
}

// Reopen opens the file at the name, then makes the old one durable and closes
// it. When the new one cannot be opened, the old one stays in use.
func (f *File) Reopen() error {
	file, err := f.open()
	if err != nil {
		return err
	}
	old := f.file
	f.file, f.torn = file, endsTorn(f.path)
	if old == nil {
		return nil
	}
	return errors.Join(old.Sync(), old.Close())
}

// Close closes the file.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// Stream returns a sink that writes to w, such as standard error. What it wrote
// counts as durable; Reopen and Close do nothing.
func Stream(w io.Writer) Sink { return stream{w} }

type stream struct{ io.Writer }

func (stream) Sync() error   { return nil }
func (stream) Reopen() error { return nil }
func (stream) Close() error  { return nil }
