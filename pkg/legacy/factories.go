package legacy

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/internal/nearest"
)

// factory is one of ldapConnectionFactories, with what it inherits.
type factory struct {
	// merged holds its own members and the inherited ones.
	merged *node
}

// readFactories reads the named factories.
func (r *reader) readFactories(root *node) {
	all := r.object(root, "ldapConnectionFactories")
	r.factories = map[string]*factory{}
	for _, m := range all.members {
		if m.value.kind != '{' {
			r.decide(m.value, "must be an object, not "+m.value.describe()+"; mend it there")
			continue
		}
		if r.factories[m.name] == nil {
			r.names = append(r.names, m.name)
		}
		r.known(m.value, "inheritFrom", "primaryLdapServers", "secondaryLdapServers", "connectionSecurity", "sslCertAlias",
			"connectionPoolSize", "heartBeatIntervalSeconds", "heartBeatTimeoutMilliSeconds", "authentication",
			"availabilityCheckIntervalSeconds", "availabilityCheckTimeoutMilliSeconds", "maxConnectionAttempts")
		r.factories[m.name] = &factory{merged: m.value}
	}
	r.own = map[string]*node{}
	for _, name := range r.names {
		r.own[name] = r.factories[name].merged
	}
	for _, name := range r.names {
		r.factories[name].merged = r.inherit(r.own, name)
	}
}

// inherit adds to a factory what it inherits. A circle, or a parent that is not there,
// is for the operator; the factory then has its own members only.
func (r *reader) inherit(own map[string]*node, name string) *node {
	merged := &node{place: own[name].place, path: own[name].path, kind: '{'}
	way := []string{}
	for at := name; ; {
		way = append(way, at)
		for _, m := range own[at].members {
			if merged.get(m.name).kind == 0 {
				merged.members = append(merged.members, m)
			}
		}
		parent := own[at].get("inheritFrom")
		switch {
		case !parent.has():
			if at != name {
				r.same(own[name].get("inheritFrom"), "")
			}
			return merged
		case parent.kind != '"':
			r.decideOnce(parent, "must be a text, not "+parent.describe()+"; mend it there")
			return merged
		case slices.Contains(way, parent.text):
			r.decideOnce(parent, "is a circle: "+strings.Join(append(way, parent.text), " inherits from ")+"; take one inheritFrom out")
			return merged
		case own[parent.text] == nil:
			r.decideOnce(parent, unknownFactory(parent.text, r.names))
			return merged
		}
		at = parent.text
	}
}

// decideOnce asks for a decision about a place of which nothing has been told.
func (r *reader) decideOnce(n *node, message string) {
	if !slices.ContainsFunc(r.findings, func(f Finding) bool { return f.Place == n.place && f.Status == Decision }) {
		r.decide(n, message)
	}
}

func unknownFactory(name string, known []string) string {
	if near := nearest.Name(name, known); near != "" {
		return fmt.Sprintf("no factory is called %q; write %q if that is meant", name, near)
	}
	return fmt.Sprintf("no factory is called %q; there are %s", name, strings.Join(known, ", "))
}

// factoryNamed returns the factory that a setting names, or the one that the old gateway
// takes when it names none; nil when there is none, which has been told then.
func (r *reader) factoryNamed(n *node, setting, unset string) (*factory, *node) {
	v := r.text(n, setting)
	name := unset
	if v.has() {
		name = v.text
	}
	f := r.factories[name]
	if f == nil {
		r.decide(v, unknownFactory(name, r.names))
	} else if v.has() {
		v.seen = true // The servers of root do what it is for.
	}
	return f, v
}

// server is one of primaryLdapServers or secondaryLdapServers.
type server struct {
	at *node
	// wrong says what is wrong with it; "" when nothing is.
	wrong     string
	host      string
	port      int
	secondary bool
}

func (s server) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// servers reads the lists of servers of a factory.
func (r *reader) servers(f *factory) []server {
	var all []server
	for _, list := range []string{"primaryLdapServers", "secondaryLdapServers"} {
		servers := r.list(f.merged, list)
		servers.seen = true
		for _, item := range servers.items {
			s := server{at: item, secondary: list == "secondaryLdapServers"}
			if item.kind != '{' {
				s.wrong = "must be an object with hostname and port, not " + item.describe()
			} else {
				r.known(item, "hostname", "port")
				host := r.text(item, "hostname")
				port, at := r.number(item, "port", 0)
				if s.host, s.port = host.text, port; !host.has() || !at.has() || port < 1 || port > 65535 {
					s.wrong = "needs a hostname and a port from 1 to 65535"
				}
			}
			all = append(all, s)
		}
	}
	return all
}

// directory writes what the root factory becomes: over it all requests go.
func (r *reader) directory(config *node) {
	root := r.factories["root"]
	if root == nil {
		at := config.get("ldapConnectionFactories")
		r.decide(at, "has no factory called root, over which all requests go; the old gateway did not start without it. Write it there", "directory.servers.0.url")
		return
	}
	servers := r.servers(root)
	if len(servers) == 0 || servers[0].secondary {
		r.decide(root.merged.get("primaryLdapServers"), "names no server; write one there, or --set directory.servers.0.url=ldaps://HOST", "directory.servers.0.url")
	}
	r.urls(root, servers)
	r.balance(root, servers)
	r.pool(root)
	r.account(root)
	r.others(servers)
}

