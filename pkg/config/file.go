package config

// File is the whole configuration. Load fills it; it is not changed afterwards.
type File struct {
	// Version is the version of the format, always 1.
	Version int `config:"version"`
	// Server is the side of the HTTP clients.
	Server Server `config:"server"`
	// TLS is the policy of both sides.
	TLS TLS `config:"tls"`
	// OutboundTLS is whom the gateway trusts when it calls HTTPS servers.
	OutboundTLS OutboundTLS `config:"outboundTLS"`
	// Directory is the LDAP side.
	Directory Directory `config:"directory"`
	// Mapping tells where the mapping files are.
	Mapping Mapping `config:"mapping"`
	// Auth decides who a caller is.
	Auth Auth `config:"auth"`
	// Limits bound what one request may ask for.
	Limits Limits `config:"limits"`
	// Audit is the record of who read and changed what.
	Audit Audit `config:"audit"`
	// Telemetry has no keys yet.
	Telemetry Telemetry `config:"telemetry"`
	// Admin has no keys yet.
	Admin Admin `config:"admin"`

	places map[string]Place
	source Place
}

// Server is the HTTPS listener.
type Server struct {
	// Listen is host:port; an empty host is every address, port 0 picks a free one.
	Listen string `config:"listen"`
	// BasePath stands before the path of every mapped API.
	BasePath string `config:"basePath"`
	// Certificates are what the listener shows, chosen by the name the client asks for.
	Certificates []Certificate `config:"certificates"`
}

// Certificate is a certificate chain and its private key, both PEM files.
type Certificate struct {
	Cert Path `config:"cert"`
	Key  Path `config:"key"`
}

// TLS names the TLS policy.
type TLS struct {
	// Profile is "intermediate" (Mozilla Server Side TLS), the only one yet.
	Profile string `config:"profile"`
}

// OutboundTLS is the trust for outgoing HTTPS.
type OutboundTLS struct {
	// CA is a PEM bundle; empty means the authorities of the system.
	CA Path `config:"ca"`
}

// Directory is the LDAP service behind the gateway.
type Directory struct {
	// Servers are the servers of one replicated directory, the preferred ones first.
	Servers []DirectoryServer `config:"servers"`
	// CA is a PEM bundle; empty means the authorities of the system.
	CA Path `config:"ca"`
	// Identity is as whom requests act: "proxied", the only way yet.
	Identity string `config:"identity"`
	// Bind is the account of the gateway itself.
	Bind Bind `config:"bind"`
	// Pool bounds the connections.
	Pool Pool `config:"pool"`
	// ConnectTimeout bounds the making of a connection: TCP, TLS and bind.
	ConnectTimeout Duration `config:"connectTimeout"`
}

// DirectoryServer is one server.
type DirectoryServer struct {
	// URL is ldaps://host:port; the port may be left out.
	URL string `config:"url"`
	// Role is "primary" or "secondary"; secondaries serve when no primary does.
	Role string `config:"role"`
}

// Bind is a simple bind.
type Bind struct {
	DN       string `config:"dn"`
	Password Secret `config:"password"`
}

// Pool is the supply of connections to each server.
type Pool struct {
	// Max is the greatest number of connections to one server.
	Max int `config:"max"`
}

// Mapping is where the mapping files are.
type Mapping struct {
	// Dir holds <base path>/<name>.json or .yaml; empty means the files shipped in the program.
	Dir Path `config:"dir"`
}

// Auth holds the ways to authenticate; at least one is there.
type Auth struct {
	// Realm is what clients are told in challenges.
	Realm string `config:"realm"`
	// Basic is user name and password (RFC 7617); nil is off.
	Basic *Basic `config:"basic"`
	// Bearer is a signed access token (RFC 6750, RFC 9068); nil is off.
	Bearer *Bearer `config:"bearer"`
}

// Basic verifies a password by a bind in the directory.
type Basic struct {
	// Mode is "search", find the entry and bind as it, or "simple", make the DN of the name.
	Mode string `config:"mode"`
	// BaseDN, Scope ("one" or "sub") and Filter find the entry; mode search only.
	BaseDN string `config:"baseDn"`
	Scope  string `config:"scope"`
	Filter string `config:"filter"`
	// DNTemplate makes the DN; mode simple only.
	DNTemplate string `config:"dnTemplate"`
	// Cache is how long a verified password stays verified; 0s is not at all.
	Cache Duration `config:"cache"`
}

// Bearer accepts the tokens of one issuer.
type Bearer struct {
	Issuer   string `config:"issuer"`
	Audience string `config:"audience"`
	// JWKSURL is where the issuer publishes its keys; Keys is a file with them. One of them is set.
	JWKSURL string `config:"jwksUrl"`
	Keys    Path   `config:"keys"`
	// CA is a PEM bundle for JWKSURL; empty means OutboundTLS.CA.
	CA Path `config:"ca"`
	// Algorithms are the signature algorithms taken.
	Algorithms []string `config:"algorithms"`
	// Types are the values of the token's typ header taken.
	Types []string `config:"types"`
	// RequiredScopes must all be in the token.
	RequiredScopes []string `config:"requiredScopes"`
	// AuthzID makes the directory identity of claims: "dn:uid={sub},…" or "u:{sub}".
	AuthzID string `config:"authzId"`
	// Leeway is how far clocks may be apart.
	Leeway Duration `config:"leeway"`
}

// Limits bound one request.
type Limits struct {
	// Body is the greatest size of a request body.
	Body Size `config:"body"`
	// Depth is the greatest nesting of JSON.
	Depth int `config:"depth"`
	// PageSize is the greatest number of resources in one page.
	PageSize int `config:"pageSize"`
	// RequestTimeout bounds a request for one resource, the directory's part included.
	RequestTimeout Duration `config:"requestTimeout"`
	// QueryTimeout bounds a query from its first to its last resource.
	QueryTimeout Duration `config:"queryTimeout"`
	// Queries is how many queries run at once; further ones wait. It is less than
	// Pool.Max, because a query looks up references while it holds a connection; a small
	// pool lowers the default.
	Queries int `config:"queries"`
}

// Audit is where events go.
type Audit struct {
	// File takes one JSON object a line; empty means standard error.
	File Path `config:"file"`
}

// Telemetry is reserved: metrics and traces come later.
type Telemetry struct{}

// Admin is reserved: the admin listener comes later.
type Admin struct{}
