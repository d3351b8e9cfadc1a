package crest

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// form makes a body in parts: name, media type, file name and content take turns.
func form(t *testing.T, pieces ...string) (body, media string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+3 < len(pieces); i += 4 {
		header := textproto.MIMEHeader{}
		disposition := fmt.Sprintf("form-data; name=%q", pieces[i])
		if pieces[i+2] != "" {
			disposition += fmt.Sprintf("; filename=%q", pieces[i+2])
		}
		header.Set("Content-Disposition", disposition)
		if pieces[i+1] != "" {
			header.Set("Content-Type", pieces[i+1])
		}
		p, err := w.CreatePart(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte(pieces[i+3])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestMultipart(t *testing.T) {
	const octets = "\xff\xd8\x00\r\n--not a boundary\r\n"
	body, media := form(t,
		"json", "application/json; charset=utf-8", "", `{"_id":"a","photo":{"$ref":"cid:p#content"},"about":{"name":{"$ref":"cid:p#filename"},"type":[{"$ref":"cid:p#mimetype"},{"$ref":"x","more":1}]},"plain":{"$ref":"cid:q#mimetype"}}`,
		"p", "image/jpeg", "babs.jpg", octets, "q", "", "", "")
	const want = `{"_id":"a","photo":"/9gADQotLW5vdCBhIGJvdW5kYXJ5DQo=","about":{"name":"babs.jpg","type":["image/jpeg",{"$ref":"x","more":1}]},"plain":"text/plain"}`
	for _, method := range []string{"PUT", "POST"} {
		path := map[string]string{"PUT": "/api/users/a", "POST": "/api/users"}[method]
		f := newFront(t, &service{}, Options{})
		r := f.send(t, method, path, body, "Content-Type", media)
		if r.status >= 300 || len(f.asked) == 0 {
			t.Fatalf("%s: %d: %s", method, r.status, r.body)
		}
		if got := string(mapping.AppendJSON(nil, f.asked[0].Body)); got != want {
			t.Errorf("%s: %s\nwant %s", method, got, want)
		}
	}
	t.Run("Patch", func(t *testing.T) {
		body, media := form(t, "p", "image/jpeg", "", octets, "ops", "application/json", "", `[{"operation":"replace","field":"/photo","value":{"$ref":"cid:p#content"}}]`)
		f := newFront(t, &service{}, Options{})
		if r := f.send(t, "PATCH", "/api/users/a", body, "Content-Type", media); r.status != 200 || f.asked[0].Changes[0].Value != "/9gADQotLW5vdCBhIGJvdW5kYXJ5DQo=" {
			t.Errorf("%d: %s, %v", r.status, r.body, f.asked)
		}
	})
	plain := func(pieces ...string) [2]string {
		body, media := form(t, pieces...)
		return [2]string{body, media}
	}
	for name, test := range map[string]struct {
		sent   [2]string
		status int
		kind   string
	}{
		"NoBoundary":  {[2]string{body, "multipart/form-data"}, 400, "malformedMultipart"},
		"NoParts":     {[2]string{"x", "multipart/form-data; boundary=b"}, 400, "missingPart"},
		"CutOff":      {[2]string{body[:len(body)-40], media}, 400, "malformedMultipart"},
		"NoJSON":      {plain("p", "image/jpeg", "", "x"), 400, "missingPart"},
		"BadJSON":     {plain("j", "application/json", "", "{"), 400, ""},
		"UnknownPart": {plain("j", "application/json", "", `{"a":{"$ref":"cid:q#content"}}`), 400, "unknownPart"},
		"NoCID":       {plain("j", "application/json", "", `{"a":{"$ref":"q"}}`), 400, "unknownPart"},
		"NoText":      {plain("j", "application/json", "", `{"a":{"$ref":1}}`), 400, "unknownPart"},
		"UnknownView": {plain("j", "application/json", "", `{"a":{"$ref":"cid:q#size"}}`, "q", "", "", "x"), 400, "unknownPart"},
		"Unused":      {plain("j", "application/json", "", `{}`, "q", "", "", "x"), 400, "unusedPart"},
		"Twice":       {plain("j", "application/json", "", `{}`, "q", "", "", "x", "q", "", "", "y"), 400, "duplicatePart"},
		"PartTooLong": {plain("j", "application/json", "", `{"a":{"$ref":"cid:q#content"}}`, "q", "", "", strings.Repeat("x", 501)), 413, "partTooLarge"},
		"TooLong":     {plain("j", "application/json", "", `{}`, "q", "", "", strings.Repeat("x", 400), "r", "", "", strings.Repeat("x", 400), "s", "", "", strings.Repeat("x", 400)), 413, "bodyTooLarge"},
		"Amplified":   {plain("j", "application/json", "", `{"a":[`+strings.Repeat(`{"$ref":"cid:q#content"},`, 9)+`0]}`, "q", "", "", strings.Repeat("x", 300)), 413, "bodyTooLarge"},
		"Encoded":     {[2]string{"--b\r\nContent-Disposition: form-data; name=\"j\"\r\nContent-Type: application/json\r\nContent-Transfer-Encoding: base64\r\n\r\ne30=\r\n--b--\r\n", "multipart/form-data; boundary=b"}, 400, "encodedPart"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, &service{}, Options{MaxBody: 1200, MaxPart: 500})
			r := f.send(t, "PUT", "/api/users/a", test.sent[0], "Content-Type", test.sent[1])
			if r.status != test.status || test.kind != "" && r.detail()["kind"] != test.kind || len(f.asked) > 0 {
				t.Errorf("%d: %s", r.status, r.body)
			}
		})
	}
	t.Run("Action", func(t *testing.T) {
		// An action takes JSON alone.
		f := newFront(t, &service{}, Options{})
		body, media := form(t, "j", "application/json", "", `{"oldPassword":"a","newPassword":"b"}`)
		f.answer = passwords(new(mapping.PasswordChange)).answer
		if r := f.send(t, "POST", "/api/users/a?_action=modifyPassword", body, "Content-Type", media); r.status != 415 {
			t.Errorf("%d: %s", r.status, r.body)
		}
	})
}