// urls writes the servers, as ldaps, or with StartTLS.
func (r *reader) urls(f *factory, servers []server) {
	security := r.choice(f.merged, "connectionSecurity", securities()...)
	if security.text == "ssl" || security.text == "startTLS" {
		r.same(security, "")
	}
	for i, s := range servers {
		key := fmt.Sprintf("directory.servers.%d.url", i)
		proposal := "ldaps://" + net.JoinHostPort(s.host, strconv.Itoa(tlsPort(s.port)))
		at := &node{place: security.place, path: security.path, kind: security.kind}
		if len(servers) > 1 {
			at.path += " (" + s.address() + ")"
		}
		switch {
		case s.wrong != "":
			if !r.settle(s.at, key) {
				r.decide(s.at, s.wrong+"; mend it there, or --set "+key+"=ldaps://HOST", key)
			}
		case security.text == "ssl":
			r.kept(s.at, key, "ldaps://"+s.address())
		case security.text == "startTLS":
			r.kept(s.at, key, "ldap://"+s.address())
			r.document.put(fmt.Sprintf("directory.servers.%d.startTLS", i), true, "")
		case security.text == "none" || !security.has():
			said := "none"
			if !security.has() {
				said = "not set, which is none"
			}
			r.decide(at, fmt.Sprintf("%s: passwords and data went in clear, and this gateway never does that. Does %s listen for LDAPS, and at which port? --set %s=%s", said, s.host, key, proposal), key)
			r.propose(key, proposal)
		default:
			r.decide(at, fmt.Sprintf("%q is none of ssl, startTLS and none; write ssl there", security.text), key)
			r.propose(key, proposal)
		}
		if s.secondary {
			r.document.put(fmt.Sprintf("directory.servers.%d.role", i), "secondary", "")
		}
	}
}

func securities() []string { return []string{"ssl", "startTLS", "none"} }

// tlsPort is the usual port for LDAPS of a server that listens at port for LDAP.
func tlsPort(port int) int {
	switch port {
	case 389, 1389, 2389, 50389:
		return port + 247
	}
	return port
}

// balance writes how requests are spread: the old gateway took one server after the other.
func (r *reader) balance(f *factory, servers []server) {
	primaries := 0
	for _, s := range servers {
		if !s.secondary {
			primaries++
		}
	}
	if primaries > 1 {
		r.changed(f.merged.get("primaryLdapServers"), "directory.balance", "leastRequests",
			"in place of taking the servers in turn: reads go to the one with the fewest requests at work, changes to the first that takes them")
	}
}

// pool writes the sizes and times of the connections.
func (r *reader) pool(f *factory) {
	const key = "directory.pool.max"
	switch size, at := r.number(f.merged, "connectionPoolSize", 10); {
	case !at.has():
		r.keptAs(at, key, size, "not set; the old gateway then used 10, whatever its documentation says (24)")
	case size < 3:
		r.changed(at, key, 3, fmt.Sprintf("%d is too few: lists hold a connection while they look up references; 3 is the least", size))
	case size > 1024:
		r.changed(at, key, 1024, "1024 is the most for one server")
	default:
		r.kept(at, key, size)
	}
	r.bounded(f, "heartBeatIntervalSeconds", "directory.pool.heartbeat", 30, 1, 600, "s")
	r.bounded(f, "heartBeatTimeoutMilliSeconds", "directory.pool.probeTimeout", 500, 100, 60_000, "ms")
	for _, name := range []string{"availabilityCheckIntervalSeconds", "availabilityCheckTimeoutMilliSeconds"} {
		if at := f.merged.get(name); at.has() {
			r.dropped(at, "servers that failed are tried again at intervals that grow, which no key sets")
		}
	}
	if at := f.merged.get("maxConnectionAttempts"); at.has() {
		r.dropped(at, "a read that failed with its connection is sent to another server once; a change is not, unless nothing was sent")
	}
}

// bounded writes a time within the bounds of its key.
func (r *reader) bounded(f *factory, name, key string, unset, low, high int, unit string) {
	value, at := r.number(f.merged, name, unset)
	written := func(n int) string { return strconv.Itoa(n) + unit }
	switch {
	case value < low:
		r.keptAs(at, key, written(low), "the old gateway raised smaller values to this in silence")
	case value > high:
		r.changed(at, key, written(high), written(high)+" is the most")
	default:
		r.kept(at, key, written(value))
	}
}

// others looks at the settings of the other factories that root has not inherited.
// Requests, searches for users and binds go to the same servers here.
func (r *reader) others(root []server) {
	for _, name := range r.names {
		f := r.factories[name]
		if name == "root" {
			continue
		}
		for _, m := range r.own[name].members {
			if r.factories["root"].merged.get(m.name) == m.value || m.name == "inheritFrom" {
				continue
			}
			switch m.name {
			case "primaryLdapServers", "secondaryLdapServers":
				if addresses(r.serversQuietly(f)) != addresses(root) {
					r.decide(m.value, "these are other servers than those of root, and this gateway has one directory, whose servers all do everything. "+
						"If it is the same directory, write the servers of root here; else it takes a gateway of its own")
					continue
				}
				r.dropped(m.value, "the servers of root, which do everything")
			case "connectionSecurity", "sslCertAlias":
				r.dropped(m.value, "what root says counts for all connections")
			case "authentication":
				r.dropped(m.value, "passwords of callers are verified over connections that are bound as nobody before")
			default:
				r.dropped(m.value, "passwords of callers are verified over connections of their own, which no key sizes")
			}
		}
	}
}

// serversQuietly is servers for lists that may have been judged already.
func (r *reader) serversQuietly(f *factory) []server {
	quiet := &reader{document: newDocument(), factories: r.factories, names: r.names}
	return quiet.servers(f)
}

// addresses is a comparable form of servers.
func addresses(servers []server) string {
	var all []string
	for _, s := range servers {
		all = append(all, strings.ToLower(s.address()))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}
