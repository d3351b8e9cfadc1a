package config

// File is the whole configuration. Load fills it; it is not changed afterwards.
type File struct {
	// Version is the version of the format: `1`. Required.
	Version int `config:"version"`
	// Server is the side of the clients: HTTPS, HTTP/1.1 and HTTP/2, nothing in clear.
	Server Server `config:"server"`
	// TLS is the TLS policy of both sides.
	TLS TLS `config:"tls"`
	// OutboundTLS is whom the gateway trusts when it fetches keys over HTTPS.
	OutboundTLS OutboundTLS `config:"outboundTLS"`
	// Directory is the directory behind the gateway: LDAP over TLS only.
	Directory Directory `config:"directory"`
	// Mapping tells where the mapping files are.
	Mapping Mapping `config:"mapping"`
	// Auth is who a caller is. One of basic, bearer and anonymous at least is there; with
	// basic and bearer, the caller chooses.
	Auth Auth `config:"auth"`
	// Limits bound what one request may ask for.
	Limits Limits `config:"limits"`
	// Audit is the record of who read and changed what: one JSON object a line. A change
	// is made only after its event is on disk.
	Audit Audit `config:"audit"`
	// Telemetry is reserved for traces; it takes no keys yet.
	Telemetry Telemetry `config:"telemetry"`
	// Admin is a listener of its own for those who run the gateway: `/metrics` in the text
	// format of Prometheus, `/alive` and `/healthy`. HTTPS only, and nothing without a proof of
	// who asks.
	Admin Admin `config:"admin"`

	places map[string]Place
	source Place
	// broken are dotted paths about which a problem has been told.
	broken map[string]bool
}

// Server is the side of the HTTP clients.
type Server struct {
	// Listen is `host:port`. An empty host, 0.0.0.0 or [::] is every address; port 0 picks
	// a free one.
	Listen string `config:"listen"`
	// BasePath is what stands before the path of every API: with `/directory` the users
	// are at `/directory/api/users`.
	BasePath string `config:"basePath"`
	// Certificates are what the listener shows. With several, the name that the client
	// asks for decides, and the first is for everyone else. Required.
	Certificates []Certificate `config:"certificates"`
	// MaxConnections is how many connections of clients there may be at once. One more takes
	// the place of the one that has been at rest for longest, or else of one that has sent no
	// request for a second; where all are at work it waits.
	// From 10 to 1000000.
	MaxConnections int `config:"maxConnections"`
	// CookieKey is a reference to a secret of 32 characters at least, which seals paging
	// cookies. Gateways that share it understand each other's; without it a cookie ends
	// with the gateway that made it.
	CookieKey Secret `config:"cookieKey"`
	// TrustTransactionID takes the id of a request from its header X-ForgeRock-TransactionId,
	// so that its events are found by the id that the client gave it. Only for a gateway
	// whose clients are trusted, or behind a proxy that sets or removes the header. Without
	// it every request gets an id of its own.
	TrustTransactionID bool `config:"trustTransactionId"`
	// Health are paths for balancers and supervisors, answered to whoever asks, without
	// credentials. Off when they are left out.
	Health Health `config:"health"`
}

// Health are paths of health checks.
type Health struct {
	// Alive is answered with 200 as long as the gateway takes requests; `/alive` in the
	// reference product.
	Alive string `config:"alive"`
	// Healthy is answered with 200 when the directory answers too, else with 503; `/healthy`
	// in the reference product.
	Healthy string `config:"healthy"`
}

// Certificate is a certificate and its private key.
type Certificate struct {
	// Cert is a PEM file with the certificate chain, the server's own first. Required.
	Cert Path `config:"cert"`
	// Key is a PEM file with the private key. It is refused when everyone may write it.
	// Required.
	Key Path `config:"key"`
}

// TLS is the TLS policy.
type TLS struct {
	// Profile is the policy of Mozilla Server Side TLS: `intermediate`, TLS 1.2 and 1.3.
	Profile string `config:"profile"`
}

// OutboundTLS is the trust for outgoing HTTPS.
type OutboundTLS struct {
	// CA is a PEM bundle; without it, the authorities of the system.
	CA Path `config:"ca"`
}

