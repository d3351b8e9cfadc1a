package directory

import "time"

// Usability is what a directory says of an account for which nobody has to try a password
// (the account usability control, 1.3.6.1.4.1.42.2.27.9.5.8). OpenLDAP says it to those who may
// compare the password of the account.
type Usability struct {
	// Usable tells that the account can be used.
	Usable bool
	// Expires is the time until the password of a usable account expires; negative when it
	// does not.
	Expires time.Duration
	// Inactive, Reset and Expired are why an account cannot be used: somebody switched it
	// off, its password has to be changed after a reset, or has expired.
	Inactive, Reset, Expired bool
	// Grace is how many logins are left after the password has expired; Unlock is the time
	// until the account is unlocked. Each is negative when the directory does not say.
	Grace  int
	Unlock time.Duration
}
