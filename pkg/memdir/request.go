package memdir

import (
	"context"
	"errors"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// operation is a decoded request.
type operation struct {
	name, target string
	filter       *directory.Filter // of a search
	run          func(r *request)
}

// decode decodes what is neither Bind, Unbind nor Abandon.
func decode(m *ldapwire.Message) (*operation, error) {
	switch m.Op { //nolint:exhaustive // See above.
	case ldapwire.SearchRequest:
		q, err := m.Search()
		if errors.Is(err, ldapwire.ErrFilter) {
			return &operation{name: "search", run: func(r *request) { r.end(adminLimitExceeded, "the filter is too large") }}, nil
		}
		if err != nil {
			return nil, err
		}
		return &operation{"search", q.Base, &q.Filter, func(r *request) { r.search(q) }}, nil
	case ldapwire.ModifyRequest:
		q, err := m.Modify()
		if err != nil {
			return nil, err
		}
		return &operation{"modify", q.DN, nil, func(r *request) { r.modify(q) }}, nil
	case ldapwire.AddRequest:
		q, err := m.Add()
		if err != nil {
			return nil, err
		}
		return &operation{"add", q.DN, nil, func(r *request) { r.add(q) }}, nil
	case ldapwire.DelRequest:
		dn := m.Delete()
		return &operation{"delete", dn, nil, func(r *request) { r.delete(dn) }}, nil
	case ldapwire.ModifyDNRequest:
		q, err := m.ModifyDN()
		if err != nil {
			return nil, err
		}
		return &operation{"modifyDN", q.DN, nil, func(r *request) { r.modifyDN(q) }}, nil
	case ldapwire.CompareRequest:
		q, err := m.Compare()
		if err != nil {
			return nil, err
		}
		return &operation{"compare", q.DN, nil, func(r *request) { r.compare(q) }}, nil
	case ldapwire.ExtendedRequest:
		q, err := m.Extended()
		if err != nil {
			return nil, err
		}
		return &operation{"extended", q.OID, nil, func(r *request) { r.extended(q) }}, nil
	}
	return nil, &refusedMessage{"unknown LDAP request"}
}

// request is an operation while it runs. Its methods are called from one goroutine.
type request struct {
	conn      *conn
	id        int32
	operation *operation
	// answer is the tag of the answer.
	answer ldapwire.Op
	// who asks; a control may change it.
	who      store.Who
	given    []ldapwire.RequestControl
	controls controls
	ctx      context.Context //nolint:containedctx // It is that of the operation.
	cancel   context.CancelFunc
	// loses says that the answer is lost, after so many entries.
	loses   bool
	entries int
	// buffer holds entries that are not sent yet.
	buffer []byte
}

func (c *conn) newRequest(m *ldapwire.Message, o *operation, given []ldapwire.RequestControl) *request {
	ctx, cancel := context.WithCancel(c.life)
	// The tag of an answer is that of its request plus one, in the constructed form.
	answer := (m.Op | 0x20) + 1
	if m.Op == ldapwire.SearchRequest {
		answer = ldapwire.SearchResultDone
	}
	return &request{conn: c, id: m.ID, operation: o, answer: answer, who: c.who, given: given, ctx: ctx, cancel: cancel}
}

// serve runs the operation.
func (r *request) serve() {
	if !r.passes() {
		return
	}
	if result := r.readControls(); result.Code != 0 {
		r.end(result.Code, result.Message)
		return
	}
	r.operation.run(r)
}

// passes lets Intercept look at the operation, and does what it says.
func (r *request) passes() bool {
	intercept := r.conn.server.options.Intercept
	if intercept == nil {
		return true
	}
	o := &Operation{Name: r.operation.name, ID: r.id, Conn: r.conn.number, Target: r.operation.target, Filter: r.operation.filter, Context: r.ctx}
	intercept(o)
	switch o.Action {
	case Refuse:
		if o.Name != "abandon" {
			r.end(o.Code, o.Message)
		}
	case Drop:
		r.conn.out.abort()
	case Garble:
		_ = r.conn.out.write(o.Bytes, r.wanted)
	case Swallow:
	case Lose:
		r.loses, r.entries = true, o.Entries
		return true
	case Proceed:
		return true
	}
	return false
}

// wanted tells whether somebody still waits for the answer.
func (r *request) wanted() bool { return r.ctx.Err() == nil }

// sendSize is from how many octets on entries are sent before the end of a search.
const sendSize = 16 << 10

// entry sends an entry. It reports false when the operation is to end.
func (r *request) entry(e *directory.Entry) bool {
	if r.loses && r.entries == 0 {
		r.flush()
		r.conn.out.abort()
		return false
	}
	r.entries--
	r.buffer = ldapwire.AppendEntry(r.buffer, r.id, e)
	return len(r.buffer) < sendSize || r.flush()
}

// flush sends what was gathered.
func (r *request) flush() bool {
	if len(r.buffer) == 0 {
		return r.wanted()
	}
	err := r.conn.out.write(r.buffer, r.wanted)
	r.buffer = r.buffer[:0]
	return err == nil
}

// end ends the operation with a result of this half's own.
func (r *request) end(code int, message string) { r.finish(store.Result{Code: code, Message: message}) }

// finish ends the operation. What the password policy has to say goes with it, when the
// client wants to know; a bind is told also that there is nothing.
func (r *request) finish(result store.Result, controls ...ldapwire.Control) {
	if r.controls.policy && (result.Reason != 0 || r.answer == ldapwire.BindResponse) {
		controls = append(controls, ldapwire.PasswordPolicyResult(policyAnswer(result)))
	}
	if r.answer == ldapwire.ExtendedResponse {
		r.last(ldapwire.AppendExtendedResult(nil, r.id, wire(result), "", "", false, controls...))
		return
	}
	r.last(ldapwire.AppendResult(r.buffer, r.id, r.answer, wire(result), controls...))
}

// policyAnswer is what the password policy has to say.
func policyAnswer(result store.Result) ldapwire.PolicyAnswer {
	answer := ldapwire.PolicyAnswer{
		Error:   ldapwire.PolicyError(result.Reason),
		Expires: result.Expires, HasExpiry: result.HasExpiry, Grace: result.Grace, HasGrace: result.HasGrace,
	}
	if result.Reason == 0 && !result.Expired {
		answer.Error = ldapwire.NoPolicyError
	}
	return answer
}

// finishExtended ends an extended operation that has a value for the client.
func (r *request) finishExtended(value string) {
	r.last(ldapwire.AppendExtendedResult(nil, r.id, ldapwire.Result{}, "", value, true))
}

// last sends the end of the answer.
func (r *request) last(encoded []byte) {
	if r.loses {
		r.flush()
		r.conn.out.abort()
		return
	}
	_ = r.conn.out.write(encoded, r.wanted)
}
