package toxic

import (
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// CutNext ends the first connection on which something comes in that direction, which does
// not arrive. All others are left alone, those to come too.
func (w *Way) CutNext(direction Direction) {
	w.tb.Helper()
	const kind = "cut_next"
	toxics.Register(kind, new(cutNext)) // Once more changes nothing.
	w.Add(direction, kind, nil)
}

// cutNext is one toxic for all connections.
type cutNext struct{ done atomic.Bool }

// over is the state of a toxic on one connection: what comes behind it takes nothing any more.
type over struct{ isOver bool }

// NewState begins a connection.
func (c *cutNext) NewState() any { return new(over) }

// Pipe is what a toxic does on one connection.
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
			if !pass(stub, chunk) {
				return
			}
		}
	}
}

// pass sends a chunk on. It reports false when the toxic is to be changed meanwhile. Whoever
// changes it holds the lock that a connection which has ended needs to be taken away, and waits
// for the toxic: so it must not wait for a connection that has ended.
func pass(stub *toxics.ToxicStub, chunk *stream.StreamChunk) bool {
	select {
	case stub.Output <- chunk:
		return true
	case <-stub.Interrupt:
		if stub.WriteOutput(chunk, time.Second) != nil {
			stub.State = &over{true}
		}
		return false
	}
}

// Cleanup is called when the toxic has been taken away.
func (c *cutNext) Cleanup(stub *toxics.ToxicStub) {
	if state, ok := stub.State.(*over); ok && state.isOver {
		stub.Close()
	}
}
