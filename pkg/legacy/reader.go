package legacy

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/internal/nearest"
)

// unset is said of a setting that the old configuration leaves out.
const unset = "not set; the default of the old gateway"

// kept writes a setting that means the same as before.
func (r *reader) kept(n *node, key string, value any) {
	message := ""
	if !n.has() {
		message = unset
	}
	r.keptAs(n, key, value, message)
}

// keptAs is kept with a sentence.
func (r *reader) keptAs(n *node, key string, value any, message string) {
	comment := strings.TrimSuffix("kept, "+n.place.short()+" "+n.path, " ")
	if message != "" {
		comment += ": " + message
	}
	if n.told {
		comment = ""
	}
	r.document.put(key, value, comment)
	r.record(n, Kept, message, key)
}

// record adds a finding, unless one asks for a decision about the value already; that one
// can then be made with the keys of the other.
func (r *reader) record(n *node, status Status, message string, keys ...string) {
	if n.told {
		for i := range r.findings {
			if f := &r.findings[i]; f.Status == Decision && f.Place == n.place && f.Path == n.path {
				f.Keys = append(f.Keys, keys...)
				return
			}
		}
	}
	r.findings = append(r.findings, Finding{Status: status, Place: n.place, Path: n.path, Keys: keys, Message: message})
}

// changed writes a setting that means something else from now on.
func (r *reader) changed(n *node, key string, value any, message string) {
	r.document.put(key, value, "changed, "+n.place.short()+" "+n.path+": "+message)
	r.record(n, Changed, message, key)
}

// same tells of a setting that this gateway follows without being told.
func (r *reader) same(n *node, message string) {
	if !n.has() {
		message = strings.TrimSuffix(unset+"; "+message, "; ")
	}
	r.record(n, Kept, message)
}

// settle lets a key make the decisions about what a value holds, and reports whether there
// are any.
func (r *reader) settle(n *node, key string) bool {
	found := false
	for i := range r.findings {
		if f := &r.findings[i]; f.Status == Decision && f.Place.File == n.place.File && strings.HasPrefix(f.Path, n.path+".") {
			f.Keys = append(f.Keys, key)
			found = true
		}
	}
	return found
}

// dropped tells of a setting that means nothing from now on.
func (r *reader) dropped(n *node, message string) {
	r.record(n, Changed, message)
}

// decide asks for a decision, which whoever sets one of the keys has made. The proposal,
// if there is one, is put after it.
func (r *reader) decide(n *node, message string, keys ...string) {
	r.record(n, Decision, message, keys...)
}

// propose stores a value at a key about which a decision was asked for.
func (r *reader) propose(key string, value any) { r.document.put(key, value, "") }

// add adds files, each in place of one of its name.
func (r *reader) add(files ...File) {
	for _, f := range files {
		r.files = slices.DeleteFunc(r.files, func(other File) bool { return other.Name == f.Name })
		r.files = append(r.files, f)
	}
}

// known asks for a decision about members of an object that the old gateway did not know,
// and those that stand twice: it passed them over in silence, so that what they were meant
// to do was not done.
func (r *reader) known(n *node, names ...string) {
	seen := map[string]bool{}
	for _, m := range n.members {
		at := &node{place: m.place, path: join(n.path, m.name)}
		if seen[m.name] {
			r.decide(at, "stands here a second time; the old gateway took the last one. Remove the others")
		}
		seen[m.name] = true
		if slices.Contains(names, m.name) {
			continue
		}
		if near := nearest.Name(m.name, names); near != "" {
			r.decide(at, fmt.Sprintf("the old gateway did not know this key and did as if it were not there; if %q is meant, write that, else remove it", near))
			continue
		}
		r.dropped(at, "this key is not known from any version of the old gateway, and has no effect here")
	}
}

// remainder tells of values of which no finding tells yet: those that nothing follows.
func (r *reader) remainder(n *node) {
	if n.kind == 'n' || r.mentioned(n) {
		return
	}
	for _, m := range n.members {
		r.remainder(m.value)
	}
	if n.kind != '{' && n.path != "" {
		r.dropped(n, "nothing here corresponds to it; left out")
	}
}

