package legacy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Gateway is an old configuration as this gateway understands it. Only
// Decide changes it.
type Gateway struct {
	// Findings tell what becomes of each setting, in the order of their places.
	Findings []Finding
	// Files are those that gateway.yaml names.
	Files []File

	document *document
}

// File is a file beside gateway.yaml.
type File struct {
	// Name is relative to the folder of gateway.yaml, with slashes.
	Name string
	Data []byte
	// Secret files are for the gateway alone.
	Secret bool
	// From is the old file of which it is a copy; empty when it was made of something else.
	From string
}

// Decisions returns the findings that are for the operator to decide.
func (g *Gateway) Decisions() []Finding {
	var some []Finding
	for _, f := range g.Findings {
		if f.Status == Decision {
			some = append(some, f)
		}
	}
	return some
}

// YAML returns gateway.yaml. Comments tell where the values come from, what changes, and
// what is to be decided.
func (g *Gateway) YAML() ([]byte, error) { return g.document.bytes(g.Decisions()) }

// Decide sets a key of gateway.yaml to what the operator wants: a text, a number, a truth
// value or a list of texts. The path has dots only: directory.servers.0.url. A finding that
// asked for it is a decision no more.
func (g *Gateway) Decide(path string, value any) {
	g.document.put(path, value, "decided by the operator")
	for i := range g.Findings {
		if f := &g.Findings[i]; f.Status == Decision && slices.Contains(f.Keys, path) {
			f.Status, f.Message = Changed, "decided by the operator, with "+path
		}
	}
}

// Write writes gateway.yaml and its files into a folder, which it makes when it is not
// there. It overwrites nothing: a folder that holds something is refused.
func (g *Gateway) Write(dir string) error {
	text, err := g.YAML()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if inside, err := os.ReadDir(dir); err != nil {
		return err
	} else if len(inside) > 0 {
		return fmt.Errorf("%s is not empty; name a folder that is, or one that is not there yet", dir)
	}
	for _, f := range append([]File{{Name: "gateway.yaml", Data: text}}, g.Files...) {
		if err := f.write(dir); err != nil {
			return err
		}
	}
	return nil
}

func (f File) write(dir string) error {
	name := filepath.Join(dir, filepath.FromSlash(f.Name))
	folder, mode := fs.FileMode(0o755), fs.FileMode(0o644)
	if f.Secret {
		folder, mode = 0o700, 0o600
	}
	if err := os.MkdirAll(filepath.Dir(name), folder); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(f.Data)
	return errors.Join(err, file.Close())
}

// Read reads the old configuration at path. The error says that there is none, or that its
// files cannot be read; what is wrong in it is among the findings.
func Read(path string) (*Gateway, error) {
	r := &reader{document: newDocument()}
	r.document.put("version", 1, "")
	server, err := r.locate(path)
	if err != nil {
		return nil, err
	}
	if server != "" {
		err = r.inServer(server)
	} else {
		err = r.gateway()
	}
	if err != nil {
		return nil, err
	}
	sortFindings(r.findings)
	return &Gateway{Findings: r.findings, Files: r.files, document: r.document}, nil
}

// reader makes the new configuration of the old.
type reader struct {
	// classes is the folder of config.json, and context the path at which the web
	// application was deployed, "" when the folder does not tell.
	classes, context string

	document *document
	findings []Finding
	files    []File

	factories map[string]*factory
	// own are the factories without what they inherit.
	own map[string]*node
	// names are those of the factories, in the order of the file.
	names []string
	// security is that section of config.json.
	security *node
	// objects are those of a directory server.
	objects objects
}

