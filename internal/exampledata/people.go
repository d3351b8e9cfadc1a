package exampledata

import (
	"fmt"
	"strings"
)

// Person is one user of the example directory.
type Person struct {
	// ID is the uid, and the first RDN of the entry below [PeopleDN].
	ID string
	// CN holds the common names, the first being the one to show.
	CN []string
	// SN and GivenName are the two halves of the name.
	SN, GivenName string
	// Telephone is the telephoneNumber.
	Telephone string
	// Manager is the uid of the manager, or empty.
	Manager string
	// UIDNumber is the POSIX user number.
	UIDNumber int
	// Password is the clear text of userPassword.
	Password string
	// Description is the description, or empty.
	Description string
}

// DN returns the distinguished name of the entry.
func (p Person) DN() string { return "uid=" + p.ID + "," + PeopleDN }

// Mail returns the mail address of the entry.
func (p Person) Mail() string { return p.ID + "@example.com" }

// Group is one group of the example directory.
type Group struct {
	// CN is the common name, and the first RDN of the entry below [GroupsDN].
	CN string
	// Members are the uids of the members.
	Members []string
}

// DN returns the distinguished name of the entry.
func (g Group) DN() string { return "cn=" + g.CN + "," + GroupsDN }

// People returns the named people in the order of their uids.
func People() []Person {
	return []Person{
		{ID: "abarnes", CN: []string{"Anne-Louise Barnes"}, SN: "Barnes", GivenName: "Anne-Louise", Telephone: "+1 408 555 9445", Manager: "scarter", UIDNumber: 1119, Password: "chevron"},
		{ID: "abergin", CN: []string{"Andy Bergin"}, SN: "Bergin", GivenName: "Andy", Telephone: "+1 408 555 8585", UIDNumber: 1005, Password: "inflict"},
		{ID: "achassin", CN: []string{"Ashley Chassin"}, SN: "Chassin", GivenName: "Ashley", Telephone: "+1 408 555 9972", Manager: "tmorris", UIDNumber: 1027, Password: "duopolist"},
		{ID: "ahall", CN: []string{"Andy Hall"}, SN: "Hall", GivenName: "Andy", Telephone: "+1 408 555 6169", Manager: "scarter", UIDNumber: 1103, Password: "slater"},
		{ID: "ahel", CN: []string{"Andrew Hel"}, SN: "Hel", GivenName: "Andrew", Telephone: "+1 408 555 2666", Manager: "tmorris", UIDNumber: 1066, Password: "sarsaparilla"},
		{ID: "ahunter", CN: []string{"Allison Hunter"}, SN: "Hunter", GivenName: "Allison", Telephone: "+1 408 555 7713", Manager: "scarter", UIDNumber: 1106, Password: "egregious"},
		{ID: "ajensen", CN: []string{"Allison Jensen"}, SN: "Jensen", GivenName: "Allison", Telephone: "+1 408 555 7892", Manager: "kwinters", UIDNumber: 1095, Password: "coltsfoot"},
		{ID: "bjensen", CN: []string{"Barbara Jensen", "Babs Jensen"}, SN: "Jensen", GivenName: "Barbara", Telephone: "+1 408 555 1862", Manager: "trigden", UIDNumber: 1076, Password: "hifalutin", Description: "Original description"},
		{ID: "cschmith", CN: []string{"Chris Schmith"}, SN: "Schmith", GivenName: "Chris", Telephone: "+1 408 555 6640", UIDNumber: 1003, Password: "copperplate"},
		{ID: "gjensen", CN: []string{"Gern Jensen"}, SN: "Jensen", GivenName: "Gern", Telephone: "+1 408 555 3299", Manager: "kvaughan", UIDNumber: 1081, Password: "primitive"},
		{ID: "hmiller", CN: []string{"Harry Miller"}, SN: "Miller", GivenName: "Harry", Telephone: "+1 408 555 9804", Manager: "kvaughan", UIDNumber: 1028, Password: "hillock"},
		{ID: "jjensen", CN: []string{"Jody Jensen"}, SN: "Jensen", GivenName: "Jody", Telephone: "+1 408 555 7587", Manager: "scarter", UIDNumber: 1086, Password: "borderland"},
		{ID: "jwalker", CN: []string{"John Walker"}, SN: "Walker", GivenName: "John", Telephone: "+1 408 555 7351", UIDNumber: 1021, Password: "lantern"},
		{ID: "kjensen", CN: []string{"Kurt Jensen"}, SN: "Jensen", GivenName: "Kurt", Telephone: "+1 408 555 6127", Manager: "kwinters", UIDNumber: 1039, Password: "regulatory"},
		{ID: "kvaughan", CN: []string{"Kirsten Vaughan"}, SN: "Vaughan", GivenName: "Kirsten", Telephone: "+1 408 555 5625", UIDNumber: 1004, Password: "bribery"},
		{ID: "kwinters", CN: []string{"Kelly Winters"}, SN: "Winters", GivenName: "Kelly", Telephone: "+1 408 555 2938", UIDNumber: 1008, Password: "snowdrift"},
		{ID: "nbohr", CN: []string{"Niels Bohr"}, SN: "Bohr", GivenName: "Niels", Telephone: "+1 408 555 1212", UIDNumber: 1111, Password: "password"},
		{ID: "rdaugherty", CN: []string{"Robert Daugherty"}, SN: "Daugherty", GivenName: "Robert", Telephone: "+1 408 555 1296", Manager: "kvaughan", UIDNumber: 1014, Password: "apples"},
		{ID: "rjensen", CN: []string{"Richard Jensen"}, SN: "Jensen", GivenName: "Richard", Telephone: "+1 408 555 5957", Manager: "tmorris", UIDNumber: 1120, Password: "disciplinarian"},
		{ID: "scarter", CN: []string{"Sam Carter"}, SN: "Carter", GivenName: "Sam", Telephone: "+1 408 555 4798", UIDNumber: 1002, Password: "sprain"},
		{ID: "tjensen", CN: []string{"Ted Jensen"}, SN: "Jensen", GivenName: "Ted", Telephone: "+1 408 555 8622", Manager: "scarter", UIDNumber: 1105, Password: "ecosystem"},
		{ID: "tmorris", CN: []string{"Ted Morris"}, SN: "Morris", GivenName: "Ted", Telephone: "+1 408 555 4173", UIDNumber: 1001, Password: "windmill"},
		{ID: "trigden", CN: []string{"Torrey Rigden"}, SN: "Rigden", GivenName: "Torrey", Telephone: "+1 408 555 9280", UIDNumber: 1009, Password: "sensitive"},
		{ID: "ttully", CN: []string{"Torrey Tully"}, SN: "Tully", GivenName: "Torrey", Telephone: "+1 408 555 2274", Manager: "cschmith", UIDNumber: 1130, Password: "schooner"},
		{ID: "tward", CN: []string{"Tobias Ward"}, SN: "Ward", GivenName: "Tobias", Telephone: "+1 408 555 7202", Manager: "kvaughan", UIDNumber: 1091, Password: "cedilla"},
		{ID: "wlutz", CN: []string{"Wendy Lutz"}, SN: "Lutz", GivenName: "Wendy", Telephone: "+1 408 555 3358", Manager: "scarter", UIDNumber: 1109, Password: "bassinet"},
	}
}

