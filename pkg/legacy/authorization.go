package legacy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// authorization writes who a caller is.
func (r *reader) authorization(config *node) {
	a := r.object(config, "authorization")
	if !a.has() {
		r.decide(a, "is missing; the old gateway did not start without it. Write it there, or --set auth.basic.mode=…", "auth.basic.mode")
		return
	}
	r.known(a, "policies", "anonymous", "basic", "oauth2")
	policies, at := r.texts(a, "policies")
	switch {
	case !at.has():
		policies = []string{"basic"}
		r.record(at, Kept, unset+`, ["basic"]`, "auth.basic")
	case len(policies) == 0:
		r.keptAs(at, "auth.methods", []string{}, "every request is refused with 403")
	case !slices.ContainsFunc(policies, func(p string) bool {
		return !slices.Contains([]string{"basic", "oauth2", "anonymous"}, strings.ToLower(p))
	}):
		r.same(at, "")
	}
	for i := range policies {
		policies[i] = strings.ToLower(policies[i])
	}
	slices.Sort(policies) // Their order never mattered.
	for _, policy := range slices.Compact(policies) {
		switch policy {
		case "basic":
			r.basic(r.object(a, "basic"))
		case "oauth2":
			r.oauth2(r.object(a, "oauth2"))
		case "anonymous":
			r.anonymous(r.object(a, "anonymous"))
		default:
			r.decide(at, fmt.Sprintf("%q is none of basic, oauth2 and anonymous; take it out there", policy))
		}
	}
	for _, name := range []string{"basic", "oauth2", "anonymous"} {
		if unused := a.get(name); unused.has() && !slices.Contains(policies, name) {
			r.dropped(unused, "not in policies, so that it had no effect; left out")
		}
	}
}

// basic writes how passwords are verified.
func (r *reader) basic(b *node) {
	bind := r.text(b, "bind")
	// The old gateway looked for the settings under the word as it is written, and knew
	// the word in any case, and with an underscore too.
	section := cmp.Or(bind.text, "search")
	mode := strings.ReplaceAll(strings.ToLower(section), "_", "-")
	r.known(b, "supportAltAuthentication", "altAuthenticationUsernameHeader", "altAuthenticationPasswordHeader", "bind", "simple", "search", "sasl-plain", section)
	for _, name := range []string{"simple", "search", "sasl-plain"} {
		if unused := b.get(name); unused.has() && name != section {
			r.dropped(unused, fmt.Sprintf("bind is %q, so that this had no effect; left out", mode))
		}
	}
	switch mode {
	case "search":
		r.kept(bind, "auth.basic.mode", "search")
		r.searchBind(r.object(b, section))
	case "simple":
		r.kept(bind, "auth.basic.mode", "simple")
		r.simpleBind(r.object(b, section))
	case "sasl-plain":
		r.kept(bind, "auth.basic.mode", mode)
		r.plainBind(r.object(b, section))
	default:
		r.decide(bind, fmt.Sprintf("%q is none of simple, search and sasl-plain; mend it there, or --set auth.basic.mode=…", mode), "auth.basic.mode")
	}
	r.alternativeHeaders(b)
}

// searchBind writes the search for the caller's entry.
func (r *reader) searchBind(s *node) {
	r.known(s, "searchLdapConnectionFactory", "bindLdapConnectionFactory", "baseDn", "scope", "filterTemplate")
	r.factoryNamed(s, "bindLdapConnectionFactory", "bind")
	if f, at := r.factoryNamed(s, "searchLdapConnectionFactory", "root"); f != nil && at.has() && at.text != "root" {
		r.dropped(at, "the entry of a caller is looked for over the gateway's own account, that of root")
	}
	if base := r.text(s, "baseDn"); r.required(base, "auth.basic.baseDn") {
		r.kept(base, "auth.basic.baseDn", base.text)
	}
	switch scope := r.choice(s, "scope", "one", "sub", "base", "subordinates"); {
	case !scope.has():
		r.decide(scope, "is missing; the old gateway did not start without it. --set auth.basic.scope=one, the level below baseDn, or sub, everything below it", "auth.basic.scope")
	case scope.text == "one" || scope.text == "sub":
		r.kept(scope, "auth.basic.scope", scope.text)
	case scope.text == "subordinates":
		r.changed(scope, "auth.basic.scope", "sub", "sub, which is the entry of baseDn besides; a filter that does not match it keeps it out")
	case scope.text == "base":
		r.decide(scope, "base let nobody in but the entry of baseDn; --set auth.basic.scope=one, the level below baseDn, or sub, everything below it", "auth.basic.scope")
	default:
		r.decide(scope, fmt.Sprintf("%q is neither one nor sub; mend it there, or --set auth.basic.scope=sub", scope.text), "auth.basic.scope")
	}
	if filter := r.text(s, "filterTemplate"); r.required(filter, "auth.basic.filter") {
		r.template(filter, "auth.basic.filter")
	}
}