// mentioned reports whether a finding is about a value, or about what holds it.
func (r *reader) mentioned(n *node) bool {
	return n.seen || slices.ContainsFunc(r.findings, func(f Finding) bool {
		path := f.Path
		if at := strings.LastIndex(path, " ("); at > 0 && strings.HasSuffix(path, ")") {
			path = path[:at] // One of the servers.
		}
		return path != "" && f.Place.File == n.place.File && (n.path == path || strings.HasPrefix(n.path, path+"."))
	})
}

// typed returns the member of that name when it is of the kind; one that is of another is
// for the operator to mend.
func (r *reader) typed(n *node, name string, kind byte, wanted string) *node {
	v := n.get(name)
	if expression := v.expression(); expression != "" && kind != '{' {
		r.decide(v, fmt.Sprintf("holds an expression, %s, which only the old program could work out; write the value there", expression))
		return absent(v)
	}
	if v.has() && v.kind != kind && (kind != 't' || v.kind != 'f') {
		r.decide(v, "must be "+wanted+", not "+v.describe()+"; mend it there")
		return absent(v)
	}
	if v.kind == 'n' {
		return &node{place: v.place, path: v.path}
	}
	return v
}

// absent stands for a value about which a decision was asked for.
func absent(v *node) *node { return &node{place: v.place, path: v.path, told: true} }

// expression returns the name of the member that makes an object an expression of the 7.x
// products, as {"$int": "&{port}"}; "" for other values.
func (n *node) expression() string {
	if len(n.members) == 1 && strings.HasPrefix(n.members[0].name, "$") {
		return n.members[0].name
	}
	return ""
}

// placeholder is a reference that something else fills: &{…} the 7.x products, ${…} what
// made the file. What stands behind a bar is the value in place of none, which may be a secret.
var placeholder = regexp.MustCompile(`[&$]\{([^{}|]*)[^{}]*\}`)

// text returns a text. One with a placeholder is for the operator.
func (r *reader) text(n *node, name string) *node {
	v := r.typed(n, name, '"', "a text")
	if found := placeholder.FindStringSubmatch(v.text); found != nil {
		r.decide(v, fmt.Sprintf("holds a placeholder, %s{%s}, and what filled it is not here; write the value there", found[0][:1], found[1]))
		return absent(v)
	}
	return v
}

// choice returns a text that is one of some words, whose case did not count.
func (r *reader) choice(n *node, name string, words ...string) *node {
	v := r.text(n, name)
	for _, word := range words {
		if v.has() && strings.EqualFold(v.text, word) {
			chosen := *v
			chosen.text = word
			return &chosen
		}
	}
	return v
}

func (r *reader) object(n *node, name string) *node { return r.typed(n, name, '{', "an object") }
func (r *reader) list(n *node, name string) *node   { return r.typed(n, name, '[', "a list") }

// flag returns a truth value, and the setting itself.
func (r *reader) flag(n *node, name string, unset bool) (bool, *node) {
	v := r.typed(n, name, 't', "true or false")
	if !v.has() {
		return unset, v
	}
	return v.kind == 't', v
}

// number returns a whole number, and the setting itself.
func (r *reader) number(n *node, name string, unset int) (int, *node) {
	v := r.typed(n, name, '0', "a number")
	if !v.has() {
		return unset, v
	}
	i, err := strconv.Atoi(v.text)
	if f, notNumber := strconv.ParseFloat(v.text, 64); err != nil && notNumber == nil && math.Abs(f) < math.MaxInt32 {
		i, err = int(f), nil // Java cuts what is behind the point.
	}
	if err != nil {
		r.decide(v, "is too large; mend it there")
		return unset, absent(v)
	}
	return i, v
}

// texts returns a list of texts.
func (r *reader) texts(n *node, name string) ([]string, *node) {
	v := r.list(n, name)
	var texts []string
	for _, item := range v.items {
		if item.kind != '"' {
			r.decide(item, "must be a text, not "+item.describe()+"; mend it there")
			continue
		}
		texts = append(texts, item.text)
	}
	return texts, v
}

// required asks for a text that is missing, and reports whether it is there.
func (r *reader) required(v *node, keys ...string) bool {
	if v.has() && v.text != "" {
		return true
	}
	message := "is missing; write it there"
	if len(keys) > 0 {
		message += ", or decide with --set " + keys[0] + "=…"
	}
	r.decide(v, message, keys...)
	return false
}
