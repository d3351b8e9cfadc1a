package legacy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Names of the files beside gateway.yaml.
const (
	fileCA         = "tls/directory-ca.pem"
	fileClient     = "tls/client.pem"
	fileClientKey  = "secrets/client.key"
	filePassword   = "secrets/directory-password"
	folderMappings = "mappings"
)

// trust writes whom the gateway trusts.
func (r *reader) trust() {
	s := r.security
	r.known(s, "trustManager", "fileBasedTrustManagerType", "fileBasedTrustManagerFile", "fileBasedTrustManagerPasswordFile", "fileBasedTrustManagerPassword",
		"fileBasedTrustManagerProvider", "keyManager", "fileBasedKeyManagerType", "fileBasedKeyManagerFile", "fileBasedKeyManagerPasswordFile",
		"fileBasedKeyManagerPassword", "fileBasedKeyManagerProvider", "pkcs11KeyManagerPasswordFile")
	const key = "directory.ca"
	v := r.choice(s, "trustManager", "jvm", "file", "trustAll")
	if v.text != "file" {
		r.unused(s, v, "fileBasedTrustManager", "trustManager")
	}
	switch {
	case v.told:
		r.decide(v, "", key)
	case !v.has() || v.text == "jvm":
		r.dropped(v, "jvm, the authorities of the Java installation, are those of the system now; one of your own goes to directory.ca")
	case v.text == "file":
		r.same(v, "")
		r.trustStore()
	case v.text == "trustAll":
		r.decide(v, "any certificate was taken, from whoever answered; name the authority of the directory: --set "+key+"=FILE, in PEM, or write jvm there if it is one that the system trusts", key)
	default:
		r.decide(v, fmt.Sprintf("%q is none of jvm, file and trustAll; mend it there, or --set %s=FILE", v.text, key), key)
	}
}

// unused tells of the settings of a store that no manager reads.
func (r *reader) unused(s, manager *node, prefix, name string) {
	for _, m := range s.members {
		if strings.HasPrefix(m.name, prefix) && m.value.has() {
			r.dropped(m.value, fmt.Sprintf("%s is %s, so that this had no effect; left out", name, cmp.Or(manager.text, "jvm")))
		}
	}
}

