package slapd_test

import (
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/slapd"
)

// OpenLDAP takes a fraction of an hour or of a minute for one of a second when it compares
// times, and the directory in memory does so, too.
func TestFractionsOfTimes(t *testing.T) {
	const schema = `attributeTypes: ( 1.3.6.1.4.1.4203.666.99.21 NAME 'begins' EQUALITY generalizedTimeMatch ORDERING generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 )
objectClasses: ( 1.3.6.1.4.1.4203.666.99.22 NAME 'plainTimes' SUP top AUXILIARY MAY begins )`
	const ldif = "dn: cn=times,dc=example,dc=com\nobjectClass: device\nobjectClass: plainTimes\ncn: times\nbegins: 2020010203.5+0100\nbegins: 202101020304.25Z\n"
	slapd.Each(t, slapd.Options{Schema: schema, LDIF: ldif}, func(t *testing.T, server *slapd.Server) {
		conn := asRoot(t, server)
		for value, found := range map[string]bool{
			"20200102020000.5Z": true, "2020010202.5Z": true, "20200102023000Z": false, "202001020230Z": false,
			"20210102030400.25Z": true, "202101020304.250Z": true, "20210102030415Z": false,
		} {
			entries, err := search(conn, server.BaseDN, "(begins="+value+")", []string{"1.1"})
			if err != nil || (len(entries) == 1) != found {
				t.Errorf("%s: %d entries, %v", value, len(entries), err)
			}
		}
	})
}
