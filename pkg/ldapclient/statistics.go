package ldapclient

import (
	"context"
	"time"
)

// Tracer is told of what is sent, and of what happens to connections. Its methods are
// called by many goroutines at once, some with locks held: they have to be quick, and
// must not call the Client.
type Tracer interface {
	// Operation is called once for each request that leaves for the directory on
	// behalf of ctx: "bind", "search", "add", "modify", "delete", "whoami", and so on.
	// Questions whether a connection is alive, and what a server can do, are on nobody's behalf.
	Operation(ctx context.Context, name string)
	// Connection is called for each event of the connections to a server, named by host
	// and port. waited is how long somebody waited for a connection, for the events of a
	// checkout.
	Connection(server string, event Event, waited time.Duration)
}

// Event is something that happens to connections.
type Event string

// The events.
const (
	ConnectionOpened   Event = "opened"
	ConnectionFailed   Event = "failed"         // could not be opened, or bound
	ConnectionDefunct  Event = "closedDefunct"  // ended because it was of no more use
	ConnectionExpired  Event = "closedExpired"  // ended for its age, or the number of its operations
	ConnectionUnneeded Event = "closedUnneeded" // ended because nobody had used it for long

	CheckoutWithoutWait   Event = "checkoutWithoutWait"
	CheckoutAfterWait     Event = "checkoutAfterWait"     // for one that another had used
	CheckoutNewConnection Event = "checkoutNewConnection" // for one that was opened
	CheckoutFailed        Event = "checkoutFailed"
	ReleasedValid         Event = "releasedValid"

	PanicContained Event = "panicContained" // a fault of the client, which ended a connection or a request
)

// Events returns all of them.
func Events() []Event {
	return []Event{
		ConnectionOpened, ConnectionFailed, ConnectionDefunct, ConnectionExpired, ConnectionUnneeded,
		CheckoutWithoutWait, CheckoutAfterWait, CheckoutNewConnection, CheckoutFailed, ReleasedValid, PanicContained,
	}
}

func (c *Client) trace(ctx context.Context, operation string) {
	if c.options.Tracer != nil && operation != "" {
		c.options.Tracer.Operation(ctx, operation)
	}
}

func (c *Client) happened(s *server, event Event, waited time.Duration) {
	s.counts[event].Add(1)
	if c.options.Tracer != nil {
		c.options.Tracer.Connection(s.address, event, waited)
	}
}
