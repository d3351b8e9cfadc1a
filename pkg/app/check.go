package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/auth/basic"
	"github.com/rest2ldap/rest2ldap/pkg/auth/bearer"
	"github.com/rest2ldap/rest2ldap/pkg/config"
	"github.com/rest2ldap/rest2ldap/pkg/crest"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/tlspolicy"
)

// Check judges what Load could not: whether the files that a configuration names hold
// what they should, whether names and filters are well formed, and whether the mapping
// files compile. It asks nothing of the network. The problems are in the order of their
// places, each once; what Load has told is not told again.
func Check(file *config.File) config.Problems {
	_, problems := inspect(file)
	return problems
}

// parts are what the texts and files of a configuration stand for.
type parts struct {
	certificates []tls.Certificate
	// Nil pools are the authorities of the system.
	directoryRoots, outboundRoots, issuerRoots *x509.CertPool
	models                                     []*mapping.Model
	// adminCertificates are none where the admin listener has none of its own, adminRoots nil
	// where it takes whoever has the token.
	adminCertificates []tls.Certificate
	adminRoots        *x509.CertPool
	// validity is for how long the certificates in a file are good, by the path of the
	// setting that names the file.
	validity map[string]tlspolicy.Validity

	bindDN directory.DN
	// bindCertificates is the certificate for the mechanism EXTERNAL.
	bindCertificate *tls.Certificate
	policy          gateway.Policy
	passwordPolicy  directory.DN
	baseDN          directory.DN
	filter          directory.FilterTemplate
	dnTemplate      directory.DNTemplate
	plainID         basic.AuthzID
	// anonymous is as whom requests without credentials act.
	anonymous directory.Identity
	authzID   bearer.Template
	// introspectionCertificate is shown to the authorization server; nil when there is none.
	introspectionCertificate *tls.Certificate
	// keys are those of a file; nil where they come from a URL.
	keys bearer.Keys
}

// inspector makes the parts of a configuration and notes what is wrong with it.
type inspector struct {
	parts

	file     *config.File
	problems config.Problems
}

func inspect(file *config.File) (parts, config.Problems) {
	i := &inspector{file: file, parts: parts{validity: map[string]tlspolicy.Validity{}}}
	i.certificates = i.serverCertificates("server.certificates", file.Server.Certificates)
	i.adminCertificates = i.serverCertificates("admin.certificates", file.Admin.Certificates)
	i.adminRoots = i.roots("admin.clientCA", file.Admin.ClientCA)
	i.directory()
	i.basic()
	i.bearer()
	i.nobody()
	i.rules()
	i.mapping()
	if name := i.file.Mapping.Options.MvccAttribute; mapping.IsCredential(name) {
		i.fail("mapping.options.mvccAttribute", fmt.Errorf("%q holds credentials, which nobody may see; name another attribute", name))
	}
	i.problems.Sort()
	return i.parts, i.problems
}

// fail notes the problem err with the value at path, if there is one and Load has told
// of none.
func (i *inspector) fail(path string, err error) {
	if err != nil && i.file.Sound(path) {
		i.problems = append(i.problems, i.file.Problem(path, err.Error()))
	}
}

func (i *inspector) warn(path, format string, args ...any) {
	p := i.file.Problem(path, fmt.Sprintf(format, args...))
	p.Warning = true
	i.problems = append(i.problems, p)
}

// serverCertificates reads the certificates of a listener.
func (i *inspector) serverCertificates(path string, all []config.Certificate) []tls.Certificate {
	var certificates []tls.Certificate
	for n, c := range all {
		at := fmt.Sprintf("%s[%d]", path, n)
		if c.Cert == "" || c.Key == "" || !i.file.Sound(at+".cert") || !i.file.Sound(at+".key") {
			continue
		}
		certificate, err := tlspolicy.LoadCertificate(string(c.Cert), string(c.Key))
		if err != nil {
			i.fail(at, err)
			continue
		}
		certificates = append(certificates, certificate)
		i.shown(at+".cert", c.Cert, certificate, "clients")
	}
	return certificates
}

