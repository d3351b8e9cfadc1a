package legacy

import (
	"fmt"
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
		r.dropped(at, "the old gateway did not know this key, and neither does this one")
	}
}

// typed returns the member of that name when it is of the kind; one that is of another is
// for the operator to mend.
func (r *reader) typed(n *node, name string, kind byte, wanted string) *node {
	v := n.get(name)
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

// text returns a text. One with a placeholder of the 7.x servers is for the operator.
func (r *reader) text(n *node, name string) *node {
	v := r.typed(n, name, '"', "a text")
	if strings.Contains(v.text, "&{") {
		r.decide(v, "holds a placeholder, &{…}, which only the old program could fill; write the value there")
		return absent(v)
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
	if err != nil {
		r.decide(v, "must be a whole number; mend it there")
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
