package ldapclient

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// knowledge is what is known of the servers, as far as they all have it.
type knowledge struct {
	capabilities *directory.Capabilities
	// controls are the OIDs of those that the servers have; proxied and paging tell
	// whether those two are among them.
	controls        map[string]bool
	proxied, paging bool
	// schema and source are what it was made of, the subschema and the controls, to see
	// whether anything is new.
	schema, source string
	read           time.Time
}

// Capabilities returns what the servers can do, and asks them when nothing is known
// yet. What is known is read again from time to time in the background; the pointer
// stays the same as long as nothing changed.
func (c *Client) Capabilities(ctx context.Context) (*directory.Capabilities, error) {
	known, err := c.knowledge(ctx)
	if err != nil {
		return nil, err
	}
	return known.capabilities, nil
}

func (c *Client) knowledge(ctx context.Context) (*knowledge, error) {
	known := c.known.Load()
	if known != nil {
		if c.stale.Load() || time.Since(known.read) > c.options.Refresh {
			c.refresh() //nolint:contextcheck // It serves everybody, and ends with the client.
		}
		return known, nil
	}
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
	case <-ctx.Done():
		return nil, transportFault(&unsentError{ended(ctx)}, false)
	}
	if known = c.known.Load(); known != nil {
		return known, nil
	}
	return c.learn(ctx)
}

// refresh reads everything again in the background, unless somebody does. What is
// known stays when that fails.
func (c *Client) refresh() {
	select {
	case c.reading <- struct{}{}:
	default:
		return
	}
	started := c.start(func() {
		defer func() { <-c.reading }()
		ctx, cancel := context.WithTimeout(c.life, c.options.OperationTimeout)
		defer cancel()
		c.stale.Store(false)
		if _, err := c.learn(ctx); err != nil {
			c.options.Logger.Warn("the schema of the directory could not be read again; the one that is known stays", "error", err)
			old := *c.known.Load()
			old.read = time.Now().Add(time.Minute - c.options.Refresh) // Not with every request.
			c.known.Store(&old)
		}
	})
	if !started {
		<-c.reading
	}
}

// learn reads the root DSE and the subschema (RFC 4512 §5.1, §4.4).
func (c *Client) learn(ctx context.Context) (*knowledge, error) {
	root, from, err := c.readEntry(ctx, directory.DN{}, rootAttributes()...)
	if err != nil {
		return nil, err
	}
	var read *facts
	if err := from.decode(func() error { read = factsOf(root); return nil }); err != nil {
		return nil, transportFault(err, false)
	}
	from.server.known.Store(read)
	subschema := &directory.Entry{}
	if name := root.Value("subschemaSubentry"); name != "" {
		dn, err := directory.ParseDN(name)
		if err != nil {
			return nil, fault.Wrap(fault.BadGateway, err, "the directory names a subschema that is no name").Named("malformedAnswer")
		}
		if subschema, from, err = c.readEntry(ctx, dn, "attributeTypes", "matchingRules", "matchingRuleUse", "objectClasses"); err != nil {
			return nil, err
		}
	}
	c.believing.Lock()
	defer c.believing.Unlock()
	var fresh *knowledge
	if err := from.decode(func() error { fresh = c.understand(subschema, read); return nil }); err != nil {
		return nil, transportFault(err, false)
	}
	if old := c.known.Load(); old != nil && old.source == fresh.source && old.schema == fresh.schema {
		old := *old
		old.read = fresh.read
		fresh = &old
	}
	c.known.Store(fresh)
	return fresh, nil
}

// reconsider finds out what the servers have in common, after something became known of one.
func (c *Client) reconsider() {
	c.believing.Lock()
	defer c.believing.Unlock()
	known := c.known.Load()
	if known == nil {
		return
	}
	if fresh := c.combine(known, nil); fresh.source != known.source {
		c.known.Store(fresh)
	}
}

