package crest

import (
	"errors"
	"net/http"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// action answers a POST with an action other than create.
func (h *handler) action(w http.ResponseWriter, r *request) error {
	name := r.params.action
	if known := mapping.ActionNamed(name); known != "" {
		name = known
		r.event.SetAction(known) // Nothing else that a client wrote gets on record.
	}
	req := mapping.Request{Verb: mapping.Action, Action: name}
	switch name {
	case mapping.ModifyPassword:
		req.Password = func() (mapping.PasswordChange, error) { return h.passwordChange(w, r) }
	case mapping.ResetPassword, mapping.AccountUsability:
		req.Nothing = func() error { return h.nothing(w, r) }
	}
	answer, err := h.do(r, req)
	if err != nil {
		return atPassword(err)
	}
	return r.write(w, answer)
}

// atPassword names the member of a password that the directory has something against.
func atPassword(err error) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Detail.Field != "" {
		return err
	}
	field := ""
	switch e.Detail.Kind {
	case "wrongPassword":
		field = "/" + oldPassword
	case "passwordPolicy":
		switch e.Detail.PasswordPolicy {
		case "passwordTooShort", "passwordTooLong", "insufficientPasswordQuality", "passwordInHistory":
			field = "/" + newPassword
		}
	}
	if field == "" {
		return err
	}
	located := *e // The fault may be shared.
	return located.At(field)
}

// Members of the body that changes a password.
const (
	oldPassword = "oldPassword"
	newPassword = "newPassword"
)

// ChangesPassword reports whether a request asks for a change of a password, which is all
// that a caller may ask for whose password must be changed (httpserver.Authenticate).
//
// Parameters that nobody knows are for the API to judge, which may pass over them.
func ChangesPassword(r *http.Request) bool {
	p, err := parseParams(r.URL.RawQuery, true)
	return err == nil && r.Method == http.MethodPost && mapping.ActionNamed(p.action) == mapping.ModifyPassword
}

// AboutPassword reports whether a request is about the password of somebody, so that it
// makes no sense without a caller (httpserver.Authenticate).
func AboutPassword(r *http.Request) bool {
	p, err := parseParams(r.URL.RawQuery, true)
	if err != nil || r.Method != http.MethodPost {
		return false
	}
	action := mapping.ActionNamed(p.action)
	return action == mapping.ModifyPassword || action == mapping.ResetPassword
}

// passwordChange reads the body {"oldPassword": "…", "newPassword": "…"}.
func (h *handler) passwordChange(w http.ResponseWriter, r *request) (change mapping.PasswordChange, err error) {
	value, err := h.json(w, r)
	if err != nil {
		return change, err
	}
	object, ok := value.(*mapping.Object)
	if !ok {
		return change, badMember("", "wrongType", "the body is an object with the members oldPassword and newPassword")
	}
	texts := map[string]*string{oldPassword: &change.Old, newPassword: &change.New}
	for _, member := range object.Members {
		text := texts[member.Name]
		if text == nil {
			return change, badMember(member.Name, "unknownField", "the members are oldPassword and newPassword")
		}
		if *text, ok = member.Value.(string); !ok {
			return change, badMember(member.Name, "wrongType", "a string is expected")
		}
		if *text == "" {
			return change, badMember(member.Name, "emptyPassword", "a password is not empty")
		}
	}
	for _, name := range []string{oldPassword, newPassword} {
		if *texts[name] == "" {
			return change, badMember(name, "missingField", "the field is required")
		}
	}
	return change, nil
}

// nothing reads the body {} of an action that takes nothing. It may be left out where the
// request says that it is JSON: one of another origin cannot say so unasked (Fetch §2.2.2).
func (h *handler) nothing(w http.ResponseWriter, r *request) error {
	if !httpserver.HasBody(r.http) && r.http.Header.Get("Content-Type") != "" {
		return checkMediaType(r.http.Header)
	}
	value, err := h.json(w, r)
	if err != nil {
		return err
	}
	object, ok := value.(*mapping.Object)
	switch {
	case !ok:
		return badMember("", "wrongType", "the action takes nothing; the body is an empty object, {}")
	case len(object.Members) > 0:
		return badMember(object.Members[0].Name, "unknownField", "the action takes nothing; the body is an empty object, {}")
	}
	return nil
}

// badMember is the fault of a member of the body.
func badMember(member, kind, message string) error {
	e := fault.New(fault.Invalid, "%s", message).Named(kind)
	if member != "" {
		e.Detail.Field = query.Pointer{member}.String()
		e.Message = e.Detail.Field + ": " + message
	}
	return e
}
