package crest

import (
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

func TestValueAsItIs(t *testing.T) {
	resource := `{"_id":"x","photo":"/9j/AA==","name":{"first":"B\u00e9a \"b\""},"one":["AQI="],"two":["AQI=","AQI="],` +
		`"number":12345678901234567890123,"flag":true,"none":null,"empty":[],"objects":[{"a":1}],"notBase64":"a_b"}`
	for name, test := range map[string]struct {
		query, media, body, kind string
		status                   int
	}{
		"Photo":            {"_fields=photo&_mimeType=image/jpeg", "image/jpeg", "\xff\xd8\xff\x00", "", 200},
		"Slash":            {"_fields=%2Fphoto&_mimeType=image%2FJPEG", "image/jpeg", "\xff\xd8\xff\x00", "", 200},
		"Text":             {"_fields=name/first&_mimeType=text/plain", "text/plain; charset=utf-8", `Béa "b"`, "", 200},
		"One":              {"_fields=one&_mimeType=application/octet-stream", "application/octet-stream", "\x01\x02", "", 200},
		"Number":           {"_fields=number&_mimeType=text/plain", "text/plain; charset=utf-8", "12345678901234567890123", "", 200},
		"Flag":             {"_fields=flag&_mimeType=text/plain", "text/plain; charset=utf-8", "true", "", 200},
		"Null":             {"_fields=none&_mimeType=text/plain", "", "", "noValue", 404},
		"Absent":           {"_fields=nosuch/x&_mimeType=text/plain", "", "", "noValue", 404},
		"Below":            {"_fields=photo/x&_mimeType=text/plain", "", "", "noValue", 404},
		"Empty":            {"_fields=empty&_mimeType=text/plain", "", "", "notOneValue", 400},
		"Two":              {"_fields=two&_mimeType=image/jpeg", "", "", "notOneValue", 400},
		"Object":           {"_fields=name&_mimeType=text/plain", "", "", "notOneValue", 400},
		"Objects":          {"_fields=objects&_mimeType=text/plain", "", "", "notOneValue", 400},
		"NotBytes":         {"_fields=notBase64&_mimeType=image/png", "", "", "notBinary", 400},
		"Script":           {"_fields=photo&_mimeType=text/html", "", "", "malformedParameter", 400},
		"Drawing":          {"_fields=photo&_mimeType=image/svg%2Bxml", "", "", "malformedParameter", 400},
		"NoField":          {"_mimeType=image/jpeg", "", "", "misplacedParameter", 400},
		"Whole":            {"_fields=/&_mimeType=image/jpeg", "", "", "misplacedParameter", 400},
		"R_K23/Fields":     {"_fields=photo,one&_mimeType=image/jpeg", "", "", "misplacedParameter", 400},
		"R_K23/Types":      {"_fields=photo&_mimeType=image/jpeg&_mimeType=image/png", "", "", "duplicateParameter", 400},
		"R_K23/TypesInOne": {"_fields=photo&_mimeType=image/jpeg,image/png", "", "", "malformedParameter", 400},
		"List":             {"_fields=photo&_mimeType=image/jpeg&_queryFilter=true", "", "", "misplacedParameter", 400},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{answer: func(*mapping.Request) (*gateway.Answer, error) {
				return &gateway.Answer{JSON: []byte(resource), ID: "x", Revision: mapping.Revision{Value: "7"}}, nil
			}}, Options{})
			r := f.send(t, "GET", "/api/users/x?"+test.query, "")
			if r.status != test.status || test.kind != "" && r.detail()["kind"] != test.kind {
				t.Fatalf("%d: %s", r.status, r.body)
			}
			if test.kind == "" && (r.body != test.body || r.header.Get("Content-Type") != test.media || r.header.Get("ETag") != `"7"`) {
				t.Errorf("%q, %v", r.body, r.header)
			}
		})
	}
}
