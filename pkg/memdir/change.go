package memdir

import (
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// add answers an add (RFC 4511 §4.7).
func (r *request) add(q *ldapwire.Add) {
	if len(q.Attributes) == 0 {
		r.end(protocolError, "no attributes provided")
		return
	}
	refused := store.Result{Code: alreadyExists, Message: "it is there already"}
	if r.mayChange(q.DN, refused, false) {
		r.changed(r.conn.server.store.Add(r.who, q.DN, q.Attributes, r.write()))
	}
}

// modify answers a modify (RFC 4511 §4.6).
func (r *request) modify(q *ldapwire.Modify) {
	if slices.ContainsFunc(q.Changes, func(c directory.Change) bool { return c.Op < directory.ChangeAdd || c.Op > directory.ChangeIncrement }) {
		r.end(protocolError, "unrecognized modify operation")
		return
	}
	setsPassword := !slices.ContainsFunc(q.Changes, func(c directory.Change) bool { return !strings.EqualFold(c.Attribute, "userPassword") })
	if !r.mayChange(q.DN, store.Result{Code: unwilling, Message: "it cannot be modified"}, setsPassword) {
		return
	}
	outcome := r.conn.server.store.Modify(r.who, q.DN, q.Changes, r.write())
	if outcome.Code == 0 && setsPassword {
		r.passwordChanged()
	}
	r.changed(outcome)
}

// delete answers a delete (RFC 4511 §4.8).
func (r *request) delete(dn string) {
	if r.mayChange(dn, store.Result{Code: unwilling, Message: "it cannot be deleted"}, false) {
		r.changed(r.conn.server.store.Delete(r.who, dn, r.write()))
	}
}

// modifyDN answers a modify DN (RFC 4511 §4.9).
func (r *request) modifyDN(q *ldapwire.ModifyDN) {
	if !r.mayChange(q.DN, store.Result{Code: unwilling, Message: "it cannot be renamed"}, true) {
		return
	}
	if q.Moves && q.NewSuperior == "" {
		r.end(affectsMultipleDSAs, "cannot rename between DSAs")
		return
	}
	r.changed(r.conn.server.store.Rename(r.who, q.DN, q.NewRDN, q.DeleteOldRDN, q.NewSuperior, r.write()))
}

// compare answers a compare (RFC 4511 §4.10).
func (r *request) compare(q *ldapwire.Compare) {
	if s := r.conn.server.findSpecial(q.DN); s != nil {
		r.end(s.compare(q), "")
		return
	}
	if r.isRestricted() {
		r.finish(restricted())
		return
	}
	r.finish(r.conn.server.store.Compare(r.who, q.DN, q.Attribute, q.Value, r.controls.assert))
}

// mayChange tells whether a change may be tried at all; otherwise it is answered, with
// refused when the entry is not of the data. Who has to change the password may do what is
// free: set it, and rename, which slapd does not think of.
func (r *request) mayChange(dn string, refused store.Result, free bool) bool {
	s := r.conn.server.findSpecial(dn)
	switch {
	case s != nil:
		refused.Message = s.name + ": " + refused.Message
		r.finish(refused)
	case !free && r.isRestricted():
		r.finish(restricted())
	default:
		return true
	}
	return false
}

func (r *request) write() store.Write {
	return store.Write{
		Assert: r.controls.assert, NoOp: r.controls.noOp, Permissive: r.controls.permissive,
		PreRead: r.controls.preRead, PostRead: r.controls.postRead,
	}
}

// changed ends a change.
func (r *request) changed(outcome store.Outcome) {
	var controls []ldapwire.Control
	if outcome.Before != nil {
		controls = append(controls, ldapwire.PreReadResult(outcome.Before))
	}
	if outcome.After != nil {
		controls = append(controls, ldapwire.PostReadResult(outcome.After))
	}
	r.finish(outcome.Result, controls...)
}
