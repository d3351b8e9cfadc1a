package ldapclient

import (
	"context"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// Add adds an entry.
func (s *session) Add(ctx context.Context, req *directory.AddRequest) (*directory.Entry, error) {
	r := request{name: "add", want: ldapwire.AddResponse, encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		return ldapwire.AppendAdd(dst, id, req, controls...)
	}, base: req.DN}
	if slices.ContainsFunc(req.Attributes, func(a directory.Attribute) bool { return isPassword(a.Name) }) {
		if err := s.askPolicy(ctx, &r.controls); err != nil {
			return nil, err
		}
	}
	return s.change(ctx, req.DN, &req.WriteOptions, ldapwire.PostRead, r)
}

// Modify changes an entry.
func (s *session) Modify(ctx context.Context, req *directory.ModifyRequest) (*directory.Entry, error) {
	r := request{name: "modify", want: ldapwire.ModifyResponse, encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		return ldapwire.AppendModify(dst, id, req, controls...)
	}, base: req.DN}
	if req.Permissive {
		known, err := s.client.knowledge(ctx)
		if err != nil {
			return nil, err
		}
		if known.controls[ldapwire.OIDPermissiveModify] {
			r.controls = []ldapwire.Control{ldapwire.PermissiveModify()}
		}
	}
	if slices.ContainsFunc(req.Changes, func(c directory.Change) bool { return isPassword(c.Attribute) }) {
		if err := s.askPolicy(ctx, &r.controls); err != nil {
			return nil, err
		}
	}
	entry, err := s.change(ctx, req.DN, &req.WriteOptions, ldapwire.PostRead, r)
	if err != nil && !req.Trial {
		return s.proved(ctx, req, err)
	}
	return entry, err
}

// ModifyDN renames or moves an entry.
func (s *session) ModifyDN(ctx context.Context, req *directory.ModifyDNRequest) (*directory.Entry, error) {
	r := request{name: "modifyDN", want: ldapwire.ModifyDNResponse, encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		return ldapwire.AppendModifyDN(dst, id, req, controls...)
	}, base: req.DN}
	return s.change(ctx, req.DN, &req.WriteOptions, ldapwire.PostRead, r)
}

// Delete deletes an entry.
func (s *session) Delete(ctx context.Context, req *directory.DeleteRequest) (*directory.Entry, error) {
	r := request{name: "delete", want: ldapwire.DelResponse, encode: func(dst []byte, id int32, controls []ldapwire.Control) []byte {
		return ldapwire.AppendDelete(dst, id, req.DN, controls...)
	}, base: req.DN}
	if req.Subtree {
		if err := s.demand(ctx, &r.controls, ldapwire.SubtreeDelete()); err != nil {
			return nil, err
		}
	}
	return s.change(ctx, req.DN, &req.WriteOptions, ldapwire.PreRead, r)
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

// change makes a change of an entry, which may come back with the answer. The request has
// the controls of its operation; those of the options are added.
func (s *session) change(ctx context.Context, dn directory.DN, o *directory.WriteOptions, read func([]string, bool) ldapwire.Control, r request) (*directory.Entry, error) {
	if err := s.options(ctx, o, read, &r); err != nil {
		return nil, err
	}
	op, err := s.make(ctx, dn, o, r)
	if err != nil {
		return nil, err
	}
	s.client.keep(o.Answer, op.answer)
	if op.result.Code != codeSuccess && (!o.Trial || op.result.Code != ldapwire.NoOperation) {
		return nil, s.refusal(op)
	}
	// A change that was made is a success, whatever came back with it.
	entry, err := decoded(op, (*ldapwire.Message).ReadEntry)
	if err == nil && entry != nil {
		entry, err = s.whole(ctx, o.Read, op.conn, entry)
	}
	if err != nil {
		s.client.options.Logger.Warn("the entry that came back with a change makes no sense", "error", err)
		return nil, nil //nolint:nilnil // No entry came back.
	}
	return entry, nil
}

// refusal is the fault of a change that was refused, with what the password policy had
// against it where it was asked.
func (s *session) refusal(op *operation) *fault.Error {
	e := op.fault()
	policy, err := decoded(op, (*ldapwire.Message).PolicyError)
	switch {
	case err != nil:
		s.client.options.Logger.Warn("what the password policy said makes no sense", "error", err)
	case policy != ldapwire.NoPolicyError:
		e = policyFault(e, op.result.Code, policy)
		e.Detail.Attribute = attrPassword
	}
	return e
}

// make sends the request of a change. One that is only tried may be sent again, as if it
// read.
func (s *session) make(ctx context.Context, dn directory.DN, o *directory.WriteOptions, r request) (*operation, error) {
	if !o.Trial {
		return s.send(ctx, dn, r)
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return s.exchange(ctx, r, need{change: true, target: s.target(dn)})
}

// options adds the controls of the options to a request.
func (s *session) options(ctx context.Context, o *directory.WriteOptions, read func([]string, bool) ldapwire.Control, r *request) error {
	if o.Assert != nil {
		r.controls = append(r.controls, ldapwire.Assertion(o.Assert))
	}
	if len(o.Read) > 0 || o.Trial || o.Relax {
		known, err := s.client.knowledge(ctx)
		if err != nil {
			return err
		}
		if len(o.Read) > 0 {
			r.controls = append(r.controls, read(o.Read, known.capabilities.ReadEntry))
		}
		if o.Trial {
			r.controls = append(r.controls, known.noOp())
		}
		if o.Relax {
			r.controls = append(r.controls, ldapwire.Relax())
		}
		if err := known.lacks(r.controls); err != nil {
			return err
		}
	}
	var err error
	r.controls, err = s.with(o.Controls, r.controls...)
	return err
}
