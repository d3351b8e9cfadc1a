package crest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// contentType is the value of the header, shared by all answers.
var contentType = []string{httpserver.ContentType} //nolint:gochecknoglobals // constant table

// write answers with a resource.
func (r *request) write(w http.ResponseWriter, answer *gateway.Answer) error {
	body := answer.JSON
	if r.params.pretty {
		var err error
		if body, err = indent(nil, body, ""); err != nil {
			return err
		}
		body = append(body, '\n')
	}
	h := w.Header()
	setRevision(h, answer.Revision)
	if answer.Deleted > 0 {
		h.Set("X-Deleted-Below", strconv.Itoa(answer.Deleted))
	}
	status := http.StatusOK
	if answer.Created {
		status = http.StatusCreated
	}
	send(w, status, body)
	return nil
}

// FormatError returns the body of an error as the request wants it (httpserver.FormatErrors).
func FormatError(r *http.Request, body []byte) []byte {
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, err := decodePair(pair)
		if err != nil || !strings.EqualFold(name, "_prettyPrint") || !strings.EqualFold(value, "true") {
			continue
		}
		if pretty, err := indent(nil, body, ""); err == nil {
			return append(pretty, '\n')
		}
	}
	return body
}

// send sends a whole body.
func send(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // Who is gone is noted by httpserver.
}

// setRevision sets the ETag (RFC 9110 §8.8.3) of a revision that can be one.
func setRevision(h http.Header, revision mapping.Revision) {
	if revision.Value == "" || !isTagText(revision.Value) {
		return
	}
	value := `"` + revision.Value + `"`
	if revision.Weak {
		value = "W/" + value
	}
	h["Etag"] = []string{value}
}

// indent appends compact JSON with indentation, each line but the first after prefix.
func indent(dst, compact []byte, prefix string) ([]byte, error) {
	return jsontext.AppendFormat(dst, compact, jsontext.AllowDuplicateNames(true), jsontext.Multiline(true),
		jsontext.WithIndentPrefix(prefix), jsontext.WithIndent("  "))
}
