package legacy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// serverMappings copies the mapping files of the endpoints. The last segment of a base path
// is the folder of its mapping files, and what stands before it is server.basePath, the
// same for all.
func (r *reader) serverMappings(endpoints objects) error {
	found, prefixes := 0, []string{}
	for _, e := range endpoints {
		at := e.basePath()
		base := strings.Trim(at.text, "/")
		prefix, name := "/", base
		if i := strings.LastIndexByte(base, '/'); i >= 0 {
			prefix, name = "/"+base[:i], base[i+1:]
		}
		if name == "" {
			r.decide(at, "an API has a base path here; write one, such as /api, and move the clients")
			continue
		}
		prefixes = append(prefixes, prefix)
		r.keptAs(at, "server.basePath", prefix, fmt.Sprintf("the mapping files of %s are in the folder %s", "/"+base, name))
		n, err := r.endpointFolder(e, name)
		if err != nil {
			return err
		}
		found += n
	}
	if slices.Sort(prefixes); len(slices.Compact(prefixes)) > 1 {
		r.decide(endpoints[0].get("base-path"), "the base paths of the endpoints differ before their last segment, and this gateway has one server.basePath for all: --set server.basePath=/PATH", "server.basePath")
	}
	if found > 0 {
		r.document.put("mapping.dir", folderMappings, count(found, "mapping file"))
	}
	return nil
}

// endpointFolder copies the files of one endpoint.
func (r *reader) endpointFolder(e *object, base string) (int, error) {
	at := e.get("config-directory")
	if !at.has() {
		r.decide(at, "is not told; write it there, or --set mapping.dir=FOLDER", "mapping.dir")
		return 0, nil
	}
	folder := r.resolve(at.text)
	if !isFolder(folder) {
		r.decide(at, fmt.Sprintf("there is no folder %s; put it there, or --set mapping.dir=FOLDER", filepath.ToSlash(folder)), "mapping.dir")
		return 0, nil
	}
	n, err := r.mappingFolder(folder, base)
	if n > 0 {
		r.record(at, Kept, count(n, "mapping file"), "mapping.dir")
	} else if err == nil {
		r.decide(at, "holds no mapping file; put them there, or --set mapping.dir=FOLDER", "mapping.dir")
	}
	return n, err
}

func isFolder(name string) bool {
	stat, err := os.Stat(name)
	return err == nil && stat.IsDir()
}

