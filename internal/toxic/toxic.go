package toxic

import (
	"bytes"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/go-json-experiment/json"
	"github.com/rs/zerolog"
)

// Direction is which half of a connection is meant.
type Direction string

// The directions.
const (
	// Upstream is what goes to the server.
	Upstream Direction = "upstream"
	// Downstream is what comes from it.
	Downstream Direction = "downstream"
)

// Way is a way to a server.
type Way struct {
	// URL is ldaps:// with the address to connect to. Certificates for 127.0.0.1 are good.
	URL string

	tb     testing.TB
	proxy  *toxiproxy.Proxy
	valves map[Direction]*valve
}

// New opens a way to a server, which ends with the test.
func New(tb testing.TB, address string) *Way {
	tb.Helper()
	service := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &Way{tb: tb, proxy: toxiproxy.NewProxy(service, tb.Name(), "127.0.0.1:0", address)}
	toxics.Register("valve", new(valve)) // Once more changes nothing.
	w.valves = map[Direction]*valve{
		Upstream:   w.append(Upstream, "valve", nil).Toxic.(*valve),
		Downstream: w.append(Downstream, "valve", nil).Toxic.(*valve),
	}
	if err := w.proxy.Start(); err != nil {
		tb.Fatal(err)
	}
	w.URL = "ldaps://" + w.proxy.Listen
	tb.Cleanup(w.Down)
	return w
}

// append has toxiproxy add a toxic behind those that there are. It waits for all connections,
// and for ever for one that is just ending.
func (w *Way) append(direction Direction, kind string, attributes map[string]any) *toxics.ToxicWrapper {
	w.tb.Helper()
	toxic, err := json.Marshal(map[string]any{"type": kind, "stream": direction, "toxicity": 1.0, "attributes": attributes})
	if err != nil {
		w.tb.Fatal(err)
	}
	added, err := w.proxy.Toxics.AddToxicJson(bytes.NewReader(toxic))
	if err != nil {
		w.tb.Fatal(err)
	}
	return added
}

// Add makes a direction of the way bad, also for connections that are open, in place of what
// was bad about it. kind and attributes are toxiproxy's: latency, bandwidth, timeout, slicer,
// limit_data.
func (w *Way) Add(direction Direction, kind string, attributes map[string]any) {
	w.tb.Helper()
	text, err := json.Marshal(attributes)
	if err != nil {
		w.tb.Fatal(err)
	}
	toxic := toxics.New(&toxics.ToxicWrapper{Type: kind})
	if toxic == nil {
		w.tb.Fatalf("%q is no kind of toxic", kind)
	}
	if err := json.Unmarshal(text, toxic); err != nil {
		w.tb.Fatal(err)
	}
	w.valves[direction].set(toxic)
}

// CutNext ends the first connection on which something comes in that direction, which does
// not arrive. All others are left alone, those to come too.
func (w *Way) CutNext(direction Direction) { w.valves[direction].set(new(cutNext)) }

// Reset has connections end by a reset as soon as something comes in that direction, for the
// rest of the test. Connections that are open must be at rest, and end in the usual way: that
// the end is a reset is decided when a connection begins.
func (w *Way) Reset(direction Direction) {
	w.tb.Helper()
	w.append(direction, "reset_peer", map[string]any{"timeout": 0})
}

// Clear makes the way good again.
func (w *Way) Clear() {
	for _, v := range w.valves {
		v.set(nil)
	}
}

// To has the way lead to another server, for new connections; those that there are end.
func (w *Way) To(address string) {
	w.tb.Helper()
	w.Down()
	w.proxy.Upstream = address
	w.Up()
}

// Down ends all connections, and takes no more.
func (w *Way) Down() { w.proxy.Stop() }

// Up takes connections again, at the same address.
func (w *Way) Up() {
	w.tb.Helper()
	if err := w.proxy.Start(); err != nil {
		w.tb.Fatal(err)
	}
}