// template writes a template with the name of the caller.
func (r *reader) template(v *node, key string) {
	if text := strings.ReplaceAll(v.text, "%s", "{username}"); text != v.text {
		r.changed(v, key, text, "%s of version 3.0 is {username}")
		return
	}
	r.kept(v, key, v.text)
}

// simpleBind writes how the name of the caller becomes a DN.
func (r *reader) simpleBind(s *node) {
	const key = "auth.basic.dnTemplate"
	r.known(s, "ldapConnectionFactory", "bindDnTemplate")
	r.factoryNamed(s, "ldapConnectionFactory", "bind")
	switch v := r.text(s, "bindDnTemplate"); {
	case !v.has() || v.text == "{username}" || v.text == "%s":
		r.decide(v, "{username} alone never was a DN: the old gateway escaped the commas and equals signs of what was typed. --set "+key+"=uid={username},ou=People,dc=example,dc=com", key)
	default:
		r.template(v, key)
	}
}

// alternativeHeaders writes the headers in which old clients send name and password.
func (r *reader) alternativeHeaders(b *node) {
	on, at := r.flag(b, "supportAltAuthentication", false)
	if !on {
		if at.has() {
			r.same(at, "")
			for _, name := range []string{"altAuthenticationUsernameHeader", "altAuthenticationPasswordHeader"} {
				if header := b.get(name); header.has() {
					r.dropped(header, "supportAltAuthentication is false, so that this had no effect; left out")
				}
			}
		} else {
			r.record(at, Kept, "not set; the old gateway then took no headers, whatever its documentation says")
		}
		return
	}
	r.same(at, "")
	r.headers(r.text(b, "altAuthenticationUsernameHeader"), r.text(b, "altAuthenticationPasswordHeader"))
}

// plainBind writes how the name of the caller becomes an identity.
func (r *reader) plainBind(s *node) {
	const key = "auth.basic.authzId"
	r.known(s, "ldapConnectionFactory", "authzIdTemplate")
	r.factoryNamed(s, "ldapConnectionFactory", "bind")
	switch v := r.text(s, "authzIdTemplate"); {
	case !v.has():
		r.kept(v, key, "u:{username}")
	case !strings.HasPrefix(v.text, "u:") && !strings.HasPrefix(v.text, "dn:"):
		r.decide(v, "must begin with u: or dn:; mend it there, or --set "+key+"=u:{username}", key)
	default:
		r.template(v, key)
	}
}

// headers writes the names of the two headers.
func (r *reader) headers(username, password *node) {
	for _, h := range []struct {
		at  *node
		key string
	}{{username, "auth.basic.headers.username"}, {password, "auth.basic.headers.password"}} {
		if r.required(h.at, h.key) {
			r.kept(h.at, h.key, h.at.text)
		}
	}
}

const (
	anonymousKey    = "auth.anonymous.identity"
	anonymousRemedy = "let them act as nobody, --set " + anonymousKey + "=anonymous, or as an entry that may do little, --set " + anonymousKey + "=dn:DN"
)

// anonymous writes as whom callers without a name act.
func (r *reader) anonymous(a *node) {
	r.known(a, "ldapConnectionFactory")
	f, at := r.factoryNamed(a, "ldapConnectionFactory", "root")
	switch account := r.accountOf(f); {
	case f == nil:
		r.decide(at, "the account of callers without a name cannot be told; "+anonymousRemedy, anonymousKey)
	case f == r.factories["root"] || account != "" && strings.EqualFold(account, r.accountOf(r.factories["root"])):
		r.decide(at, `callers without a name acted as the account of root, and could do all that it may; take "anonymous" out of policies, or `+anonymousRemedy, anonymousKey)
	case account == "":
		r.keptAs(at, anonymousKey, "anonymous", "the factory has no account")
	default:
		r.changed(at, anonymousKey, "dn:"+account, "the gateway's own account acts for it, and must be allowed to; its password is not needed any more")
	}
}

// accountOf returns the DN that the connections of a factory are bound as.
func (r *reader) accountOf(f *factory) string {
	if f == nil {
		return ""
	}
	authentication := f.merged.get("authentication")
	if dn := authentication.get("simple").get("bindDn"); dn.text != "" {
		return dn.text
	}
	return authentication.get("bindDn").text
}