// Directory is the LDAP service behind the gateway.
type Directory struct {
	// Servers are the servers of one replicated directory, the preferred ones first.
	// Required.
	Servers []DirectoryServer `config:"servers"`
	// CA is a PEM bundle; without it, the authorities of the system.
	CA Path `config:"ca"`
	// Identity is as whom requests act. `proxied`: over connections of the gateway's own
	// account, each request with the proxied authorization control for its caller (RFC 4370).
	// `bind`: over connections that are bound with the caller's own name and password, so
	// that only auth.basic will do. `sasl-proxy`: over connections on which the gateway's
	// own account, bound by EXTERNAL or PLAIN, has assumed the caller's identity. `service`:
	// as the gateway's own account, whoever the caller is; auth.policy says who may do what.
	Identity string `config:"identity"`
	// Bind is the account of the gateway itself. It needs the right to act for others,
	// and little else.
	Bind Bind `config:"bind"`
	// PasswordPolicy is the DN of the password policy of accounts that name none, where the
	// directory keeps it in its configuration (OpenLDAP: ppolicy_default). With it the gateway
	// sees when a lock ends, and that a password has expired.
	PasswordPolicy string `config:"passwordPolicy"`
	// Balance is how requests are spread over servers of the same role. `failover`: to the
	// first that can be reached. `leastRequests`: reads to the one with the fewest requests
	// at work, changes to the first that takes them. `affinity`: by entry, so that the reads
	// of an entry see its changes.
	Balance string `config:"balance"`
	// WriteCoherence is for how long a caller reads from the server that took its last
	// change; 0s does without. From 0s to 10m.
	WriteCoherence Duration `config:"writeCoherence"`
	// Pool is the supply of connections to each server.
	Pool Pool `config:"pool"`
	// ConnectTimeout is how long the making of a connection may take: TCP, TLS and bind.
	// From 100ms to 1m.
	ConnectTimeout Duration `config:"connectTimeout"`
	// IdleGap is how long a server may pause in the middle of its answer to a search. Then
	// the search ends with 504, however much of its time is left. From 1s to 10m.
	IdleGap Duration `config:"idleGap"`
}

// DirectoryServer is one server.
type DirectoryServer struct {
	// URL is `ldaps://host` or `ldaps://host:port`; with startTLS, `ldap://host` or
	// `ldap://host:port`. Required.
	URL string `config:"url"`
	// StartTLS begins in clear and turns the connection into one over TLS (RFC 4511) before
	// anything else is sent; a server that refuses is not used. LDAPS is the better way.
	StartTLS bool `config:"startTLS"`
	// Role is `primary` (when left out) or `secondary`; secondaries serve while no primary
	// does. There is one primary at least.
	Role string `config:"role"`
	// ReadOnly tells that the server takes no changes: they go to the others, of which there
	// is one at least.
	ReadOnly bool `config:"readOnly"`
}

// Bind is how the gateway's own account binds.
type Bind struct {
	// Mechanism is `simple`, with dn and password, `EXTERNAL`, with cert and key, or `PLAIN`,
	// with user and password.
	Mechanism string `config:"mechanism"`
	// DN is the name of the account. Required with simple.
	DN string `config:"dn"`
	// User is the name of the account for PLAIN, as the directory's SASL rules want it.
	User string `config:"user"`
	// Password is a reference to the password. Required with simple and PLAIN.
	Password Secret `config:"password"`
	// Cert is the client certificate in PEM, with those between it and its authority, which
	// is shown to the servers. Required with EXTERNAL.
	Cert Path `config:"cert"`
	// Key is the private key of cert, in PEM. Required with cert.
	Key Path `config:"key"`
}

