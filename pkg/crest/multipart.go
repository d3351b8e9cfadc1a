package crest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// A body may come in parts (RFC 7578), so that a photo need not be made Base64 by the
// client: one part is JSON, and where it says {"$ref": "cid:NAME#content"} the part of that
// name stands in. "#filename" and "#mimetype" stand for what the part says of itself.

// multipartType is the media type of a body in parts.
const multipartType = "multipart/form-data"

// maxParts is how many parts a body has at most.
const maxParts = 100

// part is a part other than the JSON.
type part struct {
	content             []byte
	fileName, mediaType string
	isUsed              bool
}

// value reads the body as a JSON value, which may come with further parts.
func (h *handler) value(w http.ResponseWriter, r *request) (any, error) {
	if values := r.http.Header["Content-Type"]; len(values) != 1 || mediaOf(values[0]) != multipartType || !httpserver.HasBody(r.http) {
		return h.json(w, r)
	}
	if err := checkCoding(r.http.Header); err != nil {
		return nil, err
	}
	_, parameters, err := mime.ParseMediaType(r.http.Header.Get("Content-Type"))
	if err != nil || parameters["boundary"] == "" {
		return nil, badParts("malformedMultipart", "the media type names no boundary")
	}
	data, err := httpserver.ReadBody(w, r.http, h.maxBody)
	if err != nil {
		return nil, err
	}
	text, parts, err := h.parts(multipart.NewReader(bytes.NewReader(data), parameters["boundary"]))
	if err != nil {
		return nil, err
	}
	value, err := mapping.DecodeJSON(text, h.maxDepth)
	if err != nil {
		return nil, err
	}
	in := &inserter{parts: parts, limit: h.maxBody, room: h.maxBody}
	if value, err = in.resolve(value, query.Pointer{}); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if !parts[name].isUsed {
			return nil, badParts("unusedPart", fmt.Sprintf("nothing refers to the part %q; write {\"$ref\": \"cid:%s#content\"} where it belongs", name, name))
		}
	}
	return value, nil
}

// parts returns the JSON of a body in parts, and the others by name.
func (h *handler) parts(reader *multipart.Reader) (text []byte, parts map[string]*part, err error) {
	parts = make(map[string]*part)
	for count := 0; ; count++ {
		next, err := reader.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && text == nil:
			return nil, nil, badParts("missingPart", "one of the parts is the resource, of the media type "+mediaType)
		case errors.Is(err, io.EOF):
			return text, parts, nil
		case err != nil:
			return nil, nil, badParts("malformedMultipart", "the body is not in parts as its media type says")
		case count == maxParts:
			return nil, nil, badParts("tooManyParts", fmt.Sprintf("a body has at most %d parts", maxParts))
		}
		content, err := h.content(next)
		if err != nil {
			return nil, nil, err
		}
		media := mediaOf(next.Header.Get("Content-Type"))
		if text == nil && media == mediaType {
			text = content
			continue
		}
		name := next.FormName()
		switch {
		case name == "":
			return nil, nil, badParts("malformedMultipart", "a part has no name")
		case parts[name] != nil:
			return nil, nil, badParts("duplicatePart", fmt.Sprintf("two parts have the name %q", name))
		}
		if media == "" {
			media = plainText // RFC 7578 §4.4
		}
		parts[name] = &part{content: content, fileName: next.FileName(), mediaType: media}
	}
}

// content reads a part. Its encoding is that of the body (RFC 7578 §4.7).
func (h *handler) content(next *multipart.Part) ([]byte, error) {
	switch encoding := strings.ToLower(next.Header.Get("Content-Transfer-Encoding")); encoding {
	case "", "7bit", "8bit", "binary":
	default:
		return nil, badParts("encodedPart", "a part has a transfer encoding; send it as it is")
	}
	content, err := io.ReadAll(io.LimitReader(next, h.maxPart+1))
	switch {
	case err != nil:
		return nil, badParts("malformedMultipart", "a part breaks off before its end")
	case int64(len(content)) > h.maxPart:
		e := fault.New(fault.TooLarge, "a part of the body is longer than %d bytes", h.maxPart)
		e.Detail.Kind, e.Detail.Limit = "partTooLarge", h.maxPart
		return nil, e
	}
	return content, nil
}

func badParts(kind, message string) error {
	return fault.New(fault.Invalid, "%s", message).Named(kind)
}

// inserter puts parts where references to them stand. Each may be referred to again and
// again, so that what is put in is bounded like the body that it comes in.
type inserter struct {
	parts       map[string]*part
	limit, room int64
}

// resolve returns the value with what its references stand for.
func (in *inserter) resolve(value any, at query.Pointer) (any, error) {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			resolved, err := in.resolve(item, at.Child(fmt.Sprint(i)))
			if err != nil {
				return nil, err
			}
			v[i] = resolved
		}
	case *mapping.Object:
		if reference, ok := v.Lookup("$ref"); ok && len(v.Members) == 1 {
			return in.insert(reference, at)
		}
		for i, member := range v.Members {
			resolved, err := in.resolve(member.Value, at.Child(member.Name))
			if err != nil {
				return nil, err
			}
			v.Members[i].Value = resolved
		}
	}
	return value, nil
}

func (in *inserter) insert(reference any, at query.Pointer) (any, error) {
	text, _ := reference.(string)
	rest, isCID := strings.CutPrefix(text, "cid:")
	name, what, _ := strings.Cut(rest, "#")
	p := in.parts[name]
	if !isCID || p == nil {
		return nil, badReference(at, `a reference names a part of the body, as in "cid:photo#content"`)
	}
	p.isUsed = true
	switch what {
	case "content":
		if err := in.take(len(p.content)); err != nil {
			return nil, err
		}
		return base64.StdEncoding.EncodeToString(p.content), nil
	case "filename":
		return p.fileName, in.take(len(p.fileName))
	case "mimetype":
		return p.mediaType, in.take(len(p.mediaType))
	}
	return nil, badReference(at, `of a part there are "#content", "#filename" and "#mimetype"`)
}

// take counts bytes that are put in.
func (in *inserter) take(n int) error {
	if in.room -= int64(n); in.room >= 0 {
		return nil
	}
	e := fault.New(fault.TooLarge, "the references put in more than %d bytes of the parts, which is the limit of a body; refer to a part once", in.limit)
	e.Detail.Kind, e.Detail.Limit = "bodyTooLarge", in.limit
	return e
}

func badReference(at query.Pointer, message string) error {
	return fault.New(fault.Invalid, "%s: %s", at, message).Named("unknownPart").At(at.String())
}