// locate finds the configuration: a gateway's, or a file of a directory server, which it
// then returns.
func (r *reader) locate(path string) (server string, err error) {
	stat, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s is not there; name the folder of the old gateway, or the config.ldif of a directory server", path)
	case err != nil:
		return "", err
	case !stat.IsDir() && filepath.Base(path) == "config.json":
		return "", fmt.Errorf("%s is one of several files; name the folder that holds it, %s", path, filepath.Dir(path))
	}
	if stat.IsDir() {
		for _, inner := range []string{".", "WEB-INF/classes", "classes"} {
			folder := filepath.Join(path, filepath.FromSlash(inner))
			if _, err := os.Stat(filepath.Join(folder, "config.json")); err == nil {
				r.classes = folder
				return "", r.deployment(folder)
			}
		}
		if server = locateServer(path); server == "" {
			if single := locateSingle(path); single != "" {
				return "", r.refuseSingle(single)
			}
		}
	} else if filepath.Base(path) == "config.json" {
		r.classes = filepath.Dir(path)
		return "", r.deployment(r.classes)
	} else if strings.EqualFold(filepath.Ext(path), ".json") {
		return "", r.refuseSingle(path)
	} else {
		server = path
	}
	if server == "" {
		return "", fmt.Errorf("%s holds no configuration of an old gateway: neither config.json nor WEB-INF/classes/config.json is there, and no config.ldif nor dsconfig.txt of a directory server", path)
	}
	// The files that it names are relative to the folder of the server, above config.
	r.classes = filepath.Dir(server)
	if absolute, err := filepath.Abs(r.classes); err == nil && filepath.Base(absolute) == "config" {
		r.classes = filepath.Join(r.classes, "..")
	}
	return server, nil
}

// deployment derives the context path from the name of the web application, as Tomcat
// does: ROOT is the root, # a slash, and ## begins a version.
func (r *reader) deployment(classes string) error {
	absolute, err := filepath.Abs(classes)
	if err != nil {
		return err
	}
	if filepath.Base(absolute) != "classes" || filepath.Base(filepath.Dir(absolute)) != "WEB-INF" {
		return nil
	}
	name := strings.TrimSuffix(filepath.Base(filepath.Dir(filepath.Dir(absolute))), ".war")
	name, _, _ = strings.Cut(name, "##")
	if r.context = "/" + strings.ReplaceAll(name, "#", "/"); name == "ROOT" {
		r.context = "/"
	}
	return nil
}

// gateway reads the files of a gateway.
func (r *reader) gateway() error {
	name := filepath.Join(r.classes, "config.json")
	root, err := r.json(name)
	if err != nil {
		return err
	}
	if isSingle(root) {
		return r.refuseSingle(name)
	}
	r.server(Place{File: name})
	if root != nil {
		r.known(root, "security", "ldapConnectionFactories", "authorization")
		r.security = r.object(root, "security")
		r.readFactories(root)
		r.trust()
		r.directory(root)
		r.authorization(root)
		r.remainder(root)
	}
	if err := r.engine(filepath.Join(r.classes, "rest2ldap", "rest2ldap.json")); err != nil {
		return err
	}
	if err := r.mappings(filepath.Join(r.classes, "rest2ldap", "endpoints")); err != nil {
		return err
	}
	r.leftovers()
	return nil
}

// json reads a JSON file; nil when it is none, which is among the findings then.
func (r *reader) json(name string) (*node, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	root, finding := parseJSON(name, data)
	if finding != nil {
		r.findings = append(r.findings, *finding)
		return nil, nil
	}
	if root.kind != '{' {
		r.decide(root, "the file must hold an object, not "+root.describe())
		return nil, nil
	}
	return root, nil
}

// readFile reads a file of bounded size.
func readFile(name string) ([]byte, error) {
	stat, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() || stat.Size() > maxFile {
		return nil, fmt.Errorf("%s is no file, or larger than %d octets", name, maxFile)
	}
	return os.ReadFile(name)
}

// server writes the side of the clients, which the web container had.
func (r *reader) server(place Place) {
	n := &node{place: place}
	base, why := r.context, "the path of the web application, from the name of its folder"
	if base == "" {
		base, why = "/rest2ldap", "the folder does not tell where the web application was deployed; this is the path that its documentation deploys it at. For another: --set server.basePath=/PATH"
	}
	r.document.put("server.basePath", base, why)
	r.findings = append(r.findings, Finding{Status: Kept, Place: place, Path: "context path", Keys: []string{"server.basePath"}, Message: why})
	r.decide(n, "the web container had the certificate for the clients; name one for this gateway: "+
		"--set server.certificates.0.cert=FILE --set server.certificates.0.key=FILE",
		"server.certificates.0.cert", "server.certificates.0.key")
	r.document.put("server.certificates.0.cert", "tls/gateway.pem", "")
	r.document.put("server.certificates.0.key", "tls/gateway.key", "")
}

// leftovers tells of files that have no counterpart.
func (r *reader) leftovers() {
	name := filepath.Join(r.classes, "logging.properties")
	if _, err := os.Stat(name); err == nil {
		r.findings = append(r.findings, Finding{
			Status: Changed, Place: Place{File: name},
			Message: "not read: logs go to standard error, and the record of requests to standard error or to audit.file",
		})
	}
}
