package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/rest2ldap/rest2ldap/pkg/audit"
)

// openSink opens what takes the events: the file at path, or stderr when there is none.
// A path that is no regular file, such as /dev/stdout or a pipe (whose reader is waited
// for), is written to as a stream: it cannot be rotated or made durable.
func openSink(path string, stderr io.Writer, logger *slog.Logger) (audit.Sink, error) {
	if path == "" {
		return audit.Stream(stderr), nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		stream, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return nil, fmt.Errorf("audit.file: %w", err)
		}
		return device{audit.Stream(stream), stream}, nil
	}
	file, err := audit.OpenFile(path, logger)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at
		}
		return nil, fmt.Errorf("audit.file: %w; name a file that the gateway may write to", err)
	}
	return file, nil
}

// device is a stream that was opened here, and is closed with its sink.
type device struct {
	audit.Sink
	closer io.Closer
}

// Close closes the stream.
func (d device) Close() error { return d.closer.Close() }

// lines lets several writers of whole lines share a stream.
type lines struct {
	mu     sync.Mutex // guards stream
	stream io.Writer
}

// Write writes whole lines.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stream.Write(p)
}