// Pool bounds connections.
type Pool struct {
	// Max is the greatest number of connections to one server. Up to 32 more wait for the
	// next page of a query in pages, 60 seconds each at most. From 3 to 1024.
	Max int `config:"max"`
	// MinIdle is how many connections are kept ready for queries and changes; max is the most.
	MinIdle int `config:"minIdle"`
	// Callers is the greatest number of connections to one server that are bound as callers,
	// with the identities bind and sasl-proxy. From 1 to 10000.
	Callers int `config:"callers"`
	// IdleTime is how long a connection beyond minIdle is kept unused. From 10s to 24h.
	IdleTime Duration `config:"idleTime"`
	// MaxAge is how long a connection lives, 20 % more or less, so that the gateway moves
	// to servers that were added or have come back. From 1m to 24h.
	MaxAge Duration `config:"maxAge"`
	// AgeGap is the least time between two that end for their age. From 0s to 1h.
	AgeGap Duration `config:"ageGap"`
	// MaxOperations is how many requests a connection carries. From 1000 to 1000000000.
	MaxOperations int `config:"maxOperations"`
	// AcquireTimeout is how long a request waits for a connection while all are in use.
	// From 10ms to 10m.
	AcquireTimeout Duration `config:"acquireTimeout"`
	// Queue is how many requests wait for a connection; one more is refused. From 1 to 100000.
	Queue int `config:"queue"`
	// Dials is how many connections to one server are opened at once, those for the passwords
	// of callers among them. From 1 to 100.
	Dials int `config:"dials"`
	// Binds is how many passwords are verified at once, each on a connection of its own, which
	// max does not count. From 1 to 1024.
	Binds int `config:"binds"`
	// Heartbeat is how often a connection from which nothing comes is asked whether it
	// lives, and probeTimeout how long its answer may take. From 1s to 10m.
	Heartbeat Duration `config:"heartbeat"`
	// ProbeTimeout: see heartbeat. From 100ms to 1m.
	ProbeTimeout Duration `config:"probeTimeout"`
}

// Mapping is where the mapping files are.
type Mapping struct {
	// Dir is a folder that holds `<base path>/<name>.json` or `.yaml`, for example
	// `api/example-v1.json`. Without it, the mapping in the program serves: users and
	// groups of dc=example,dc=com at `/api/users` and `/api/groups`.
	Dir Path `config:"dir"`
	// Options are the switches of the engine, with the names that they have in the
	// rest2ldap.json of the reference product.
	Options MappingOptions `config:"options"`
}

// MappingOptions are the switches of the engine; they hold for all mapping files.
type MappingOptions struct {
	// UseMvcc shows revisions, as `_rev` and ETag, and takes them in If-Match. Without it an
	// If-Match with a revision is 501, and of two that replace a resource the later one wins.
	UseMvcc bool `config:"useMvcc"`
	// MvccAttribute is the attribute that is the revision: one that changes with every change
	// of an entry. Without it, `etag` where the schema has it, else `entryCSN`, else
	// `modifyTimestamp`, which is shown and never taken in If-Match.
	MvccAttribute string `config:"mvccAttribute"`
	// ReadOnUpdatePolicy is how the answer to a change gets the resource. `controls`: together
	// with the change (RFC 4527), and by a search where the directory does not do that.
	// `search`: by a search of its own, before a deletion and after other changes, so that it
	// may show what others did in between. `disabled`: not at all; the answer has the id.
	ReadOnUpdatePolicy string `config:"readOnUpdatePolicy"`
	// UseSubtreeDelete deletes what is below a resource with it, where its type, or one of
	// its sub-types, has sub-resources. Without it, and for other types, the request has to
	// say so: `subtreeDelete=true`.
	UseSubtreeDelete bool `config:"useSubtreeDelete"`
	// UsePermissiveModify lets a PATCH add a value that is there, and remove one that is not.
	// Without it these are 400.
	UsePermissiveModify bool `config:"usePermissiveModify"`
	// ReturnNullForMissingProperties shows fields without a value: `null`, and `[]` for those
	// with several values. Without it they are left out.
	ReturnNullForMissingProperties bool `config:"returnNullForMissingProperties"`
	// LocalSortMaxEntries is how many entries are sorted in the gateway, for an order that the
	// directory does not have. From 1 to 100000.
	LocalSortMaxEntries int `config:"localSortMaxEntries"`
	// CloseFailedLists ends a list that fails after its begin as the reference product does,
	// with a member `error` and the `resultCount` -1, where the mapping file has `compat:
	// rest2ldap`. Without it the answer breaks off, so that nobody takes it for whole.
	CloseFailedLists bool `config:"closeFailedLists"`
}

