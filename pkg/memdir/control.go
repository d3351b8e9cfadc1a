package memdir

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
	"github.com/rest2ldap/rest2ldap/pkg/memdir/internal/store"
)

// controls are what came with a request, decoded.
type controls struct {
	assert            *directory.Filter
	preRead, postRead []string
	permissive, noOp  bool
	sort              []store.SortKey
	paging            *paging
	// sortCritical says that a search that cannot be sorted has to fail.
	sortCritical bool
	// policy says that the client understands what the password policy has to say.
	policy bool
}

type paging struct {
	size   int
	cookie string
}

// Operations to which a control may apply, by name.
const (
	onSearch  = "search"
	onUpdate  = "add delete modify modifyDN"
	onEntries = onUpdate + " search compare"
	// Of the extended operations these are for "Who am I?" and the change of a password,
	// and for the latter alone.
	onProxied = onEntries + " extended"
	onPolicy  = "bind add modify extended"
)

// known is a control that the server has: to what it applies, and how it is read.
type known struct {
	// name is how slapd speaks of it; without one it may come several times.
	name string
	on   string
	read func(r *request, c *ldapwire.RequestControl) store.Result
}

// knownControl finds a control by its OID; nil is none.
func knownControl(oid string) *known {
	switch oid {
	case ldapwire.OIDProxiedAuthorization:
		return &known{"proxy authorization control", onProxied, (*request).readProxy}
	case ldapwire.OIDManageDsaIT:
		return &known{"manageDSAit control", onEntries, noValue("manageDSAit control value not absent", func(*controls) {})}
	case ldapwire.OIDNoOp:
		return &known{"noop control", onEntries, noValue("noop control value not empty", func(c *controls) { c.noOp = true })}
	case ldapwire.OIDPermissiveModify:
		return &known{"permissiveModify control", "modify", noValue("permissiveModify control value not absent", func(c *controls) { c.permissive = true })}
	case ldapwire.OIDAssertion:
		return &known{"assert control", onEntries, (*request).readAssertion}
	case ldapwire.OIDPreRead:
		return &known{"preread control", "delete modify modifyDN", readNames("preread", func(c *controls) *[]string { return &c.preRead })}
	case ldapwire.OIDPostRead:
		return &known{"postread control", "add modify modifyDN", readNames("postread", func(c *controls) *[]string { return &c.postRead })}
	case ldapwire.OIDSort:
		return &known{"sorted results control", onSearch, (*request).readSort}
	case ldapwire.OIDPasswordPolicy:
		return &known{"", onPolicy, noValue("passwordPolicyRequest control value not absent", func(c *controls) { c.policy = true })}
	case ldapwire.OIDPaging:
		return &known{"paged results control", onSearch, (*request).readPaging}
	}
	return nil
}

// readControls decodes the controls in their order, as slapd does: the first that
// cannot be had, or makes no sense, is the result. A control that does not apply to the
// operation is as good as unknown.
func (r *request) readControls() store.Result {
	seen := map[string]bool{}
	for i := range r.given {
		c := &r.given[i]
		k := knownControl(c.OID)
		switch {
		case k == nil && c.Critical:
			return store.Result{Code: unavailableExtension, Message: "critical extension is not recognized"}
		case k == nil:
			continue
		case !r.takes(k) && c.Critical:
			return store.Result{Code: unavailableExtension, Message: "critical extension is unavailable"}
		case !r.takes(k):
			continue
		case seen[c.OID] && k.name != "":
			return store.Result{Code: protocolError, Message: k.name + " specified multiple times"}
		}
		seen[c.OID] = true
		if result := k.read(r, c); result.Code != 0 {
			return result
		}
	}
	return store.Result{}
}

// takes tells whether the control applies to the operation.
func (r *request) takes(k *known) bool {
	if r.operation.name == "extended" {
		isPassword := r.operation.target == ldapwire.OIDPasswordModify
		return k.on == onProxied && (isPassword || r.operation.target == ldapwire.OIDWhoAmI) || k.on == onPolicy && isPassword
	}
	return slices.Contains(strings.Fields(k.on), r.operation.name)
}

func (r *request) readProxy(c *ldapwire.RequestControl) store.Result {
	switch {
	case !c.HasValue:
		return store.Result{Code: protocolError, Message: "proxy authorization control value absent"}
	case r.who == (store.Who{}):
		return store.Result{Code: authorizationDenied, Message: "anonymous proxied authorization not allowed"}
	}
	who, result := r.conn.server.store.Proxy(r.who, c.Value)
	if result.Code == 0 {
		r.who = who
	}
	return result
}

func (r *request) readAssertion(c *ldapwire.RequestControl) store.Result {
	filter, err := c.Filter()
	if err != nil {
		return store.Result{Code: protocolError, Message: fmt.Sprintf("assert control: %v", err)}
	}
	r.controls.assert = filter
	return store.Result{}
}

func (r *request) readSort(c *ldapwire.RequestControl) store.Result {
	if !c.HasValue {
		return store.Result{Code: protocolError, Message: "sorted results control value is absent"}
	}
	keys, err := c.SortKeys()
	switch {
	case err != nil || len(keys) == 0:
		return store.Result{Code: protocolError, Message: "serverSort control: decoding error"}
	case len(keys) > maxSortKeys:
		return store.Result{Code: unwilling, Message: "Too many sort keys"}
	}
	for _, key := range keys {
		r.controls.sort = append(r.controls.sort, store.SortKey{Attribute: key.Attribute, Rule: key.Rule, Reverse: key.Reverse})
	}
	r.controls.sortCritical = c.Critical
	return store.Result{}
}

// maxSortKeys is as slapd's sssvlv-maxkeys.
const maxSortKeys = 5

func (r *request) readPaging(c *ldapwire.RequestControl) store.Result {
	size, cookie, err := c.Paging()
	var text string
	switch {
	case !c.HasValue:
		text = "paged results control value is absent"
	case c.Value == "":
		text = "paged results control value is empty"
	case err != nil:
		text = "paged results control could not be decoded"
	case size < 0:
		text = "paged results control size invalid"
	default:
		r.controls.paging = &paging{size, cookie}
		return store.Result{}
	}
	return store.Result{Code: protocolError, Message: text}
}

// readNames reads a control that asks for attributes; none stands for all that users
// may see (RFC 4527 §3).
func readNames(name string, names func(*controls) *[]string) func(*request, *ldapwire.RequestControl) store.Result {
	return func(r *request, c *ldapwire.RequestControl) store.Result {
		if !c.HasValue {
			return store.Result{Code: protocolError, Message: name + " control: value is absent"}
		}
		asked, err := c.Names()
		if err != nil {
			return store.Result{Code: protocolError, Message: name + " control: decoding error"}
		}
		if len(asked) == 0 {
			asked = []string{"*"}
		}
		*names(&r.controls) = asked
		return store.Result{}
	}
}

// noValue reads a control that has none.
func noValue(text string, set func(*controls)) func(*request, *ldapwire.RequestControl) store.Result {
	return func(r *request, c *ldapwire.RequestControl) store.Result {
		if c.HasValue {
			return store.Result{Code: protocolError, Message: text}
		}
		set(&r.controls)
		return store.Result{}
	}
}
