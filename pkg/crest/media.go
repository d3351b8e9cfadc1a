package crest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// plainText is the media type of a value that is shown as text.
const plainText = "text/plain"

// mediaTypes are those in which a field may be read. A browser runs none of them: what is
// in a directory was written by others.
var mediaTypes = []string{ //nolint:gochecknoglobals // constant table
	"application/octet-stream", "application/pkix-cert", "audio/basic", "image/gif", "image/jpeg", "image/png", "image/webp", plainText,
}

func setMediaType(p *params, value string) error {
	if !slices.Contains(mediaTypes, strings.ToLower(value)) {
		return fmt.Errorf("%q is not available; there are %s", value, strings.Join(mediaTypes, ", "))
	}
	p.mediaType = strings.ToLower(value)
	return nil
}

// writeValue answers with the value of the one field that was chosen, as it is.
func (r *request) writeValue(w http.ResponseWriter, answer *gateway.Answer) error {
	value, err := valueAt(answer.JSON, r.params.fields[0])
	if err != nil {
		return badParameter("_mimeType", "%v", err).Named("notOneValue")
	}
	if value == nil {
		return fault.New(fault.NotFound, "the resource has no such field, or it has no value").Named("noValue")
	}
	media, body := r.params.mediaType, value
	if media == plainText {
		media += "; charset=utf-8"
	} else if body, err = base64.StdEncoding.AppendDecode(nil, value); err != nil {
		return badParameter("_mimeType", "the field is not binary; read it as %s, or without _mimeType", plainText).Named("notBinary")
	}
	h := w.Header()
	setRevision(h, answer.Revision)
	h["Content-Type"] = []string{media}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // Who is gone is noted by httpserver.
	return nil
}

// valueAt returns the text of the one value at a field; nil when there is none.
func valueAt(resource jsontext.Value, field query.Pointer) ([]byte, error) {
	value := resource
	for _, name := range field {
		var object map[string]jsontext.Value
		if value.Kind() != '{' {
			return nil, nil
		}
		if err := json.Unmarshal(value, &object, jsontext.AllowDuplicateNames(true)); err != nil {
			return nil, err
		}
		value = object[name]
	}
	if value.Kind() == '[' {
		var list []jsontext.Value
		if err := json.Unmarshal(value, &list); err != nil || len(list) != 1 {
			return nil, fmt.Errorf("the field has %d values; read it without _mimeType", len(list))
		}
		value = list[0]
	}
	switch value.Kind() {
	case 0, 'n':
		return nil, nil
	case '"':
		return jsontext.AppendUnquote(nil, value)
	case '{', '[':
		return nil, errors.New("the field is not one plain value; read it without _mimeType")
	}
	return value, nil
}
