package legacy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// inServer reads the configuration of a directory server that answered REST itself: its
// endpoints, and what they used.
func (r *reader) inServer(name string) error {
	data, err := readFile(name)
	if err != nil {
		return err
	}
	if strings.HasSuffix(strings.ToLower(name), ".ldif") {
		var wrong []Finding
		r.objects, wrong = parseLDIF(name, data)
		r.findings = append(r.findings, wrong...)
	} else {
		r.objects = parseDsconfig(name, data)
	}
	endpoints := r.endpoints()
	if len(endpoints) == 0 {
		if single := locateSingle(filepath.Dir(name)); single != "" {
			return r.refuseSingle(single)
		}
		return fmt.Errorf("%s tells of no HTTP endpoint of the type rest2ldap-endpoint", name)
	}
	r.listener(Place{File: name})
	r.behind(Place{File: name})
	r.serverSwitches(endpoints)
	if err := r.serverMappings(endpoints); err != nil {
		return err
	}
	r.mechanisms(endpoints)
	r.globals()
	r.serverRemainder()
	return nil
}

// serverRemainder tells of properties of the objects that were used which nothing follows.
func (r *reader) serverRemainder() {
	for _, o := range r.objects {
		if !o.used {
			continue
		}
		o.seen("enabled", "base-path")
		for _, p := range o.properties {
			if !r.mentioned(p) {
				r.leftOver(o, p)
			}
		}
	}
}

// leftOver tells of a property that nothing follows: those that kept clients out are for
// the operator.
func (r *reader) leftOver(o *object, p *node) {
	switch name := propertyOf(p); {
	case name == "allowed-client" || name == "denied-client":
		r.decide(p, "the addresses of clients are not looked at here; have a firewall do it, and take it out there")
	case name == "ssl-client-auth-policy" && strings.EqualFold(p.text, "required"):
		r.decide(p, "clients had to show a certificate, for which this gateway does not ask; have a proxy before it do so, and take it out there")
	case name == "java-class":
		if !strings.HasPrefix(p.text, "org.opends.") && !strings.HasPrefix(p.text, "org.forgerock.") {
			r.decide(p, "is none of the classes of the old server, and what it did cannot be told; take it out there if nothing is missed")
			return
		}
		r.dropped(p, "the old server's own program")
	case name == "trust-manager-provider" && o.kind == kindMechanism:
		r.dropped(p, "unless the system trusts the authority of the authorization server: --set outboundTLS.ca=FILE")
	case name == "key-manager-provider" && o.kind == kindMechanism:
		r.dropped(p, "if the authorization server asks for a certificate: --set "+introspectionAt+"cert=FILE --set "+introspectionAt+"key=FILE, in PEM")
	default:
		r.dropped(p, "nothing here corresponds to it; left out")
	}
}

// endpoints returns those that served mapped resources.
func (r *reader) endpoints() objects {
	var some objects
	for _, o := range r.objects.of(kindEndpoint) {
		at := &node{place: o.place, path: o.path()}
		switch {
		case o.variant == "alive-endpoint" && o.on("enabled", true):
			r.kept(o.basePath(), "server.health.alive", "/"+strings.Trim(o.basePath().text, "/"))
		case o.variant == "healthy-endpoint" && o.on("enabled", true):
			r.kept(o.basePath(), "server.health.healthy", "/"+strings.Trim(o.basePath().text, "/"))
		case o.variant != "" && o.variant != "rest2ldap-endpoint":
			r.dropped(at, fmt.Sprintf("no such endpoint is here: %s", o.variant))
		case !o.on("enabled", true):
			r.dropped(at, "it was disabled; left out")
		default:
			o.used = true
			some = append(some, o)
		}
	}
	return some
}

// basePath is the path of an endpoint, which is its name too.
func (o *object) basePath() *node {
	if v := o.get("base-path"); v.has() {
		return v
	}
	return &node{place: o.place, path: join(o.path(), "base-path"), kind: '"', text: o.name}
}

