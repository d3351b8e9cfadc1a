package crest

import "strings"

// nearest returns the known parameter whose name differs least from name.
func nearest(name string) string {
	const longest = 64 // A longer name is like none.
	if len(name) > longest {
		name = name[:longest]
	}
	best, least := "", longest+len(name)
	for _, k := range known {
		if d := distance(strings.ToLower(k.name), strings.ToLower(name)); d < least {
			best, least = k.name, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
