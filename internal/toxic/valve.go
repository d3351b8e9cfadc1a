package toxic

import (
	"sync"
	"sync/atomic"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// valve is the toxic that is always there, in each direction of a way. It has another toxic do
// the work, which changes. toxiproxy's own way to change toxics waits for ever when a
// connection ends in the same moment (https://github.com/Shopify/toxiproxy/issues/558): it
// holds the lock that such a connection needs to be taken away. Here each connection changes
// for itself, and nobody waits for one that has ended.
type valve struct {
	mu      sync.Mutex
	toxic   toxics.Toxic  // nil changes nothing.
	changed chan struct{} // Closed when toxic is no longer the one.
}

// set has another toxic do the work, from now on and on all connections.
func (v *valve) set(toxic toxics.Toxic) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.toxic = toxic
	if v.changed != nil {
		close(v.changed)
	}
	v.changed = make(chan struct{})
}

// now returns the toxic that is to do the work, and what is closed when it no longer is.
func (v *valve) now() (toxics.Toxic, <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.changed == nil {
		v.changed = make(chan struct{})
	}
	if v.toxic == nil {
		return new(toxics.NoopToxic), v.changed
	}
	return v.toxic, v.changed
}

// Pipe is what is done on one connection, in one direction. What comes after a change meets the
// new toxic.
func (v *valve) Pipe(stub *toxics.ToxicStub) {
	var held *stream.StreamChunk // It came, and is not passed on yet.
	for {
		toxic, changed := v.now()
		input, ended := make(chan *stream.StreamChunk), make(chan struct{})
		part := toxics.NewToxicStub(input, stub.Output)
		if stateful, ok := toxic.(toxics.StatefulToxic); ok {
			part.State = stateful.NewState()
		}
		go func() {
			defer close(ended)
			part.Run(&toxics.ToxicWrapper{Toxic: toxic, Toxicity: 1})
		}()
		held = feed(input, held, stub, changed, ended)
		part.InterruptToxic()
		select {
		case <-changed:
			if cleanup, ok := toxic.(toxics.CleanupToxic); ok {
				cleanup.Cleanup(part)
			}
			if !part.Closed() {
				continue
			}
		default:
		}
		if part.Closed() {
			// The output is closed; the stub is yet to know it.
			stub.Output = make(chan<- *stream.StreamChunk)
			stub.Close()
		}
		return
	}
}

// feed passes on what comes, first what is held, until the toxic is changed, or has ended, or
// the stub is interrupted. It returns what is held then.
func feed(input chan<- *stream.StreamChunk, held *stream.StreamChunk, stub *toxics.ToxicStub, changed, ended <-chan struct{}) *stream.StreamChunk {
	source := stub.Input
	for {
		from, to := source, input
		if held == nil {
			to = nil
		} else {
			from = nil
		}
		select {
		case <-changed:
			return held
		default:
		}
		select {
		case <-changed:
			return held
		case <-ended:
			return held
		case <-stub.Interrupt:
			return held
		case chunk, ok := <-from:
			if !ok {
				close(input) // The toxic closes its output then.
				source = nil
			}
			held = chunk
		case to <- held:
			held = nil
		}
	}
}

// cutNext is one toxic for all connections: it ends the first on which something comes.
type cutNext struct{ done atomic.Bool }

// Pipe is what is done on one connection.
func (c *cutNext) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil || !c.done.Swap(true) {
				stub.Close()
				return
			}
			stub.Output <- chunk
		}
	}
}
