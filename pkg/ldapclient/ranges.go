package ldapclient

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
)

// Active Directory returns an attribute of many values in ranges: as "member;range=0-1499",
// beside a "member" without values, which would look like an empty one (MS-ADTS
// §3.1.1.3.1.3.3). The rest is asked for by searches of the entry, until a range ends with
// "*".

// span is a range of the values of an attribute, as in a description.
type span struct {
	// attribute is the description without the range.
	attribute string
	// from and to are the places of the first and the last value; isLast is a "*" for to.
	from, to int
	isLast   bool
}

// spanOf finds the range in a description.
func spanOf(description string) (span, bool) {
	if strings.IndexByte(description, ';') < 0 {
		return span{}, false
	}
	parts := strings.Split(description, ";")
	for i, option := range parts {
		const prefix = "range="
		if i == 0 || len(option) < len(prefix) || !strings.EqualFold(option[:len(prefix)], prefix) {
			continue
		}
		first, last, _ := strings.Cut(option[len(prefix):], "-")
		from, err := strconv.Atoi(first)
		r := span{attribute: strings.Join(slices.Delete(parts, i, i+1), ";"), from: from, isLast: last == "*"}
		if !r.isLast && err == nil {
			r.to, err = strconv.Atoi(last)
		}
		return r, err == nil
	}
	return span{}, false
}

// fits reports whether a range of that many values goes on where at values are known.
func (r span) fits(at, values int) bool {
	return r.from == at && (r.isLast || values > 0 && r.to == at+values-1)
}

func isSpan(description string) bool {
	_, ok := spanOf(description)
	return ok
}

// whole returns an entry with all values of the attributes that came in ranges; the rest of
// them is asked of the server that it came from, as the same identity. asked are the attributes
// of the request: one that asks for ranges itself gets them as they are.
func (s *session) whole(ctx context.Context, asked []string, from *conn, entry *directory.Entry) (whole *directory.Entry, err error) {
	err = from.decode(func() (err error) { whole, err = s.assemble(ctx, asked, from.server, entry); return err })
	if err != nil {
		return nil, transportFault(err, false)
	}
	return whole, nil
}

// assemble is whole.
func (s *session) assemble(ctx context.Context, asked []string, from *server, entry *directory.Entry) (*directory.Entry, error) {
	if !slices.ContainsFunc(entry.Attributes, func(a directory.Attribute) bool { return isSpan(a.Name) }) || slices.ContainsFunc(asked, isSpan) {
		return entry, nil
	}
	dn, err := directory.ParseDN(entry.DN)
	if err != nil {
		return nil, rangeFault(err, "the name of an entry with many values makes no sense")
	}
	ctx, cancel := s.client.bounded(ctx)
	defer cancel()
	assembled := *entry
	assembled.Attributes = nil
	for _, a := range entry.Attributes {
		if r, ok := spanOf(a.Name); ok {
			if a, err = s.values(ctx, from, dn, r, a.Values); err != nil {
				return nil, err
			}
		}
		assembled.Attributes = append(assembled.Attributes, a)
	}
	assembled.Attributes = slices.DeleteFunc(assembled.Attributes, func(a directory.Attribute) bool {
		return len(a.Values) == 0 && slices.ContainsFunc(assembled.Attributes, func(other directory.Attribute) bool {
			return len(other.Values) > 0 && strings.EqualFold(other.Name, a.Name)
		})
	})
	return &assembled, nil
}

// values returns an attribute of which the first range has come.
func (s *session) values(ctx context.Context, from *server, dn directory.DN, r span, first []string) (directory.Attribute, error) {
	all, size, name := []string{}, 0, r.attribute
	for values := first; ; {
		if !strings.EqualFold(r.attribute, name) || !r.fits(len(all), len(values)) {
			return directory.Attribute{}, rangeFault(nil, "the directory returned other values of %s than it was asked for", name)
		}
		for _, value := range values {
			size += len(value)
		}
		if size > s.client.options.MaxMessage {
			e := rangeFault(nil, "the values of %s are more than the gateway takes of one entry", name)
			e.Kind = fault.TooLarge
			return directory.Attribute{}, e
		}
		all = append(all, values...)
		if r.isLast {
			return directory.Attribute{Name: name, Values: all}, nil
		}
		next, err := s.span(ctx, from, dn, name, len(all))
		if err != nil {
			return directory.Attribute{}, err
		}
		r, _ = spanOf(next.Name)
		values = next.Values
	}
}

// span asks for the values of an attribute from a place on.
func (s *session) span(ctx context.Context, from *server, dn directory.DN, attribute string, place int) (directory.Attribute, error) {
	req := &directory.SearchRequest{
		Base: dn, Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), SizeLimit: 1,
		Attributes: []string{attribute + ";range=" + strconv.Itoa(place) + "-*"},
	}
	l, err := from.lend(ctx, s.as, need{sharing: true}, true)
	if err != nil {
		return directory.Attribute{}, transportFault(&unsentError{err}, false)
	}
	defer l.giveBack() //nolint:contextcheck // What is drained is for who comes next.
	op, err := l.do(ctx, searchFor(req, s.controls()))
	if err != nil {
		return directory.Attribute{}, transportFault(err, false)
	}
	if op.result.Code != codeSuccess {
		return directory.Attribute{}, rangeFault(&resultError{op.result}, "the directory does not return the rest of the values of %s", attribute)
	}
	for _, entry := range op.entries {
		for _, a := range entry.Attributes {
			if isSpan(a.Name) {
				return a, nil
			}
		}
	}
	return directory.Attribute{}, rangeFault(nil, "the directory does not return the rest of the values of %s", attribute)
}

// rangeFault is the fault for an attribute that cannot be had whole: a part of it would look
// like all of it.
func rangeFault(cause error, format string, args ...any) *fault.Error {
	return fault.Wrap(fault.BadGateway, cause, format, args...).Named("rangeRetrieval")
}
