package store

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Add adds an entry (RFC 4511 §4.7).
func (s *Store) Add(who Who, dn string, attributes []directory.Attribute, w Write) Outcome {
	n, err := s.schema.parseDN(dn)
	if err != nil || n.isZero() {
		return Outcome{Result: refuse(invalidDNSyntax, "invalid DN")}
	}
	for _, given := range attributes {
		if _, result := s.schema.checkAttribute(given.Name, given.Values, directory.ChangeAdd, false); result.Code != success {
			return Outcome{Result: result}
		}
	}
	if result := s.admit(who, n); result.Code != success {
		return Outcome{Result: result}
	}
	e, result := s.build(n, attributes, false)
	if result.Code == success {
		result = s.checkEntry(e, "")
	}
	if result.Code != success {
		return Outcome{Result: result}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewOf(who)
	v.locked = true
	found, above := s.find(n)
	switch {
	case w.Assert != nil && v.evaluate(w.Assert, candidate{entry: e}) != isTrue:
		return Outcome{Result: Result{Code: assertionFailed}}
	case found != nil:
		return Outcome{Result: Result{Code: alreadyExists}}
	case n.key() != s.suffix.key() && (above == nil || above.key != n.parent().key()):
		return Outcome{Result: s.missing(v, above)}
	case above != nil && !v.may(above.entry, childrenAttribute, write):
		return Outcome{Result: refuse(insufficientAccess, "no write access to parent")}
	case above == nil && !who.Root, !v.may(e, entryAttribute, write):
		return Outcome{Result: refuse(insufficientAccess, "no write access to entry")}
	}
	if result := s.newPassword(v, nil, e, false); result.Code != success {
		return Outcome{Result: result}
	}
	s.stamp(e, who, true)
	if w.NoOp {
		return v.done(&w, nil, nil)
	}
	after := s.put(e, above).candidate()
	return v.done(&w, nil, &after)
}

// admit tells whether somebody may change an entry with that name at all.
func (s *Store) admit(who Who, n name) Result {
	switch {
	case !n.isBelow(s.suffix):
		return refuse(unwillingToPerform, "no global superior knowledge")
	case who == (Who{}):
		return refuse(strongerAuthRequired, "modifications require authentication")
	}
	return Result{}
}

// build makes an entry of attributes. own tells that operational attributes are taken.
func (s *Store) build(n name, attributes []directory.Attribute, own bool) (*entry, Result) {
	e := newEntry(n)
	e.attributes = make([]attribute, 0, len(attributes)+9) // With those of the server.
	for _, given := range attributes {
		d, result := s.schema.checkAttribute(given.Name, given.Values, directory.ChangeAdd, own)
		if result.Code != success {
			return nil, result
		}
		switch {
		case e.at(d.typ, d.options) >= 0:
			return nil, refuse(attributeOrValueExists, "attribute '%s' provided more than once", given.Name)
		case len(given.Values) == 0:
			return nil, refuse(2, "no values for attribute type")
		}
		e.attributes = append(e.attributes, attribute{typ: d.typ, options: d.options, values: s.schema.stored(d.typ, given.Values)})
	}
	// The values of the name are there, even when nobody gave them.
	for _, p := range n.rdns[0].pairs {
		i := e.at(p.typ, "")
		if i < 0 {
			e.attributes = append(e.attributes, attribute{typ: p.typ, values: []string{p.value}})
		} else if s.schema.position(p.typ, e.attributes[i].values, p.value) < 0 {
			e.attributes[i].values = append(e.attributes[i].values, p.value)
		}
	}
	return e, Result{}
}

// stamp sets who changed an entry, and when. s.mu is held.
func (s *Store) stamp(e *entry, who Who, created bool) {
	timestamp, csn := s.clock.change(s.options.Now())
	if created {
		s.setOperational(e, "entryUUID", newUUID())
		s.setOperational(e, "creatorsName", who.DN)
		s.setOperational(e, "createTimestamp", timestamp)
	}
	s.setOperational(e, "entryCSN", csn)
	s.setOperational(e, "modifiersName", who.DN)
	s.setOperational(e, "modifyTimestamp", timestamp)
}

// Modify changes an entry, all changes or none (RFC 4511 §4.6, RFC 4525).
func (s *Store) Modify(who Who, dn string, changes []directory.Change, w Write) Outcome {
	n, err := s.schema.parseDN(dn)
	if err != nil || n.isZero() {
		return Outcome{Result: refuse(invalidDNSyntax, "invalid DN")}
	}
	checked, result := s.checkChanges(changes)
	if result.Code != success {
		return Outcome{Result: result}
	}
	if result := s.admit(who, n); result.Code != success {
		return Outcome{Result: result}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewOf(who)
	v.locked = true
	found, above := s.find(n)
	if found == nil {
		return Outcome{Result: s.missing(v, above)}
	}
	before := found.candidate()
	if w.Assert != nil && v.evaluate(w.Assert, before) != isTrue {
		return Outcome{Result: Result{Code: assertionFailed}}
	}
	for _, d := range checked {
		if !v.may(found.entry, target{typ: d.typ}, write) {
			return Outcome{Result: Result{Code: insufficientAccess}}
		}
	}
	changes, result = s.standing(found.entry, changes)
	if result.Code != success {
		return Outcome{Result: result}
	}
	e := found.clone()
	for i, change := range changes {
		if result := s.apply(e, checked[i], change, w.Permissive); result.Code != success {
			return Outcome{Result: result}
		}
	}
	structuralClass := ""
	if classes := found.attribute("structuralObjectClass"); len(classes) > 0 {
		structuralClass = classes[0]
	}
	if result := s.checkEntry(e, structuralClass); result.Code != success {
		return Outcome{Result: result}
	}
	saysReset := slices.ContainsFunc(changes, func(c directory.Change) bool { return strings.EqualFold(c.Attribute, "pwdReset") })
	if result := s.newPassword(v, found.entry, e, saysReset); result.Code != success {
		return Outcome{Result: result}
	}
	s.stamp(e, who, false)
	if !w.NoOp {
		s.replace(found, e)
	}
	after := candidate{entry: e, parent: before.parent}
	return v.done(&w, &before, &after)
}

// checkChanges checks changes before anything is looked up.
func (s *Store) checkChanges(changes []directory.Change) ([]description, Result) {
	checked := make([]description, len(changes))
	for i, change := range changes {
		switch {
		case change.Op == directory.ChangeIncrement && len(change.Values) != 1:
			return nil, refuse(2, "modify/increment: %s: one value is needed", change.Attribute)
		case change.Op == directory.ChangeAdd && len(change.Values) == 0:
			return nil, refuse(2, "modify/add: %s: no values given", change.Attribute)
		}
		var result Result
		if checked[i], result = s.schema.checkAttribute(change.Attribute, change.Values, change.Op, false); result.Code != success {
			return nil, result
		}
	}
	return checked, Result{}
}

// apply makes one change.
func (s *Store) apply(e *entry, d description, change directory.Change, permissive bool) Result {
	change.Values = s.schema.stored(d.typ, change.Values)
	a := attribute{typ: d.typ, options: d.options}
	if i := e.at(d.typ, d.options); i >= 0 {
		a.values = slices.Clone(e.attributes[i].values)
	}
	switch change.Op {
	case directory.ChangeAdd:
		if len(a.values) > 0 && d.typ.equality == "" {
			return refuse(inappropriateMatching, "modify/add: %s: no equality matching rule", d.typ.name)
		}
		for i, value := range change.Values {
			if s.schema.position(d.typ, a.values, value) < 0 {
				a.values = append(a.values, value)
			} else if !permissive {
				return refuse(attributeOrValueExists, "modify/add: %s: value #%d already exists", d.typ.name, i)
			}
		}
	case directory.ChangeReplace:
		a.values = nil
		a.values = append(a.values, change.Values...)
	case directory.ChangeDelete:
		return s.remove(e, a, change.Values, permissive)
	case directory.ChangeIncrement:
		if len(a.values) == 0 && permissive {
			a.values = change.Values
			break
		}
		if len(a.values) == 0 {
			return refuse(noSuchAttribute, "modify/increment: %s: no such attribute", d.typ.name)
		}
		// OpenLDAP counts in 64 bits, and does not look whether that is enough.
		by, err := strconv.ParseInt(change.Values[0], 10, 64)
		if err != nil {
			return refuse(invalidAttributeSyntax, "modify/increment: invalid syntax of increment")
		}
		if by == 0 {
			return Result{}
		}
		for i, value := range a.values {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return refuse(invalidAttributeSyntax, "modify/increment: invalid syntax of original value")
			}
			a.values[i] = strconv.FormatInt(n+by, 10)
		}
	}
	e.set(a)
	return Result{}
}

// remove removes values, or the whole attribute when none are named.
func (s *Store) remove(e *entry, a attribute, values []string, permissive bool) Result {
	if len(values) == 0 {
		if len(a.values) == 0 && !permissive {
			return refuse(noSuchAttribute, "modify/delete: %s: no such attribute", a.typ.name)
		}
		a.values = nil
		e.set(a)
		return Result{}
	}
	if a.typ.equality == "" {
		return refuse(inappropriateMatching, "modify/delete: %s: no equality matching rule", a.typ.name)
	}
	if len(a.values) == 0 && !permissive {
		return refuse(noSuchAttribute, "modify/delete: %s: no such attribute", a.typ.name)
	}
	kept := slices.Clone(a.values)
	for i, value := range values {
		if p := s.schema.position(a.typ, kept, value); p >= 0 {
			kept = slices.Delete(kept, p, p+1)
		} else if len(a.values) > 0 && s.schema.position(a.typ, a.values, value) < 0 && (!permissive || i == len(values)-1) {
			// A permissive OpenLDAP goes by the last of the values.
			return refuse(noSuchAttribute, "modify/delete: %s: no such value", a.typ.name)
		}
	}
	a.values = kept
	e.set(a)
	return Result{}
}

// Delete deletes a leaf (RFC 4511 §4.8).
func (s *Store) Delete(who Who, dn string, w Write) Outcome {
	n, err := s.schema.parseDN(dn)
	if err != nil || n.isZero() {
		return Outcome{Result: refuse(invalidDNSyntax, "invalid DN")}
	}
	if result := s.admit(who, n); result.Code != success {
		return Outcome{Result: result}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewOf(who)
	v.locked = true
	found, above := s.find(n)
	switch {
	case found == nil:
		return Outcome{Result: s.missing(v, above)}
	case above != nil && !v.may(above.entry, childrenAttribute, write), above == nil && !who.Root:
		return Outcome{Result: refuse(insufficientAccess, "no write access to parent")}
	}
	before := found.candidate()
	switch {
	case w.Assert != nil && v.evaluate(w.Assert, before) != isTrue:
		return Outcome{Result: Result{Code: assertionFailed}}
	case !v.may(found.entry, entryAttribute, write):
		return Outcome{Result: refuse(insufficientAccess, "no write access to entry")}
	case len(found.children) > 0:
		return Outcome{Result: refuse(notAllowedOnNonLeaf, "subordinate objects must be deleted first")}
	}
	o := v.done(&w, &before, nil)
	if !w.NoOp {
		s.unlink(found)
		s.refer(found.key, n, name{})
	}
	return o
}

// Rename gives an entry another name or another place (RFC 4511 §4.9).
func (s *Store) Rename(who Who, dn, newRDN string, deleteOld bool, newSuperior string, w Write) Outcome {
	n, err := s.schema.parseDN(dn)
	relative, err2 := s.schema.parseDN(newRDN)
	superior, err3 := s.schema.parseDN(newSuperior)
	if err != nil || err2 != nil || err3 != nil || len(relative.rdns) != 1 || n.isZero() {
		return Outcome{Result: refuse(invalidDNSyntax, "invalid DN")}
	}
	moves := newSuperior != ""
	if !moves {
		superior = n.parent()
	}
	// The new name is spelt as the client spells it.
	target := name{append([]rdn{relative.rdns[0]}, superior.rdns...)}
	if target.key() != n.key() && (target.isBelow(n) || n.isBelow(target)) {
		return Outcome{Result: refuse(unwillingToPerform, "cannot place an entry below or above itself")}
	}
	if result := s.admit(who, n); result.Code != success {
		return Outcome{Result: result}
	}
	if !target.isBelow(s.suffix) {
		return Outcome{Result: refuse(affectsMultipleDSAs, "cannot rename between DSAs")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewOf(who)
	v.locked = true
	found, above := s.find(n)
	switch {
	case found == nil && (above == nil || above.key != n.parent().key()):
		return Outcome{Result: Result{Code: noSuchObject}}
	case above == nil:
		return Outcome{Result: refuse(affectsMultipleDSAs, "cannot rename the top of the data")}
	case !v.may(above.entry, childrenAttribute, write):
		return Outcome{Result: refuse(insufficientAccess, "no write access to parent's children")}
	case found == nil:
		return Outcome{Result: s.missing(v, above)}
	}
	before := found.candidate()
	if w.Assert != nil && v.evaluate(w.Assert, before) != isTrue {
		return Outcome{Result: Result{Code: assertionFailed}}
	}
	if !v.may(found.entry, entryAttribute, write) {
		return Outcome{Result: refuse(insufficientAccess, "no write access to entry")}
	}
	place := above
	if moves {
		if place, _ = s.find(superior); place == nil {
			return Outcome{Result: Result{Code: noSuchObject}}
		}
		if !v.may(place.entry, childrenAttribute, write) {
			return Outcome{Result: refuse(insufficientAccess, "no write access to new parent")}
		}
	}
	if other := s.entries[target.key()]; other != nil && other != found {
		return Outcome{Result: Result{Code: alreadyExists}}
	}
	e, result := s.renamed(found.entry, target, deleteOld)
	if result.Code != success {
		return Outcome{Result: result}
	}
	s.stamp(e, who, false)
	if !w.NoOp {
		old := found.keys(nil)
		s.move(found, e, place)
		if old[0] != e.key {
			for _, key := range old {
				s.refer(key, n, e.name)
			}
		}
	}
	after := candidate{entry: e, parent: before.parent}
	return v.done(&w, &before, &after)
}

// renamed is an entry with another name, and with or without the values of its old one.
func (s *Store) renamed(old *entry, target name, deleteOld bool) (*entry, Result) {
	e := old.clone()
	e.name, e.dn, e.key = target, target.String(), target.key()
	for _, p := range old.name.rdns[0].pairs {
		kept := slices.ContainsFunc(target.rdns[0].pairs, func(q pair) bool { return q.typ == p.typ && s.schema.equal(p.typ, p.value, q.value) })
		a := s.attributeOf(e, p.typ)
		if i := s.schema.position(p.typ, a.values, p.value); deleteOld && !kept && i >= 0 {
			a.values = slices.Delete(a.values, i, i+1)
			e.set(a)
		}
	}
	for _, p := range target.rdns[0].pairs {
		a := s.attributeOf(e, p.typ)
		if s.schema.position(p.typ, a.values, p.value) < 0 {
			a.values = append(a.values, p.value)
			e.set(a)
		}
	}
	return e, s.checkEntry(e, old.attribute("structuralObjectClass")[0])
}

func (s *Store) attributeOf(e *entry, t *attributeType) attribute {
	a := attribute{typ: t}
	if i := e.at(t, ""); i >= 0 {
		a.values = slices.Clone(e.attributes[i].values)
	}
	return a
}

// move puts a node with all below it elsewhere. s.mu is held.
func (s *Store) move(n *node, e *entry, place *node) {
	children := n.children
	s.unlink(n)
	n.entry, n.parent = e, place
	s.link(n)
	n.children = nil
	for _, child := range children {
		state := child.clone()
		state.name = name{append([]rdn{child.name.rdns[0]}, e.name.rdns...)}
		state.dn, state.key = state.name.String(), state.name.key()
		delete(s.entries, child.key)
		s.move(child, state, n)
	}
}

// keys appends the keys of a node and of all below it.
func (n *node) keys(to []string) []string {
	to = append(to, n.key)
	for _, child := range n.children {
		to = child.keys(to)
	}
	return to
}

// refer keeps the references to an entry whose name has another end, or that is gone,
// right, as OpenLDAP's refint does: those of manager and uniqueMember. An attribute that
// would be left empty names the root. s.mu is held.
func (s *Store) refer(key string, old, to name) {
	for _, attributeName := range []string{"manager", "uniqueMember"} {
		t, _ := s.schema.attribute(attributeName)
		for _, n := range slices.Clone(s.index[attributeName][key]) {
			e := n.clone()
			a := s.attributeOf(e, t)
			var kept, renamed []string
			for _, value := range a.values {
				if norm, _ := s.schema.normalize(t.equality, value); indexKey(t, norm) != key {
					kept = append(kept, value)
				} else if !to.isZero() {
					renamed = append(renamed, s.renamedValue(value, old, to))
				}
			}
			a.values = slices.Concat(kept, renamed)
			if len(a.values) == 0 {
				a.values = []string{s.root.String()}
			}
			e.set(a)
			s.setOperational(e, "modifiersName", "cn=Referential Integrity Overlay") // And no new entryCSN.
			s.replace(n, e)
		}
	}
}

// renamedValue is a reference to what is at or below a name that is another one now.
func (s *Store) renamedValue(value string, old, to name) string {
	text, _, _ := strings.Cut(value, "#")
	n, err := s.schema.parseDN(text)
	if err != nil || len(n.rdns) < len(old.rdns) {
		return to.String()
	}
	return name{slices.Concat(n.rdns[:len(n.rdns)-len(old.rdns)], to.rdns)}.String()
}
