package mapping

import (
	"context"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Encoder turns entries of a target into JSON resources. It holds the resolved
// references of the page at hand, so one goroutine uses it at a time.
type Encoder struct {
	// ShowAbsent shows fields without a value: null, or [] where there may be several.
	ShowAbsent bool

	target     *Target
	projection *projection
	resolved   resolved
	// asMapped is that of the request.
	asMapped bool
}

// Encoder returns an encoder that shows the fields that the request chose.
func (t *Target) Encoder(req *Request) *Encoder {
	return &Encoder{target: t, asMapped: req.AsMapped, projection: t.binding.project(t.typ, selectFields(req.Fields), req.AsMapped)}
}

// Attributes returns what has to be read of an entry that is to be encoded. The
// slice is shared and must not be changed.
func (e *Encoder) Attributes() []string {
	attribute := e.target.idAttribute()
	if attribute == "" || slices.ContainsFunc(e.projection.attributes, func(a string) bool { return strings.EqualFold(a, attribute) }) {
		return e.projection.attributes
	}
	return append(slices.Clone(e.projection.attributes), attribute)
}

// HasReferences reports whether the projection shows references: then the
// representation may change without a change of the entry.
func (e *Encoder) HasReferences() bool { return e.projection.references }

// ReadBack reports whether the directory can return all that is shown together
// with a change, so that no search is needed after it.
func (e *Encoder) ReadBack() bool {
	return e.target.binding.capabilities.ReadEntry && e.projection.isStored(e.target.binding.capabilities.Schema)
}

// Sortable reports whether a sorted result of the directory has all that is shown.
// Otherwise the entries have to be read again.
func (e *Encoder) Sortable() bool {
	return e.projection.isStored(e.target.binding.capabilities.Schema)
}

// Reread reads members of the collection once more, in batches, and keeps their order. A
// member that is gone is left out.
func (t *Target) Reread(ctx context.Context, find Finder, entries []*directory.Entry, attributes []string) ([]*directory.Entry, error) {
	names := make([]directory.DN, len(entries))
	for i, entry := range entries {
		dn, err := t.binding.parseDN(entry.DN)
		if err != nil {
			return nil, fault.Wrap(fault.BadGateway, err, "the directory returned a name that is none").Named("malformedAnswer")
		}
		names[i] = dn
	}
	found, err := t.fetch(ctx, find, names, attributes)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*directory.Entry, len(found))
	for _, entry := range found {
		if dn, err := t.binding.parseDN(entry.DN); err == nil {
			byName[dn.Key()] = entry
		}
	}
	var again []*directory.Entry
	for _, name := range names {
		if entry := byName[name.Key()]; entry != nil {
			again = append(again, entry)
		}
	}
	return again, nil
}

// idAttribute is the attribute that holds the id of an instance, "" for a singleton.
func (t *Target) idAttribute() string {
	if t.sub == nil || t.sub.Singleton {
		return ""
	}
	return t.binding.nameOf(t.sub.Naming.IDAttribute)
}

// keyAttribute is the attribute by which references identify a member.
func (t *Target) keyAttribute() string {
	if t.key != "" {
		return t.binding.nameOf(t.key)
	}
	return t.idAttribute()
}

// keyOf returns the value by which references identify a member.
func (t *Target) keyOf(entry *directory.Entry) string {
	return t.idText(t.valueOf(entry, t.keyAttribute()))
}

// IDOf returns the id of a member of the target's collection: the value of the
// attribute that names it, in the entry's spelling.
func (t *Target) IDOf(entry *directory.Entry) string {
	if t.key != "" {
		return t.valueOf(entry, t.idAttribute())
	}
	return t.idText(t.valueOf(entry, t.idAttribute()))
}

// valueOf picks the value of an attribute that identifies an entry.
func (t *Target) valueOf(entry *directory.Entry, attribute string) string {
	if attribute == "" {
		return ""
	}
	values := entry.Values(attribute)
	if len(values) == 1 {
		return values[0]
	}
	if value, ok := rdnValue(entry.DN, attribute); ok {
		if i := slices.IndexFunc(values, func(v string) bool { return directory.FoldValue(v) == directory.FoldValue(value) }); i >= 0 {
			return values[i]
		}
		return value
	}
	if len(values) > 0 {
		return slices.Min(values)
	}
	return t.id
}

// rdnValue returns the value that the entry's name has for an attribute.
func rdnValue(name, attribute string) (string, bool) {
	dn, err := directory.ParseDN(name)
	if err != nil {
		return "", false
	}
	for _, ava := range dn.RDN() {
		if strings.EqualFold(ava.Type, attribute) {
			return ava.Value, true
		}
	}
	return "", false
}

// RevisionOf returns the revision of an entry.
func (t *Target) RevisionOf(entry *directory.Entry) Revision {
	capabilities := t.binding.capabilities
	value := entry.Value(capabilities.Revision)
	return Revision{Value: value, Weak: value != "" && !capabilities.StrongRevision()}
}

// Append appends the resource of an entry, compact JSON. References are shown as
// far as Resolve has found them.
func (e *Encoder) Append(dst []byte, entry *directory.Entry) []byte {
	typ := e.target.typ.of(entry)
	w := resourceWriter{target: e.target, entry: entry, typ: typ, auxiliaries: typ.auxiliariesOf(entry), resolved: e.resolved, showAbsent: e.ShowAbsent, implied: !e.asMapped}
	return w.resource(dst, e.projection.views[typ])
}