// listener writes the side of the clients.
func (r *reader) listener(place Place) {
	var handler *object
	for _, o := range r.objects.of(kindHandler) {
		if o.variant != "http-connection-handler" || !o.on("enabled", true) {
			continue
		}
		// Two handlers become one, and that with TLS is it.
		if handler == nil || o.on("use-ssl", false) && !handler.on("use-ssl", false) {
			handler = o
		}
	}
	if handler == nil {
		r.decide(&node{place: place, path: kindHandler}, "tells of no HTTP connection handler, whose port and certificate this gateway would take; "+certificateRemedy,
			"server.certificates.0.cert", "server.certificates.0.key")
		return
	}
	for _, o := range r.objects.of(kindHandler) {
		if o.variant == "http-connection-handler" && o != handler {
			r.dropped(&node{place: o.place, path: o.path()}, "this gateway listens at one address, with TLS; the one of "+handler.path()+" is taken")
		}
	}
	handler.used = true
	handler.seen("listen-address", "use-ssl", "ssl-cert-nickname", "key-manager-provider")
	address, port := handler.get("listen-address"), handler.get("listen-port")
	host := cmp.Or(address.text, "0.0.0.0")
	if len(handler.all("listen-address")) > 1 {
		host = "0.0.0.0"
		r.dropped(address, "several addresses become all")
	}
	if n, err := strconv.Atoi(port.text); err != nil || n < 1 || n > 65535 {
		r.decide(port, "is no port; --set server.listen=HOST:PORT", "server.listen")
	} else if listen := net.JoinHostPort(host, port.text); handler.on("use-ssl", false) {
		r.kept(port, "server.listen", listen)
	} else {
		r.changed(port, "server.listen", listen, "it spoke HTTP in clear there; now it is HTTPS, and clients write https")
	}
	r.requestSize(handler)
	r.listenerCertificate(handler)
}

const certificateRemedy = "--set server.certificates.0.cert=FILE --set server.certificates.0.key=FILE, in PEM"

// requestSize writes the bound of request bodies.
func (r *reader) requestSize(handler *object) {
	v := handler.get("max-request-size")
	if !v.has() {
		return
	}
	size, ok := octets(v.text)
	const key, least, most = "limits.body", 1 << 10, 64 << 20
	switch {
	case !ok:
		r.decide(v, "is no size that is known here; --set limits.body=5MiB", key)
	case size < least:
		r.changed(v, key, "1KiB", "1KiB is the least")
	case size > most:
		r.changed(v, key, "64MiB", "64MiB is the most")
	default:
		r.kept(v, key, strconv.FormatInt(size, 10)+"B")
	}
}

// octets reads a size as dsconfig writes it: 5 megabytes, 4 kib.
func octets(text string) (int64, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz ")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit, known := map[string]int64{
		"": 1, "b": 1, "bytes": 1, "kb": 1e3, "kilobytes": 1e3, "mb": 1e6, "megabytes": 1e6, "gb": 1e9, "gigabytes": 1e9,
		"kib": 1 << 10, "kibibytes": 1 << 10, "mib": 1 << 20, "mebibytes": 1 << 20, "gib": 1 << 30, "gibibytes": 1 << 30,
	}[strings.TrimSpace(text[len(digits):])]
	if err != nil || !known || n < 0 || n > 1<<30 {
		return 0, false
	}
	return n * unit, true
}

// listenerCertificate makes PEM of the certificate of the HTTP connection handler.
func (r *reader) listenerCertificate(handler *object) {
	const key = "server.certificates.0.cert"
	settles := []string{key, "server.certificates.0.key"}
	at := handler.get("key-manager-provider")
	if !handler.on("use-ssl", false) {
		r.decide(&node{place: handler.place, path: handler.path()}, "it had no certificate; name one for this gateway: "+certificateRemedy, settles...)
		return
	}
	pair, err := r.managed(handler)
	var certificate, private []byte
	if err == nil {
		certificate, err = certificatesPEM(pair.chain)
	}
	if err == nil {
		private, err = keyPEM(pair.key)
	}
	if err != nil {
		r.decide(at, fmt.Sprintf("the certificate for the clients cannot be taken over: %v; %s", err, certificateRemedy), settles...)
		return
	}
	const certFile, keyFile = "tls/gateway.pem", "secrets/gateway.key"
	r.add(File{Name: certFile, Data: certificate}, File{Name: keyFile, Data: private, Secret: true})
	r.changed(at, key, certFile, "the store became PEM: "+certFile+" and "+keyFile)
	r.document.put("server.certificates.0.key", keyFile, "")
}

// managed returns the key pair that a connection handler shows.
func (r *reader) managed(handler *object) (keyPair, error) {
	reference := handler.get("key-manager-provider")
	if !reference.has() {
		return keyPair{}, fmt.Errorf("%s names no key manager provider", handler.path())
	}
	provider := r.objects.named(kindKeyManager, reference.text)
	if provider == nil {
		return keyPair{}, fmt.Errorf("there is no key manager provider %q", nameOf(reference.text))
	}
	file := provider.get("key-store-file")
	if !file.has() {
		return keyPair{}, fmt.Errorf("%s has no key-store-file", provider.path())
	}
	data, err := readFile(r.resolve(file.text))
	if err != nil {
		return keyPair{}, err
	}
	if why := unreadable(data, provider.get("key-store-type").text); why != "" {
		return keyPair{}, errors.New(why)
	}
	pin, err := r.pin(provider)
	if err != nil {
		return keyPair{}, err
	}
	pairs, err := keyPairs(data, pin)
	if err != nil {
		return keyPair{}, err
	}
	nickname := ""
	for _, v := range handler.all("ssl-cert-nickname") {
		if slices.ContainsFunc(pairs, func(p keyPair) bool { return strings.EqualFold(p.alias, v.text) }) {
			nickname = v.text
			break
		}
	}
	return choose(pairs, nickname)
}

