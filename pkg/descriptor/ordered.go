package descriptor

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ordered is a JSON object that keeps the order in which its members were added.
type ordered[T any] []member[T]

type member[T any] struct {
	name  string
	value T
}

// add adds a member of a new name.
func (o *ordered[T]) add(name string, value T) { *o = append(*o, member[T]{name, value}) }

// get returns the value of a member, and whether there is one.
func (o ordered[T]) get(name string) (value T, ok bool) {
	for _, m := range o {
		if m.name == name {
			return m.value, true
		}
	}
	return value, false
}

// set replaces the value of a member, or adds one.
func (o *ordered[T]) set(name string, value T) {
	for i := range *o {
		if (*o)[i].name == name {
			(*o)[i].value = value
			return
		}
	}
	o.add(name, value)
}

// MarshalJSONTo writes the object.
func (o ordered[T]) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, m := range o {
		if err := e.WriteToken(jsontext.String(m.name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(e, m.value); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}
