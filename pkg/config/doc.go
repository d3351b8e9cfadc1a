// Package config reads gateway.yaml, the one file an operator writes.
//
// [Load] puts four sources on top of each other, the later ones winning:
//
//  1. the defaults,
//  2. the file,
//  3. the environment: REST2LDAP_ and the path in capitals, levels joined by two
//     underscores (REST2LDAP_DIRECTORY__BIND__DN, REST2LDAP_SERVER__BASEPATH,
//     REST2LDAP_DIRECTORY__SERVERS__0__URL); a list of texts is separated by commas,
//  4. the flags: --set directory.pool.max=8, with the path as it stands in the
//     file and list elements by number (directory.servers.0.url).
//
// Reading is strict. An unknown or repeated key, a value of another type, a
// duration or size without its unit, a file that cannot be read and a secret
// that stands in the configuration itself are problems, and so is whatever is
// missing. All [Problems] are reported at once, each with its place, the path of
// the key, and a sentence that says what to write instead.
//
// Secrets stand in the file as references, "file:/run/secrets/bind" or
// "env:BIND_PASSWORD", and are read by Load. Names of files are relative to the
// folder of the configuration file, wherever the name itself was given.
//
// The package knows no other room and no other room knows it: app turns a
// [File] into the options of each room. What only another room can judge (is
// this a DN?) app checks too, and [File.Position] tells it the place.
package config
