package ldapclient

import (
	"context"
	"slices"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// do sends a request and waits for its end, as run does.
func (c *conn) do(ctx context.Context, r request) (*operation, error) {
	return c.fitting(ctx, r, time.Time{})
}

// goOn is as do, for a request that goes on with an answer that has begun before.
func (c *conn) goOn(ctx context.Context, r request) (*operation, error) {
	return c.fitting(ctx, r, time.Now())
}

// fitting is run for a request with critical controls, any of which the server may turn out not
// to have, in general or in the database of the entry. Its answer that it does not
// (unavailableCriticalExtension, RFC 4511 §4.1.11) is that it did nothing, so that the first
// request that needs a control in a naming context is the probe for it, and costs nothing.
//
// What the request makes sense without is left out then, and the request sent again, one
// control less at a time; of the others the server is not asked again until its capabilities
// are read anew. Errors are as for run, and *fault.Error.
func (c *conn) fitting(ctx context.Context, r request, heard time.Time) (*operation, error) {
	r, without, err := c.server.fit(r)
	if err != nil {
		return nil, err
	}
	for refused := ""; ; {
		begun := time.Now()
		op, err := c.run(ctx, r, &operation{want: r.want, done: make(chan struct{}, 1), heard: heard})
		if r.name != "" { // Not a question whether the connection lives.
			c.server.breaker.ended(c.server, err, time.Since(begun), r.quick)
		}
		if err != nil {
			return op, err
		}
		op.without = without
		c.server.alarm(op.result)
		if op.result.Code != codeUnavailableExtension {
			c.server.lacked(refused, r.base) // It goes through without this one.
			return op, nil
		}
		if refused = suspect(r.controls); !isOptional(refused) {
			c.server.lacked(refused, r.base)
			return op, nil
		}
		without = append(without, refused)
		r.controls = slices.DeleteFunc(slices.Clone(r.controls), func(control ldapwire.Control) bool { return control.OID() == refused })
	}
}
