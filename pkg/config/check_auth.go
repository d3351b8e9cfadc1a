package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (c *checker) auth() {
	a := &c.file.Auth
	if strings.ContainsFunc(a.Realm, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		c.fail("auth.realm", "%q holds a character that a challenge cannot carry; use ASCII without quotes", a.Realm)
	}
	c.methods()
	if a.Basic != nil {
		c.basic(a.Basic)
	}
	if a.Bearer != nil {
		c.bearer(a.Bearer)
	}
	if a.Anonymous != nil {
		c.anonymous(a.Anonymous)
	}
	for i := range a.Policy {
		c.rule(fmt.Sprintf("auth.policy[%d]", i), &a.Policy[i])
	}
}

// Has reports whether a way to authenticate is in force: "basic", "bearer" or "anonymous".
func (a *Auth) Has(method string) bool { return slices.Contains(a.Methods, method) }

// waysIn are the ways to authenticate, and whether each has a section.
func (a *Auth) waysIn() ([]string, map[string]bool) {
	return []string{"basic", "bearer", "anonymous"},
		map[string]bool{"basic": a.Basic != nil, "bearer": a.Bearer != nil, "anonymous": a.Anonymous != nil}
}

// settleMethods has every way to authenticate in force that has a section, where the
// file does not say which.
func (c *checker) settleMethods() {
	a := &c.file.Auth
	if !c.file.IsSet("auth.methods") {
		names, there := a.waysIn()
		a.Methods = slices.DeleteFunc(names, func(name string) bool { return !there[name] })
	}
}

func (c *checker) methods() {
	a := &c.file.Auth
	names, there := a.waysIn()
	switch {
	case !c.file.IsSet("auth.methods") && len(a.Methods) == 0:
		c.fail("auth", "has neither basic nor bearer; callers need one way at least to say who they are")
	case len(a.Methods) == 0:
		c.warn("auth.methods", "is empty; every request is refused with 403")
	}
	for i, method := range a.Methods {
		at := fmt.Sprintf("auth.methods[%d]", i)
		c.oneOf(at, method, names...)
		switch {
		case slices.Contains(a.Methods[:i], method):
			c.fail(at, "%s stands in the list twice", method)
		case !there[method]:
			c.fail(at, "%s has no section auth.%s", method, method)
		}
	}
	for _, name := range names {
		if there[name] && !a.Has(name) {
			c.warn("auth."+name, "is off, for it is not among auth.methods")
		}
	}
}

func (c *checker) anonymous(a *Anonymous) {
	const path = "auth.anonymous.identity"
	switch identity := c.file.Directory.Identity; {
	case a.Identity == "":
		c.fail(path, "is missing; write anonymous, or an entry that has few rights, for example dn:uid=guest,ou=People,dc=example,dc=com")
	case a.Identity != "anonymous" && !strings.HasPrefix(a.Identity, "dn:"):
		c.fail(path, "%q is not known; write anonymous, or dn: and the name of an entry", a.Identity)
	case identity != "proxied" && (identity != "sasl-proxy" || a.Identity == "anonymous"):
		c.fail(path, "who is anonymous cannot act with directory.identity %s; use proxied", identity)
	}
}

func (c *checker) rule(at string, r *Rule) {
	if len(r.Callers) == 0 {
		c.fail(at+".callers", `is missing; write DNs, or "*" for every caller`)
	}
	if len(r.Resources) == 0 {
		c.fail(at+".resources", "is missing; write paths, for example /api/users, or / for everything")
	}
	for i, path := range r.Resources {
		if !strings.HasPrefix(path, "/") || strings.Contains(path, "*") || path != "/" && strings.HasSuffix(path, "/") {
			c.fail(fmt.Sprintf("%s.resources[%d]", at, i), "%q is not a path; write for example /api/users, which stands for everything below it too", path)
		}
	}
	if len(r.May) == 0 {
		c.fail(at+".may", "is missing; write some of read, create, update, delete, action")
	}
	for i, verb := range r.May {
		c.oneOf(fmt.Sprintf("%s.may[%d]", at, i), verb, "read", "create", "update", "delete", "action")
	}
}