// resourceWriter writes one resource.
type resourceWriter struct {
	target *Target
	entry  *directory.Entry
	typ    *boundType
	// auxiliaries are those that the entry is of beside typ.
	auxiliaries []*boundType
	resolved    resolved
	// showAbsent is that of the encoder.
	showAbsent bool
	// implied shows the id and the revision where the mapping has no property for them.
	implied bool
}

func (w *resourceWriter) resource(dst []byte, views []view) []byte {
	dst = append(dst, '{')
	start := len(dst)
	if w.implied {
		dst = w.identity(dst)
	}
	dst = w.members(dst, views)
	if len(dst) > start && dst[len(dst)-1] == ',' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, '}')
}

// identity appends the id and the revision where the mapping has no property for them.
func (w *resourceWriter) identity(dst []byte) []byte {
	if !w.typ.hasID && w.target.idAttribute() != "" {
		dst = append(dst, `"`+idName+`":`...)
		dst = append(appendString(dst, w.target.IDOf(w.entry)), ',')
	}
	if !w.typ.hasRevision {
		if revision := w.target.RevisionOf(w.entry); revision.Value != "" {
			dst = append(dst, `"`+revisionName+`":`...)
			dst = append(appendString(dst, revision.Value), ',')
		}
	}
	return dst
}

// members appends the members, each with a comma behind it.
func (w *resourceWriter) members(dst []byte, views []view) []byte {
	for i := range views {
		v := &views[i]
		if v.defaults != nil {
			dst = w.defaults(dst, v)
			continue
		}
		if !v.isIn(w.auxiliaries) {
			continue
		}
		before := len(dst)
		dst = append(dst, v.key...)
		valueAt := len(dst)
		switch v.Kind {
		case ObjectKind:
			dst = append(dst, '{')
			start := len(dst)
			dst = w.members(dst, v.members)
			if len(dst) > start {
				dst = dst[:len(dst)-1]
			}
			dst = append(dst, '}')
		case Constant:
			dst = v.appendJSON(dst, v.Value)
		case TypeName:
			dst = w.typ.appendTypes(dst, w.auxiliaries)
		case Simple:
			dst = w.simple(dst, v)
		case ReferenceKind, ReverseKind:
			dst = w.reference(dst, v)
		}
		if len(dst) == valueAt {
			if !w.showAbsent {
				dst = dst[:before]
				continue
			}
			dst = appendAbsent(dst, v)
		}
		dst = append(dst, ',')
	}
	return dst
}

// appendAbsent appends what stands for no value.
func appendAbsent(dst []byte, v *view) []byte {
	if v.MultiValued {
		return append(dst, "[]"...)
	}
	return append(dst, "null"...)
}

// defaults appends the attributes that are shown under their own names, in the order of the
// entry.
func (w *resourceWriter) defaults(dst []byte, v *view) []byte {
	for i := range w.entry.Attributes {
		p := v.defaults[strings.ToLower(w.entry.Attributes[i].Name)]
		if p == nil || len(w.entry.Attributes[i].Values) == 0 {
			continue
		}
		dst = append(appendString(dst, p.Name), ':')
		dst = append(w.simple(dst, &view{boundProperty: p}), ',')
	}
	return dst
}

func (w *resourceWriter) simple(dst []byte, v *view) []byte {
	values := w.entry.Values(v.attribute)
	if v.valueType == FileTime {
		values = shownTimes(values)
	}
	switch {
	case len(values) == 0:
		if v.Default != nil {
			return v.appendJSON(dst, AppendJSON(nil, v.Default))
		}
		return dst
	case v.target != nil:
		return w.insideJSON(dst, v, values)
	case !v.MultiValued:
		return v.appendValue(dst, v.shown(w.entry.DN, values))
	}
	dst = append(dst, '[')
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = v.appendValue(dst, value)
	}
	return append(dst, ']')
}

// insideJSON appends what was chosen inside of JSON values: nothing where none has it.
func (w *resourceWriter) insideJSON(dst []byte, v *view, values []string) []byte {
	if !v.MultiValued {
		return v.appendJSON(dst, []byte(v.shown(w.entry.DN, values)))
	}
	before := len(dst)
	dst = append(dst, '[')
	for _, value := range values {
		if shown := v.appendJSON(nil, []byte(value)); shown != nil {
			dst = append(append(dst, shown...), ',')
		}
	}
	if len(dst) == before+1 {
		return dst[:before]
	}
	dst[len(dst)-1] = ']'
	return dst
}

// appendJSON appends what was chosen of a JSON text.
func (v *view) appendJSON(dst, text []byte) []byte {
	if v.target == nil {
		return append(dst, text...)
	}
	value, err := DecodeJSON(text, maxJSONDepth)
	if err != nil {
		return dst // There is nothing inside of it.
	}
	if value, ok := v.target.pick(value); ok {
		return AppendJSON(dst, value)
	}
	return dst
}

// shown picks the value of a single-valued property whose attribute has several,
// the same at every read: the one in the entry's name, else the least.
func (p *boundProperty) shown(dn string, values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	if named, ok := rdnValue(dn, p.attribute); ok {
		for _, value := range values {
			if directory.FoldValue(value) == directory.FoldValue(named) {
				return value
			}
		}
	}
	return slices.Min(values)
}
