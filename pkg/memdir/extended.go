package memdir

import (
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// extended answers an extended operation (RFC 4511 §4.12).
func (r *request) extended(q *ldapwire.Extended) {
	switch q.OID {
	case ldapwire.OIDWhoAmI:
		r.whoAmI(q)
	case ldapwire.OIDPasswordModify:
		r.passwordModify(q)
	case ldapwire.OIDStartTLS:
		r.end(operationsError, "TLS already started")
	default:
		r.end(protocolError, "unsupported extended operation")
	}
}

// whoAmI tells as whom the request acts (RFC 4532).
func (r *request) whoAmI(q *ldapwire.Extended) {
	switch {
	case q.HasValue:
		r.end(protocolError, "no request data expected")
	case r.who.DN == "":
		r.finishExtended("")
	default:
		r.finishExtended("dn:" + r.who.DN)
	}
}

// passwordModify sets a password (RFC 3062).
func (r *request) passwordModify(q *ldapwire.Extended) {
	if r.who == (store.Who{}) {
		r.end(strongerAuthRequired, "only authenticated users may change passwords")
		return
	}
	if q.HasValue && q.Value == "" {
		r.end(protocolError, "empty request data field")
		return
	}
	p, err := q.PasswordModify()
	switch {
	case err != nil:
		r.end(protocolError, "data decoding error")
		return
	case p.HasOld && p.Old == "":
		r.end(unwilling, "old password value is empty")
		return
	case p.HasNew && p.New == "":
		r.end(unwilling, "new password value is empty")
		return
	}
	generated, result := r.conn.server.store.ChangePassword(r.who, p.User, p.Old, p.New)
	if result.Code != 0 {
		r.finish(result)
		return
	}
	r.passwordChanged()
	if p.HasNew {
		r.finish(result)
		return
	}
	r.finishExtended(ldapwire.GeneratedPassword(generated))
}
