package legacy

import "testing"

// EncodeJKS writes a key store of version 2: certificates under the aliases, or private
// keys with their chains where keys are given.
func EncodeJKS(t testing.TB, password string, aliases []string, keys [][]byte, chains [][][]byte) []byte {
	t.Helper()
	var entries []jksEntry
	for i, alias := range aliases {
		e := jksEntry{alias: alias, chain: chains[i]}
		if keys != nil {
			e.protected = protect(t, keys[i], password)
		}
		entries = append(entries, e)
	}
	return encodeJKS(2, password, entries...)
}