// shown warns of a certificate that those to whom it is shown will not take at present.
func (i *inspector) shown(path string, file config.Path, certificate tls.Certificate, who string) {
	i.lives(path, file, who+" will refuse it")
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	switch {
	case err != nil:
		i.fail(path, err)
	case time.Now().Before(leaf.NotBefore):
		i.warn(path, "the certificate in %s is not valid before %s; %s will refuse it", file, leaf.NotBefore.UTC().Format(time.RFC3339), who)
	}
}

// renew is what is to be done about a certificate.
const renew = "put another one in its place"

// lives notes for how long the certificates in a file are good, and warns when that is not for
// long, or of what follows from one that has expired.
func (i *inspector) lives(path string, file config.Path, expired string) {
	v, err := tlspolicy.ReadValidity(string(file))
	if err != nil {
		return // Who loads it says so.
	}
	i.parts.validity[path] = v
	at := v.NotAfter.UTC().Format(time.RFC3339)
	switch now := time.Now(); {
	case !endsSoon(path, v, now):
	case now.After(v.NotAfter):
		i.warn(path, "the certificate in %s expired on %s; %s", file, at, expired)
	default:
		i.warn(path, "the certificate in %s expires on %s; %s", file, at, renew)
	}
}

// roots reads a bundle of authorities; without one it is nil.
func (i *inspector) roots(path string, file config.Path) *x509.CertPool {
	if file == "" || !i.file.Sound(path) {
		return nil
	}
	pool, err := tlspolicy.LoadRoots(string(file))
	i.fail(path, err)
	i.lives(path, file, renew)
	return pool
}

func (i *inspector) directory() {
	d := &i.file.Directory
	i.directoryRoots = i.roots("directory.ca", d.CA)
	i.outboundRoots = i.roots("outboundTLS.ca", i.file.OutboundTLS.CA)
	if d.Bind.DN != "" {
		i.bindDN = i.dn("directory.bind.dn", d.Bind.DN)
	}
	if d.PasswordPolicy != "" {
		i.passwordPolicy = i.dn("directory.passwordPolicy", d.PasswordPolicy)
	}
	i.bindCertificate = i.clientCertificate("directory.bind", d.Bind.Cert, d.Bind.Key, "the directory")
}

// clientCertificate reads the certificate of the section at, which is shown to who;
// without one it is nil.
func (i *inspector) clientCertificate(at string, cert, key config.Path, who string) *tls.Certificate {
	if cert == "" || key == "" || !i.file.Sound(at+".cert") || !i.file.Sound(at+".key") {
		return nil
	}
	certificate, err := tlspolicy.LoadCertificate(string(cert), string(key))
	if err != nil {
		i.fail(at+".cert", err)
		return nil
	}
	i.shown(at+".cert", cert, certificate, who)
	return &certificate
}

func (i *inspector) dn(path, text string) directory.DN {
	dn, err := directory.ParseDN(text)
	if err == nil && dn.IsZero() {
		err = errors.New("names no entry; the root of the directory will not do")
	}
	i.fail(path, err)
	return dn
}

func (i *inspector) basic() {
	b := i.file.Auth.Basic
	if b == nil {
		return
	}
	var err error
	if b.BaseDN != "" {
		i.baseDN = i.dn("auth.basic.baseDn", b.BaseDN)
	}
	if b.Filter != "" && i.file.Sound("auth.basic.filter") {
		i.filter, err = directory.ParseFilterTemplate(b.Filter)
		i.fail("auth.basic.filter", err)
	}
	if b.DNTemplate != "" && i.file.Sound("auth.basic.dnTemplate") {
		i.dnTemplate, err = directory.ParseDNTemplate(b.DNTemplate)
		if err == nil && (i.dnTemplate.Climbs() > 0 || i.dnTemplate.IsVariable()) {
			err = fmt.Errorf("%q must be a whole DN in which {username} is a value, for example uid={username},ou=People,dc=example,dc=com", b.DNTemplate)
		}
		i.fail("auth.basic.dnTemplate", err)
	}
	if b.Mode == "sasl-plain" && i.file.Sound("auth.basic.authzId") {
		i.plainID, err = basic.ParseAuthzID(b.AuthzID)
		i.fail("auth.basic.authzId", err)
	}
}