// mechanisms writes who a caller is.
func (r *reader) mechanisms(endpoints objects) {
	var names []string
	for i, e := range endpoints {
		var own []string
		e.seen("authorization-mechanism")
		for _, v := range e.all("authorization-mechanism") {
			own = append(own, nameOf(v.text))
		}
		slices.Sort(own)
		if i > 0 && !slices.Equal(own, names) {
			r.decide(e.get("authorization-mechanism"), "the endpoints differ in whom they let in, and this gateway has the same ways for all; make them equal there, or run a gateway for each")
		}
		names = append(names, own...)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	if len(names) == 0 {
		r.decide(endpoints[0].get("authorization-mechanism"), "is not told; write it there, or --set auth.basic.mode=search --set auth.basic.baseDn=DN --set auth.basic.filter='(uid={username})'", "auth.basic.mode")
	}
	for _, name := range names {
		m := r.objects.named(kindMechanism, name)
		// Those that every server has.
		if m == nil && (strings.EqualFold(name, "HTTP Basic") || strings.EqualFold(name, "HTTP Anonymous")) {
			m = &object{kind: kindMechanism, name: name, place: endpoints[0].get("authorization-mechanism").place}
		}
		if m == nil {
			r.decide(endpoints[0].get("authorization-mechanism"), fmt.Sprintf("the mechanism %q is not told of; add it to the file", name))
			continue
		}
		r.mechanism(m)
	}
}

func (r *reader) mechanism(m *object) {
	at := &node{place: m.place, path: m.path(), kind: '{'}
	if m.variant == "" {
		m.setVariant(strings.ToLower(strings.ReplaceAll(m.name, " ", "-")))
	}
	m.used = true
	m.seen("identity-mapper", "access-token-cache-enabled")
	switch kind := strings.TrimSuffix(m.variant, "-authorization-mechanism"); {
	case !m.on("enabled", true):
		r.dropped(at, "it was disabled; left out")
	case kind == "http-basic":
		r.mapper(m)
		r.alternativeHeadersOf(m)
	case kind == "http-anonymous":
		r.anonymousOf(m)
	case strings.HasPrefix(kind, "http-oauth2"):
		r.oauth2Of(m, at, kind)
	default:
		r.decide(at, fmt.Sprintf("a mechanism of the type %q is not known here; take it out of the endpoint", kind))
	}
}

// mapper makes a search of an identity mapper.
func (r *reader) mapper(m *object) {
	const baseKey, filterKey = "auth.basic.baseDn", "auth.basic.filter"
	r.document.put("auth.basic.mode", "search", "")
	reference := m.get("identity-mapper")
	mapper := r.objects.named(kindMapper, reference.text)
	switch {
	case reference.has() && mapper == nil && !strings.EqualFold(nameOf(reference.text), "Exact Match"):
		r.decide(reference, fmt.Sprintf("the identity mapper %q is not told of; --set %s=DN --set %s='(uid={username})'", nameOf(reference.text), baseKey, filterKey), filterKey)
		return
	case mapper == nil:
		mapper = &object{kind: kindMapper, name: "Exact Match", place: m.place}
	case strings.HasPrefix(mapper.variant, "regular-expression"):
		r.decide(&node{place: mapper.place, path: mapper.path()}, "names are rewritten by a pattern before the search, which this gateway does not do; --set "+filterKey+"='(uid={username})'", filterKey)
		return
	}
	mapper.used = true
	attributes := mapper.all("match-attribute")
	filter := "(uid={username})"
	at := mapper.get("match-attribute")
	if len(attributes) > 0 {
		filter = ""
		for _, a := range attributes {
			filter += "(" + a.text + "={username})"
		}
	}
	if len(attributes) > 1 {
		filter = "(|" + filter + ")"
	}
	r.kept(at, filterKey, filter)
	switch bases := mapper.all("match-base-dn"); {
	case len(bases) == 1:
		r.kept(bases[0], baseKey, bases[0].text)
	default:
		r.decide(mapper.get("match-base-dn"), "callers were looked for below "+cmpCount(len(bases))+"; name one: --set "+baseKey+"=DN", baseKey)
	}
	r.document.put("auth.basic.scope", "sub", "")
}

func cmpCount(n int) string {
	if n == 0 {
		return "every suffix of the server"
	}
	return count(n, "base")
}

// alternativeHeadersOf writes the headers in which old clients send name and password.
func (r *reader) alternativeHeadersOf(m *object) {
	at := m.get("alt-authentication-enabled")
	if !m.on("alt-authentication-enabled", false) {
		r.same(at, "")
		return
	}
	r.same(at, "")
	m.seen("alt-username-header", "alt-password-header")
	r.headers(m.get("alt-username-header"), m.get("alt-password-header"))
}

// anonymousOf writes as whom callers without a name act: an entry, or nobody.
func (r *reader) anonymousOf(m *object) {
	if dn := m.get("user-dn"); dn.has() {
		r.kept(dn, anonymousKey, "dn:"+dn.text)
	} else {
		r.keptAs(dn, anonymousKey, "anonymous", "no user-dn, which is nobody")
	}
}

// oauth2Of writes how access tokens are verified.
func (r *reader) oauth2Of(m *object, at *node, kind string) {
	const key = introspectionAt + "url"
	if kind != "http-oauth2-token-introspection" && kind != "http-oauth2" {
		r.decide(at, "this way to look at tokens was retired, by the old product too; take it out of the endpoint, "+otherTokens, key, bearerAt+"issuer")
		return
	}
	r.endpointURL(m.get("token-introspection-url"))
	if id := m.get("client-id"); r.required(id, introspectionAt+"clientId") {
		r.kept(id, introspectionAt+"clientId", id.text)
	}
	if secret := m.get("client-secret"); strings.Contains(secret.text, "&{") {
		r.decide(secret, "holds a placeholder, &{…}, which only the old program could fill; --set "+introspectionAt+"clientSecret=file:FILE", introspectionAt+"clientSecret")
	} else {
		r.clientSecret(secret)
	}
	r.claimOf(m)
	var scopes []string
	for _, v := range m.all("required-scope") {
		scopes = append(scopes, v.text)
	}
	if scope := m.get("required-scope"); len(scopes) > 0 {
		r.kept(scope, bearerAt+"requiredScopes", scopes)
	}
	const cacheKey = introspectionAt + "cache"
	if m.on("access-token-cache-enabled", false) {
		r.cacheFor(m.get("access-token-cache-expiration"), cacheKey, time.Hour)
	} else {
		r.kept(m.get("access-token-cache-enabled"), cacheKey, "0s")
	}
}

// claimOf writes the identity that a token stands for. The server looked the value up with
// an identity mapper; now the directory does, with the one for proxied authorization.
func (r *reader) claimOf(m *object) {
	const key = bearerAt + "authzId"
	if template := m.get("authzid-template"); template.has() {
		r.authzID(template)
		return
	}
	if v := m.get("authzid-json-pointer"); r.required(v, key) {
		r.changed(v, key, "u:{"+strings.TrimPrefix(v.text, "/")+"}", "the value is looked up by the identity mapper that the directory has for proxied authorization")
	}
}
