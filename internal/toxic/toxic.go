package toxic

import (
	"bytes"
	"context"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
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

	tb    testing.TB
	proxy *toxiproxy.Proxy
}

// New opens a way to a server, which ends with the test.
func New(tb testing.TB, address string) *Way {
	tb.Helper()
	service := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &Way{tb: tb, proxy: toxiproxy.NewProxy(service, tb.Name(), "127.0.0.1:0", address)}
	if err := w.proxy.Start(); err != nil {
		tb.Fatal(err)
	}
	w.URL = "ldaps://" + w.proxy.Listen
	tb.Cleanup(w.Down)
	return w
}

// Add makes the way bad, also for connections that are open. kind and attributes are
// toxiproxy's: latency, bandwidth, timeout, reset_peer, slicer, limit_data.
func (w *Way) Add(direction Direction, kind string, attributes map[string]any) {
	w.tb.Helper()
	toxic, err := json.Marshal(map[string]any{"type": kind, "stream": direction, "toxicity": 1.0, "attributes": attributes})
	if err != nil {
		w.tb.Fatal(err)
	}
	if _, err := w.proxy.Toxics.AddToxicJson(bytes.NewReader(toxic)); err != nil {
		w.tb.Fatal(err)
	}
}

// Clear makes the way good again.
func (w *Way) Clear() { w.proxy.Toxics.ResetToxics(context.Background()) }

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
