package legacy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	fileIntrospectionSecret  = "secrets/introspection-secret"
	fileIntrospectionCert    = "tls/introspection.pem"
	fileIntrospectionCertKey = "secrets/introspection.key"

	bearerAt        = "auth.bearer." //nolint:gosec // a key of the configuration
	introspectionAt = bearerAt + "introspection."
)

// otherTokens is the way out for tokens that nobody can look at any more.
const otherTokens = "or have them looked at by the authorization server: --set auth.bearer.introspection.url=URL --set auth.bearer.introspection.clientId=ID " +
	"--set auth.bearer.introspection.clientSecret=file:FILE --set auth.bearer.authzId=dn:uid={username},ou=People,dc=example,dc=com"

// oauth2 writes how access tokens are verified.
func (r *reader) oauth2(o *node) {
	r.known(o, "realm", "requiredScopes", "resolver", "accessTokenCache", "openam", "rfc7662", "cts", "file")
	resolver := r.choice(o, "resolver", "openam", "rfc7662", "cts", "file")
	for _, name := range []string{"openam", "rfc7662", "cts", "file"} {
		if unused := o.get(name); unused.has() && name != resolver.text {
			r.dropped(unused, fmt.Sprintf("the resolver is %q, so that this had no effect; left out", resolver.text))
		}
	}
	const key = introspectionAt + "url"
	switch resolver.text {
	case "rfc7662":
		r.record(resolver, Kept, "", "auth.bearer.introspection")
		r.introspection(r.object(o, "rfc7662"))
	case "openam", "cts", "file":
		r.decide(resolver, fmt.Sprintf(`the resolver %q was retired, by the old product too; take "oauth2" out of policies, %s`, resolver.text, otherTokens), key, bearerAt+"issuer")
		if settings := o.get(resolver.text); settings.has() {
			r.dropped(settings, "left out with the resolver")
		}
	case "":
		r.decide(resolver, `is missing; take "oauth2" out of policies, `+otherTokens, key, bearerAt+"issuer")
	default:
		r.decide(resolver, fmt.Sprintf("%q is none of rfc7662, openam, cts and file; mend it there, %s", resolver.text, otherTokens), key, bearerAt+"issuer")
	}
	r.challenge(o)
	r.tokenCache(r.object(o, "accessTokenCache"), resolver.text == "rfc7662")
}

// challenge writes what a token is asked for.
func (r *reader) challenge(o *node) {
	switch realm := r.text(o, "realm"); {
	case !realm.has():
		r.dropped(realm, "not set, which was no_realm in challenges; it is rest2ldap now (auth.realm)")
	default:
		r.kept(realm, "auth.realm", realm.text)
	}
	switch scopes, at := r.texts(o, "requiredScopes"); {
	case len(scopes) == 0 && !at.told:
		r.decide(at, "names no scope, with which the old gateway did not start; name them there, or --set "+bearerAt+"requiredScopes=SCOPE,SCOPE", bearerAt+"requiredScopes")
	case len(scopes) > 0:
		r.kept(at, bearerAt+"requiredScopes", scopes)
	}
}

// introspection writes where the authorization server is, and as whom it is asked.
func (r *reader) introspection(o *node) {
	r.known(o, "endpointUrl", "sslCertAlias", "clientId", "clientSecret", "clientSecretFile", "authzIdTemplate")
	r.endpointURL(r.text(o, "endpointUrl"))
	if id := r.text(o, "clientId"); r.required(id, introspectionAt+"clientId") {
		r.kept(id, introspectionAt+"clientId", id.text)
	}
	if file := r.text(o, "clientSecretFile"); file.has() {
		r.secretFile(file, introspectionAt+"clientSecret")
	} else {
		r.clientSecret(r.text(o, "clientSecret"))
	}
	r.authzID(r.text(o, "authzIdTemplate"))
	if alias := r.text(o, "sslCertAlias"); alias.has() {
		r.introspectionCertificate(alias)
	}
	r.outbound()
}

func (r *reader) endpointURL(v *node) {
	const key = introspectionAt + "url"
	if !r.required(v, key) {
		return
	}
	if rest, found := strings.CutPrefix(v.text, "http://"); found {
		proposal := "https://" + rest
		r.decide(v, "tokens and the client's secret went there in clear, and this gateway never does that; --set "+key+"="+proposal, key)
		r.propose(key, proposal)
		return
	}
	r.kept(v, key, v.text)
}

// clientSecret makes a file of the secret.
func (r *reader) clientSecret(v *node) {
	const key = introspectionAt + "clientSecret"
	switch {
	case !v.has() || v.text == "":
		r.decide(v, "is missing; write it there, or --set "+key+"=file:FILE", key)
	case strings.ContainsAny(v.text, "\r\n"):
		r.decide(v, "holds a line break, which a secret in a file cannot; --set "+key+"=file:FILE with another", key)
	default:
		r.add(File{Name: fileIntrospectionSecret, Data: []byte(v.text + "\n"), Secret: true})
		r.changed(v, key, "file:"+fileIntrospectionSecret, "a secret does not stand in the configuration; it is in a file that the gateway alone can read")
	}
}

func (r *reader) authzID(v *node) {
	const key = bearerAt + "authzId"
	if !r.required(v, key) {
		return
	}
	if !strings.HasPrefix(v.text, "dn:") && !strings.HasPrefix(v.text, "u:") {
		r.decide(v, "must begin with dn: or u:; mend it there, or --set "+key+"=dn:uid={username},ou=People,dc=example,dc=com", key)
		return
	}
	r.kept(v, key, v.text)
}

