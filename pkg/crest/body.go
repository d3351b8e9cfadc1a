package crest

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// object reads the body as a resource.
func (h *handler) object(w http.ResponseWriter, r *request) (*mapping.Object, error) {
	value, err := h.value(w, r)
	if err != nil {
		return nil, err
	}
	object, ok := value.(*mapping.Object)
	if !ok {
		return nil, fault.New(fault.Invalid, "the body is a resource, that is an object").Named("wrongType")
	}
	return object, nil
}

// json reads the body as a JSON value.
func (h *handler) json(w http.ResponseWriter, r *request) (any, error) {
	if !httpserver.HasBody(r.http) {
		return nil, missingBody()
	}
	if err := checkMediaType(r.http.Header); err != nil {
		return nil, err
	}
	data, err := httpserver.ReadBody(w, r.http, h.maxBody)
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, missingBody()
	}
	return mapping.DecodeJSON(data, h.maxDepth)
}

func missingBody() error {
	return fault.New(fault.Invalid, "the request has no body; JSON is expected").Named("missingBody")
}

// mediaType is the one type of a body.
const mediaType = "application/json"

// checkCoding refuses a body that is encoded.
func checkCoding(h http.Header) error {
	for _, coding := range h["Content-Encoding"] {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return unsupported("Content-Encoding", "the body has a content coding; send it as it is")
		}
	}
	return nil
}

// checkMediaType refuses a body that is not JSON in UTF-8 (RFC 8259 §8.1), or is encoded.
func checkMediaType(h http.Header) error {
	if err := checkCoding(h); err != nil {
		return err
	}
	values := h["Content-Type"]
	if len(values) == 1 && values[0] == mediaType {
		return nil
	}
	if len(values) != 1 {
		return unsupported("Content-Type", "the body needs one media type, "+mediaType)
	}
	media, parameters, err := mime.ParseMediaType(values[0])
	if err != nil || media != mediaType {
		return unsupported("Content-Type", "the body has another media type than "+mediaType)
	}
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return unsupported("Content-Type", "the body has another charset than utf-8")
	}
	return nil
}

func unsupported(header, message string) error {
	e := fault.New(fault.UnsupportedMediaType, "%s", message)
	e.Detail.Parameter = header
	return e
}

// changes reads the body as the operations of a patch.
func (h *handler) changes(w http.ResponseWriter, r *request) ([]mapping.PatchOp, error) {
	value, err := h.value(w, r)
	if err != nil {
		return nil, err
	}
	return parseChanges(value)
}

func parseChanges(value any) ([]mapping.PatchOp, error) {
	items, ok := value.([]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "the body is a list of operations, that is an array").Named("wrongType")
	}
	ops := make([]mapping.PatchOp, 0, len(items))
	for i, item := range items {
		op, err := parseChange(item)
		if err != nil {
			// The place is known below as far as the operation.
			err.Detail.Field = "/" + strconv.Itoa(i) + err.Detail.Field
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// change is an operation as it is written.
type change struct {
	operation, field, from string
	hasField, hasFrom      bool
	value                  any
	hasValue               bool
}

// parseChange reads one operation. The fault's field is relative to it.
func parseChange(item any) (mapping.PatchOp, *fault.Error) {
	c, err := readChange(item)
	if err != nil {
		return mapping.PatchOp{}, err
	}
	verb, err := c.verb()
	if err != nil {
		return mapping.PatchOp{}, err
	}
	copies := verb == "copy" || verb == "move"
	switch {
	case !c.hasField:
		return mapping.PatchOp{}, badChange("/field", "missingMember", "the operation needs a field")
	case copies && !c.hasFrom:
		return mapping.PatchOp{}, badChange("/from", "missingMember", fmt.Sprintf("%q needs a source", verb))
	case copies && c.hasValue:
		return mapping.PatchOp{}, badChange("/value", "unknownMember", fmt.Sprintf("%q has no value", verb))
	case !copies && c.hasFrom:
		return mapping.PatchOp{}, badChange("/from", "unknownMember", `only "copy" and "move" have a source`)
	case !copies && verb != "remove" && c.value == nil:
		return mapping.PatchOp{}, badChange("/value", "missingMember", "the operation needs a value other than null")
	}
	field, syntax := query.ParsePointer(c.field)
	if syntax != nil {
		return mapping.PatchOp{}, badPointer("/field", syntax)
	}
	if _, syntax := query.ParsePointer(c.from); syntax != nil {
		return mapping.PatchOp{}, badPointer("/from", syntax)
	}
	known, ok := verbsOfPatch[verb]
	if !ok { // One that is well-formed, and that a directory does not have.
		e := fault.New(fault.Unsupported, "the operation %q is not available", verb).Named("unavailableOperation")
		return mapping.PatchOp{}, e.At("/operation")
	}
	return mapping.PatchOp{Verb: known, Field: field, Value: c.value, HasValue: c.hasValue}, nil
}

func readChange(item any) (c change, err *fault.Error) {
	object, ok := item.(*mapping.Object)
	if !ok {
		return c, badChange("", "wrongType", "an operation is an object")
	}
	for _, member := range object.Members {
		ok := true
		switch member.Name {
		case "operation":
			c.operation, ok = member.Value.(string)
		case "field":
			c.field, ok = member.Value.(string)
			c.hasField = true
		case "from":
			c.from, ok = member.Value.(string)
			c.hasFrom = true
		case "value":
			c.value, c.hasValue = member.Value, true
		default:
			return c, badChange(query.Pointer{member.Name}.String(), "unknownMember", `an operation has "operation", "field" and "value"`)
		}
		if !ok {
			return c, badChange("/"+member.Name, "wrongType", "a string is expected")
		}
	}
	return c, nil
}

// verbsOfPatch are the operations that there are. The protocol has copy, move and transform besides.
var verbsOfPatch = map[string]mapping.PatchVerb{ //nolint:gochecknoglobals // constant table
	"add": mapping.PatchAdd, "remove": mapping.PatchRemove, "replace": mapping.PatchReplace, "increment": mapping.PatchIncrement,
}

// verb returns the name of an operation of the protocol.
func (c *change) verb() (string, *fault.Error) {
	const place = "/operation"
	switch name := strings.ToLower(c.operation); name {
	case "add", "remove", "replace", "increment", "copy", "move", "transform":
		return name, nil
	case "":
		return "", badChange(place, "missingMember", "the operation needs its name")
	}
	return "", badChange(place, "unknownOperation", `the operations are "add", "remove", "replace" and "increment"`)
}

func badChange(field, kind, message string) *fault.Error {
	return fault.New(fault.Invalid, "%s", message).Named(kind).At(field)
}

func badPointer(place string, err error) *fault.Error {
	e := badChange(place, "malformedPointer", err.Error())
	var syntax *query.SyntaxError
	if errors.As(err, &syntax) {
		e.Message, e.Detail.Position = syntax.Message, syntax.Position
	}
	return e
}
