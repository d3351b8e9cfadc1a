package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/auth"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Options configure a Service.
type Options struct {
	// Directory is where the entries are.
	Directory directory.Directory
	// Models are the mapped APIs, one for each version of a base path.
	Models []*mapping.Model
	// Engine are the switches of the engine.
	Engine Engine
	// Policy says who may do what; nil leaves that to the directory.
	Policy Policy
	// Timeout bounds the directory's part of a request for one resource; 0 is 30 s.
	Timeout time.Duration
	// ListTimeout bounds a query from its first to its last entry; 0 is 5 min.
	ListTimeout time.Duration
	// Lists is how many queries run at once; further ones wait for their turn. It
	// has to be less than the connections that the directory has for lists and changes,
	// because a query looks up references while it holds one. 0 is 4.
	Lists int
	// Walks is how many queries in pages keep a connection between two pages. The
	// directory has to have as many for walks. 0 is 32.
	Walks int
	// CookieKey seals paging cookies. Gateways with the same key understand each other's;
	// "" is a random one.
	CookieKey string
	// PasswordChanged is told of an entry whose password was changed, or that was deleted or
	// renamed, or may have been, so that nobody lets the old one in; nil is nobody.
	PasswordChanged func(directory.DN)
	// Accounts tells the state of accounts; without it there is no accountUsability.
	Accounts Accounts
	// Clock tells the time; time.Now when nil.
	Clock func() time.Time
	// Logger gets what an operator should know; nil discards it.
	Logger *slog.Logger
}

// DefaultWalks is the Walks of Options that have none.
const DefaultWalks = 32

// Service runs requests on the mapped APIs. It is safe for concurrent use.
type Service struct {
	directory   directory.Directory
	engine      Engine
	policy      Policy
	apis        map[apiKey]*api
	timeout     time.Duration
	listTimeout time.Duration
	lists       chan struct{}
	sorts       chan struct{}
	walks       *walks
	sealer      *sealer
	changed     func(directory.DN)
	accounts    Accounts
	now         func() time.Time
	logger      *slog.Logger
}

// apiKey names an API. The version is as its model has it, and "" where the base path has
// only one.
type apiKey struct{ basePath, version string }

// api is one mapped API with its binding to the present capabilities.
type api struct {
	model   *mapping.Model
	binding atomic.Pointer[binding]
}