// Groups returns the groups in the order of their names.
func Groups() []Group {
	return []Group{
		{CN: "Accounting Managers", Members: []string{"scarter", "tmorris"}},
		{CN: "Directory Administrators", Members: []string{"kvaughan", "rdaugherty", "hmiller"}},
		{CN: "HR Managers", Members: []string{"kvaughan", "cschmith"}},
		{CN: "PD Managers", Members: []string{"kwinters", "trigden"}},
		{CN: "QA Managers", Members: []string{"abergin", "jwalker"}},
	}
}

// Generated returns the n-th generated person, counted from 1.
func Generated(n int) Person {
	number := fmt.Sprintf("%03d", n)
	id := generatedPrefix + number
	return Person{
		ID:        id,
		CN:        []string{"Gen " + number},
		SN:        number,
		GivenName: "Gen",
		Telephone: fmt.Sprintf("+1 415 555 %04d", n),
		UIDNumber: firstGeneratedUIDNumber + n,
		Password:  generatedPassword(id),
	}
}

// Password returns the clear-text password of the person with that uid, named
// or generated, and an empty string where there is no such person.
func Password(id string) string {
	if strings.HasPrefix(id, generatedPrefix) {
		return generatedPassword(id)
	}
	for _, p := range People() {
		if p.ID == id {
			return p.Password
		}
	}
	return ""
}

const (
	generatedPrefix         = "gen"
	firstGeneratedUIDNumber = 2000
)

// generatedPassword differs from one person to the next, so that a mix-up of
// identities cannot go unseen.
func generatedPassword(id string) string { return "secret-" + id }