func (c *checker) basic(b *Basic) {
	switch b.Mode {
	case "":
		c.fail("auth.basic.mode", "is missing; write search (find the entry, then bind), simple (make the DN of the name) or sasl-plain")
	case "search":
		c.search(b)
	case "simple":
		if c.required("auth.basic.dnTemplate", b.DNTemplate, "uid={username},ou=People,dc=example,dc=com") {
			c.username("auth.basic.dnTemplate", b.DNTemplate)
		}
		c.noEffect("mode: simple", "auth.basic.baseDn", "auth.basic.scope", "auth.basic.filter", "auth.basic.authzId")
	case "sasl-plain":
		if b.AuthzID == "" {
			b.AuthzID = "u:{username}"
		}
		c.username("auth.basic.authzId", b.AuthzID)
		c.noEffect("mode: sasl-plain", "auth.basic.baseDn", "auth.basic.scope", "auth.basic.filter", "auth.basic.dnTemplate")
	default:
		c.fail("auth.basic.mode", "%q is not known; write search, simple or sasl-plain", b.Mode)
	}
	if b.Headers != nil {
		c.passwordHeader("auth.basic.headers.username", b.Headers.Username, "X-OpenIDM-Username")
		c.passwordHeader("auth.basic.headers.password", b.Headers.Password, "X-OpenIDM-Password")
		if strings.EqualFold(b.Headers.Username, b.Headers.Password) {
			c.fail("auth.basic.headers.password", "is the same header as username")
		}
	}
	c.bounded("auth.basic.cache", b.Cache, 0, Duration(30*time.Second))
}

// passwordHeader wants the name of a header that means nothing else (RFC 9110 §5.1).
func (c *checker) passwordHeader(path, name, example string) {
	switch {
	case !c.required(path, name, example):
	case !regexp.MustCompile("^[0-9A-Za-z!#$%&'*+.^_`|~-]+$").MatchString(name):
		c.fail(path, "%q is not the name of a header; write for example %s", name, example)
	case slices.ContainsFunc([]string{"Authorization", "Cookie", "Host", "If-Match", "If-None-Match", "Accept-API-Version", "Content-Type", "X-HTTP-Method-Override"},
		func(other string) bool { return strings.EqualFold(name, other) }):
		c.fail(path, "%s means something else; write for example %s", name, example)
	}
}

func (c *checker) search(b *Basic) {
	c.required("auth.basic.baseDn", b.BaseDN, "ou=People,dc=example,dc=com")
	if b.Scope == "" {
		b.Scope = "sub"
	}
	c.oneOf("auth.basic.scope", b.Scope, "one", "sub")
	if c.required("auth.basic.filter", b.Filter, "(&(uid={username})(objectClass=inetOrgPerson))") {
		c.username("auth.basic.filter", b.Filter)
	}
	c.noEffect("mode: search", "auth.basic.dnTemplate", "auth.basic.authzId")
}

// username fails unless the template has {username} and no other variable.
func (c *checker) username(path, template string) {
	variables := variablesOf(template)
	switch i := slices.IndexFunc(variables, func(v string) bool { return v != "username" }); {
	case strings.Contains(template, "%s"):
		c.fail(path, "%q has %%s; write {username} instead", template)
	case i >= 0:
		c.fail(path, "{%s} is not known here; the only variable is {username}", variables[i])
	case len(variables) == 0:
		c.fail(path, "%q has no {username}, so that every caller would be the same", template)
	}
}

// variablesOf returns the names in braces of a template.
func variablesOf(template string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`\{([^{}]*)\}`).FindAllStringSubmatch(template, -1) {
		names = append(names, m[1])
	}
	return names
}

func (c *checker) bearer(b *Bearer) {
	looked := b.Introspection != nil
	if b.Issuer != "" || !looked && c.required("auth.bearer.issuer", b.Issuer, "https://login.example.com") {
		c.httpsURL("auth.bearer.issuer", b.Issuer)
	}
	if !looked {
		c.required("auth.bearer.audience", b.Audience, "https://gateway.example.com")
		c.algorithms("auth.bearer.algorithms", b.Algorithms)
		if len(b.Types) == 0 {
			c.fail("auth.bearer.types", "is empty; write for example [at+jwt]")
		}
	}
	c.source(b)
	for _, scope := range b.RequiredScopes {
		if strings.ContainsAny(scope, " \"\\") {
			c.fail("auth.bearer.requiredScopes", "%q is not one scope; write each as an element of its own", scope)
		}
	}
	if c.required("auth.bearer.authzId", b.AuthzID, "dn:uid={sub},ou=People,dc=example,dc=com") {
		c.authzID("auth.bearer.authzId", b.AuthzID)
	}
	c.bounded("auth.bearer.leeway", b.Leeway, 0, Duration(5*time.Minute))
}

