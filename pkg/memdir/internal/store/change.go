package store

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// locate finds the entry of a change, and checks its assertion. mu is held.
func (s *Store) locate(who Who, dn string, w Write) (*entry, Result) {
	key, ok := normalize(dn)
	if !ok {
		return nil, Result{Code: invalidDN, Message: "invalid DN"}
	}
	if key != s.suffix && !isBelow(key, s.suffix) {
		return nil, Result{Code: unwilling, Message: "no global superior knowledge"}
	}
	e := s.entries[key]
	if e == nil {
		return nil, s.missing(who, key)
	}
	if w.Assert != nil && s.matches(who, e, w.Assert) != isTrue {
		return nil, Result{Code: assertionFailed}
	}
	return e, Result{}
}

// outcome is that of a change from one entry to another; nil is none. mu is held.
func (s *Store) outcome(who Who, before, after *entry, w Write) Outcome {
	var o Outcome
	if before != nil && w.PreRead != nil {
		o.Before = s.project(who, before, w.PreRead, false)
	}
	if after != nil && w.PostRead != nil {
		o.After = s.project(who, after, w.PostRead, false)
	}
	return o
}

// Add adds an entry.
func (s *Store) Add(who Who, dn string, attributes []directory.Attribute, w Write) Outcome {
	name, ok := parseDN(dn)
	key := keyOf(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	parent := s.entries[parentKey(key)]
	switch {
	case !ok:
		return Outcome{Result: Result{Code: invalidDN, Message: "invalid DN"}}
	case len(attributes) == 0:
		return Outcome{Result: Result{Code: protocolError, Message: "no attributes provided"}}
	case slices.ContainsFunc(attributes, func(a directory.Attribute) bool { return len(a.Values) == 0 }):
		return Outcome{Result: Result{Code: protocolError, Message: "no values for attribute type"}}
	case key != s.suffix && !isBelow(key, s.suffix):
		return Outcome{Result: Result{Code: unwilling, Message: "no global superior knowledge"}}
	case s.entries[key] != nil:
		return Outcome{Result: Result{Code: alreadyExists}}
	case parent == nil && key != s.suffix:
		return Outcome{Result: s.missing(who, key)}
	}
	e := &entry{key: key, dn: dn}
	for _, a := range attributes {
		e = e.with(a.Name, hashed(a.Name, a.Values)...)
	}
	for _, part := range name[0] {
		if !slices.ContainsFunc(e.values(part.attribute), func(v string) bool { return equal(part.attribute, v, part.value) }) {
			e = e.with(part.attribute, append(slices.Clone(e.values(part.attribute)), part.value)...)
		}
	}
	if parent != nil && !s.level(who, parent, "children").may(LevelWrite) {
		return Outcome{Result: s.refusal(who, parent)}
	}
	if parent == nil && !who.Root || !s.level(who, e, "entry").may(LevelWrite) {
		return Outcome{Result: Result{Code: insufficientAccess}}
	}
	if w.Assert != nil && s.matches(who, e, w.Assert) != isTrue {
		return Outcome{Result: Result{Code: assertionFailed}}
	}
	if w.NoOp {
		return Outcome{Result: Result{Code: noOperation}}
	}
	e = s.complete(e, who.DN)
	s.put(e)
	return s.outcome(who, nil, e, w)
}

// hashed hashes passwords that are in the clear, as ppolicy_hash_cleartext does.
func hashed(attribute string, values []string) []string {
	values = slices.Clone(values)
	if strings.EqualFold(attribute, "userPassword") {
		for i := range values {
			if !strings.HasPrefix(values[i], "{") {
				values[i] = hash(values[i])
			}
		}
	}
	return values
}

// Modify changes an entry, all changes or none.
func (s *Store) Modify(who Who, dn string, changes []directory.Change, w Write) Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, result := s.locate(who, dn, w)
	if result.Code != success {
		return Outcome{Result: result}
	}
	after := before
	for _, change := range changes {
		if !s.level(who, before, change.Attribute).may(LevelWrite) {
			return Outcome{Result: s.refusal(who, before)}
		}
		if after, result = apply(after, change, w.Permissive); result.Code != success {
			return Outcome{Result: result}
		}
	}
	if w.NoOp {
		return Outcome{Result: Result{Code: noOperation}}
	}
	after = s.stamp(after, who.DN)
	s.put(after)
	return s.outcome(who, before, after, w)
}

