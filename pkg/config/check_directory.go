package config

import (
	"fmt"
	"net/url"
	"time"
)

func (c *checker) directory() {
	d := &c.file.Directory
	if len(d.Servers) == 0 {
		c.fail("directory.servers", "is missing; write at least one server, for example - url: ldaps://ldap.example.com")
	}
	c.missingElements("directory.servers", len(d.Servers))
	primaries := 0
	for i := range d.Servers {
		s := &d.Servers[i]
		at := fmt.Sprintf("directory.servers[%d]", i)
		if s.Role == "" {
			s.Role = "primary"
		}
		if s.Role == "primary" {
			primaries++
		}
		c.oneOf(at+".role", s.Role, "primary", "secondary")
		if c.required(at+".url", s.URL, "ldaps://ldap.example.com") {
			c.ldapURL(at+".url", s.URL)
		}
		c.repeated(at, i)
	}
	if primaries == 0 && len(d.Servers) > 0 {
		c.fail("directory.servers", "no server has the role primary; give it to one")
	}
	c.readable("directory.ca", &d.CA, public)
	c.identity("directory.identity", d.Identity)
	c.required("directory.bind.dn", d.Bind.DN, "cn=rest2ldap,ou=Services,dc=example,dc=com")
	c.secret("directory.bind.password", &d.Bind.Password)
	c.within("directory.pool.max", d.Pool.Max, 3, 1024)
	c.bounded("directory.connectTimeout", d.ConnectTimeout, Duration(100*time.Millisecond), Duration(time.Minute))
}

// repeated fails for a server that stands in the list twice.
func (c *checker) repeated(at string, i int) {
	servers := c.file.Directory.Servers
	for j := range i {
		if servers[i].URL != "" && servers[j].URL == servers[i].URL {
			c.fail(at+".url", "%s is directory.servers[%d] already", servers[i].URL, j)
			return
		}
	}
}

func (c *checker) ldapURL(path, text string) {
	u, err := url.Parse(text)
	if err != nil {
		c.fail(path, "%q is not a URL; write ldaps://host or ldaps://host:port", text)
		return
	}
	switch {
	case u.Scheme == "ldap":
		c.fail(path, "ldap:// is not encrypted, and the gateway never speaks in clear; use ldaps:// (usual port 636)")
	case u.Scheme != "ldaps" || u.Host == "" || u.Hostname() == "":
		c.fail(path, "%q must be ldaps://host or ldaps://host:port", text)
	case u.User != nil:
		c.fail(path, "must not hold a user; the account stands in directory.bind")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		c.fail(path, "%q must end after the port; base DNs stand in the mapping files", text)
	case u.Port() != "":
		c.port(path, u.Port(), 1)
	}
}

func (c *checker) identity(path, identity string) {
	switch identity {
	case "proxied":
	case "bind", "sasl-proxy", "service":
		c.fail(path, "%q is not available in this version; use proxied", identity)
	default:
		c.fail(path, "%q is not known; write proxied", identity)
	}
}
