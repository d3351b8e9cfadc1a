package directory_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// end is an error that tells an outcome.
type end directory.Outcome

func (e end) Error() string              { return "over" }
func (e end) Outcome() directory.Outcome { return directory.Outcome(e) }

func TestOutcome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		want    directory.Outcome
		changed bool
	}{
		"Success":         {nil, directory.Outcome{Progress: directory.Answered, Sent: true}, true},
		"Foreign":         {errors.New("x"), directory.Outcome{}, false},
		"NotSent":         {end{Progress: directory.NotSent}, directory.Outcome{Progress: directory.NotSent}, false},
		"Wrapped":         {fmt.Errorf("x: %w", end{Progress: directory.SentNoAnswer, Sent: true}), directory.Outcome{Progress: directory.SentNoAnswer, Sent: true}, true},
		"Refused":         {end{Progress: directory.Answered, Code: 50, Sent: true}, directory.Outcome{Progress: directory.Answered, Code: 50, Sent: true}, false},
		"Nonsense":        {end{Progress: directory.ProtocolError, Sent: true}, directory.Outcome{Progress: directory.ProtocolError, Sent: true}, true},
		"CancelledBefore": {end{Progress: directory.Cancelled}, directory.Outcome{Progress: directory.Cancelled}, false},
		"CancelledAfter":  {end{Progress: directory.Cancelled, Sent: true}, directory.Outcome{Progress: directory.Cancelled, Sent: true}, true},
	} {
		got := directory.OutcomeOf(test.err)
		if got != test.want || got.MayHaveChanged() != test.changed {
			t.Errorf("%s: %+v, may have changed: %t", name, got, got.MayHaveChanged())
		}
	}
}
