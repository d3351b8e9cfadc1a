package crest

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// passwords is a service that reads the change of a password, as the gateway does.
func passwords(got *mapping.PasswordChange) *service {
	return &service{answer: func(req *mapping.Request) (*gateway.Answer, error) {
		if req.Action != mapping.ModifyPassword {
			return nil, fault.New(fault.Unsupported, "no such action")
		}
		change, err := req.Password()
		if err != nil {
			return nil, err
		}
		*got = change
		return &gateway.Answer{JSON: []byte("{}")}, nil
	}}
}

func TestModifyPassword(t *testing.T) {
	want := mapping.PasswordChange{Old: "old", New: "new"}
	const good = `{"oldPassword":"old","newPassword":"new"}`
	for name, test := range map[string]struct {
		target, body string
		status       int
		kind, field  string
	}{
		"R_I01":       {"?_action=modifyPassword", good, 200, "", ""},
		"Order":       {"?_action=modifyPassword", `{"newPassword":"new","oldPassword":"old"}`, 200, "", ""},
		"AnyCase":     {"?_ACTION=MODIFYpassword", good, 200, "", ""},
		"Escaped":     {"?%5Faction=modify%50assword", good, 200, "", ""},
		"NoBody":      {"?_action=modifyPassword", "", 400, "missingBody", ""},
		"NotJSON":     {"?_action=modifyPassword", "{", 400, "malformedJSON", ""},
		"Array":       {"?_action=modifyPassword", "[]", 400, "wrongType", ""},
		"NoOld":       {"?_action=modifyPassword", `{"newPassword":"new"}`, 400, "missingField", "/oldPassword"},
		"NoNew":       {"?_action=modifyPassword", `{"oldPassword":"old"}`, 400, "missingField", "/newPassword"},
		"EmptyNew":    {"?_action=modifyPassword", `{"oldPassword":"old","newPassword":""}`, 400, "emptyPassword", "/newPassword"},
		"EmptyOld":    {"?_action=modifyPassword", `{"oldPassword":"","newPassword":"new"}`, 400, "emptyPassword", "/oldPassword"},
		"Null":        {"?_action=modifyPassword", `{"oldPassword":null,"newPassword":"new"}`, 400, "wrongType", "/oldPassword"},
		"Number":      {"?_action=modifyPassword", `{"oldPassword":"old","newPassword":1234}`, 400, "wrongType", "/newPassword"},
		"Unknown":     {"?_action=modifyPassword", `{"oldPassword":"old","newPassword":"new","a/b":1}`, 400, "unknownField", "/a~1b"},
		"OtherCase":   {"?_action=modifyPassword", `{"oldpassword":"old","newPassword":"new"}`, 400, "unknownField", "/oldpassword"},
		"Twice":       {"?_action=modifyPassword", `{"oldPassword":"old","newPassword":"new","newPassword":"x"}`, 400, "duplicateMember", "/newPassword"},
		"UnknownName": {"?_action=modifyPasswords", good, 501, "unsupported", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got mapping.PasswordChange
			f := newFront(t, passwords(&got), Options{})
			r := f.send(t, "POST", "/api/users/a"+test.target, test.body)
			if r.status != test.status {
				t.Fatalf("%d: %s", r.status, r.body)
			}
			event := f.events(t)[0]
			if known := name != "UnknownName"; (event["action"] == "modifyPassword") != known {
				t.Errorf("event %v", event)
			}
			if test.status != 200 {
				field, _ := r.detail()["field"].(string)
				if r.detail()["kind"] != test.kind || field != test.field {
					t.Errorf("%s", r.body)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" || r.body != "{}" || r.header.Get("ETag") != "" {
				t.Errorf("%s\n%s", r.body, diff)
			}
		})
	}
}

func TestChangesPassword(t *testing.T) {
	for target, want := range map[string]bool{
		"POST /api/users/a?_action=modifyPassword":         true,
		"POST /api/users/a?x=1&_Action=modifyPassword":     true,
		"POST /api/users/a?_action=resetPassword":          false,
		"POST /api/users/a?_action=create":                 false,
		"POST /api/users/a":                                false,
		"PUT /api/users/a?_action=modifyPassword":          false,
		"GET /api/users/a?_action=modifyPassword":          false,
		"POST /api/users/a?_action=modifyPassword&_nosuch": true, // Some APIs pass over it.
		"POST /api/users/a?_action=modifyPassword&%zz":     false,
		"POST /api/users/a?%zz":                            false,
	} {
		method, path, _ := strings.Cut(target, " ")
		if got := ChangesPassword(httptest.NewRequest(method, path, nil)); got != want {
			t.Errorf("%s: %t", target, got)
		}
	}
}

// What nobody knows beside the action does not let somebody anonymous in: a legacy API
// passes over it, and does what the action says.
func TestAboutPassword(t *testing.T) {
	for target, want := range map[string]bool{
		"POST /api/users/a?_action=modifyPassword":        true,
		"POST /api/users/a?_action=resetPassword":         true,
		"POST /api/users/a?_action=resetPassword&x=1":     true,
		"POST /api/users/a?_nosuch&_Action=resetPassword": true,
		"POST /api/users/a?_action=rename":                false,
		"POST /api/users/a":                               false,
		"GET /api/users/a?_action=resetPassword":          false,
	} {
		method, path, _ := strings.Cut(target, " ")
		if got := AboutPassword(httptest.NewRequest(method, path, nil)); got != want {
			t.Errorf("%s: %t", target, got)
		}
	}
}

// The fault names the member that the directory has something against.
func TestPasswordAtFault(t *testing.T) {
	for name, test := range map[string]struct {
		detail fault.Detail
		field  string
	}{
		"Wrong":   {fault.Detail{Kind: "wrongPassword"}, "/oldPassword"},
		"Short":   {fault.Detail{Kind: "passwordPolicy", PasswordPolicy: "passwordTooShort"}, "/newPassword"},
		"Young":   {fault.Detail{Kind: "passwordPolicy", PasswordPolicy: "passwordTooYoung"}, ""},
		"Another": {fault.Detail{Kind: "passwordRefused"}, ""},
		"Placed":  {fault.Detail{Kind: "wrongPassword", Field: "/x"}, "/x"},
	} {
		t.Run(name, func(t *testing.T) {
			shared := &fault.Error{Kind: fault.Invalid, Message: "no", Detail: test.detail}
			f := newFront(t, &service{answer: func(*mapping.Request) (*gateway.Answer, error) { return nil, shared }}, Options{})
			r := f.send(t, "POST", "/api/users/a?_action=modifyPassword", "{}")
			if field, _ := r.detail()["field"].(string); r.status != 400 || field != test.field {
				t.Errorf("%d: %s", r.status, r.body)
			}
			if diff := cmp.Diff(test.detail, shared.Detail); diff != "" {
				t.Errorf("the shared fault was changed:\n%s", diff)
			}
		})
	}
}
