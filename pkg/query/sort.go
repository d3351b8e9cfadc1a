package query

import (
	"strings"
	"unicode/utf8"
)

// SortKey is a field to sort by.
type SortKey struct {
	Field   Pointer
	Reverse bool
	// Position is where the key begins in the text, in characters from 1.
	Position int
}

// maxSortKeys is how many fields a result may be sorted by.
const maxSortKeys = 8

// ParseSortKeys reads a list of fields to sort by, as "+name/familyName,-_id". A key
// without a sign is ascending; a space stands for the plus sign that a URL decoder made
// it of. The error is a *SyntaxError.
func ParseSortKeys(s string) ([]SortKey, error) {
	if err := checkText(s, MaxFilterLength); err != nil {
		return nil, err
	}
	var keys []SortKey
	offset := 0
	for text := range strings.SplitSeq(s, ",") {
		name, reverse := strings.CutPrefix(text, "-")
		if !reverse {
			name = strings.TrimPrefix(strings.TrimPrefix(text, " "), "+")
		}
		key := SortKey{Reverse: reverse, Position: utf8.RuneCountInString(s[:offset]) + 1}
		field, err := parsePointer(name, "~")
		switch {
		case err != nil:
			return nil, failAt(s, offset, "%s", err.Message)
		case len(field) == 0:
			return nil, failAt(s, offset, "a field to sort by is expected")
		case len(keys) == maxSortKeys:
			return nil, failAt(s, offset, "a result is sorted by at most %d fields", maxSortKeys)
		}
		key.Field = field
		keys = append(keys, key)
		offset += len(text) + 1
	}
	return keys, nil
}
