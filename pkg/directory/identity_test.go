package directory_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// However an identity is printed, its password is not.
func TestPasswordIsNotPrinted(t *testing.T) {
	const secret = "hifalutin"
	identity := directory.Identity{AuthzID: "dn:uid=bjensen,dc=example,dc=com", Password: directory.NewPassword(secret)}
	if identity.Password.Value() != secret || identity.Password.IsZero() || !(directory.Password{}).IsZero() {
		t.Error("it is not kept")
	}
	encoded, err := json.Marshal(identity)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{
		fmt.Sprint(identity), fmt.Sprintf("%v %+v %#v %s %q", identity, identity, identity, identity, identity.Password), fmt.Sprintf("%x %X", identity.Password, identity.Password), string(encoded),
		fmt.Sprint(&identity), fmt.Sprintf("%+v", &identity),
	} {
		if strings.Contains(printed, secret) || strings.Contains(strings.ToLower(printed), fmt.Sprintf("%x", secret)) {
			t.Errorf("printed: %s", printed)
		}
	}
}

func TestIdentityDN(t *testing.T) {
	if dn, err := (directory.Identity{AuthzID: "dn:uid=a,dc=b"}).DN(); err != nil || dn.String() != "uid=a,dc=b" {
		t.Errorf("%s, %v", dn, err)
	}
	for _, authzID := range []string{"", "u:a", "dn:a", "DN:uid=a"} {
		if dn, err := (directory.Identity{AuthzID: authzID}).DN(); err == nil {
			t.Errorf("%q is %s", authzID, dn)
		}
	}
}
