package store

import (
	"regexp"
	"strings"
)

// covers tells whether a value of authzTo is about a name: "*", "dn:NAME",
// "dn.exact:NAME", "dn.onelevel:NAME", "dn.children:NAME", "dn.subtree:NAME" or
// "dn.regex:EXPRESSION" (slapd.conf(5), authz-policy).
func (s *Store) covers(value string, n name) bool {
	if value == "*" || value == "dn:*" {
		return true
	}
	style, text, found := strings.Cut(value, ":")
	if !found {
		return false
	}
	if strings.EqualFold(style, "dn.regex") {
		expression, err := regexp.Compile("(?i)" + text)
		return err == nil && expression.MatchString(n.key())
	}
	base, err := s.schema.parseDN(text)
	if err != nil {
		return false
	}
	extra := len(n.rdns) - len(base.rdns)
	switch strings.ToLower(style) {
	case "dn", "dn.exact":
		return extra == 0 && n.isBelow(base)
	case "dn.onelevel":
		return extra == 1 && n.isBelow(base)
	case "dn.children":
		return extra > 0 && n.isBelow(base)
	case "dn.subtree":
		return n.isBelow(base)
	}
	return false
}