// trustStore makes PEM of a trust store.
func (r *reader) trustStore() {
	const key = "directory.ca"
	data, password, at, ok := r.store("fileBasedTrustManager", key)
	if !ok {
		return
	}
	certificates, err := trusted(data, password)
	var text []byte
	if err == nil {
		text, err = certificatesPEM(certificates)
	}
	if err == nil && len(text) == 0 {
		err = errors.New("the store holds no trusted certificate")
	}
	if err != nil {
		r.decide(at, fmt.Sprintf("%v; mend it there, or --set %s=FILE, in PEM", err, key), key)
		return
	}
	r.add(File{Name: fileCA, Data: text})
	r.changed(at, key, fileCA, fmt.Sprintf("the store became PEM, %s; and a server must show a certificate for its own name, which the old gateway did not look at", count(len(certificates), "certificate")))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// store reads a key store and its password. When it cannot, it asks for a decision, which
// whoever sets the key has made.
func (r *reader) store(prefix, key string) (data []byte, password string, at *node, ok bool) {
	at = r.text(r.security, prefix+"File")
	if !at.has() {
		r.decide(at, "is missing; write it there, or --set "+key+"=FILE, in PEM", key)
		return nil, "", at, false
	}
	kind := r.text(r.security, prefix+"Type")
	if kind.has() {
		r.same(kind, "the content of the file decides")
	}
	if provider := r.text(r.security, prefix+"Provider"); provider.has() {
		r.dropped(provider, "the store is read without Java, and without its providers")
	}
	data, err := readFile(r.resolve(at.text))
	if err != nil {
		r.decide(at, fmt.Sprintf("the store cannot be read: %v; put it there, or --set %s=FILE, in PEM", err, key), key)
		return nil, "", at, false
	}
	if why := unreadable(data, kind.text); why != "" {
		r.decide(at, why+"; or --set "+key+"=FILE, in PEM", key)
		return nil, "", at, false
	}
	if formOf(data) == formPEM {
		return data, "", at, true
	}
	password, ok = r.storePassword(prefix, key)
	return data, password, at, ok
}

// storePassword finds the password of a store: the file of it, else the text.
func (r *reader) storePassword(prefix, key string) (string, bool) {
	file, text := r.text(r.security, prefix+"PasswordFile"), r.text(r.security, prefix+"Password")
	switch {
	case file.has():
		data, err := readFile(r.resolve(file.text))
		if err != nil {
			r.decide(file, fmt.Sprintf("the password cannot be read: %v; put it there, or --set %s=FILE, in PEM", err, key), key)
			return "", false
		}
		r.dropped(file, "the store became PEM, which needs no password")
		if text.has() {
			r.dropped(text, "the password in the file came first; left out")
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		return strings.TrimRight(string(line), "\r"), true
	case text.has():
		r.dropped(text, "the store became PEM, which needs no password")
		return text.text, true
	}
	r.decide(file, "is missing, and without the password nobody can tell whether the store is whole; write it there, or --set "+key+"=FILE, in PEM", key)
	return "", false
}

// resolve finds a file that the old configuration names. A relative name was one from
// the working directory of the web container, which nobody here knows: it is looked for
// beside config.json and in the web application.
func (r *reader) resolve(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	beside := filepath.Join(r.classes, name)
	for _, candidate := range []string{beside, filepath.Join(r.classes, "..", "..", name), filepath.Join(r.classes, "..", name)} {
		if _, err := os.Stat(candidate); err == nil {
			return candidate
		}
	}
	return beside
}

// account writes the gateway's own account, that of the root factory.
func (r *reader) account(f *factory) {
	const dnKey, passwordKey = "directory.bind.dn", "directory.bind.password"
	authentication := r.object(f.merged, "authentication")
	if !authentication.has() {
		r.decide(f.merged.get("authentication"), "the root factory has no account, so that requests went to the directory as nobody; this gateway needs one that may act for others. --set directory.bind.dn=DN --set directory.bind.password=file:FILE", dnKey)
		r.clientCertificate(f, false)
		return
	}
	r.known(authentication, "simple", "bindDn", "bindPassword", "bindPasswordFile", "saslExternal", "sasl-external", "external")
	for _, name := range []string{"saslExternal", "sasl-external", "external"} {
		if at := authentication.get(name); at.has() {
			r.kept(at, "directory.bind.mechanism", "EXTERNAL")
			r.clientCertificate(f, true)
			return
		}
	}
	simple := r.object(authentication, "simple")
	if !simple.has() {
		if !authentication.get("bindDn").has() {
			r.decide(authentication, `holds no "simple" with bindDn and bindPassword; write it there, or --set directory.bind.dn=DN --set directory.bind.password=file:FILE`, dnKey)
			return
		}
		r.dropped(authentication, `bindDn and bindPassword stand here without "simple" around them, as the documentation has it; the old gateway did not start with that. They are taken as they are meant`)
		simple = authentication
	} else {
		r.known(simple, "bindDn", "bindPassword", "bindPasswordFile")
	}
	if dn := r.text(simple, "bindDn"); r.required(dn, dnKey) {
		r.kept(dn, dnKey, dn.text)
	}
	r.password(simple, passwordKey)
	r.clientCertificate(f, false)
}

// password makes a file of the password of the account.
func (r *reader) password(simple *node, key string) {
	file, text := r.text(simple, "bindPasswordFile"), r.text(simple, "bindPassword")
	switch {
	case file.has():
		r.secretFile(file, key)
	case !text.has() || text.text == "":
		r.decide(text, fmt.Sprintf("is missing; write it there, or --set %s=file:FILE", key), key)
	case strings.ContainsAny(text.text, "\r\n"):
		r.decide(text, "holds a line break, which a password in a file cannot; change the password of the account", key)
	default:
		r.add(File{Name: filePassword, Data: []byte(text.text + "\n"), Secret: true})
		r.changed(text, key, "file:"+filePassword, "a password does not stand in the configuration; it is in a file that the gateway alone can read")
	}
}

// secretFile keeps a secret in the file where it is.
func (r *reader) secretFile(file *node, key string) {
	path, err := filepath.Abs(r.resolve(file.text))
	if err == nil {
		_, err = readFile(path)
	}
	if err != nil {
		r.decide(file, fmt.Sprintf("the secret cannot be read: %v; put it there, or --set %s=file:FILE", err, key), key)
		return
	}
	r.kept(file, key, "file:"+path)
}

// clientCertificate writes the certificate that the gateway shows to the directory.
func (r *reader) clientCertificate(f *factory, external bool) {
	const certKey, keyKey = "directory.bind.cert", "directory.bind.key"
	manager, alias := r.choice(r.security, "keyManager", "jvm", "file", "pkcs11", "none"), r.text(f.merged, "sslCertAlias")
	const remedy = "--set " + certKey + "=FILE --set " + keyKey + "=FILE, in PEM"
	if manager.text != "file" {
		r.unused(r.security, manager, "fileBasedKeyManager", "keyManager")
	}
	if pin := r.security.get("pkcs11KeyManagerPasswordFile"); pin.has() {
		r.dropped(pin, "PKCS#11 tokens are not read here; left out")
	}
	clear := r.choice(f.merged, "connectionSecurity", securities()...)
	switch {
	case manager.told:
		r.decide(manager, "", certKey)
	case manager.text == "pkcs11":
		r.decide(manager, "PKCS#11 tokens are not read here; name a certificate with its key as files, "+remedy+", or write none there", certKey)
	case manager.text == "file":
		r.same(manager, "")
		r.clientStore(alias)
	case external:
		r.decide(manager, "the account binds with a certificate, and the one of the Java installation is not read here; "+remedy, certKey)
	case alias.has() && (!clear.has() || clear.text == "none"):
		r.dropped(alias, "connectionSecurity is none, so that this had no effect; left out. If the directory asks for a certificate: "+remedy)
		if manager.has() {
			r.dropped(manager, noCertificate(manager))
		}
	case alias.has():
		r.decide(alias, "names a certificate of the Java installation, which is not read here; "+remedy+", or take it out there", certKey)
	case manager.has() && !slices.Contains([]string{"jvm", "none"}, manager.text):
		r.decide(manager, fmt.Sprintf("%q is none of jvm, file, pkcs11 and none; mend it there", manager.text), certKey)
	case manager.has():
		r.dropped(manager, noCertificate(manager)+". If it asks for one: "+remedy)
	}
}

func noCertificate(manager *node) string {
	return manager.text + ", no certificate of a file; none is shown to the directory"
}

// clientStore makes PEM of a key store.
func (r *reader) clientStore(alias *node) {
	const certKey, keyKey = "directory.bind.cert", "directory.bind.key"
	data, password, at, ok := r.store("fileBasedKeyManager", certKey)
	if !ok {
		return
	}
	certificate, key, err := pemOf(data, password, alias.text)
	if err != nil {
		r.decide(at, fmt.Sprintf("%v; mend it there, or --set %s=FILE --set %s=FILE, in PEM", err, certKey, keyKey), certKey)
		return
	}
	r.add(File{Name: fileClient, Data: certificate}, File{Name: fileClientKey, Data: key, Secret: true})
	r.changed(at, certKey, fileClient, "the store became PEM: "+fileClient+" and "+fileClientKey)
	r.document.put(keyKey, fileClientKey, "")
	if alias.has() {
		r.same(alias, "")
	}
}
