package legacy

import (
	"encoding/base64"
	"strings"
)

// attributePrefix begins the names of classes and attributes of the configuration.
const attributePrefix = "ds-cfg-"

// parseLDIF reads the configuration of a directory server, an LDIF file without changes
// (RFC 2849). What is of no kind that matters is passed over.
func parseLDIF(file string, data []byte) (objects, []Finding) {
	var all objects
	var wrong []Finding
	entry := ldifEntry{}
	end := func() {
		if o := entry.object(); o != nil {
			all = append(all, o)
		}
		entry = ldifEntry{}
	}
	for _, line := range unfold(string(data)) {
		place := Place{File: file, Line: line.number, Column: 1}
		if line.text == "" {
			end()
			continue
		}
		name, value, ok := ldifValue(line.text)
		if !ok {
			wrong = append(wrong, Finding{Status: Decision, Place: place, Message: "the line is not LDIF: it must be a name, a colon and a value; mend it there"})
			continue
		}
		entry.lines = append(entry.lines, ldifLine{place, name, value})
	}
	end()
	return all, wrong
}

type numbered struct {
	number int
	text   string
}

// unfold joins lines with those that go on after them, and leaves comments out.
func unfold(text string) []numbered {
	var lines []numbered
	comment := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, " "):
			if n := len(lines); n > 0 && !comment && lines[n-1].text != "" {
				lines[n-1].text += line[1:]
				continue
			}
			if comment {
				continue
			}
			lines = append(lines, numbered{number, line})
		case strings.HasPrefix(line, "#"):
			comment = true
			continue
		default:
			lines = append(lines, numbered{number, line})
		}
		comment = false
	}
	return lines
}

// ldifValue splits a line into a name, in lower case, and a value.
func ldifValue(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return "", "", false
	}
	if encoded, is64 := strings.CutPrefix(value, ":"); is64 {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		return strings.ToLower(name), string(decoded), err == nil
	}
	return strings.ToLower(name), strings.TrimLeft(value, " "), true
}

type ldifLine struct {
	place       Place
	name, value string
}

type ldifEntry struct{ lines []ldifLine }

// object makes the object of an entry; nil when it is of no kind that matters.
func (e ldifEntry) object() *object {
	o := &object{}
	for _, l := range e.lines {
		switch l.name {
		case "dn":
			o.place, o.name = l.place, nameOf(l.value)
		case "objectclass":
			o.classify(strings.TrimPrefix(strings.ToLower(l.value), attributePrefix))
		}
	}
	if o.kind == "" || o.place.Line == 0 {
		return nil
	}
	if o.kind == kindGlobal {
		o.name = ""
	}
	for _, l := range e.lines {
		if property, ok := strings.CutPrefix(l.name, attributePrefix); ok {
			o.add(l.place, property, l.value)
		}
	}
	return o
}

// classify takes an object class as kind or variant.
func (o *object) classify(class string) {
	if class == "root-config" {
		o.kind = kindGlobal
		return
	}
	for _, kind := range []string{kindEndpoint, kindMechanism, kindHandler, kindMapper, kindKeyManager} {
		if class == kind {
			o.kind = kind
			return
		}
		// The longest name says most: http-oauth2-cts-… is http-oauth2-… as well.
		suffix := "-" + strings.TrimPrefix(kind, "http-")
		if strings.HasSuffix(class, suffix) && class != kind && len(class) > len(o.variant) {
			o.variant = class
		}
	}
}
