package ldapclient

import (
	"context"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// Add adds an entry.
func (s *session) Add(ctx context.Context, req *directory.AddRequest) (*directory.Entry, error) {
	controls := s.changeControls(&req.WriteOptions, ldapwire.PostRead)
	return s.change(ctx, req.DN, request{"add", ldapwire.AddResponse, func(dst []byte, id int32) []byte {
		return ldapwire.AppendAdd(dst, id, req, controls...)
	}})
}

// Modify changes an entry.
func (s *session) Modify(ctx context.Context, req *directory.ModifyRequest) (*directory.Entry, error) {
	controls := s.changeControls(&req.WriteOptions, ldapwire.PostRead)
	if req.Permissive {
		known, err := s.client.knowledge(ctx)
		if err != nil {
			return nil, err
		}
		if known.permissive {
			controls = append(controls, ldapwire.PermissiveModify())
		}
	}
	entry, err := s.change(ctx, req.DN, request{"modify", ldapwire.ModifyResponse, func(dst []byte, id int32) []byte {
		return ldapwire.AppendModify(dst, id, req, controls...)
	}})
	if err != nil {
		return s.proved(ctx, req, err)
	}
	return entry, nil
}

// Delete deletes an entry.
func (s *session) Delete(ctx context.Context, req *directory.DeleteRequest) (*directory.Entry, error) {
	controls := s.changeControls(&req.WriteOptions, ldapwire.PreRead)
	return s.change(ctx, req.DN, request{"delete", ldapwire.DelResponse, func(dst []byte, id int32) []byte {
		return ldapwire.AppendDelete(dst, id, req.DN, controls...)
	}})
}

func (s *session) changeControls(o *directory.WriteOptions, read func([]string) ldapwire.Control) []ldapwire.Control {
	controls := s.controls()
	if o.Assert != nil {
		controls = append(controls, ldapwire.Assertion(o.Assert))
	}
	if len(o.Read) > 0 {
		controls = append(controls, read(o.Read))
	}
	return controls
}

// send sends the request of a change of dn once, and gets its answer; only when the connection
// was dead before anything of it left, another one is tried.
func (s *session) send(ctx context.Context, dn directory.DN, r request) (*operation, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := s.client.bounded(ctx)
	defer cancel()
	n := need{change: true, target: s.target(dn)}
	op, err := s.once(ctx, r, n)
	if err != nil && isUnsent(err) {
		op, err = s.once(ctx, r, n)
	}
	if err != nil {
		return nil, transportFault(err, true)
	}
	return op, nil
}

// change makes a change of an entry, which may come back with the answer.
func (s *session) change(ctx context.Context, dn directory.DN, r request) (*directory.Entry, error) {
	op, err := s.send(ctx, dn, r)
	if err != nil {
		return nil, err
	}
	if op.result.Code != codeSuccess {
		return nil, op.fault()
	}
	// A change that was made is a success, whatever came back with it.
	entry, err := op.final.ReadEntry()
	if err != nil {
		s.client.options.Logger.Warn("the entry that came back with a change makes no sense", "error", err)
		return nil, nil //nolint:nilnil // No entry came back.
	}
	return entry, nil
}
