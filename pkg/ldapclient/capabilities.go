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

// knowledge is what is known of the servers.
type knowledge struct {
	capabilities *directory.Capabilities
	// controls are the OIDs of those that the servers have; proxied and paging tell
	// whether those two are among them.
	controls        map[string]bool
	proxied, paging bool
	// source is what it was made of, to see whether anything is new.
	source string
	read   time.Time
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
	root, err := c.readEntry(ctx, directory.DN{}, "supportedControl", "subschemaSubentry", "objectClass", "vendorName", "supportedCapabilities")
	if err != nil {
		return nil, err
	}
	subschema := &directory.Entry{}
	if name := root.Value("subschemaSubentry"); name != "" {
		dn, err := directory.ParseDN(name)
		if err != nil {
			return nil, fault.Wrap(fault.BadGateway, err, "the directory names a subschema that is no name").Named("malformedAnswer")
		}
		if subschema, err = c.readEntry(ctx, dn, "attributeTypes", "matchingRuleUse", "objectClasses"); err != nil {
			return nil, err
		}
	}
	fresh := c.understand(root, subschema)
	if old := c.known.Load(); old != nil && old.source == fresh.source {
		old := *old
		old.read = fresh.read
		fresh = &old
	}
	c.known.Store(fresh)
	return fresh, nil
}

func (c *Client) readEntry(ctx context.Context, dn directory.DN, attributes ...string) (*directory.Entry, error) {
	var found *directory.Entry
	_, err := c.Service().Search(ctx, &directory.SearchRequest{
		Base: dn, Scope: directory.ScopeBase, Filter: directory.Present("objectClass"), Attributes: attributes, SizeLimit: 1,
	}, func(entry *directory.Entry) error {
		found = entry
		return nil
	})
	if err == nil && found == nil {
		err = fault.New(fault.BadGateway, "the directory does not let the gateway read %q, which it needs", dn.String()).Named("rootDSE")
	}
	return found, err
}

func (c *Client) understand(root, subschema *directory.Entry) *knowledge {
	kind := dialectOf(root)
	controls := make(map[string]bool)
	for _, oid := range slices.Concat(root.Values("supportedControl"), kind.unlisted) {
		controls[oid] = true
	}
	types, uses, classes := subschema.Values("attributeTypes"), subschema.Values("matchingRuleUse"), subschema.Values("objectClasses")
	schema, err := directory.ParseSchema(types, uses)
	schema, classErr := schema.WithClasses(classes)
	if err = errors.Join(err, classErr); err != nil {
		c.options.Logger.Warn("a part of the directory's schema makes no sense and is passed over", "error", err)
	}
	known := &knowledge{
		capabilities: &directory.Capabilities{
			Dialect:       kind.name,
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
		},
		controls: controls,
		proxied:  controls[ldapwire.OIDProxiedAuthorization],
		paging:   controls[ldapwire.OIDPaging],
		source:   strings.Join(slices.Concat(slices.Sorted(maps.Keys(controls)), types, uses, classes), "\n"),
		read:     time.Now(),
	}
	for _, name := range []string{"etag", "entryCSN", "modifyTimestamp"} {
		if schema.Attribute(name) != nil {
			known.capabilities.Revision = name
			break
		}
	}
	return known
}
