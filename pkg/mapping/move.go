package mapping

import (
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// HasSubResources reports whether resources of the target's type, or of one of its
// sub-types, have others below them.
func (t *Target) HasSubResources() bool {
	has := false
	t.typ.family(func(member *boundType) { has = has || len(member.SubResources) > 0 })
	return has
}

// Path returns the path that a resource at the path has after the renaming, with its id.
func (r *Renaming) Path(path []string, id string) []string {
	if r.Collection != nil {
		path = r.Collection
	} else {
		path = path[:len(path)-1]
	}
	return append(slices.Clone(path), id)
}

// Move plans what makes the target's entry that of another resource of the same type, in
// the same collection or another one. The entry has the MemberAttributes of both.
func (t *Target) Move(entry *directory.Entry, to *Target) (*directory.ModifyDNRequest, error) {
	naming := to.sub.Naming
	switch {
	case t.IsSingleton():
		return nil, fault.New(fault.Invalid, "a single resource has no id and cannot be renamed").Named("singleton")
	case to.readOnly:
		return nil, badPlace("readOnly", "the collection is read-only")
	case t.sub.Type != to.sub.Type:
		return nil, badPlace("wrongType", "the collection has resources of another type")
	case !t.hasKnownDN() || !to.hasKnownDN():
		return nil, fault.New(fault.Unsupported, "the ids of the collection are not the names of its entries, so that a resource cannot be renamed").Named("unnamed")
	}
	dn, err := directory.ParseDN(entry.DN)
	if err != nil {
		return nil, fault.Wrap(fault.BadGateway, err, "the directory returned a name that is none").Named("malformedAnswer")
	}
	req := &directory.ModifyDNRequest{DN: dn, RDN: directory.RDN{{Type: naming.DNAttribute, Value: to.id}}}
	if !to.dn.Equal(dn.Parent()) {
		if to.dn.Equal(dn) || to.dn.IsBelow(dn) {
			return nil, badPlace("ownParent", "a resource cannot be put below itself")
		}
		req.Superior = &to.dn
	}
	var changes []directory.Change
	for _, ava := range dn.RDN() {
		changes = append(changes, directory.Change{Op: directory.ChangeDelete, Attribute: ava.Type, Values: []string{ava.Value}})
	}
	changes = append(changes, directory.Change{Op: directory.ChangeAdd, Attribute: naming.DNAttribute, Values: []string{to.id}})
	return req, to.CheckChanged(entry, changes)
}

func badPlace(kind, message string) error {
	return fault.New(fault.Invalid, "/newParent: %s", message).Named(kind).At("/newParent")
}