// readEntry reads an entry, and tells on which connection it came.
func (c *Client) readEntry(ctx context.Context, dn directory.DN, attributes ...string) (*directory.Entry, *conn, error) {
	req := &directory.SearchRequest{Base: dn, Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), Attributes: attributes, SizeLimit: 1}
	r := searchFor(req, nil)
	r.name = "" // On nobody's behalf, and no proof that the server answers others.
	op, err := (&session{client: c}).exchange(ctx, r, need{sharing: true})
	if err != nil {
		return nil, nil, err
	}
	if _, err := judge(req, op, len(op.entries)); err != nil {
		return nil, nil, err
	}
	if len(op.entries) == 0 {
		return nil, nil, fault.New(fault.BadGateway, "the directory does not let the gateway read %q, which it needs", dn.String()).Named("rootDSE")
	}
	return op.entries[0], op.conn, nil
}

// understand makes knowledge of a subschema, and of what is known of the servers, at least of
// the one that was read last.
func (c *Client) understand(subschema *directory.Entry, last *facts) *knowledge {
	types, rules := subschema.Values("attributeTypes"), subschema.Values("matchingRules")
	uses, classes := subschema.Values("matchingRuleUse"), subschema.Values("objectClasses")
	schema, err := directory.ParseSchema(types, uses, rules...)
	schema, classErr := schema.WithClasses(classes)
	if err = errors.Join(err, classErr); err != nil {
		c.options.Logger.Warn("a part of the directory's schema makes no sense and is passed over", "error", err)
	}
	return c.combine(&knowledge{
		capabilities: &directory.Capabilities{Schema: schema},
		schema:       strings.Join(slices.Concat(types, rules, uses, classes), "\n"),
		read:         time.Now(),
	}, last)
}

// combine returns knowledge of a schema with what the servers have in common: a request may
// go to any of them. One that has not been reached, or is down, has no say; last stands for
// them when none has.
func (c *Client) combine(of *knowledge, last *facts) *knowledge {
	var all []*facts
	for _, s := range c.servers {
		if f := s.facts(); f != nil {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		if last == nil {
			return of
		}
		all = []*facts{last}
	}
	controls, kind := maps.Clone(all[0].controls), all[0].kind
	for _, f := range all {
		maps.DeleteFunc(controls, func(oid string, _ bool) bool { return !f.has(oid) })
		if f.kind != kind {
			kind = ""
		}
	}
	return &knowledge{
		capabilities: capabilitiesOf(of.capabilities.Schema, kind, controls),
		controls:     controls,
		proxied:      controls[ldapwire.OIDProxiedAuthorization],
		paging:       controls[ldapwire.OIDPaging],
		schema:       of.schema,
		source:       strings.Join(append(slices.Sorted(maps.Keys(controls)), kind), "\n"),
		read:         of.read,
	}
}

func capabilitiesOf(schema *directory.Schema, kind string, controls map[string]bool) *directory.Capabilities {
	known := &directory.Capabilities{
		Dialect:       kind,
		Schema:        schema,
		Assertion:     controls[ldapwire.OIDAssertion],
		ReadEntry:     controls[ldapwire.OIDPreRead] && controls[ldapwire.OIDPostRead],
		Sort:          controls[ldapwire.OIDSort],
		Views:         controls[ldapwire.OIDSort] && controls[ldapwire.OIDView],
		SubtreeDelete: controls[ldapwire.OIDSubtreeDelete],
		Trial:         controls[ldapwire.OIDNoOp] || controls[ldapwire.OIDNoOpDraft],
		Relax:         controls[ldapwire.OIDRelax],
		ReturnValues:  controls[ldapwire.OIDReturnValues],
		Original:      controls[ldapwire.OIDOriginal],
		Usability:     controls[ldapwire.OIDUsability],
		Increment:     controls[featureIncrement],
	}
	for _, name := range []string{"etag", "entryCSN", "modifyTimestamp"} {
		if schema.Attribute(name) != nil {
			known.Revision = name
			break
		}
	}
	return known
}
