package slapd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/internal/exampledir"
	"github.com/rest2ldap/rest2ldap/pkg/memdir"
)

// access are the access rules that the options ask for.
func (o *Options) access() []memdir.Rule {
	rules := slices.Clone(o.Access)
	if o.Plain {
		rules = append(rules, exampledir.PlainRule())
	}
	return rules
}

// accessLines says access rules in the words of slapd.conf (slapd.access(5)).
func accessLines(rules []memdir.Rule) string {
	var b strings.Builder
	for _, rule := range rules {
		what := "*"
		if rule.Base != "" {
			scope := map[memdir.Scope]string{memdir.Subtree: "subtree", memdir.Exact: "exact", memdir.OneLevel: "onelevel"}[rule.Scope]
			what = fmt.Sprintf("dn.%s=%q", scope, rule.Base)
		}
		fmt.Fprintf(&b, "access to %s", what)
		if len(rule.Attributes) > 0 {
			fmt.Fprintf(&b, " attrs=%s", strings.Join(rule.Attributes, ","))
		}
		b.WriteByte('\n')
		for _, grant := range rule.By {
			fmt.Fprintf(&b, "  by %s %s\n", subjectWords(grant), levelWord(grant))
		}
	}
	return b.String()
}

// subjectWords says to whom a rule gives something.
func subjectWords(g memdir.Grant) string {
	switch g.Subject {
	case memdir.Anonymous:
		return "anonymous"
	case memdir.Users:
		return "users"
	case memdir.Self:
		return "self"
	case memdir.DN:
		return fmt.Sprintf("dn.exact=%q", g.DN)
	case memdir.Group:
		return fmt.Sprintf("group/groupOfUniqueNames/%s=%q", g.Attribute, g.DN)
	case memdir.Anyone:
	}
	return "*"
}

// levelWord says what it gives.
func levelWord(g memdir.Grant) string {
	if g.Break {
		return "break"
	}
	return map[memdir.Level]string{
		memdir.LevelNone: "none", memdir.LevelDisclose: "disclose", memdir.LevelAuth: "auth", memdir.LevelCompare: "compare",
		memdir.LevelSearch: "search", memdir.LevelRead: "read", memdir.LevelWrite: "write", memdir.LevelChange: "=xw",
	}[g.Level]
}
