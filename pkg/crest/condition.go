package crest

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// tag is an entity tag (RFC 9110 §8.8.3).
type tag struct {
	value string
	weak  bool
}

// tags is the value of If-Match or If-None-Match.
type tags struct {
	present bool
	any     bool // "*"
	list    []tag
}

// holds reports whether a revision is one of the list, by the comparison of If-None-Match
// (RFC 9110 §13.1.2, §8.8.3.2): whether the client has it as a weak one is no matter, since
// what is in between may have weakened it. A revision that is weak itself may stand for two
// states, of which the client may have the other one; it is never held.
func (t tags) holds(revision mapping.Revision) bool {
	return revision.Value != "" && !revision.Weak && slices.ContainsFunc(t.list, func(one tag) bool { return one.value == revision.Value })
}

// parseTags reads the values of a header: "*" or a list of entity tags (RFC 9110
// §13.1.1). The quotes of a tag may be left out, as clients of the reference do.
func parseTags(values []string) (tags, error) {
	if len(values) == 0 {
		return tags{}, nil
	}
	t := tags{present: true}
	rest := strings.Trim(strings.Join(values, ","), " \t")
	if rest == "*" {
		t.any = true
		return t, nil
	}
	for {
		rest = strings.TrimLeft(rest, " \t,") // Empty elements are passed over (RFC 9110 §5.6.1.2).
		if rest == "" && len(t.list) > 0 {
			return t, nil
		}
		var one tag
		var err error
		if one, rest, err = parseTag(rest); err != nil {
			return tags{}, err
		}
		t.list = append(t.list, one)
		if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != ',' {
			return tags{}, errors.New("a comma is expected after a revision")
		}
	}
}

// parseTag reads the entity tag that text begins with.
func parseTag(text string) (t tag, rest string, err error) {
	text, t.weak = strings.CutPrefix(text, "W/")
	quoted, ok := strings.CutPrefix(text, `"`)
	end := len(quoted)
	if ok {
		if end = strings.IndexByte(quoted, '"'); end < 0 {
			return tag{}, "", errors.New("a quote is not closed")
		}
		rest = quoted[end+1:]
	} else {
		if t.weak {
			return tag{}, "", errors.New(`a quoted revision is expected after "W/"`)
		}
		if i := strings.IndexAny(quoted, ", \t"); i >= 0 {
			end, rest = i, quoted[i:]
		}
	}
	t.value = quoted[:end]
	if t.value == "" || t.value == "*" && !ok || !isTagText(t.value) {
		return tag{}, "", errors.New(`a revision is expected, as in "a1b2", or "*" by itself`)
	}
	return t, rest, nil
}

// isTagText tells the characters of an entity tag (etagc of RFC 9110 §8.8.3).
func isTagText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}

// tagsOf reads a header of the request.
func (r *request) tagsOf(header string) (tags, error) {
	t, err := parseTags(r.http.Header[header])
	if err != nil {
		e := badParameter(header, "%v", err).Named("malformedHeader")
		return tags{}, e
	}
	return t, nil
}

// precondition is what a change requires of the resource.
type precondition struct {
	mustExist    bool
	mustNotExist bool
	revisions    []string // of which it has one; none is any
}

// refuseConditions refuses conditional headers where they can never hold.
func (r *request) refuseConditions(headers ...string) error {
	for _, header := range headers {
		t, err := r.tagsOf(header)
		if err != nil {
			return err
		}
		if t.present {
			return conditionFails(header, "the header has no meaning for this request, so that its condition never holds")
		}
	}
	return nil
}

func conditionFails(header, message string) error {
	e := fault.New(fault.PreconditionFailed, "%s", message).Named("condition")
	e.Detail.Parameter = header
	return e
}

// readConditions returns the revisions that the client has already.
func (r *request) readConditions() (tags, error) {
	if err := r.refuseConditions("If-Match"); err != nil {
		return tags{}, err
	}
	t, err := r.tagsOf("If-None-Match")
	if err == nil && t.any {
		err = conditionFails("If-None-Match", `a read of a resource never holds with "*"; name the revision that you have`)
	}
	return t, err
}

// changeCondition returns what a PATCH or DELETE requires.
func (r *request) changeCondition() (precondition, error) {
	if err := r.refuseConditions("If-None-Match"); err != nil {
		return precondition{}, err
	}
	t, err := r.tagsOf("If-Match")
	if err != nil || !t.present {
		return precondition{}, err
	}
	return matching(t)
}

// putCondition returns what a PUT requires.
func (r *request) putCondition() (precondition, error) {
	none, err := r.tagsOf("If-None-Match")
	if err != nil {
		return precondition{}, err
	}
	match, err := r.tagsOf("If-Match")
	switch {
	case err != nil:
		return precondition{}, err
	case none.present && match.present:
		return precondition{}, conditionFails("If-None-Match", "If-Match and If-None-Match never hold together")
	case none.any:
		return precondition{mustNotExist: true}, nil
	case none.present:
		return precondition{}, badParameter("If-None-Match", `a %s takes "*" here, and no revision`, http.MethodPut).Named("malformedHeader")
	case match.present:
		return matching(match)
	}
	return precondition{}, nil
}

// maxRevisions is how many revisions If-Match may name: each is asked for by itself.
const maxRevisions = 16

// matching returns what If-Match requires. The comparison is strong (RFC 9110 §13.1.1), so
// that a weak revision matches nothing.
func matching(t tags) (precondition, error) {
	if t.any {
		return precondition{mustExist: true}, nil
	}
	if len(t.list) > maxRevisions {
		e := badParameter("If-Match", "%d revisions at most are expected, or \"*\"", maxRevisions).Named("malformedHeader")
		e.Detail.Limit = maxRevisions
		return precondition{}, e
	}
	c := precondition{mustExist: true}
	for _, one := range t.list {
		if !one.weak && !slices.Contains(c.revisions, one.value) {
			c.revisions = append(c.revisions, one.value)
		}
	}
	if len(c.revisions) == 0 {
		return precondition{}, conditionFails("If-Match", "a weak revision matches nothing in If-Match; send a strong one, without W/, where the resource has it")
	}
	return c, nil
}

// doWhere is do for a change of a resource that has one of the revisions. The directory
// compares one in the moment of the change, so that it is asked for each in turn.
func (h *handler) doWhere(r *request, c precondition, req mapping.Request) (answer *gateway.Answer, err error) {
	if len(c.revisions) == 0 {
		return h.do(r, req)
	}
	for _, revision := range c.revisions {
		req.Revision = revision
		if answer, err = h.do(r, req); !isOtherRevision(err) {
			break
		}
	}
	return answer, err
}

func isOtherRevision(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Kind == fault.PreconditionFailed && e.Detail.Kind == "revision"
}
