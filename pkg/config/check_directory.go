package config

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"
)

func (c *checker) directory() {
	d := &c.file.Directory
	if len(d.Servers) == 0 {
		c.fail("directory.servers", "is missing; write at least one server, for example - url: ldaps://ldap.example.com")
	}
	c.missingElements("directory.servers", len(d.Servers))
	primaries, writable := 0, 0
	for i := range d.Servers {
		s := &d.Servers[i]
		at := fmt.Sprintf("directory.servers[%d]", i)
		if s.Role == "" {
			s.Role = "primary"
		}
		if s.Role == "primary" {
			primaries++
		}
		if !s.ReadOnly {
			writable++
		}
		c.oneOf(at+".role", s.Role, "primary", "secondary")
		if c.required(at+".url", s.URL, "ldaps://ldap.example.com") {
			c.ldapURL(at, s)
		}
		c.repeated(at, i)
	}
	if primaries == 0 && len(d.Servers) > 0 {
		c.fail("directory.servers", "no server has the role primary; give it to one")
	}
	if writable == 0 && len(d.Servers) > 0 {
		c.fail("directory.servers", "every server is readOnly; changes need one that is not")
	}
	c.readable("directory.ca", &d.CA, public)
	c.identity()
	c.bind(&d.Bind)
	c.oneOf("directory.balance", d.Balance, "failover", "leastRequests", "affinity")
	c.bounded("directory.writeCoherence", d.WriteCoherence, 0, Duration(10*time.Minute))
	c.pool(&d.Pool)
	c.bounded("directory.connectTimeout", d.ConnectTimeout, Duration(100*time.Millisecond), Duration(time.Minute))
	c.bounded("directory.idleGap", d.IdleGap, Duration(time.Second), Duration(10*time.Minute))
}

// repeated fails for a server that stands in the list twice.
func (c *checker) repeated(at string, i int) {
	servers := c.file.Directory.Servers
	for j := range i {
		if servers[i].URL != "" && address(servers[j].URL) == address(servers[i].URL) {
			c.fail(at+".url", "%s is directory.servers[%d] already", servers[i].URL, j)
			return
		}
	}
}

// address returns the host and the port of a server, and what is no URL as it is.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return text
	}
	return strings.ToLower(u.Hostname()) + ":" + cmp.Or(u.Port(), map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme])
}

func (c *checker) ldapURL(at string, s *DirectoryServer) {
	path, scheme := at+".url", "ldaps"
	if s.StartTLS {
		scheme = "ldap"
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		c.fail(path, "%q is not a URL; write %s://host or %s://host:port", s.URL, scheme, scheme)
		return
	}
	switch {
	case u.Scheme == "ldap" && !s.StartTLS:
		c.fail(path, "ldap:// is not encrypted, and the gateway never speaks in clear; use ldaps:// (usual port 636), or startTLS: true")
	case u.Scheme == "ldaps" && s.StartTLS:
		c.fail(at+".startTLS", "has no effect with ldaps://, which is encrypted from the beginning; remove it, or write ldap://")
	case u.Scheme != scheme || u.Host == "" || u.Hostname() == "":
		c.fail(path, "%q must be %s://host or %s://host:port", s.URL, scheme, scheme)
	case u.User != nil:
		c.fail(path, "must not hold a user; the account stands in directory.bind")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		c.fail(path, "%q must end after the port; base DNs stand in the mapping files", s.URL)
	case u.Port() != "":
		c.port(path, u.Port(), 1)
	}
}

// identity checks that the callers can be acted for in that way.
func (c *checker) identity() {
	const path = "directory.identity"
	d, a := &c.file.Directory, &c.file.Auth
	c.oneOf(path, d.Identity, "proxied", "bind", "sasl-proxy", "service")
	switch {
	case d.Identity == "bind" && (a.Has("bearer") || !a.Has("basic") && len(a.Methods) > 0):
		c.fail(path, "with bind the directory is asked with the caller's own password, which only auth.basic has; leave out auth.bearer, or use proxied")
	case d.Identity == "sasl-proxy" && d.Bind.Mechanism == "simple":
		c.fail(path, "with sasl-proxy the gateway's account assumes identities as it binds, which a simple bind cannot do; set directory.bind.mechanism to EXTERNAL or PLAIN")
	case d.Identity == "service" && len(a.Policy) == 0:
		c.fail(path, "with service the directory cannot tell callers apart; say in auth.policy who may do what")
	}
}

func (c *checker) bind(b *Bind) {
	const at = "directory.bind"
	c.oneOf(at+".mechanism", b.Mechanism, "simple", "EXTERNAL", "PLAIN")
	switch b.Mechanism {
	case "simple":
		c.required(at+".dn", b.DN, "cn=rest2ldap,ou=Services,dc=example,dc=com")
		c.secret(at+".password", &b.Password)
		c.noEffect("mechanism: simple", at+".user")
		c.clientCertificate(at, &b.Cert, &b.Key)
	case "PLAIN":
		c.required(at+".user", b.User, "rest2ldap")
		c.secret(at+".password", &b.Password)
		c.noEffect("mechanism: PLAIN", at+".dn")
		c.clientCertificate(at, &b.Cert, &b.Key)
	case "EXTERNAL":
		c.required(at+".cert", string(b.Cert), "gateway.pem")
		c.required(at+".key", string(b.Key), "gateway.key")
		c.readable(at+".cert", &b.Cert, public)
		c.readable(at+".key", &b.Key, private)
		c.noEffect("mechanism: EXTERNAL", at+".dn", at+".user", at+".password")
	}
}

func (c *checker) pool(p *Pool) {
	const at = "directory.pool"
	day := Duration(24 * time.Hour)
	c.within(at+".max", p.Max, 3, 1024)
	if p.Max >= 3 {
		c.within(at+".minIdle", p.MinIdle, 0, p.Max)
	}
	c.within(at+".callers", p.Callers, 1, 10_000)
	c.bounded(at+".idleTime", p.IdleTime, Duration(10*time.Second), day)
	c.bounded(at+".maxAge", p.MaxAge, Duration(time.Minute), day)
	c.bounded(at+".ageGap", p.AgeGap, 0, Duration(time.Hour))
	c.within(at+".maxOperations", p.MaxOperations, 1000, 1_000_000_000)
	c.bounded(at+".acquireTimeout", p.AcquireTimeout, Duration(10*time.Millisecond), Duration(10*time.Minute))
	c.within(at+".queue", p.Queue, 1, 100_000)
	c.within(at+".dials", p.Dials, 1, 100)
	c.within(at+".binds", p.Binds, 1, 1024)
	c.bounded(at+".heartbeat", p.Heartbeat, Duration(time.Second), Duration(10*time.Minute))
	c.bounded(at+".probeTimeout", p.ProbeTimeout, Duration(100*time.Millisecond), Duration(time.Minute))
}
