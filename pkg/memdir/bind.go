package memdir

import (
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// bind changes as whom the connection acts (RFC 4511 §4.2). Whatever is outstanding is
// given up without an answer, as slapd does, and the client is anonymous until the bind
// has succeeded.
func (c *conn) bind(r *request, b *ldapwire.Bind) {
	defer r.cancel()
	c.abandonAll()
	c.become(store.Who{}, false)
	if !r.passes() {
		return
	}
	result := r.readControls()
	if result.Code == 0 {
		result = c.server.checkBind(b)
	}
	if result.Code != 0 || b.DN == "" && b.Mechanism == "" {
		r.controls.policy = false
		r.finish(result)
		return
	}
	who, result := c.server.authenticate(b)
	if result.Code == 0 {
		c.become(who, result.Reason == store.ChangeAfterReset)
	}
	// slapd says nothing of the account where there is none, nor where it was SASL that looked.
	r.controls.policy = r.controls.policy && b.Mechanism == "" && !who.Root && c.server.exists(b.DN)
	r.finish(result)
}

// authenticate verifies the password of a bind.
func (s *Server) authenticate(b *ldapwire.Bind) (store.Who, store.Result) {
	if b.Mechanism != "" {
		return s.store.Plain(b.Credentials)
	}
	return s.store.Bind(b.DN, b.Credentials)
}

// mechanismPlain is the SASL mechanism of a name and a password (RFC 4616).
const mechanismPlain = "PLAIN"

// checkBind tells what is wrong with a bind before anybody looks at the password.
func (s *Server) checkBind(b *ldapwire.Bind) store.Result {
	switch {
	case b.Version < 3:
		return store.Result{Code: protocolError, Message: "historical protocol version requested, use LDAPv3 instead"}
	case b.Version > 3:
		return store.Result{Code: protocolError, Message: "requested protocol version not supported"}
	case b.Mechanism == mechanismPlain && s.options.PlainBase != "":
		return store.Result{}
	case b.Mechanism != "":
		return store.Result{Code: authMethodNotSupported, Message: "SASL(-4): no mechanism available: "}
	case b.Unknown:
		return store.Result{Code: authMethodNotSupported, Message: "unknown authentication method"}
	case b.DN == "" && b.Credentials != "":
		return store.Result{Code: invalidCredentials}
	case b.DN != "" && b.Credentials == "":
		return store.Result{Code: unwilling, Message: "unauthenticated bind (DN with no password) disallowed"}
	}
	return store.Result{}
}

// become sets as whom the connection acts, and whether it has to change its password
// before anything else. It is called by the reading goroutine alone.
func (c *conn) become(who store.Who, mustChange bool) {
	c.who = who
	limit := maxMessage
	if who == (store.Who{}) {
		limit = maxMessageAnonymous
	}
	c.reader.SetLimit(limit)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restricted = mustChange
}

// exists tells whether there is an entry of that name.
func (s *Server) exists(dn string) bool {
	_, result := s.store.Search(store.Who{Root: true}, &store.SearchRequest{Base: dn, Attributes: []string{"1.1"}})
	return result.Code == 0
}

// mustChange tells whether the password of an entry has to be changed.
func (s *Server) mustChange(dn string) bool {
	cursor, result := s.store.Search(store.Who{Root: true}, &store.SearchRequest{Base: dn, Attributes: []string{"pwdReset"}})
	if result.Code != 0 {
		return false
	}
	entry, found := cursor.Next()
	return found && entry.Value("pwdReset") == "TRUE"
}

// isRestricted tells whether the client of the connection has to change its password
// before anything else. As in slapd nothing keeps it from the special entries.
func (r *request) isRestricted() bool {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	return r.conn.restricted
}

// passwordChanged ends the restriction when it was the client's own password.
func (r *request) passwordChanged() {
	if !r.isRestricted() || r.conn.server.mustChange(r.who.DN) {
		return
	}
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	r.conn.restricted = false
}

// restricted is the result for a request of a client that has to change its password.
func restricted() store.Result {
	return store.Result{
		Code: insufficientAccess, Reason: store.ChangeAfterReset,
		Message: "Operations are restricted to bind/unbind/abandon/StartTLS/modify password",
	}
}
