package config

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func (c *checker) version() {
	switch c.file.Version {
	case 1:
	case 0:
		if c.file.IsSet("version") {
			c.fail("version", "0 is not a version; write version: 1")
			return
		}
		c.fail("version", "is missing; write version: 1")
	default:
		c.fail("version", "%d is not known to this program; write version: 1", c.file.Version)
	}
}

func (c *checker) server() {
	s := &c.file.Server
	c.listen("server.listen", s.Listen)
	c.basePath("server.basePath", s.BasePath)
	c.within("server.maxConnections", s.MaxConnections, 10, 1_000_000)
	c.longSecret("server.cookieKey", &s.CookieKey)
	c.healthPath("server.health.alive", s.Health.Alive)
	c.healthPath("server.health.healthy", s.Health.Healthy)
	if s.Health.Alive != "" && s.Health.Alive == s.Health.Healthy {
		c.fail("server.health.healthy", "%s is server.health.alive already", s.Health.Healthy)
	}
	if len(s.Certificates) == 0 {
		c.fail("server.certificates", "is missing; the gateway speaks HTTPS only and needs one certificate at least, a cert and a key file")
	}
	c.certificates("server.certificates", s.Certificates)
}

func (c *checker) certificates(path string, all []Certificate) {
	c.missingElements(path, len(all))
	for i := range all {
		cert, key := &all[i].Cert, &all[i].Key
		at := fmt.Sprintf("%s[%d]", path, i)
		c.required(at+".cert", string(*cert), "tls/gateway.pem")
		c.required(at+".key", string(*key), "tls/gateway.key")
		c.readable(at+".cert", cert, public)
		c.readable(at+".key", key, private)
	}
}

// healthPath takes a path of plain segments.
func (c *checker) healthPath(path, at string) {
	if at == "" {
		return
	}
	if at == "/" {
		c.fail(path, "/ is where the APIs are; write for example /alive")
		return
	}
	c.basePath(path, at)
}

// minSecret is the least length of a secret that nobody has to remember, in octets.
const minSecret = 32

// longSecret takes a secret that cannot be guessed, or none.
func (c *checker) longSecret(path string, s *Secret) {
	if s.IsZero() {
		return
	}
	c.secret(path, s)
	if n := len(s.Value()); n > 0 && n < minSecret {
		c.fail(path, "has %d characters, which can be guessed; make one of %d or more, as with: openssl rand -base64 32", n, minSecret)
	}
}

func (c *checker) listen(path, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		c.fail(path, "%q is not host:port; write for example 0.0.0.0:8443 or [::1]:8443", address)
		return
	}
	if strings.ContainsAny(host, "/ ") {
		c.fail(path, "%q is not a host; write for example 0.0.0.0:8443", host)
		return
	}
	c.port(path, port, 0)
}

// port fails unless the port is a number from low to 65535.
func (c *checker) port(path, port string, low int) {
	if n, err := strconv.Atoi(port); err != nil || n < low || n > 65535 {
		c.fail(path, "the port %q is not a number between %d and 65535", port, low)
	}
}

func (c *checker) basePath(path, base string) {
	if base == "/" {
		return
	}
	if !strings.HasPrefix(base, "/") || strings.HasSuffix(base, "/") {
		c.fail(path, "%q must begin with a slash and not end in one, for example /directory", base)
		return
	}
	for segment := range strings.SplitSeq(base[1:], "/") {
		if segment == "" || segment == "." || segment == ".." || !plainSegment(segment) {
			c.fail(path, "%q is not a path of plain segments; use letters, digits and - . _ ~", base)
			return
		}
	}
}

// plainSegment reports whether a path segment holds unreserved characters only (RFC 3986 §2.3).
func plainSegment(segment string) bool {
	return !strings.ContainsFunc(segment, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
	})
}

func (c *checker) tls() {
	c.oneOf("tls.profile", c.file.TLS.Profile, "intermediate")
	c.readable("outboundTLS.ca", &c.file.OutboundTLS.CA, public)
}

func (c *checker) mapping() {
	c.folderAt("mapping.dir", &c.file.Mapping.Dir)
	const at = "mapping.options"
	o := &c.file.Mapping.Options
	if o.MvccAttribute != "" && !isAttributeName(o.MvccAttribute) {
		c.fail(at+".mvccAttribute", "%q is not the name of an attribute; write for example entryCSN", o.MvccAttribute)
	}
	if !o.UseMvcc {
		c.noEffect("useMvcc: false", at+".mvccAttribute")
	}
	c.oneOf(at+".readOnUpdatePolicy", o.ReadOnUpdatePolicy, "controls", "search", "disabled")
	c.within(at+".localSortMaxEntries", o.LocalSortMaxEntries, 1, 100_000)
}

// isAttributeName tells the name of an attribute type (RFC 4512 §1.4).
func isAttributeName(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	return strings.Trim(s, letters+"0123456789-") == "" && strings.ContainsAny(s[:1], letters)
}

func (c *checker) limits() {
	l := &c.file.Limits
	if l.Body < 1<<10 || l.Body > 64<<20 {
		c.fail("limits.body", "%s is not between 1KiB and 64MiB", l.Body)
	}
	if l.Part < 1<<10 || l.Part > 64<<20 {
		c.fail("limits.part", "%s is not between 1KiB and 64MiB", l.Part)
	}
	c.within("limits.depth", l.Depth, 4, 512)
	c.within("limits.pageSize", l.PageSize, 1, 100_000)
	c.within("limits.references", l.References, 1, 10_000)
	c.bounded("limits.requestTimeout", l.RequestTimeout, Duration(time.Second), Duration(10*time.Minute))
	c.bounded("limits.queryTimeout", l.QueryTimeout, Duration(time.Second), Duration(time.Hour))
	// Half of the pool is what lists may fill: each needs a second connection for the
	// references that it shows, and would wait for the others for ever.
	half := max(c.file.Directory.Pool.Max/2, 1)
	if !c.file.IsSet("limits.queries") {
		l.Queries = min(l.Queries, half)
	}
	if l.Queries < 1 {
		c.fail("limits.queries", "%d is less than 1", l.Queries)
	}
	if l.Queries > half && c.file.Sound("directory.pool.max") {
		c.fail("limits.queries", "%d is more than half of directory.pool.max, %d; a query needs a second connection for references",
			l.Queries, c.file.Directory.Pool.Max)
	}
}

func (c *checker) audit() {
	p := &c.file.Audit.File
	if *p == "" {
		return
	}
	*p = p.in(c.folder)
	folder := filepath.Dir(string(*p))
	if stat, err := os.Stat(folder); err != nil || !stat.IsDir() {
		c.fail("audit.file", "the folder %s is not there; make it first", folder)
		return
	}
	if stat, err := os.Stat(string(*p)); err == nil && stat.IsDir() {
		c.fail("audit.file", "%s is a folder; name a file", *p)
	}
}
