package config

import (
	"net"
	"strings"
)

func (c *checker) admin() {
	a := &c.file.Admin
	if a.Listen == "" {
		for _, path := range []string{"admin.certificates", "admin.token", "admin.clientCA"} {
			if c.file.IsSet(path) || c.anySet(path) {
				c.fail(path, "has no effect without admin.listen; write for example admin.listen: 127.0.0.1:9443, or remove it")
			}
		}
		return
	}
	c.listen("admin.listen", a.Listen)
	if _, port, _ := net.SplitHostPort(a.Listen); a.Listen == c.file.Server.Listen && port != "0" {
		c.fail("admin.listen", "%s is server.listen already; the admin listener needs an address of its own, for example 127.0.0.1:9443", a.Listen)
	}
	c.certificates("admin.certificates", a.Certificates)
	c.longSecret("admin.token", &a.Token)
	if token := a.Token.Value(); token != "" && !isToken68(token) {
		c.fail("admin.token", "has characters that no Authorization header takes; make one as with: openssl rand -base64 32")
	}
	c.readable("admin.clientCA", &a.ClientCA, public)
	if a.Token.IsZero() && a.ClientCA == "" {
		c.fail("admin.listen", "whoever asks has to prove who that is; set admin.token (file:PATH, with a token as from: openssl rand -base64 32) or admin.clientCA")
	}
}

// isToken68 tells what can stand behind "Bearer" in a header (RFC 9110 §11.2).
func isToken68(s string) bool {
	const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	s = strings.TrimRight(s, "=")
	return s != "" && strings.Trim(s, characters) == ""
}
