package gateway

import (
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Engine are the switches of the engine. The zero Engine is the standard one.
type Engine struct {
	// NoRevisions neither shows revisions nor takes them.
	NoRevisions bool
	// Revision is the attribute that is the revision: one whose value differs after every
	// change of an entry. "" is the one that the directory offers.
	Revision string
	// ReadBack is how the answer to a change gets the resource.
	ReadBack ReadBack
	// NoSubtreeDelete deletes what is below a resource only where the request says so.
	// Otherwise a resource whose type has sub-resources is deleted with all of it.
	NoSubtreeDelete bool
	// StrictModify refuses to add values that are there, and to remove some that are not.
	StrictModify bool
	// ShowAbsent shows fields without a value, as null or [].
	ShowAbsent bool
	// MaxSorted is how many entries are sorted here, for an order that the directory does
	// not have; 0 is 10,000.
	MaxSorted int
	// MaxTargets is how many resources a filter through a reference may match there; 0 is
	// mapping.MaxReferenceTargets.
	MaxTargets int
}

// ReadBack is how the answer to a change gets the resource.
type ReadBack int

const (
	// ReadBackControls has the directory return the entry with the change (RFC 4527), and
	// searches for it where the directory does not do that.
	ReadBackControls ReadBack = iota
	// ReadBackSearch searches before a deletion, and after every other change. What others
	// did in between shows.
	ReadBackSearch
	// ReadBackNothing shows nothing but the id.
	ReadBackNothing
)

// bind joins a model with what a directory can do, as far as the switches want it.
func (e *Engine) bind(model *mapping.Model, c *directory.Capabilities) *mapping.Binding {
	return e.bindModel(model, c).LimitReferences(orDefault(e.MaxTargets, mapping.MaxReferenceTargets))
}

func (e *Engine) bindModel(model *mapping.Model, c *directory.Capabilities) *mapping.Binding {
	switch {
	case e.NoRevisions:
		return model.BindWithoutRevisions(c)
	case e.Revision == "":
		return model.Bind(c)
	}
	own := *c
	if own.Revision = e.Revision; c.Schema != nil {
		own.Revision = c.Schema.NameOf(e.Revision)
	}
	return model.Bind(&own)
}

// binding is an api bound to what a directory can do.
type binding struct {
	*mapping.Binding

	// of are the capabilities as the directory has them, before the engine looked at them.
	of *directory.Capabilities
}

// encoder returns the encoder for what the request wants to see.
func (c *call) encoder() *mapping.Encoder {
	encoder := c.target.Encoder(c.req)
	encoder.ShowAbsent = c.engine.ShowAbsent
	return encoder
}
