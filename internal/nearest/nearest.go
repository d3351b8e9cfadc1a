// Package nearest finds the name that somebody may have meant, for error messages.
package nearest

import "strings"

// longest is how much of a name is compared; a longer one is like none.
const longest = 64

// Name returns the known name that takes the fewest edits to reach, case aside; ""
// when every one takes more than a third of the name's letters.
func Name(name string, known []string) string {
	name = strings.ToLower(name[:min(len(name), longest)])
	best, least := "", max(1, len(name)/3)+1
	for _, candidate := range known {
		if d := distance(name, strings.ToLower(candidate), least); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours
// that turn a into b, in bytes, or returns limit when it takes as many or more.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := previous[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			current[j] = min(previous[j]+1, current[j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return min(previous[len(b)], limit)
}
