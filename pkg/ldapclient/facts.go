package ldapclient

import (
	"maps"
	"slices"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// facts are what a server says of itself in its root DSE (RFC 4512 §5.1), with what is known
// of its kind, less what it turned out not to do. They are immutable.
type facts struct {
	kind     string
	controls map[string]bool // and features (RFC 4512 §5.1)
	contexts []directory.DN  // the naming contexts
	// lacks are the controls that the server refused although it should have them.
	lacks map[lack]bool
}

// has reports whether the server has a control, everywhere as far as is known.
func (f *facts) has(oid string) bool {
	for l := range f.lacks {
		if l.oid == oid {
			return false
		}
	}
	return f.controls[oid]
}

// lack is a control that is not there in a naming context, which may be in a database of
// its own, with features of its own.
type lack struct{ oid, context string }

func rootAttributes() []string {
	return []string{"supportedControl", "supportedFeatures", "subschemaSubentry", "objectClass", "vendorName", "supportedCapabilities", "namingContexts"}
}

func factsOf(root *directory.Entry) *facts {
	kind := dialectOf(root)
	f := &facts{kind: kind.name, controls: make(map[string]bool)}
	for _, oid := range slices.Concat(root.Values("supportedControl"), root.Values("supportedFeatures"), kind.unlisted) {
		f.controls[oid] = true
	}
	for _, name := range root.Values("namingContexts") {
		if dn, err := directory.ParseDN(name); err == nil {
			f.contexts = append(f.contexts, dn)
		}
	}
	return f
}

// context is the key of the naming context that an entry is in, "" for none. A server that
// names no contexts has one.
func (f *facts) context(dn directory.DN) string {
	if len(f.contexts) == 0 && !dn.IsZero() {
		return "*"
	}
	var found directory.DN
	for _, context := range f.contexts {
		if context.Depth() >= found.Depth() && (dn.Equal(context) || dn.IsBelow(context)) {
			found = context
		}
	}
	return found.Key()
}

// without returns the facts less a control in a naming context.
func (f *facts) without(l lack) *facts {
	less := *f
	less.lacks = maps.Clone(f.lacks)
	if less.lacks == nil {
		less.lacks = make(map[lack]bool)
	}
	less.lacks[l] = true
	return &less
}

// facts returns what is known of the server, nil when nothing is.
func (s *server) facts() *facts { return s.known.Load() }

// learned takes what the server says of itself. What the client believed of all servers is
// found out anew when this one cannot do it.
func (s *server) learned(f *facts) {
	s.known.Store(f)
	if known := s.client.known.Load(); known != nil {
		for oid := range known.controls {
			if !f.controls[oid] {
				s.client.stale.Store(true)
				return
			}
		}
	}
}

// lacked notes that the server does not have a control for an entry; "" is no control.
func (s *server) lacked(oid string, dn directory.DN) {
	for oid != "" {
		f := s.known.Load()
		if f == nil {
			return
		}
		l := lack{oid, f.context(dn)}
		if l.context == "" || f.lacks[l] {
			return // Of an entry that is of no database nothing follows for others.
		}
		if s.known.CompareAndSwap(f, f.without(l)) {
			s.client.options.Logger.Warn("the directory refused a control that it says it has; it is not asked for that again until its capabilities are read anew",
				"server", s.address, "control", oid, "dn", l.context)
			s.client.reconsider()
			return
		}
	}
}

// fit leaves out of a request what the server turned out not to have, and tells what that
// was, or refuses it.
func (s *server) fit(r request) (fitting request, without []string, err error) {
	f := s.known.Load()
	if f == nil || len(f.lacks) == 0 {
		return r, nil, nil
	}
	context := f.context(r.base)
	for i := len(r.controls) - 1; i >= 0; i-- {
		switch oid := r.controls[i].OID(); {
		case !f.lacks[lack{oid, context}]:
		case isOptional(oid):
			r.controls = slices.Delete(slices.Clone(r.controls), i, i+1)
			without = append(without, oid)
		default:
			return r, nil, errLacks(oid)
		}
	}
	return r, without, nil
}

// isOptional reports whether a request makes sense without a control, however critical: who
// sent it looks at what came back.
func isOptional(oid string) bool {
	switch oid {
	case ldapwire.OIDPreRead, ldapwire.OIDPostRead, ldapwire.OIDPaging, ldapwire.OIDPermissiveModify:
		return true
	}
	return false
}

// suspect is the control because of which a server may have refused a request with
// unavailableCriticalExtension: an optional one, else the only one. Proxied authorization is
// above suspicion, for the server was asked about it. "" is nobody knows.
func suspect(controls []ldapwire.Control) string {
	var found []string
	for _, c := range controls {
		switch {
		case !c.IsCritical() || c.OID() == ldapwire.OIDProxiedAuthorization:
		case isOptional(c.OID()):
			return c.OID()
		default:
			found = append(found, c.OID())
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return ""
}
