package layers_test

// row is the rule for one room.
type row struct {
	// room is the package, from the root of the project. With "/..." at its end it
	// stands for all packages at and below that folder that have no row of their own.
	room string
	// ours are the rooms that it may import; "..." stands for all.
	ours []string
	// world are the modules, or packages, from outside the standard library.
	world []string
	// http says that it may import net/http.
	http bool
	// why is the reason, told to whoever breaks the rule.
	why string
}

// Libraries that several rooms share.
const (
	yaml       = "go.yaml.in/yaml/v3"
	jsonStream = "github.com/go-json-experiment/json"
	chi        = "github.com/go-chi/chi/v5"
	berPackets = "github.com/go-asn1-ber/asn1-ber"
	ldapClient = "github.com/go-ldap/ldap/v3"
)

// rows is the house from the ground up. A room imports from above its own row.
func rows() []row {
	return []row{
		{
			room: "pkg/fault",
			why:  "every room returns faults, so the room itself can need none; the mapping to HTTP status codes belongs to the protocols",
		},
		{
			room: "pkg/directory", ours: []string{"pkg/fault"},
			why: "it is the vocabulary of LDAP for all rooms; what speaks the wire or HTTP comes above it",
		},
		{
			room: "pkg/query", ours: []string{"pkg/fault"},
			why: "it parses what a client asks for and knows neither mapping nor directory, so that each can be tested without the others",
		},
		{
			room: "pkg/mapping", ours: []string{"internal/laxjson", "internal/nearest", "pkg/directory", "pkg/query", "pkg/fault"},
			world: []string{yaml, jsonStream, "github.com/tailscale/hujson"},
			why:   "planning is pure: it does no I/O and knows no protocol, so every mapping behaviour can be a golden file",
		},
		{
			room: "pkg/auth", ours: []string{"pkg/directory", "pkg/fault"}, http: true,
			why: "it finds out who calls, from the request and the directory session; it decides nothing about resources",
		},
		{
			room: "pkg/auth/basic", ours: []string{"pkg/auth", "pkg/directory", "pkg/fault"}, http: true,
			why: "ways to authenticate stand side by side and do not know each other; app joins them in a chain",
		},
		{
			room: "pkg/auth/bearer", ours: []string{"pkg/auth", "pkg/directory", "pkg/fault"}, http: true,
			world: []string{"github.com/go-jose/go-jose/v4", jsonStream},
			why:   "the JOSE library is wrapped here and nowhere else, so that its defaults are guarded in one place; claims are read by the strict parser",
		},
		{
			room: "pkg/auth/bearer/bearertest", ours: []string{"internal/testcert"}, http: true,
			world: []string{jsonStream},
			why:   "an issuer for tests signs what the room beside it verifies",
		},
		{
			room: "pkg/audit",
			why:  "all may record, so it imports none of them; an event holds plain values",
		},
		{
			room: "pkg/tlspolicy",
			why:  "both sides of the gateway, HTTPS and LDAPS, take their TLS settings from here",
		},
		{
			room: "pkg/ldapwire", ours: []string{"pkg/directory"},
			why: "it encodes controls and values for the wire and opens no connection, so that it outlives the client library",
		},
		{
			room: "pkg/ldapclient", ours: []string{"pkg/directory", "pkg/fault", "pkg/tlspolicy", "pkg/ldapwire"},
			world: []string{ldapClient},
			why:   "it is the only room that knows go-ldap, so that the LDAP engine can be replaced below directory.Session",
		},
		{
			room: "pkg/memdir", ours: []string{"pkg/directory", "pkg/ldapwire"},
			why: "it is the double against which the gateway is checked, so it shares the codec and the words, and none of the code that parses, compares or evaluates",
		},
		{
			room: "pkg/gateway", ours: []string{"pkg/mapping", "pkg/directory", "pkg/query", "pkg/auth", "pkg/audit", "pkg/fault"},
			world: []string{jsonStream},
			why:   "the engine serves every protocol, so it knows neither HTTP nor the LDAP library; sessions come in through an interface. JSON is what its cookies hold",
		},
		{
			room: "pkg/descriptor", ours: []string{"pkg/directory", "pkg/mapping", "pkg/query"}, world: []string{jsonStream},
			why: "a description is made of the mapping alone, so that it can be a golden file and tells nothing of what is in the directory",
		},
		{
			room: "pkg/httpserver", ours: []string{"pkg/fault", "pkg/auth", "pkg/audit", "pkg/tlspolicy"}, world: []string{chi}, http: true,
			why: "it is what all protocols share, listeners and middleware, and must learn none of them",
		},
		{
			room: "pkg/crest", ours: []string{"internal/nearest", "pkg/gateway", "pkg/descriptor", "pkg/directory", "pkg/mapping", "pkg/query", "pkg/auth", "pkg/audit", "pkg/fault", "pkg/httpserver"},
			world: []string{chi, jsonStream}, http: true,
			why: "a protocol stands on the gateway, not beside the LDAP client, and never imports another protocol",
		},
		{
			room: "pkg/config", ours: []string{"internal/nearest"}, world: []string{yaml, "github.com/knadh/koanf", "github.com/go-viper/mapstructure/v2"},
			why: "config knows no room and no room knows config; app translates, so no room looks up keys",
		},
		{
			room: "pkg/telemetry", ours: []string{"pkg/audit", "pkg/ldapclient"}, world: []string{"github.com/prometheus/client_golang", "github.com/prometheus/common"},
			why: "the rooms count by themselves and know no metrics library; it is used here and nowhere else, so that it can be replaced",
		},
		{
			room: "pkg/app", ours: []string{"..."}, http: true,
			why: "it assembles the rooms and does no work of its own, so it needs their libraries nowhere",
		},
		{
			room: "pkg/legacy", ours: []string{"internal/laxjson", "internal/nearest"}, world: []string{yaml, "github.com/tailscale/hujson", "software.sslmate.com/src/go-pkcs12"},
			why: "it turns old files into new ones and judges neither; the library for PKCS #12 is used here and nowhere else",
		},
		{
			room: "cmd/rest2ldap", ours: []string{"internal/exampledata", "pkg/app", "pkg/config", "pkg/demo", "pkg/legacy"}, world: []string{"github.com/spf13/cobra"},
			why: "a verb of the program is one call of app",
		},
		{
			room: "mappings",
			why:  "these are files; whoever reads them brings the compiler",
		},

		{
			room: "integration",
			why:  "the suite sees the program from outside, so the package itself is empty",
		},
		{
			room: "integration/openldap",
			why:  "it builds an image with a script and needs only the standard library",
		},
		{
			room: "integration/ds389", ours: []string{"integration/openldap"},
			why: "its image is built by the same script",
		},
		{
			room: "internal/differential",
			why:  "it sees the directories from outside, so the package itself is empty",
		},
		{
			room: "internal/soak",
			why:  "every test may have two sizes",
		},
		{
			room: "internal/fakeldap", ours: []string{"internal/testcert"}, world: []string{berPackets},
			why: "a directory that breaks must not break with the codec that it tests, so it has one of its own",
		},
		{
			room: "internal/toxic", world: []string{"github.com/Shopify/toxiproxy/v2", "github.com/rs/zerolog", jsonStream},
			why: "the ways to a directory that tests make bad know nothing of what goes over them; toxiproxy, and its logger, to say nothing, are used here and nowhere else",
		},
		{
			room: "internal/laxjson",
			why:  "mapping files and the old configuration were read by the same lenient parser, and stand on nothing",
		},
		{
			room: "internal/nearest",
			why:  "error messages of several rooms propose a name, and in the same way",
		},
		{
			room: "internal/exampledata",
			why:  "the example data is used by tests, benchmarks and the demo alike, and stands on nothing",
		},
		{
			room: "internal/exampledir", ours: []string{"internal/exampledata", "pkg/memdir"},
			why: "the demo and the tests have one example directory, with one set of access rules",
		},
		{
			room: "pkg/demo", ours: []string{"internal/exampledata", "internal/exampledir", "internal/testcert", "pkg/app", "pkg/config", "pkg/memdir"},
			why: "the demo is the program as it is, in front of the directory in memory",
		},
		{
			room: "internal/testcert",
			why:  "test certificates must not depend on the TLS code that they test",
		},
		{
			room: "internal/tally",
			why:  "every test that uses a directory imports it",
		},
		{
			room: "internal/evidence",
			why:  "it reads documents and the sources of tests",
		},
		{
			room: "internal/tally/totals", ours: []string{"internal/evidence", "internal/soak", "internal/tally"}, world: []string{jsonStream},
			why: "it runs a command, prints the account, and compares it with what documents say",
		},
		{
			room: "internal/slapd", ours: []string{"integration/ds389", "integration/openldap", "internal/exampledata", "internal/exampledir", "pkg/memdir", "internal/tally", "internal/testcert"},
			world: []string{"github.com/testcontainers/testcontainers-go", "github.com/moby/moby", "github.com/go-ldap/ldap/v3"},
			why:   "the servers of the tests must not depend on code under test, but for memdir, which stands beside the real ones so that every suite runs on all; containers are started here and nowhere else",
		},
		{
			room: "internal/layers",
			why:  "it is a table and a test",
		},
		{
			room: "bench/control/...", ours: []string{"bench/control/..."}, world: []string{chi}, http: true,
			why: "a control that used pkg/ would grow slower together with the gateway, and the comparison would hide it",
		},
		{
			room: "bench/...", ours: []string{"..."}, http: true, world: []string{ldapClient},
			why: "it starts programs, puts load on them and compares; go-ldap is one of those compared",
		},
	}
}

// testWorld are the modules that the tests of every room may import.
func testWorld() []string {
	return []string{
		"github.com/google/go-cmp",
		"github.com/rogpeppe/go-internal",
		"go.uber.org/goleak",
		"pgregory.net/rapid",
		berPackets, // to read and write messages without the codec that is tested
		"github.com/Shopify/toxiproxy/v2",
		"github.com/pb33f/libopenapi", // to check OpenAPI documents with code that is not ours
		"github.com/pb33f/libopenapi-validator",
		"github.com/anishathalye/porcupine",
		"github.com/zitadel/oidc/v3", // an authorization server that is not ours
		"github.com/prometheus",      // to read metrics with code that is not ours
		"golang.org/x/net/http2",     // to send frames that no client sends
		jsonStream,
		yaml,
	}
}

// testsWithLDAP are the rooms whose tests look at the directory with a client of
// their own, to check what our code did there.
func testsWithLDAP() []string {
	return []string{"pkg/ldapclient", "pkg/ldapwire", "pkg/memdir", "internal/slapd", "internal/differential", "integration"}
}
