package mapping

import (
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// A JSON value is one of: nil, bool, string, query.Number, []any, *Object.

// Object is a JSON object with its members in order. Names are unique.
type Object struct {
	Members []Member
}

// Member is one member of an Object.
type Member struct {
	Name  string
	Value any
}

// Lookup returns the value of the member with that name, compared without regard
// to case as the reference product does, and whether it is there.
func (o *Object) Lookup(name string) (any, bool) {
	if o == nil {
		return nil, false
	}
	for i := range o.Members {
		if strings.EqualFold(o.Members[i].Name, name) {
			return o.Members[i].Value, true
		}
	}
	return nil, false
}

// at returns the value to which a pointer leads through objects, nil when there is none.
func (o *Object) at(pointer query.Pointer) any {
	var value any = o
	for _, name := range pointer {
		object, _ := value.(*Object)
		value, _ = object.Lookup(name)
	}
	return value
}

// typeOf names the JSON type of a value, for messages.
func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case query.Number:
		return "a number"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