// source wants one place that tells which tokens are good, and settles whom to trust there.
func (c *checker) source(b *Bearer) {
	switch {
	case b.Introspection != nil:
		c.introspection(b)
	case b.JWKSURL == "" && b.Keys == "":
		c.fail("auth.bearer.jwksUrl", "is missing, and so are keys and introspection; write where the keys of the issuer are")
	case b.JWKSURL != "" && b.Keys != "":
		c.fail("auth.bearer.keys", "stands beside jwksUrl; the keys come from one place, remove one of the two")
	case b.JWKSURL != "":
		c.httpsURL("auth.bearer.jwksUrl", b.JWKSURL)
	default:
		c.noEffect("keys", "auth.bearer.ca")
	}
	c.readable("auth.bearer.keys", &b.Keys, public)
	c.readable("auth.bearer.ca", &b.CA, public)
	if b.CA == "" && (b.JWKSURL != "" || b.Introspection != nil) {
		b.CA = c.file.OutboundTLS.CA
	}
}

func (c *checker) introspection(b *Bearer) {
	const at = "auth.bearer.introspection"
	c.noEffect("introspection", "auth.bearer.jwksUrl", "auth.bearer.keys", "auth.bearer.algorithms", "auth.bearer.types")
	if !c.file.IsSet("auth.bearer.algorithms") {
		b.Algorithms = nil // The default says nothing here.
	}
	if !c.file.IsSet("auth.bearer.types") {
		b.Types = nil
	}
	i := b.Introspection
	if c.required(at+".url", i.URL, "https://login.example.com/oauth2/introspect") {
		c.httpsURL(at+".url", i.URL)
	}
	c.required(at+".clientId", i.ClientID, "rest2ldap")
	if i.Cert == "" || c.file.IsSet(at+".clientSecret") {
		c.secret(at+".clientSecret", &i.ClientSecret)
	}
	c.clientCertificate(at, &i.Cert, &i.Key)
	c.bounded(at+".timeout", i.Timeout, Duration(100*time.Millisecond), Duration(time.Minute))
	c.bounded(at+".cache", i.Cache, 0, Duration(time.Hour))
	c.within(at+".cacheSize", i.CacheSize, 1, 1_000_000)
}

// clientCertificate wants both files of a client certificate, or none.
func (c *checker) clientCertificate(at string, cert, key *Path) {
	switch {
	case *cert != "" && *key == "":
		c.fail(at+".key", "is missing; write the file with the private key of cert")
	case *cert == "" && *key != "":
		c.fail(at+".cert", "is missing; write the file with the certificate of key")
	}
	c.readable(at+".cert", cert, public)
	c.readable(at+".key", key, private)
}

func (c *checker) httpsURL(path, text string) {
	u, err := url.Parse(text)
	switch {
	case err == nil && u.Scheme == "http":
		c.fail(path, "http:// is not encrypted, and the gateway never speaks in clear; use https://")
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		c.fail(path, "%q must be a URL of the form https://host/path", text)
	case u.Port() != "":
		c.port(path, u.Port(), 1)
	}
}

// algorithms takes asymmetric signatures only: with a shared key, whoever can verify
// a token can also make one (RFC 8725 §3.1).
func (c *checker) algorithms(path string, names []string) {
	known := []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	if len(names) == 0 {
		c.fail(path, "is empty; write for example [RS256, ES256]")
	}
	unsafe := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(known, name) })
	if len(unsafe) > 0 {
		c.fail(path, "no signature algorithm that is safe here: %s; choose among %s",
			strings.Join(unsafe, ", "), strings.Join(known, ", "))
	}
}

func (c *checker) authzID(path, template string) {
	switch {
	case !strings.HasPrefix(template, "dn:") && !strings.HasPrefix(template, "u:"):
		c.fail(path, "%q must begin with dn: or u:", template)
	case len(variablesOf(template)) == 0:
		c.fail(path, "%q has no claim in braces, such as {sub}, so that every caller would be the same", template)
	case slices.Contains(variablesOf(template), ""):
		c.fail(path, "{} names no claim; write for example {sub}")
	}
}
