package demo

import "strings"

// lines are commands to paste, in an order in which each does what it shows: read, query,
// create, change at a revision, delete, a refused password, a page.
func lines(url, ca string) []string {
	curl := "curl -sS --cacert " + quote(ca)
	users := url + "/api/users"
	const newUser = `{"_schema":"frapi:opendj:rest2ldap:user:1.0","_id":"newuser","displayName":["New User"],"name":{"givenName":"New","familyName":"User"}}`
	const newPhone = `[{"operation":"replace","field":"/contactInformation/telephoneNumber","value":"+1 408 555 0000"}]`
	babs, kirsten := " -u bjensen:hifalutin ", " -u kvaughan:bribery "
	revision := `"If-Match: $(` + curl + babs + "-o /dev/null -D - " + quote(users+"/bjensen") + ` | grep -i '^etag:' | cut -d' ' -f2 | tr -d '\r')"`
	const isJSON = "-H 'Content-Type: application/json' "
	return []string{
		curl + babs + quote(users+"/bjensen?_prettyPrint=true"),
		curl + babs + "-G --data-urlencode '_queryFilter=manager/_id eq \"scarter\" and _id co \"jensen\"' -d _fields=displayName,userName -d _prettyPrint=true " + quote(users),
		curl + kirsten + "-X PUT -H 'If-None-Match: *' " + isJSON + "-d " + quote(newUser) + " " + quote(users+"/newuser?_prettyPrint=true"),
		curl + babs + "-X PATCH -H " + revision + " " + isJSON + "-d " + quote(newPhone) + " " + quote(users+"/bjensen?_prettyPrint=true&_fields=contactInformation"),
		curl + kirsten + "-X DELETE " + quote(users+"/newuser?_prettyPrint=true"),
		curl + " -i -u tmorris:wrong " + quote(users+"/tmorris"), // Some of these lock the account; no other line needs it.
		curl + babs + "-G -d _queryFilter=true -d _pageSize=5 -d _fields=userName -d _prettyPrint=true " + quote(users),
	}
}

// quote quotes a word for a POSIX shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
