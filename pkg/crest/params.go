package crest

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rest2ldap/rest2ldap/internal/nearest"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// params are the parameters of a request.
type params struct {
	fields    []query.Pointer
	filter    query.Filter
	hasFilter bool
	sort      []query.SortKey
	pageSize  int
	cookie    string
	skip      int
	total     bool
	estimate  bool
	countOnly bool
	mediaType string
	action    string
	pretty    bool
	dryRun    bool
	subtree   bool
	advice    bool
	// description is the kind of description that is asked for; "" is none.
	description string
}

// parameter is a name that the protocol knows.
type parameter struct {
	name string
	// set takes the value.
	set func(p *params, value string) error
}

// known are the parameters of the protocol.
var known = []parameter{ //nolint:gochecknoglobals // constant table
	{name: "_fields", set: setFields},
	{name: "_prettyPrint", set: setPretty},
	{name: "_queryFilter", set: setFilter},
	{name: "_action", set: setAction},
	{name: "_queryId", set: filterOnly},
	{name: "_queryExpression", set: filterOnly},
	{name: "_pageSize", set: setPageSize},
	{name: "_pagedResultsOffset", set: setSkip},
	{name: "_pagedResultsCookie", set: setCookie},
	{name: "_totalPagedResultsPolicy", set: setTotal},
	{name: "_countOnly", set: setCountOnly},
	{name: "_sortKeys", set: setSort},
	{name: "_mimeType", set: setMediaType},
	{name: openAPI, set: setDescription(openAPI)},
	{name: crestAPI, set: setDescription(crestAPI)},
	{name: "dryRun", set: setDryRun},
	{name: "passwordQualityAdvice", set: setQualityAdvice},
	{name: "subtreeDelete", set: setSubtree},
}

// parseParams reads the query of a URL. Pairs are separated by "&" alone, so that a
// filter may hold a semicolon. Lenient passes over what nobody knows.
func parseParams(raw string, lenient bool) (params, error) {
	var p params
	if raw == "" {
		return p, nil
	}
	seen := make(map[string]bool, 4)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, err := decodePair(pair)
		if err != nil {
			return params{}, err
		}
		if !isKnown(name) {
			if !lenient && strings.HasPrefix(name, "_") {
				return params{}, unknownParameter(name)
			}
			continue
		}
		folded := strings.ToLower(name)
		if seen[folded] && folded != "_fields" { // Fields add up.
			return params{}, badParameter(name, "the parameter stands twice").Named("duplicateParameter")
		}
		seen[folded] = true
		if err := p.take(name, value); err != nil {
			return params{}, err
		}
	}
	return p, nil
}

func isKnown(name string) bool {
	return slices.ContainsFunc(known, func(k parameter) bool { return strings.EqualFold(k.name, name) })
}

func decodePair(pair string) (name, value string, err error) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	if name, err = decodeQuery(rawName); err != nil {
		return "", "", fault.New(fault.Invalid, "the name of a parameter, %q, %v", rawName, err).Named("malformedParameter")
	}
	if value, err = decodeQuery(rawValue); err != nil {
		return "", "", badParameter(name, "the value of the parameter %v", err).Named("malformedParameter")
	}
	return name, value, nil
}

func decodeQuery(raw string) (string, error) {
	text, err := url.QueryUnescape(raw)
	switch {
	case err != nil:
		return "", errors.New(`has a percent sign that begins no escape; "%" itself is "%25"`)
	case !utf8.ValidString(text):
		return "", errors.New("is not UTF-8")
	}
	return text, nil
}

func badParameter(name, format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, format, args...)
	e.Detail.Parameter = name
	return e
}

// take takes one parameter that is known.
func (p *params) take(name, value string) error {
	for _, k := range known {
		if strings.EqualFold(k.name, name) {
			return locate(k.set(p, value), k.name)
		}
	}
	return nil
}

// locate makes the error of a value one that names the parameter.
func locate(err error, name string) error {
	if err == nil {
		return nil
	}
	e := badParameter(name, "%v", err).Named("malformedParameter")
	var syntax *query.SyntaxError
	if errors.As(err, &syntax) {
		e.Message, e.Detail.Position, e.Detail.Limit = syntax.Message, syntax.Position, int64(syntax.Limit)
	}
	return e
}

// passOver forgets what has no meaning without something that is not there, as the reference
// product does: an order and pages without a filter, and a place among pages without their size.
func (p *params) passOver() {
	if !p.hasFilter {
		p.sort, p.pageSize = nil, 0
	}
	if p.pageSize == 0 {
		p.cookie, p.skip = "", 0
	}
}

