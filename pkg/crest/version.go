package crest

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// Headers of versions.
const (
	acceptVersion  = "Accept-Api-Version"
	contentVersion = "Content-Api-Version"
)

// Versions of the protocol. The first major one has no update that creates, no create
// without its action, and resources show what is mapped alone; the create came with 2.1, and
// counting alone with 2.2.
var (
	protocolSecond         = mapping.Version{Major: 2, Minor: 0} //nolint:gochecknoglobals // A constant.
	protocolImplicitCreate = mapping.Version{Major: 2, Minor: 1} //nolint:gochecknoglobals // A constant.
	protocolCountOnly      = mapping.Version{Major: 2, Minor: 2} //nolint:gochecknoglobals // A constant.
	latestProtocol         = protocolCountOnly                   //nolint:gochecknoglobals // A constant.
	// standardProtocol is that of a request that names none.
	standardProtocol = protocolImplicitCreate //nolint:gochecknoglobals // A constant.
)

// asMapped reports whether resources show their id and revision only as the mapping has them.
func (r *request) asMapped() bool { return r.protocol.Compare(protocolSecond) < 0 }

// versions are what a request asks for.
type versions struct {
	protocol mapping.Version
	// resource is the version of the API, hasResource tells whether one was named.
	resource    mapping.Version
	hasResource bool
}

// parseVersions reads Accept-API-Version: "protocol=2.1,resource=1.0", in either order,
// and either alone.
func parseVersions(h http.Header) (versions, error) {
	v := versions{protocol: standardProtocol}
	lines := h[acceptVersion]
	if len(lines) == 0 {
		return v, nil
	}
	seen := make(map[string]bool, 2)
	for part := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name, text, _ := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		version, ok := mapping.ParseVersion(strings.TrimSpace(text))
		if !ok || seen[name] {
			return v, badVersion("malformedVersion", `the header is written "protocol=2.1,resource=1.0"; each of the two stands once at most`)
		}
		seen[name] = true
		switch name {
		case "protocol":
			v.protocol = version
		case "resource":
			v.resource, v.hasResource = version, true
		default:
			return v, badVersion("malformedVersion", `the versions are named "protocol" and "resource"`)
		}
	}
	if v.protocol.Major < 1 || v.protocol.Major > latestProtocol.Major || v.protocol.Minor > latestProtocol.Minor {
		return v, badVersion("unknownProtocol", "the protocol is known up to "+latestProtocol.String())
	}
	return v, nil
}

func badVersion(kind, message string) error {
	e := fault.New(fault.Invalid, "%s", message).Named(kind)
	e.Detail.Parameter = "Accept-API-Version"
	return e
}

// edition is one version of an API.
type edition struct {
	// name is the version as the API has it; mapping.AnyVersion, or "", when it has none.
	name     string
	version  mapping.Version
	numbered bool
	// legacy is that of the API.
	legacy bool
	// told is the value of Content-API-Version with the standard protocol, shared by
	// all answers; nil when the API has no versions.
	told []string
	// openAPI and crestAPI are descriptions that were made of it; nil is none yet.
	openAPI, crestAPI atomic.Pointer[document]
}

func newEdition(api API) *edition {
	e := &edition{name: api.Version, legacy: api.Legacy}
	if e.version, e.numbered = mapping.ParseVersion(api.Version); e.numbered {
		e.told = e.tell(standardProtocol)
	}
	return e
}

// isSame reports whether nobody could choose between two editions.
func (e *edition) isSame(other *edition) bool {
	return e.numbered == other.numbered && e.version == other.version
}

// newest orders editions, those with the highest version first, and the one without a
// version last.
func newest(a, b *edition) int {
	if a.numbered != b.numbered {
		if a.numbered {
			return -1
		}
		return 1
	}
	return b.version.Compare(a.version)
}

// choose returns the edition that serves a request: the newest with the major version
// that was asked for, which must not be older than that; else the one without a
// version. The editions are in the order of newest.
func choose(editions []*edition, asked versions) (*edition, error) {
	if !asked.hasResource {
		return editions[0], nil
	}
	for _, e := range editions {
		if !e.numbered || e.version.Major == asked.resource.Major && e.version.Minor >= asked.resource.Minor {
			return e, nil
		}
	}
	names := make([]string, len(editions))
	for i, e := range editions {
		names[len(editions)-1-i] = e.version.String()
	}
	return nil, badVersion("unknownVersion", "the API has no version "+asked.resource.String()+"; it has "+strings.Join(names, ", "))
}

// tell returns the value of Content-API-Version.
func (e *edition) tell(protocol mapping.Version) []string {
	return []string{"protocol=" + protocol.String() + ",resource=" + e.version.String()}
}

// add adds an edition, unless there is one like it.
func (m *mount) add(e *edition) bool {
	if slices.ContainsFunc(m.editions, e.isSame) {
		return false
	}
	m.editions = append(m.editions, e)
	slices.SortFunc(m.editions, newest)
	return true
}
