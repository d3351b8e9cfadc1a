package legacy

import (
	"slices"
	"strings"
)

// Kinds of configuration objects that matter here, by the words of dsconfig.
const (
	kindEndpoint   = "http-endpoint"
	kindMechanism  = "http-authorization-mechanism"
	kindHandler    = "connection-handler"
	kindMapper     = "identity-mapper"
	kindKeyManager = "key-manager-provider"
	kindGlobal     = "global-configuration"
)

// object is a configuration object of a directory server, read from LDIF or from what
// dsconfig takes and prints.
type object struct {
	place Place
	kind  string
	// variant is what kind of its kind, as rest2ldap-endpoint; empty when nothing says so.
	variant string
	// name is that of dsconfig, the value of the RDN in LDIF; empty in a print that does
	// not show it.
	name       string
	properties []*node
	// used objects are those of which the new configuration is made.
	used bool
}

// seen marks the values of properties of which other findings tell.
func (o *object) seen(properties ...string) {
	for _, name := range properties {
		for _, v := range o.all(name) {
			v.seen = true
		}
	}
}

// get returns a property with one value, a text; one without a kind when it is absent. In
// LDIF some names have the kind of the object before them.
func (o *object) get(name string) *node {
	values := o.all(name)
	if len(values) == 0 {
		return &node{place: o.place, path: join(o.path(), name)}
	}
	return values[len(values)-1]
}

// all returns the values of a property.
func (o *object) all(name string) []*node {
	var exact, longer []*node
	for _, p := range o.properties {
		switch property := propertyOf(p); {
		case property == name:
			exact = append(exact, p)
		case name != "enabled" && strings.HasSuffix(property, "-"+name):
			longer = append(longer, p)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return longer
}

// propertyOf returns the name of the property of which a node is a value.
func propertyOf(p *node) string { return p.path[strings.LastIndexByte(p.path, '.')+1:] }

// on reports whether a property is true.
func (o *object) on(name string, unset bool) bool {
	v := o.get(name)
	if !v.has() {
		return unset
	}
	return strings.EqualFold(v.text, "true")
}

// path names the object in findings.
func (o *object) path() string { return strings.TrimSuffix(o.kind+" "+o.name, " ") }

// add adds a value.
func (o *object) add(place Place, property, value string) {
	o.properties = append(o.properties, &node{place: place, path: join(o.path(), property), kind: '"', text: value})
}

// drop removes the values of a property, or one of them.
func (o *object) drop(property string, value *string) {
	o.properties = slices.DeleteFunc(o.properties, func(p *node) bool {
		return propertyOf(p) == property && (value == nil || p.text == *value)
	})
}

// objects are those of a server.
type objects []*object

// of returns those of a kind.
func (os objects) of(kind string) objects {
	var some objects
	for _, o := range os {
		if o.kind == kind {
			some = append(some, o)
		}
	}
	return some
}

// named finds an object by a reference, a name or a DN; where no object shows its name,
// the only one of the kind.
func (os objects) named(kind, reference string) *object {
	some := os.of(kind)
	for _, o := range some {
		if strings.EqualFold(o.name, nameOf(reference)) {
			return o
		}
	}
	if len(some) == 1 && some[0].name == "" {
		return some[0]
	}
	return nil
}

// nameOf returns the name of the object that a value of the configuration refers to: the
// value of the first RDN where it is a DN of the configuration.
func nameOf(reference string) string {
	_, value, isDN := strings.Cut(reference, "=")
	if !isDN || !strings.HasSuffix(strings.ToLower(strings.ReplaceAll(reference, " ", "")), "cn=config") {
		return reference
	}
	var name strings.Builder
	escaped := false
	for _, c := range value {
		switch {
		case !escaped && c == '\\':
			escaped = true
			continue
		case !escaped && (c == ',' || c == '+'):
			return strings.TrimSpace(name.String())
		}
		escaped = false
		name.WriteRune(c)
	}
	return strings.TrimSpace(name.String())
}
