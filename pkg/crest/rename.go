package crest

import (
	"net/http"
	"slices"
	"sync"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Members of the body that renames.
const (
	newID     = "newId"
	newParent = "newParent"
)

// rename answers a POST with the action that gives a resource another id or place. It is
// the one action that changes the resource itself, and takes If-Match.
func (h *handler) rename(w http.ResponseWriter, r *request) error {
	condition, err := r.changeCondition()
	if err != nil {
		return err
	}
	r.event.SetAction(mapping.Rename)
	answer, err := h.doWhere(r, condition, mapping.Request{
		Verb: mapping.Action, Action: mapping.Rename,
		Renaming: sync.OnceValues(func() (mapping.Renaming, error) { return h.renaming(w, r) }),
	})
	if err != nil {
		return err
	}
	if answer.Path != nil {
		w.Header().Set("Content-Location", joinPath(slices.Concat(r.base, answer.Path)))
	}
	return r.write(w, answer)
}

// renaming reads the body {"newId": "…", "newParent": "…"}, of which one will do.
func (h *handler) renaming(w http.ResponseWriter, r *request) (renaming mapping.Renaming, err error) {
	object, err := h.object(w, r)
	if err != nil {
		return renaming, err
	}
	for _, member := range object.Members {
		text, isText := member.Value.(string)
		switch {
		case member.Name != newID && member.Name != newParent:
			return renaming, badMember(member.Name, "unknownField", "the members are newId and newParent")
		case !isText:
			return renaming, badMember(member.Name, "wrongType", "a string is expected")
		case member.Name == newID:
			if err := checkSegment(text); err != nil {
				return renaming, badMember(newID, "malformedID", "the id "+err.Error())
			}
			renaming.ID = text
		default:
			if renaming.Collection, err = splitPath(text); err != nil || len(renaming.Collection) == 0 {
				return renaming, badMember(newParent, "malformedPath", `the path of a collection is expected, from the API on, as in "/users"`)
			}
		}
	}
	if renaming.ID == "" && renaming.Collection == nil {
		return renaming, badMember(newID, "missingField", "the field is required, unless newParent is there")
	}
	return renaming, nil
}
