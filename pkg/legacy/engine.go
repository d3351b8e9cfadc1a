package legacy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// engine reads rest2ldap.json, the switches of the engine.
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
	r.writes(root)
	return nil
}

// revision is where _rev comes from.
func (r *reader) revision(n *node) {
	if on, at := r.flag(n, "useMvcc", true); !on {
		r.decide(at, "revisions cannot be switched off in this gateway; write true there")
	} else {
		r.same(at, "")
	}
	switch v := r.text(n, "mvccAttribute"); {
	case !v.has() || v.text == "etag":
		r.same(v, "the revision is etag where the directory has it, else entryCSN, else modifyTimestamp")
	default:
		r.decide(v, fmt.Sprintf("the revision is etag where the directory has it, else entryCSN, else modifyTimestamp; %q cannot be chosen. Write etag there", v.text))
	}
}

// readBack is what the answer to a change holds.
func (r *reader) readBack(n *node) {
	switch v := r.text(n, "readOnUpdatePolicy"); {
	case !v.has() || v.text == "controls":
		r.same(v, "where the directory has no such control the entry is read, in place of an empty answer")
	case v.text == "search":
		r.dropped(v, "the old gateway answered with an empty object; this one reads the entry")
	case v.text == "disabled":
		r.decide(v, "the answer to a change holds the resource in this gateway; write controls there")
	default:
		r.decide(v, fmt.Sprintf("%q is none of controls, search and disabled; mend it there", v.text))
	}
}

func (r *reader) writes(n *node) {
	if on, at := r.flag(n, "useSubtreeDelete", false); on {
		r.decide(at, "a delete takes what is below an entry with it only when the request says so; write false there")
	} else {
		r.codeDefault(at)
	}
	if on, at := r.flag(n, "usePermissiveModify", false); !on {
		r.codeDefault(at)
	} else {
		r.same(at, "changes are worked out against the entry as it is, so that the control is not needed")
	}
	if on, at := r.flag(n, "returnNullForMissingProperties", false); on {
		r.decide(at, "properties without a value are left out by this gateway; write false there")
	} else if at.has() {
		r.same(at, "")
	}
	if _, at := r.number(n, "localSortMaxEntries", 0); at.has() {
		r.dropped(at, "the gateway sorts within bounds of its own where the directory cannot")
	}
}

// codeDefault tells of a switch that is off. Where it is not set, the documentation of the
// old gateway has it on, and the program had it off.
func (r *reader) codeDefault(n *node) {
	if n.has() {
		r.same(n, "")
		return
	}
	r.record(n, Kept, "not set; the old gateway then did without, whatever its documentation says")
}
