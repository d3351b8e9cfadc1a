package toxic

import (
	"sync/atomic"

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
			stub.Output <- chunk
		}
	}
}
