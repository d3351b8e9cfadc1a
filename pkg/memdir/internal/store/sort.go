package store

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
)

// ordering returns how the values of a sort key compare, nil when the rule is not known.
// Without a schema the key has to name one.
func ordering(rule string) func(a, b string) int {
	switch strings.ToLower(rule) {
	case "caseignoreorderingmatch", "2.5.13.3":
		return func(a, b string) int { return strings.Compare(fold(a), fold(b)) }
	case "caseexactorderingmatch", "2.5.13.6", "generalizedtimeorderingmatch", "2.5.13.28", "csnorderingmatch", "1.3.6.1.4.1.4203.666.11.2.3":
		return strings.Compare
	case "integerorderingmatch", "2.5.13.15":
		return func(a, b string) int {
			x, ok := new(big.Int).SetString(a, 10)
			y, also := new(big.Int).SetString(b, 10)
			if !ok || !also {
				return strings.Compare(a, b)
			}
			return x.Cmp(y)
		}
	}
	return nil
}

// sortEntries sorts by the keys, whose rules are known: the lowest value of an entry
// counts, and an entry without one comes last (RFC 2891 §2.2).
func sortEntries(all []*entry, keys []SortKey) {
	slices.SortStableFunc(all, func(a, b *entry) int {
		for _, key := range keys {
			compare := ordering(key.Rule)
			x, y := a.values(key.Attribute), b.values(key.Attribute)
			order := cmp.Compare(min(len(y), 1), min(len(x), 1))
			if len(x) > 0 && len(y) > 0 {
				order = compare(slices.MinFunc(x, compare), slices.MinFunc(y, compare))
			}
			if key.Reverse {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
}