// New makes a service. Two models with the same base path and version are an error.
func New(o Options) (*Service, error) {
	o.Engine.MaxSorted = orDefault(o.Engine.MaxSorted, maxFound)
	s := &Service{
		directory:   o.Directory,
		engine:      o.Engine,
		policy:      o.Policy,
		apis:        make(map[apiKey]*api, 2*len(o.Models)),
		timeout:     orDefault(o.Timeout, 30*time.Second),
		listTimeout: orDefault(o.ListTimeout, 5*time.Minute),
		lists:       make(chan struct{}, orDefault(o.Lists, 4)),
		sorts:       make(chan struct{}, maxSorts),
		walks:       newWalks(orDefault(o.Walks, DefaultWalks)),
		changed:     o.PasswordChanged,
		accounts:    o.Accounts,
		now:         o.Clock,
		logger:      o.Logger,
	}
	if s.changed == nil {
		s.changed = func(directory.DN) {}
	}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	if s.sealer, err = newSealer(o.CookieKey); err != nil {
		return nil, err
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	for _, model := range o.Models {
		if !s.add(model) {
			return nil, fmt.Errorf("%s: the API %q has two files of version %q", model.File, model.BasePath, model.Version)
		}
	}
	return s, nil
}

// add adds a model, unless there is one like it.
func (s *Service) add(model *mapping.Model) bool {
	key, only := apiKey{model.BasePath, model.Version}, apiKey{model.BasePath, ""}
	if s.apis[key] != nil {
		return false
	}
	a := &api{model: model}
	s.apis[key] = a
	if _, several := s.apis[only]; several {
		a = nil
	}
	s.apis[only] = a
	return true
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// bind returns the binding of an API to what the directory can do at present.
func (s *Service) bind(ctx context.Context, name, version string) (*mapping.Binding, error) {
	a := s.apis[apiKey{name, version}]
	if a == nil {
		return nil, fault.New(fault.NotFound, "no resource is mapped at this path").Named("unknownPath")
	}
	capabilities, err := s.directory.Capabilities(ctx)
	if err != nil {
		return nil, err
	}
	present := a.binding.Load()
	if present != nil && present.of == capabilities {
		return present.Binding, nil
	}
	fresh := &binding{Binding: s.engine.bind(a.model, capabilities), of: capabilities}
	if a.binding.CompareAndSwap(present, fresh) {
		s.warn(present, fresh)
	}
	return fresh.Binding, nil
}

// warn logs what the directory cannot serve, once as long as it stays the same.
func (s *Service) warn(before, after *binding) {
	known := make(map[string]bool)
	if before != nil {
		for _, warning := range before.Warnings() {
			known[warning] = true
		}
	}
	if before == nil && s.engine.Revision != "" && after.Capabilities().Revision == "" {
		s.logger.Warn("the directory does not have the attribute that is to be the revision, so that resources have none", "attribute", s.engine.Revision)
	}
	for _, warning := range after.Warnings() {
		if !known[warning] {
			s.logger.Warn("mapping does not fit the directory", "problem", warning)
		}
	}
}

// call is one request at work.
type call struct {
	*Service
	caller  auth.Principal
	session directory.Session
	binding *mapping.Binding
	target  *mapping.Target
	req     *mapping.Request
	// exact tells that the changes of the entry hold only where what they delete is there.
	exact bool
}

func (s *Service) begin(ctx context.Context, p auth.Principal, name string, req *mapping.Request) (*call, error) {
	if p.MustChange && (req.Verb != mapping.Action || req.Action != mapping.ModifyPassword) {
		return nil, auth.RefuseMustChange()
	}
	if err := s.policy.admit(&p, name, req); err != nil {
		return nil, err
	}
	binding, err := s.bind(ctx, name, req.Version)
	if err != nil {
		return nil, err
	}
	c := &call{Service: s, caller: p, session: s.directory.As(p.Identity), binding: binding, req: req}
	if c.target, err = binding.Locate(ctx, req.Path, c.find); err != nil {
		return nil, err
	}
	// Queries and new resources are for the collection at the path of a resource.
	if !c.target.IsCollection() && (req.Verb == mapping.Query || req.Verb == mapping.Create && !req.Named) {
		inner, err := c.target.Inner(ctx, c.find)
		if err != nil {
			return nil, err
		}
		if inner != nil {
			c.target = inner
		}
	}
	return c, nil
}

// Do runs a request for one resource: every verb but Query. Errors are faults.
func (s *Service) Do(ctx context.Context, p auth.Principal, name string, req *mapping.Request) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c, err := s.begin(ctx, p, name, req)
	if err != nil {
		return nil, err
	}
	if err := c.admit(); err != nil {
		return nil, err
	}
	switch req.Verb {
	case mapping.Read:
		return c.read(ctx)
	case mapping.Create:
		return c.create(ctx)
	case mapping.Update:
		return c.update(ctx)
	case mapping.Patch:
		return c.patch(ctx)
	case mapping.Delete:
		return c.delete(ctx)
	case mapping.Action:
		return c.action(ctx)
	case mapping.Query:
	}
	return nil, fault.New(fault.Internal, "a query has no single answer")
}

// admit refuses verbs that the target never takes, before anything is looked at.
func (c *call) admit() error {
	verb := c.req.Verb
	collection := c.target.IsCollection()
	switch {
	case verb == mapping.Read && collection:
		return fault.New(fault.Invalid, "a collection is read with a query filter; %q selects everything", "true").Named("missingFilter")
	case verb == mapping.Read:
		return nil
	case c.target.IsReadOnly():
		return fault.New(fault.Invalid, "what the path names is read-only").Named("readOnly")
	case collection && (verb == mapping.Update || verb == mapping.Patch || verb == mapping.Delete || verb == mapping.Create && c.req.Named):
		e := fault.New(fault.MethodNotAllowed, "the path names a collection; add the id of a resource")
		e.Allow = []string{"GET", "HEAD", "OPTIONS", "POST"}
		return e
	case verb == mapping.Create && !collection && !c.req.Named:
		return fault.New(fault.Invalid, "resources are created in a collection, and the path names a single resource").Named("notACollection")
	case c.target.IsSingleton() && (verb == mapping.Create || verb == mapping.Delete):
		return fault.New(fault.Invalid, "a single resource is neither created nor deleted").Named("singleton")
	}
	return nil
}
