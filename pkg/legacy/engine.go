package legacy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// engine reads rest2ldap.json, the switches of the engine, which are keys of
// mapping.options.
func (r *reader) engine(name string) error {
	root := &node{place: Place{File: name}}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		r.dropped(root, "the file is not there; its defaults count")
	} else if root, err = r.json(name); err != nil || root == nil {
		return err
	}
	r.known(root, "useMvcc", "mvccAttribute", "readOnUpdatePolicy", "useSubtreeDelete", "usePermissiveModify", "returnNullForMissingProperties", "localSortMaxEntries")
	r.revision(root)
	r.readBack(root)
	r.switches(root)
	r.remainder(root)
	return nil
}

const optionsAt = "mapping.options."

// revision is where _rev comes from.
func (r *reader) revision(n *node) {
	on, at := r.flag(n, "useMvcc", true)
	r.kept(at, optionsAt+"useMvcc", on)
	const key = optionsAt + "mvccAttribute"
	switch v := r.text(n, "mvccAttribute"); {
	case !on && v.has():
		r.dropped(v, "without revisions it has no effect; left out")
	case !on:
	case !v.has() || strings.EqualFold(v.text, "etag"):
		r.same(v, "etag where the directory has it, else entryCSN, else modifyTimestamp; another one is chosen with "+key)
	case strings.EqualFold(v.text, "modifyTimestamp"):
		r.changed(v, key, v.text, "it is shown, and never taken in If-Match: two changes within a second have the same")
	default:
		r.kept(v, key, v.text)
	}
}

// readBack is what the answer to a change holds.
func (r *reader) readBack(n *node) {
	const key = optionsAt + "readOnUpdatePolicy"
	switch v := r.choice(n, "readOnUpdatePolicy", "controls", "search", "disabled"); {
	case !v.has():
		r.kept(v, key, "controls")
	case v.text == "controls":
		r.keptAs(v, key, v.text, "where the directory has no such control the entry is read, in place of an empty answer")
	case v.text == "search":
		r.changed(v, key, v.text, "the old gateway answered with an empty object; this one reads the entry")
	case v.text == "disabled":
		r.kept(v, key, v.text)
	default:
		r.decide(v, fmt.Sprintf("%q is none of controls, search and disabled; mend it there, or --set %s=controls", v.text, key), key)
	}
}

// switches are those that are off in the old program when they are left out, and on in its
// documentation.
func (r *reader) switches(n *node) {
	for _, name := range []string{"useSubtreeDelete", "usePermissiveModify"} {
		on, at := r.flag(n, name, false)
		if at.has() {
			r.kept(at, optionsAt+name, on)
		} else {
			r.keptAs(at, optionsAt+name, on, "not set; the old gateway then did without, whatever its documentation says (true)")
		}
	}
	on, at := r.flag(n, "returnNullForMissingProperties", false)
	r.kept(at, optionsAt+"returnNullForMissingProperties", on)
	r.localSort(n)
}

// localSort is how many entries are sorted here.
func (r *reader) localSort(n *node) {
	const key, most = optionsAt + "localSortMaxEntries", 100_000
	switch size, at := r.number(n, "localSortMaxEntries", 0); {
	case !at.has():
	case size < 1:
		r.changed(at, key, 1, "1 is the least")
	case size > most:
		r.changed(at, key, most, fmt.Sprintf("%d is the most", most))
	default:
		r.kept(at, key, size)
	}
}