// nobody settles as whom requests without credentials act: never as the gateway itself.
func (i *inspector) nobody() {
	const path = "auth.anonymous.identity"
	if i.file.Auth.Anonymous == nil || !i.file.Sound(path) {
		return
	}
	name, named := strings.CutPrefix(i.file.Auth.Anonymous.Identity, "dn:")
	if !named {
		return
	}
	dn := i.dn(path, name)
	if dn.Key() == i.bindDN.Key() {
		i.fail(path, errors.New("is the gateway's own account, whose rights are everybody's; name an entry that has few, or write anonymous"))
	}
	i.anonymous = directory.Identity{AuthzID: "dn:" + dn.String()}
}

// rules makes the policy.
func (i *inspector) rules() {
	for n, r := range i.file.Auth.Policy {
		at := fmt.Sprintf("auth.policy[%d]", n)
		rule := gateway.Rule{Verbs: verbsOf(r.May)}
		for m, text := range r.Callers {
			rule.Callers = append(rule.Callers, i.caller(fmt.Sprintf("%s.callers[%d]", at, m), text))
		}
		for _, path := range r.Resources {
			segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
			if path == "/" {
				segments = nil
			}
			rule.Resources = append(rule.Resources, segments)
		}
		i.policy = append(i.policy, rule)
	}
}

func (i *inspector) caller(path, text string) gateway.Caller {
	if text == "*" {
		return gateway.Caller{}
	}
	name, below := strings.CutPrefix(text, "*,")
	return gateway.Caller{DN: i.dn(path, name), Below: below}
}

// verbsOf are what the words of a rule allow.
func verbsOf(words []string) []mapping.Verb {
	var verbs []mapping.Verb
	for _, word := range words {
		switch word {
		case "read":
			verbs = append(verbs, mapping.Read, mapping.Query)
		case "create":
			verbs = append(verbs, mapping.Create)
		case "update":
			verbs = append(verbs, mapping.Update, mapping.Patch)
		case "delete":
			verbs = append(verbs, mapping.Delete)
		case "action":
			verbs = append(verbs, mapping.Action)
		}
	}
	return verbs
}

func (i *inspector) mapping() {
	dir := i.file.Mapping.Dir
	if !i.file.Sound("mapping.dir") {
		return
	}
	files, folder := mappings.Files(), "embedded mappings"
	if dir != "" {
		files, folder = os.DirFS(string(dir)), string(dir)
	}
	i.models = i.compile(files, folder)
	i.health()
	// Whether these models go together is for the engine and the edge to say.
	service, err := gateway.New(gateway.Options{Models: i.models})
	if err == nil && i.file.Sound("server.basePath") {
		_, err = crest.New(protocol(i.file, i.models, service))
	}
	i.fail("mapping.dir", err)
}

// health looks whether the paths of health checks are those of an API.
func (i *inspector) health() {
	h := i.file.Server.Health
	for path, at := range map[string]string{"server.health.alive": h.Alive, "server.health.healthy": h.Healthy} {
		for _, m := range i.models {
			api := strings.TrimSuffix(i.file.Server.BasePath, "/") + "/" + m.BasePath
			if at == api || strings.HasPrefix(at, api+"/") {
				i.fail(path, fmt.Errorf("%s is a path of the API %s; choose another", at, api))
				break
			}
		}
	}
}

// compile reads the mapping files of a folder.
func (i *inspector) compile(files fs.FS, folder string) []*mapping.Model {
	models, warnings, err := mapping.Load(files)
	for _, w := range warnings {
		p := mappingProblem(folder, w)
		p.Warning = true
		i.problems = append(i.problems, p)
	}
	var problems mapping.Problems
	if !errors.As(err, &problems) {
		i.fail("mapping.dir", err)
		return models
	}
	for _, p := range problems {
		i.problems = append(i.problems, mappingProblem(folder, p))
	}
	return nil
}

// mappingProblem moves a problem of a mapping file to where the operator finds the file.
func mappingProblem(folder string, p mapping.Problem) config.Problem {
	place := config.Place{File: filepath.Join(folder, p.File), Line: p.Line, Column: p.Column}
	return config.Problem{Place: place, Path: p.Path, Message: p.Message}
}
