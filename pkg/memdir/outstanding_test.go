package memdir_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// held makes a server on which every search waits: for its turn, or to be given up.
func held(t *testing.T) (d *server, begun chan int32, release chan struct{}) {
	t.Helper()
	begun, release = make(chan int32, 100), make(chan struct{})
	d = start(t, func(o *memdir.Options) {
		o.Intercept = func(op *memdir.Operation) {
			if op.Name != "search" {
				return
			}
			begun <- op.ID
			select {
			case <-release:
			case <-op.Context.Done():
			}
		}
	})
	return d, begun, release
}

// TestAbandon gives up one of two searches: only the other is answered.
func TestAbandon(t *testing.T) {
	t.Parallel()
	d, begun, release := held(t)
	r := d.raw(t)
	r.bindRoot()
	r.send(message(5, list(0)), message(6, list(0)))
	<-begun
	<-begun
	r.send(ldapwire.AppendAbandon(nil, 7, 5), ldapwire.AppendAbandon(nil, 8, 99))
	r.whoAmI() // What came before it was read.
	close(release)
	if result, entries, _ := r.result(6); result.Code != 0 || entries != people {
		t.Errorf("%+v, %d entries", result, entries)
	}
	r.whoAmI() // No answer of 5 came before it.
}

// TestBindAbandons gives up all that is outstanding, as slapd does, without an answer.
func TestBindAbandons(t *testing.T) {
	t.Parallel()
	d, begun, release := held(t)
	r, other := d.raw(t), d.raw(t)
	r.bindRoot()
	other.bindRoot()
	r.send(message(5, list(0)), message(6, list(0)))
	other.send(message(5, list(0)))
	for range 3 {
		<-begun
	}
	r.bind(person(1), password(1))
	close(release)
	r.whoAmI()
	if result, entries, _ := other.result(5); result.Code != 0 || entries != people {
		t.Errorf("%+v, %d entries", result, entries)
	}
}

// TestSideBySide answers a request while one before it waits.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	d, begun, release := held(t)
	r := d.raw(t)
	r.bindRoot()
	r.send(message(5, list(0)))
	<-begun
	r.whoAmI()
	close(release)
	r.result(5)
}

// TestShutdown lets what runs come to its end, and tells the clients why it goes.
func TestShutdown(t *testing.T) {
	t.Parallel()
	d, begun, release := held(t)
	busy, idle := d.raw(t), d.raw(t)
	busy.bindRoot()
	idle.whoAmI()
	busy.send(message(5, list(0)))
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- d.Shutdown(context.Background()) }()

	notice := func(r *raw) {
		t.Helper()
		result, _, m := r.result(0)
		wantResult(t, result, 52, "the server is shutting down")
		if m.Op != ldapwire.ExtendedResponse {
			t.Errorf("message %#x", m.Op)
		}
		r.ended()
	}
	notice(idle)
	select {
	case err := <-ended:
		t.Fatalf("it ended before the search did: %v", err)
	default:
	}
	close(release)
	if result, entries, _ := busy.result(5); result.Code != 0 || entries != people {
		t.Errorf("%+v, %d entries", result, entries)
	}
	notice(busy)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestShutdownBreaksOff ends what does not end by itself.
func TestShutdownBreaksOff(t *testing.T) {
	t.Parallel()
	d, begun, _ := held(t)
	r := d.raw(t)
	r.bindRoot()
	r.send(message(5, list(0)))
	<-begun
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if m, err := r.reader.Read(); err == nil && m.ID != 0 {
		t.Errorf("message %+v", m)
	}
}

// TestStalledReader is a client that takes nothing: its connection is broken, and others
// are served meanwhile.
func TestStalledReader(t *testing.T) {
	t.Parallel()
	d := start(t, func(o *memdir.Options) { o.WriteTimeout = time.Second })
	r, other := d.raw(t), d.raw(t)
	r.bindRoot()
	other.bindRoot()
	var err error
	for id := int64(2); err == nil; id++ { // Until the server has closed the connection.
		_, err = r.net.Write(message(id%1000+1, list(0)))
		if id%1000 == 0 {
			other.whoAmI()
		}
	}
	other.whoAmI()
}
