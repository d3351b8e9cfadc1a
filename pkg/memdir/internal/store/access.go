package store

import (
	"fmt"
	"slices"
	"strings"
)

// compiledRule is a Rule whose names are keys.
type compiledRule struct {
	Rule
	base string
	by   []string // keys of Grant.DN
}

func compileRules(rules []Rule) ([]compiledRule, error) {
	var all []compiledRule
	for i, rule := range rules {
		base, ok := normalize(rule.Base)
		if !ok {
			return nil, fmt.Errorf("memdir: Options.Rules[%d].Base %q is no name", i, rule.Base)
		}
		compiled := compiledRule{Rule: rule, base: base}
		for j, grant := range rule.By {
			key, ok := normalize(grant.DN)
			if !ok || (key == "") != (grant.Subject != DN && grant.Subject != Group) {
				return nil, fmt.Errorf("memdir: Options.Rules[%d].By[%d].DN %q: the subjects DN and Group need a name, and the others have none", i, j, grant.DN)
			}
			compiled.by = append(compiled.by, key)
		}
		all = append(all, compiled)
	}
	return all, nil
}

func (r *compiledRule) covers(key, attribute string) bool {
	switch r.Scope {
	case Exact:
		if key != r.base {
			return false
		}
	case OneLevel:
		if key == "" || parentKey(key) != r.base {
			return false
		}
	case Subtree:
		if key != r.base && !isBelow(key, r.base) {
			return false
		}
	}
	return len(r.Attributes) == 0 || slices.ContainsFunc(r.Attributes, func(name string) bool { return strings.EqualFold(name, attribute) })
}

// level tells what somebody may do with an attribute of an entry (slapd.access(5)). mu
// is held.
func (s *Store) level(who Who, e *entry, attribute string) Level {
	if who.Root {
		return LevelWrite
	}
	caller, _ := normalize(who.DN)
rules:
	for i := range s.rules {
		rule := &s.rules[i]
		if !rule.covers(e.key, attribute) {
			continue
		}
		for j := range rule.By {
			grant := &rule.By[j]
			if !s.fits(caller, e, grant, rule.by[j]) {
				continue
			}
			if grant.Break {
				continue rules
			}
			return grant.Level
		}
		return LevelNone
	}
	return LevelNone
}

func (s *Store) fits(caller string, e *entry, grant *Grant, key string) bool {
	switch grant.Subject {
	case Anyone:
		return true
	case Users:
		return caller != ""
	case Anonymous:
		return caller == ""
	case Self:
		return caller != "" && caller == e.key
	case DN:
		return caller == key
	case Group:
		group := s.entries[key]
		return caller != "" && group != nil && slices.ContainsFunc(group.values(grant.Attribute), func(member string) bool {
			memberKey, ok := normalize(member)
			return ok && memberKey == caller
		})
	}
	return false
}

// may tells whether the level is enough.
func (l Level) may(needed Level) bool {
	if l == LevelChange {
		return needed == LevelAuth || needed == LevelWrite
	}
	return l >= needed
}

// refusal is the result for what somebody may not do: who may not know that the entry is
// there is told that it is not. mu is held.
func (s *Store) refusal(who Who, e *entry) Result {
	if s.level(who, e, "entry") == LevelNone {
		return Result{Code: noSuchObject}
	}
	return Result{Code: insufficientAccess}
}

// missing is the result for an entry that is not there, with the nearest one above that
// the caller may know of. mu is held.
func (s *Store) missing(who Who, key string) Result {
	for above := parentKey(key); above != ""; above = parentKey(above) {
		if e := s.entries[above]; e != nil {
			if s.level(who, e, "entry") == LevelNone {
				break
			}
			return Result{Code: noSuchObject, MatchedDN: e.dn}
		}
	}
	return Result{Code: noSuchObject}
}