// apply makes one change.
func apply(e *entry, change directory.Change, permissive bool) (*entry, Result) {
	values := slices.Clone(e.values(change.Attribute))
	find := func(value string) int {
		return slices.IndexFunc(values, func(other string) bool { return equal(change.Attribute, other, value) })
	}
	given := hashed(change.Attribute, change.Values)
	switch change.Op {
	case directory.ChangeReplace:
		return e.with(change.Attribute, given...), Result{}
	case directory.ChangeAdd:
		if len(given) == 0 {
			return nil, Result{Code: protocolError, Message: "modify/add operation requires values"}
		}
		for _, value := range given {
			if find(value) < 0 {
				values = append(values, value)
			} else if !permissive {
				return nil, Result{Code: valueExists, Message: "modify/add: " + change.Attribute + ": value already exists"}
			}
		}
	case directory.ChangeDelete:
		if len(given) == 0 {
			if values == nil && !permissive {
				return nil, Result{Code: noSuchAttribute, Message: "modify/delete: " + change.Attribute + ": no such attribute"}
			}
			values = nil
		}
		for _, value := range change.Values {
			if i := find(value); i >= 0 {
				values = slices.Delete(values, i, i+1)
			} else if !permissive {
				return nil, Result{Code: noSuchAttribute, Message: "modify/delete: " + change.Attribute + ": no such value"}
			}
		}
	case directory.ChangeIncrement:
		if len(given) != 1 || values == nil {
			return nil, Result{Code: protocolError, Message: "modify/increment operation requires one value"}
		}
		by, err := strconv.ParseInt(given[0], 10, 64)
		for i := range values {
			n, bad := strconv.ParseInt(values[i], 10, 64)
			if err != nil || bad != nil {
				return nil, Result{Code: invalidSyntax}
			}
			values[i] = strconv.FormatInt(n+by, 10)
		}
	default:
		return nil, Result{Code: protocolError, Message: "unrecognized modify operation"}
	}
	return e.with(change.Attribute, values...), Result{}
}

// Delete deletes an entry that has none below it.
func (s *Store) Delete(who Who, dn string, w Write) Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, result := s.locate(who, dn, w)
	if result.Code != success {
		return Outcome{Result: result}
	}
	if parent := s.entries[parentKey(e.key)]; parent != nil && !s.level(who, parent, "children").may(LevelWrite) || !s.level(who, e, "entry").may(LevelWrite) {
		return Outcome{Result: s.refusal(who, e)}
	}
	switch {
	case len(s.children[e.key]) > 0:
		return Outcome{Result: Result{Code: notAllowedOnParent, Message: "subordinate objects must be deleted first"}}
	case w.NoOp:
		return Outcome{Result: Result{Code: noOperation}}
	}
	s.remove(e.key)
	return s.outcome(who, e, nil, w)
}

// Rename gives an entry without any below it another name, and moves it when there is a
// new superior. Others cannot be renamed yet.
func (s *Store) Rename(who Who, dn, newRDN string, deleteOld bool, newSuperior string, w Write) Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, result := s.locate(who, dn, w)
	if result.Code != success {
		return Outcome{Result: result}
	}
	level, ok := parseDN(newRDN)
	old, _ := parseDN(before.dn)
	if !ok || len(level) != 1 {
		return Outcome{Result: Result{Code: invalidDN, Message: "invalid new RDN"}}
	}
	from := s.entries[parentKey(before.key)]
	to := from
	if newSuperior != "" {
		if to, result = s.locate(who, newSuperior, Write{}); result.Code != success {
			return Outcome{Result: result}
		}
	}
	if from == nil || len(s.children[before.key]) > 0 {
		return Outcome{Result: Result{Code: unwilling, Message: "only entries without any below them can be renamed"}}
	}
	if !s.level(who, from, "children").may(LevelWrite) || !s.level(who, to, "children").may(LevelWrite) || !s.level(who, before, "entry").may(LevelWrite) {
		return Outcome{Result: s.refusal(who, before)}
	}
	after := &entry{level[0].key() + "," + to.key, newRDN + "," + to.dn, before.attributes}
	if other := s.entries[after.key]; other != nil && other != before {
		return Outcome{Result: Result{Code: alreadyExists}}
	}
	if deleteOld {
		for _, part := range old[0] {
			after, _ = apply(after, directory.Change{Op: directory.ChangeDelete, Attribute: part.attribute, Values: []string{part.value}}, true)
		}
	}
	for _, part := range level[0] {
		after, _ = apply(after, directory.Change{Op: directory.ChangeAdd, Attribute: part.attribute, Values: []string{part.value}}, true)
	}
	if w.NoOp {
		return Outcome{Result: Result{Code: noOperation}}
	}
	s.remove(before.key)
	after = s.stamp(after, who.DN)
	s.put(after)
	return s.outcome(who, before, after, w)
}