// suit refuses parameters that go with another method.
func (p *params) suit(method string) error {
	switch {
	case p.description != "" && (method != http.MethodGet && method != http.MethodHead || p.hasFilter || p.mediaType != "" || len(p.fields) > 0):
		return badParameter(p.description, "a description goes with GET, and with no other parameter but _prettyPrint").Named("misplacedParameter")
	case p.hasFilter && method != http.MethodGet && method != http.MethodHead:
		return badParameter("_queryFilter", "a filter goes with GET").Named("misplacedParameter")
	case p.subtree && method != http.MethodDelete:
		return badParameter("subtreeDelete", "a deletion of all that is below goes with DELETE").Named("misplacedParameter")
	case p.dryRun && (method == http.MethodGet || method == http.MethodHead):
		return badParameter("dryRun", "a change is tried, and this request is none").Named("misplacedParameter")
	case p.action != "" && method != http.MethodPost:
		return badParameter("_action", "an action goes with POST").Named("misplacedParameter")
	case p.advice && !p.mayHavePassword(method):
		return badParameter("passwordQualityAdvice", "advice goes with what may set a password: a create, an update, a patch, and the actions modifyPassword and resetPassword").Named("misplacedParameter")
	case p.mediaType != "" && (method != http.MethodGet && method != http.MethodHead || p.hasFilter || len(p.fields) != 1 || len(p.fields[0]) == 0):
		return badParameter("_mimeType", "a media type goes with the GET of one resource and exactly one field in _fields").Named("misplacedParameter")
	case p.countOnly && !p.hasFilter:
		return badParameter("_countOnly", "counting goes with a _queryFilter").Named("misplacedParameter")
	case p.countOnly && (len(p.sort) > 0 || p.pageSize > 0):
		return badParameter("_countOnly", "what is only counted has neither an order nor pages; leave out _sortKeys and _pageSize").Named("misplacedParameter")
	case len(p.sort) > 0 && !p.hasFilter:
		return badParameter("_sortKeys", "sort keys go with a _queryFilter").Named("misplacedParameter")
	case p.pageSize > 0 && !p.hasFilter:
		return badParameter("_pageSize", "a page size goes with a _queryFilter").Named("misplacedParameter")
	case p.cookie != "" && p.pageSize == 0:
		return badParameter("_pagedResultsCookie", "a cookie goes with the _pageSize of the page before").Named("misplacedParameter")
	case p.skip > 0 && p.pageSize == 0:
		return badParameter("_pagedResultsOffset", "an offset counts pages, and goes with a _pageSize").Named("misplacedParameter")
	case p.skip > 0 && p.cookie != "":
		return badParameter("_pagedResultsOffset", "a page is found by its cookie or by its offset, not by both").Named("misplacedParameter")
	}
	return nil
}

// mayHavePassword reports whether a request may set a password.
func (p *params) mayHavePassword(method string) bool {
	switch method {
	case http.MethodPut, http.MethodPatch:
		return true
	case http.MethodPost:
		switch action := mapping.ActionNamed(p.action); action {
		case mapping.ModifyPassword, mapping.ResetPassword:
			return true
		default:
			return p.action == "" || strings.EqualFold(p.action, createAction)
		}
	}
	return false
}

func setFields(p *params, value string) error {
	fields, err := query.ParseFields(value)
	if p.fields = append(p.fields, fields...); err == nil && len(p.fields) > query.MaxFields {
		err = fmt.Errorf("more than %d fields are named", query.MaxFields)
	}
	return err
}

func setFilter(p *params, value string) (err error) {
	p.hasFilter = true
	p.filter, err = query.ParseFilter(value)
	return err
}

func setSort(p *params, value string) (err error) {
	p.sort, err = query.ParseSortKeys(value)
	return err
}

func setPageSize(p *params, value string) (err error) {
	p.pageSize, err = count(value)
	return err
}

func setSkip(p *params, value string) (err error) {
	p.skip, err = count(value)
	return err
}

// maxSkipped bounds the resources that are passed over: each costs the directory as much
// as one that is shown.
const maxSkipped = 100_000

// checkSkip refuses an offset that is too far in pages of a size.
func checkSkip(skip, pageSize int) error {
	if pageSize == 0 || skip <= maxSkipped/pageSize {
		return nil
	}
	e := badParameter("_pagedResultsOffset", "an offset passes over %d resources at most, here %d pages; go on with cookies", maxSkipped, maxSkipped/pageSize)
	e.Detail.Kind, e.Detail.Limit = "offsetLimit", maxSkipped
	return e
}

func setCookie(p *params, value string) error {
	p.cookie = value
	return nil
}

func setPretty(p *params, value string) (err error) {
	p.pretty, err = boolean(value)
	return err
}

func setDryRun(p *params, value string) (err error) {
	p.dryRun, err = boolean(value)
	return err
}

func setSubtree(p *params, value string) (err error) {
	p.subtree, err = boolean(value)
	return err
}

func setAction(p *params, value string) error {
	if value == "" {
		return errors.New("the name of an action is expected")
	}
	p.action = value
	return nil
}

func filterOnly(*params, string) error {
	return errors.New(`only filters are supported; use "_queryFilter"`)
}

func boolean(value string) (bool, error) {
	switch {
	case strings.EqualFold(value, "true"):
		return true, nil
	case strings.EqualFold(value, "false"):
		return false, nil
	}
	return false, errors.New(`"true" or "false" is expected`)
}

// count reads a number of things.
func count(value string) (int, error) {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("a whole number from 0 to %d is expected", math.MaxInt32)
	}
	return int(n), nil
}

// setTotal takes how carefully to count.
func setTotal(p *params, value string) error {
	switch {
	case strings.EqualFold(value, "EXACT"):
		p.total = true
	case strings.EqualFold(value, "ESTIMATE"):
		p.estimate = true
	case !strings.EqualFold(value, "NONE"):
		return errors.New(`"NONE", "ESTIMATE" or "EXACT" is expected`)
	}
	return nil
}

func setCountOnly(p *params, value string) (err error) {
	p.countOnly, err = boolean(value)
	return err
}

func setQualityAdvice(p *params, value string) (err error) {
	p.advice, err = boolean(value)
	return err
}

func unknownParameter(name string) error {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.name
	}
	if near := nearest.Name(name, names); near != "" {
		return badParameter(name, "unknown parameter; did you mean %q?", near).Named("unknownParameter")
	}
	return badParameter(name, "unknown parameter; there are %s", strings.Join(names, ", ")).Named("unknownParameter")
}
