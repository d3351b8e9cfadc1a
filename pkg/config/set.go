package config

import "strings"

// readSet reads the values of --set flags, in their order.
func readSet(root *key, flags []string) *layer {
	l := newLayer(root)
	for _, flag := range flags {
		written, value, found := strings.Cut(flag, "=")
		place := Place{Source: "--set " + written}
		if !found || written == "" {
			l.fail(place, "", "must be path=value, for example directory.pool.max=8")
			continue
		}
		l.flag(place, dotted(written), value)
	}
	return l
}

// flag reads one flag.
func (l *layer) flag(place Place, written, value string) {
	k, path := l.root, ""
	for segment := range strings.SplitSeq(written, ".") {
		if k.kind == listKind && isIndex(segment) {
			path = join(path, segment)
			k = &key{kind: sectionKind, keys: k.keys, path: k.path}
			continue
		}
		child := k.child(segment)
		if child == nil || k.kind == listKind {
			l.fail(place, join(path, segment), "%s", l.unknownAt(k, segment))
			return
		}
		k, path = child, join(path, segment)
	}
	l.putText(place, path, k, value)
}