// pin returns the password of a key store.
func (r *reader) pin(provider *object) (string, error) {
	text, file := provider.get("key-store-pin"), provider.get("key-store-pin-file")
	name := file.text
	if inside, found := strings.CutPrefix(text.text, "&{file:"); found && strings.HasSuffix(inside, "}") {
		name = strings.TrimSuffix(inside, "}")
	} else if text.has() && !strings.Contains(text.text, "&{") {
		return text.text, nil
	}
	if name == "" || strings.Contains(name, "&{") {
		return "", fmt.Errorf("%s has no password that can be read here", provider.path())
	}
	data, err := readFile(r.resolve(name))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimRight(line, "\r"), nil
}

// behind proposes the directory: the server itself, at its LDAPS port.
func (r *reader) behind(place Place) {
	const key = "directory.servers.0.url"
	at, proposal := &node{place: place, path: kindHandler}, "ldaps://localhost:1636"
	var handler *object
	for _, o := range r.objects.of(kindHandler) {
		if o.variant == "ldap-connection-handler" && o.on("enabled", true) && o.on("use-ssl", false) {
			handler = o
			break
		}
	}
	said := "the server answered from its own data, and no connection handler for LDAPS is told of"
	if handler != nil {
		at = handler.get("listen-port")
		host := handler.get("listen-address").text
		if host == "" || net.ParseIP(host).IsUnspecified() {
			host = "localhost"
		}
		proposal = "ldaps://" + net.JoinHostPort(host, cmp.Or(at.text, "636"))
		said = "the server answered from its own data; now it is the directory behind this gateway"
	}
	r.decide(at, fmt.Sprintf("%s. Where is it? --set %s=%s", said, key, proposal), key)
	r.propose(key, proposal)
	r.decide(&node{place: place, path: "proxied authorization"}, "the endpoint needed no account; this gateway needs one with the privilege proxied-auth, and access control that lets it act for others: "+
		"--set directory.bind.dn=DN --set directory.bind.password=file:FILE", "directory.bind.dn")
	r.directoryAuthority(handler)
}

// directoryAuthority takes the authority of the server's own certificate, when it is in
// its store.
func (r *reader) directoryAuthority(handler *object) {
	if handler == nil {
		return
	}
	at := handler.get("key-manager-provider")
	pair, err := r.managed(handler)
	if err != nil {
		r.dropped(at, fmt.Sprintf("the certificate of the directory cannot be read (%v); unless the system trusts its authority, --set directory.ca=FILE", err))
		return
	}
	text, err := certificatesPEM(pair.chain[len(pair.chain)-1:])
	if err != nil || !selfIssued(pair.chain[len(pair.chain)-1]) {
		r.dropped(at, "the store does not hold the authority of the directory's certificate; unless the system trusts it, --set directory.ca=FILE")
		return
	}
	r.add(File{Name: fileCA, Data: text})
	r.changed(at, "directory.ca", fileCA, "the authority of the directory's own certificate, as PEM")
}

// serverSwitches writes the switches of the engine, which the endpoints of a server did
// not have: they did as the defaults of the library say.
func (r *reader) serverSwitches(endpoints objects) {
	r.document.put(optionsAt+"useMvcc", true, "These four as the endpoints of a server did, which had no switches.")
	r.document.put(optionsAt+"useSubtreeDelete", true, "")
	r.document.put(optionsAt+"usePermissiveModify", true, "")
	r.document.put(optionsAt+"readOnUpdatePolicy", "controls", "")
	var on []bool
	for _, e := range endpoints {
		e.seen("return-null-for-missing-properties")
		on = append(on, e.on("return-null-for-missing-properties", false))
	}
	const key = optionsAt + "returnNullForMissingProperties"
	if at := endpoints[0].get("return-null-for-missing-properties"); len(slices.Compact(on)) == 1 {
		r.kept(at, key, on[0])
	} else {
		r.decide(at, "the endpoints differ, and this gateway has one switch for all: --set "+key+"=true or false", key)
	}
}

// globals looks at settings of the whole server.
func (r *reader) globals() {
	for _, o := range r.objects.of(kindGlobal) {
		if v := o.get("trust-transaction-ids"); v.has() {
			r.kept(v, "server.trustTransactionId", strings.EqualFold(v.text, "true"))
		}
	}
}

// locateServer finds the configuration of a directory server: config.ldif, or a text of
// dsconfig.
func locateServer(dir string) string {
	for _, pattern := range []string{"config.ldif", "config/config.ldif", "*.ldif", "*.dsconfig", "*dsconfig*"} {
		found, _ := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern))) // The patterns are good.
		for _, name := range found {
			if stat, err := os.Stat(name); err == nil && stat.Mode().IsRegular() {
				return name
			}
		}
	}
	return ""
}
