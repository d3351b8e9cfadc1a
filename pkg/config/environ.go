package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// prefix begins the name of every variable that configures the gateway.
const prefix = "REST2LDAP_"

// foreign are variables with our prefix that are no configuration: those with which
// Kubernetes announces a service called rest2ldap, and those of the project's own tests.
const foreign = `^REST2LDAP_(SERVICE_(HOST|PORT)(_.*)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_.*)?)?|TEST_.*)$`

// environMap turns os.Environ's form into a map.
func environMap(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		m[name] = value
	}
	return m
}

// readEnviron reads the variables with our prefix. Variables in except are no
// configuration: a secret refers to them.
func readEnviron(root *key, environ map[string]string, except map[string]bool) *layer {
	l := newLayer(root)
	ours := regexp.MustCompile(foreign)
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		if strings.HasPrefix(name, prefix) && !except[name] && !ours.MatchString(name) {
			l.variable(name, environ[name])
		}
	}
	return l
}

// variable reads one variable.
func (l *layer) variable(name, value string) {
	place := Place{Source: "environment " + name}
	k, path := l.root, ""
	for segment := range strings.SplitSeq(strings.TrimPrefix(name, prefix), "__") {
		if k.kind == listKind && isIndex(segment) {
			path = join(path, segment)
			k = &key{kind: sectionKind, keys: k.keys, path: k.path}
			continue
		}
		child := k.childFold(segment)
		if child == nil || k.kind == listKind {
			l.fail(place, join(path, strings.ToLower(segment)), "%s", l.unknownAt(k, segment))
			return
		}
		k, path = child, join(path, child.name)
	}
	l.putText(place, path, k, value)
}

// unknownAt is the sentence about a segment of the environment or a flag.
func (l *layer) unknownAt(k *key, segment string) string {
	if k.kind == listKind {
		return "the elements of this list are chosen by number, from 0"
	}
	if strings.Contains(segment, "_") {
		return "unknown key; levels are joined by two underscores, as in REST2LDAP_SERVER__LISTEN"
	}
	return unknown(l.root, k, segment)
}
