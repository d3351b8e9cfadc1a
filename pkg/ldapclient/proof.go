package ldapclient

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

const (
	// proofs is how often an entry is looked at for a change whose answer was lost: the
	// server may be at work on it yet.
	proofs = 3
	// maxProof is how many values a change may have to be looked for.
	maxProof = 100
)

// proved finds out whether a modification was made although its answer was lost: failed
// tells of that. It reads the entry from the server that got the request, once that server
// has ended the connection. What it cannot prove it leaves as it is.
func (s *session) proved(ctx context.Context, req *directory.ModifyRequest, failed error) (*directory.Entry, error) {
	var lost *lostError
	if !errors.As(failed, &lost) || lost.server == nil || !lost.isByServer() {
		return nil, failed
	}
	p, ok := s.proofOf(ctx, req)
	if !ok {
		return nil, failed
	}
	ctx, cancel := s.client.bounded(ctx)
	defer cancel()
	for i := range proofs {
		if i > 0 {
			select {
			case <-time.After(jitter(firstBackoff << i)):
			case <-ctx.Done():
				return nil, failed
			}
		}
		if entry, ok := s.look(ctx, lost.server, p); ok {
			s.client.options.Logger.Info("the answer to a change was lost, and the change is proved to be made", "server", lost.server.address)
			if len(req.Read) == 0 {
				entry = nil
			}
			return entry, nil
		}
	}
	return nil, failed
}

// proof is what a change makes of its entry.
type proof struct {
	search *directory.SearchRequest
	// counts are the numbers of values of the attributes that were replaced.
	counts map[string]int
}

// proofOf tells what proves a change. It reports false for one that leaves no trace of its
// own: without a revision, without a name of who made it that is nobody else's, and an
// increment.
func (s *session) proofOf(ctx context.Context, req *directory.ModifyRequest) (*proof, bool) {
	caller, err := directory.Identity{AuthzID: s.authzID}.DN()
	if req.Revision == "" || err != nil {
		return nil, false
	}
	known, err := s.client.knowledge(ctx)
	if err != nil || !known.capabilities.StrongRevision() {
		return nil, false
	}
	conditions := []directory.Filter{
		directory.Present("objectClass"),
		directory.Not(directory.Equal(known.capabilities.Revision, req.Revision)),
		directory.Equal("modifiersName", caller.String()),
	}
	p := &proof{counts: make(map[string]int)}
	attributes := slices.Clone(req.Read)
	for name, state := range statesAfter(req.Changes) {
		if state == nil {
			return nil, false
		}
		conditions = append(conditions, state.conditions(name)...)
		if state.whole {
			p.counts[name] = len(state.there)
			attributes = append(attributes, name)
		}
	}
	if len(conditions) > maxProof {
		return nil, false
	}
	p.search = &directory.SearchRequest{
		Base: req.DN, Scope: directory.ScopeBase, Filter: directory.And(conditions...), Attributes: attributes, SizeLimit: 1,
	}
	return p, true
}

// state is what is known of an attribute after a change.
type state struct {
	there, gone []string
	whole       bool // there are no other values than those that are there
}

// statesAfter works out the states of all attributes that are changed; nil is one that
// nobody can tell.
func statesAfter(changes []directory.Change) map[string]*state {
	states := make(map[string]*state)
	for _, change := range changes {
		name := strings.ToLower(change.Attribute)
		now, known := states[name]
		if !known {
			now = &state{}
			states[name] = now
		}
		switch {
		case now == nil:
		case change.Op == directory.ChangeReplace || change.Op == directory.ChangeDelete && len(change.Values) == 0:
			states[name] = &state{there: change.Values, whole: true}
		case change.Op == directory.ChangeAdd:
			now.there, now.gone = slices.Concat(now.there, change.Values), without(now.gone, change.Values)
		case change.Op == directory.ChangeDelete:
			now.there, now.gone = without(now.there, change.Values), slices.Concat(now.gone, change.Values)
		default:
			states[name] = nil
		}
	}
	return states
}

func without(values, taken []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return slices.Contains(taken, value) })
}

// conditions have the directory compare, by the rules of the attribute. What the caller may
// not see is neither there nor gone.
func (s *state) conditions(name string) []directory.Filter {
	var all []directory.Filter
	for _, value := range s.there {
		all = append(all, directory.Equal(name, value))
	}
	for _, value := range s.gone {
		all = append(all, directory.Not(directory.Equal(name, value)))
	}
	if s.whole && len(s.there) == 0 {
		all = append(all, directory.Not(directory.Present(name)))
	}
	return all
}

// look reads the entry as the caller from one server. It reports false when it is not as
// the change makes it.
func (s *session) look(ctx context.Context, from *server, p *proof) (*directory.Entry, bool) {
	l, err := from.borrow(ctx, s.as, true, true)
	if err != nil {
		return nil, false
	}
	defer l.giveBack() //nolint:contextcheck // What is drained is for who comes next.
	op, err := l.do(ctx, searchFor(p.search, s.controls()))
	if err != nil || op.result.Code != codeSuccess || len(op.entries) != 1 {
		return nil, false
	}
	for name, count := range p.counts {
		if len(op.entries[0].Values(name)) != count {
			return nil, false
		}
	}
	return op.entries[0], !slices.ContainsFunc(op.entries[0].Attributes, func(a directory.Attribute) bool { return isSpan(a.Name) })
}