// introspectionCertificate makes PEM of the certificate for the authorization server.
func (r *reader) introspectionCertificate(alias *node) {
	const certKey, keyKey = introspectionAt + "cert", introspectionAt + "key"
	const remedy = "--set " + certKey + "=FILE --set " + keyKey + "=FILE, in PEM, or take it out there"
	if manager := r.text(r.security, "keyManager"); manager.text != "file" {
		r.decide(alias, "names a certificate that is not in a file; "+remedy, certKey)
		return
	}
	data, password, at, ok := r.store("fileBasedKeyManager", certKey)
	if !ok {
		return
	}
	certificate, key, err := pemOf(data, password, alias.text)
	if err != nil {
		r.decide(at, fmt.Sprintf("%v; %s", err, remedy), certKey)
		return
	}
	r.add(File{Name: fileIntrospectionCert, Data: certificate}, File{Name: fileIntrospectionCertKey, Data: key, Secret: true})
	r.changed(alias, certKey, fileIntrospectionCert, "the store became PEM: "+fileIntrospectionCert+" and "+fileIntrospectionCertKey)
	r.document.put(keyKey, fileIntrospectionCertKey, "")
}

// pemOf makes PEM of a key of a store and its chain.
func pemOf(data []byte, password, alias string) (certificate, key []byte, err error) {
	pairs, err := keyPairs(data, password)
	if err != nil {
		return nil, nil, err
	}
	pair, err := choose(pairs, alias)
	if err != nil {
		return nil, nil, err
	}
	if certificate, err = certificatesPEM(pair.chain); err != nil {
		return nil, nil, err
	}
	key, err = keyPEM(pair.key)
	return certificate, key, err
}

// outbound writes whom the gateway trusts when it asks the authorization server: the same
// as with the directory.
func (r *reader) outbound() {
	const key = "outboundTLS.ca"
	switch v := r.security.get("trustManager"); v.text {
	case "trustAll":
		r.decide(v, "any authorization server was believed; name its authority: --set "+key+"=FILE, in PEM, or write jvm there if it is one that the system trusts", key)
	case "file":
		for _, f := range r.files {
			if f.Name == fileCA {
				r.document.put(key, fileCA, "the trust store of the old gateway was for both sides")
			}
		}
	}
}

// tokenCache writes for how long an answer is remembered.
func (r *reader) tokenCache(c *node, used bool) {
	const key, most = introspectionAt + "cache", time.Hour
	r.known(c, "enabled", "cacheExpiration")
	on, at := r.flag(c, "enabled", false)
	if !used {
		if c.has() {
			r.dropped(c, "left out with the resolver")
		}
		return
	}
	if !on {
		r.kept(at, key, "0s")
		if v := c.get("cacheExpiration"); v.has() {
			r.dropped(v, "the cache is off, so that this had no effect; left out")
		}
		return
	}
	r.same(at, "")
	v := r.text(c, "cacheExpiration")
	r.cacheFor(v, key, most)
}

func (r *reader) cacheFor(v *node, key string, most time.Duration) {
	text := v.text
	if !v.has() {
		text = "5 minutes"
	}
	switch d, err := parseDuration(text); {
	case err != nil:
		r.decide(v, fmt.Sprintf("%v; --set %s=5m", err, key), key)
	case d > most:
		r.changed(v, key, written(most), "one hour is the most")
	default:
		r.kept(v, key, written(d))
	}
}

// written is a duration as gateway.yaml has it.
func written(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d%unit.of == 0 && d != 0 {
			return strconv.FormatInt(int64(d/unit.of), 10) + unit.name
		}
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}

// parseDuration reads a duration as the old gateway wrote it: 5 minutes, 1 hour and 30
// minutes, 30 sec.
func parseDuration(text string) (time.Duration, error) {
	units := map[string]time.Duration{"ns": 1, "nano": 1, "us": time.Microsecond, "micro": time.Microsecond, "ms": time.Millisecond, "milli": time.Millisecond, "s": time.Second, "sec": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	longer := map[string]string{"nanosecond": "ns", "nanosec": "ns", "microsecond": "us", "microsec": "us", "millisecond": "ms", "millisec": "ms", "second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"}
	var total time.Duration
	spaced := strings.NewReplacer(",", " ", " and ", " ").Replace(strings.ToLower(text))
	for spaced = strings.TrimSpace(spaced); spaced != ""; spaced = strings.TrimSpace(spaced) {
		digits := spaced[:len(spaced)-len(strings.TrimLeft(spaced, "0123456789"))]
		rest := strings.TrimSpace(spaced[len(digits):])
		name := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))]
		short := name
		if len(name) > 2 {
			if short = strings.TrimSuffix(name, "s"); longer[short] != "" {
				short = longer[short]
			}
		}
		n, err := strconv.ParseInt(digits, 10, 32)
		if unit := units[short]; err != nil || unit == 0 {
			return 0, fmt.Errorf("%q is no duration that is known here", text)
		} else if total += time.Duration(n) * unit; total > 1<<52 {
			total = 1 << 52
		}
		spaced = rest[len(name):]
	}
	if total == 0 {
		return 0, errors.New("a cache that is on must remember for some time")
	}
	return total, nil
}
