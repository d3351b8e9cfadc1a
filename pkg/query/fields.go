package query

import "strings"

// MaxFields is the greatest number of fields of a list.
const MaxFields = 512

// ParseFields reads a comma-separated list of pointers: "name,/manager/_id". "/"
// is the whole resource, spaces around a pointer do not count, and an empty text
// is an empty list. Beside the escapes of RFC 6901 a name may hold percent
// escapes, the only way to write a comma: "%2C" is a comma in a name, "%2F" a
// slash in a name that separates nothing, "%25" a percent sign. The error is a
// *SyntaxError.
func ParseFields(text string) ([]Pointer, error) {
	if err := checkText(text, MaxFilterLength); err != nil {
		return nil, err
	}
	if strings.Trim(text, space) == "" {
		return nil, nil
	}
	if strings.Count(text, ",") >= MaxFields {
		return nil, &SyntaxError{Message: "the list has too many fields", Limit: MaxFields}
	}
	var fields []Pointer
	offset := 0
	for part := range strings.SplitSeq(text, ",") {
		pointer, err := parseField(text, offset, part)
		if err != nil {
			return nil, err
		}
		fields = append(fields, pointer)
		offset += len(part) + len(",")
	}
	return fields, nil
}

func parseField(text string, offset int, part string) (Pointer, error) {
	field := strings.Trim(part, space)
	if field == "" {
		return nil, failAt(text, offset, `a field is expected, but there is none; "/" is the whole resource`)
	}
	offset += strings.Index(part, field)
	return parsePointerAt(text, offset, field)
}

// parsePointerAt reads a pointer with percent escapes that begins at an offset of
// the text, and tells faults by their place in the text.
func parsePointerAt(text string, offset int, field string) (Pointer, error) {
	pointer, err := parsePointer(field, "~%")
	if err != nil {
		fault := failAt(text, offset, "%s", err.Message)
		fault.Position += err.Position - 1
		return nil, fault
	}
	return pointer, nil
}
