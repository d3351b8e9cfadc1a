package tlspolicy

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
)

// WatchRoots returns a function that returns the authorities of a bundle in PEM, read anew
// when the file has become another one since the last call. When the new one cannot be
// read, told is called, once for each change, and the old authorities stay. roots are those
// that were read first. The function is safe for concurrent use.
func WatchRoots(file string, roots *x509.CertPool, told func(error)) func() *x509.CertPool {
	w := newWatched(roots, func() (*x509.CertPool, error) { return LoadRoots(file) }, told, file)
	return w.get
}

// WatchCertificate returns a function for [tls.Config.GetClientCertificate] that shows a
// certificate, read anew when one of its files has become another one. What WatchRoots
// says of errors is true of it too.
func WatchCertificate(certFile, keyFile string, certificate tls.Certificate, told func(error)) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	w := newWatched(&certificate, func() (*tls.Certificate, error) {
		fresh, err := LoadCertificate(certFile, keyFile)
		return &fresh, err
	}, told, certFile, keyFile)
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return w.get(), nil }
}

// WatchValidity returns a function that returns for how long the certificates in a PEM file
// are good, read anew as those of WatchRoots and WatchCertificate are, and kept with them;
// validity is what was read first. It is they who tell of files that cannot be read.
func WatchValidity(file string, validity Validity) func() Validity {
	w := newWatched(validity, func() (Validity, error) { return ReadValidity(file) }, func(error) {}, file)
	return w.get
}

// watched is a value that is made of files.
type watched[T any] struct {
	load  func() (T, error)
	told  func(error)
	files []string

	mu    sync.Mutex // guards the fields below
	value T
	seen  []os.FileInfo // nil where there was no file
}

func newWatched[T any](value T, load func() (T, error), told func(error), files ...string) *watched[T] {
	w := &watched[T]{load: load, told: told, files: files, value: value, seen: make([]os.FileInfo, len(files))}
	w.look()
	return w
}

// look reports whether a file is another one than when it was looked at last. w.mu is held,
// or nobody else knows w.
func (w *watched[T]) look() bool {
	changed := false
	for i, file := range w.files {
		now, err := os.Stat(file)
		if err != nil {
			now = nil
		}
		before := w.seen[i]
		if (now == nil) != (before == nil) ||
			now != nil && (now.ModTime() != before.ModTime() || now.Size() != before.Size() || !os.SameFile(now, before)) {
			changed = true
		}
		w.seen[i] = now
	}
	return changed
}

func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.look() {
		if fresh, err := w.load(); err != nil {
			w.told(err)
		} else {
			w.value = fresh
		}
	}
	return w.value
}
