// Package legacy reads the configuration of the gateway that rest2ldap succeeds, REST to
// LDAP 3.5 to 7.x, and says what becomes of each of its settings.
//
// [Read] takes a folder with config.json, rest2ldap/rest2ldap.json and
// rest2ldap/endpoints/**, or a web application that holds them in WEB-INF/classes; or the
// configuration of a directory server that answered REST itself, config.ldif or a text of
// dsconfig. The result is a gateway.yaml, the files that it names (mapping files, secrets, certificates
// in PEM), and a [Finding] for every setting: kept, changed, or in need of a decision. A
// decision is what the old gateway did and this one does not do in silence: to speak in
// clear, to trust anybody, to let strangers act as the gateway's own account.
//
// A secret is in no finding and in no gateway.yaml: it becomes a file of its own, which
// gateway.yaml refers to. Key stores are read here, without Java.
//
// The package reads files and writes them where it is told to ([Gateway.Write]); it starts
// nothing and asks no network. It knows no other room: whether gateway.yaml is good is for
// config and app to say.
package legacy