// Auth holds the ways to authenticate.
type Auth struct {
	// Realm is what clients are told in challenges, and browsers show when they ask for
	// a password.
	Realm string `config:"realm"`
	// Methods are the ways to authenticate that are in force, of `basic`, `bearer` and
	// `anonymous`, in the order of their challenges; each needs its section. When it is left
	// out, they are those that have one. With none, `[]`, every request is refused.
	Methods []string `config:"methods"`
	// Basic is user name and password (RFC 7617), verified by a bind in the directory. Off
	// when it is left out.
	Basic *Basic `config:"basic"`
	// Bearer is an access token (RFC 6750) of one issuer, signed (RFC 9068) or looked up
	// by introspection. Off when it is left out.
	Bearer *Bearer `config:"bearer"`
	// Anonymous lets requests without credentials in. Off when it is left out.
	Anonymous *Anonymous `config:"anonymous"`
	// Policy says who may do what; what no rule allows is refused. Without it the directory
	// alone decides, which it cannot where directory.identity is service: there the policy
	// is required.
	Policy []Rule `config:"policy"`
}

// Rule allows some callers something.
type Rule struct {
	// Callers are DNs of entries; `*` is every caller, and `*,ou=Staff,dc=example,dc=com` is
	// every entry below one. Required.
	Callers []string `config:"callers"`
	// Resources are paths below server.basePath, `/api/users` for example, each with
	// everything below it; `/` is everything. Required.
	Resources []string `config:"resources"`
	// May is what is allowed: `read` (queries too), `create`, `update` (PUT and PATCH),
	// `delete`, `action`. Required.
	May []string `config:"may"`
}

// Basic verifies a password by a bind in the directory.
type Basic struct {
	// Mode is `search`, to find the entry and bind as it, `simple`, to make the DN of the
	// name, or `sasl-plain`, to bind by SASL PLAIN (RFC 4616) and leave it to the directory
	// whose name that is. Required.
	Mode string `config:"mode"`
	// BaseDN is where the search begins. Required with mode search.
	BaseDN string `config:"baseDn"`
	// Scope is `one`, the level below baseDn, or `sub` (when left out), everything below it.
	Scope string `config:"scope"`
	// Filter is the filter that finds the entry, in which `{username}` is the name that the
	// caller sent. It must find one entry. Required with mode search.
	Filter string `config:"filter"`
	// DNTemplate is the DN of the caller, in which `{username}` is the name that the caller
	// sent. Required with mode simple.
	DNTemplate string `config:"dnTemplate"`
	// AuthzID is the identity that the caller has with mode sasl-plain: `u:{username}` (when
	// left out), the user whom the directory knows by that name, or the name of an entry, as
	// in `dn:uid={username},ou=People,dc=example,dc=com`, which the user has to be, or may be.
	AuthzID string `config:"authzId"`
	// Headers are two headers in which name and password may stand, in place of an
	// Authorization header, for old clients. Off when it is left out.
	Headers *PasswordHeaders `config:"headers"`
	// Cache is how long a password that was right need not be verified again; 0s verifies
	// it with every request. From 0s to 30s.
	Cache Duration `config:"cache"`
}

// PasswordHeaders are headers with the name and the password of a caller.
type PasswordHeaders struct {
	// Username is the header with the name, as it is. It may not stand beside an
	// Authorization header. Required.
	Username string `config:"username"`
	// Password is the header with the password, as it is. Required.
	Password string `config:"password"`
}

// Anonymous is the caller who sends no credentials.
type Anonymous struct {
	// Identity is as whom such requests act in the directory: `anonymous`, with the rights of
	// an anonymous bind, or the name of an entry, such as
	// `dn:uid=guest,ou=People,dc=example,dc=com`. It needs directory.identity to be proxied; for
	// the name of an entry, sasl-proxy will do. Required.
	Identity string `config:"identity"`
}

// Bearer accepts the tokens of one issuer.
type Bearer struct {
	// Issuer is the `https://` URL that a token must name as its issuer. Required, but with
	// introspection, where it is not looked at when left out.
	Issuer string `config:"issuer"`
	// Audience is what a token must name among its audiences: this gateway. Required, but
	// with introspection, where it is not looked at when left out.
	Audience string `config:"audience"`
	// JWKSURL is the `https://` URL where the issuer publishes its keys. Either it, keys or
	// introspection is required.
	JWKSURL string `config:"jwksUrl"`
	// Keys is a file with the keys of the issuer (RFC 7517).
	Keys Path `config:"keys"`
	// Introspection asks the authorization server about each token (RFC 7662), which then
	// need not be signed.
	Introspection *Introspection `config:"introspection"`
	// CA is a PEM bundle for jwksUrl and introspection; without it, outboundTLS.ca.
	CA Path `config:"ca"`
	// Algorithms are the signature algorithms that are taken; those with a shared key are
	// not safe here.
	Algorithms []string `config:"algorithms"`
	// Types are the values of the token's header typ that are taken.
	Types []string `config:"types"`
	// RequiredScopes are scopes that a token must all have.
	RequiredScopes []string `config:"requiredScopes"`
	// AuthzID is the directory identity of the caller, made of claims of the token, or of
	// members of the introspection's answer: `dn:uid={sub},ou=People,dc=example,dc=com` or
	// `u:{sub}`. What stands in braces is a JSON pointer without its first slash
	// (RFC 6901), such as `{username}` or `{userName/0}`. Required.
	AuthzID string `config:"authzId"`
	// Leeway is how far the clocks of issuer and gateway may be apart. From 0s to 5m.
	Leeway Duration `config:"leeway"`
}

// Introspection is the token introspection of an authorization server.
type Introspection struct {
	// URL is the `https://` URL of the introspection endpoint. Required.
	URL string `config:"url"`
	// ClientID is as whom the gateway asks. Required.
	ClientID string `config:"clientId"`
	// ClientSecret is a reference to the secret that goes with clientId, by the Basic scheme.
	// Required, unless cert is there.
	ClientSecret Secret `config:"clientSecret"`
	// Cert is a PEM file with a client certificate that is shown to the authorization server
	// (RFC 8705).
	Cert Path `config:"cert"`
	// Key is the private key of cert, in PEM.
	Key Path `config:"key"`
	// Timeout is how long an answer may take. From 100ms to 1m.
	Timeout Duration `config:"timeout"`
	// Cache is how long the answer for a token that is active is remembered, never beyond the
	// token's own end; a token that is revoked meanwhile still serves. 0s asks with every
	// request. From 0s to 1h.
	Cache Duration `config:"cache"`
	// CacheSize is how many tokens are remembered. From 1 to 1000000.
	CacheSize int `config:"cacheSize"`
}

// Limits bound one request.
type Limits struct {
	// Body is the greatest size of a request body. From 1KiB to 64MiB.
	Body Size `config:"body"`
	// Part is the greatest size of one part of a body in parts, a photo for example; body
	// bounds all of them together. From 1KiB to 64MiB.
	Part Size `config:"part"`
	// Depth is the greatest nesting of JSON. From 4 to 512.
	Depth int `config:"depth"`
	// PageSize is the greatest number of resources in one page; who asks for larger pages
	// gets pages of this size. From 1 to 100000.
	PageSize int `config:"pageSize"`
	// RequestTimeout is how long a request for one resource may take, the directory's part
	// included. From 1s to 10m.
	RequestTimeout Duration `config:"requestTimeout"`
	// QueryTimeout is how long a query may take, from its first to its last resource. From
	// 1s to 1h.
	QueryTimeout Duration `config:"queryTimeout"`
	// Queries is how many queries run at once; further ones wait. At most half of
	// directory.pool.max, because a query looks up references while it holds a connection;
	// a small pool lowers the default.
	Queries int `config:"queries"`
	// References is how many resources a filter through a reference, such as
	// manager/displayName, may match there; more are 413. From 1 to 10000.
	References int `config:"references"`
}

// Audit is where events go.
type Audit struct {
	// File is the file that events are appended to. Its folder must exist. Without it,
	// events go to standard error.
	File Path `config:"file"`
}

// Telemetry is reserved: traces come later.
type Telemetry struct{}

// Admin is the listener for those who run the gateway.
type Admin struct {
	// Listen is `host:port`, as server.listen. Off when it is left out.
	Listen string `config:"listen"`
	// Certificates are what this listener shows; without them, server.certificates.
	Certificates []Certificate `config:"certificates"`
	// Token is a reference to a secret of 32 characters at least, which every request has to
	// carry: `Authorization: Bearer …`. One of token and clientCA is required; with both, a
	// request needs both.
	Token Secret `config:"token"`
	// ClientCA is a PEM bundle of the authorities of client certificates. With it, nobody
	// connects without such a certificate.
	ClientCA Path `config:"clientCA"`
}
