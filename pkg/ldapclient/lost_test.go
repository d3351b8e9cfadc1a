package ldapclient_test

import (
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

// lossy is a client on a way to a real directory, and the session of somebody who may
// change everything.
func lossy(t *testing.T, server *slapd.Server) (*toxic.Way, *ldapclient.Client, directory.Session) {
	t.Helper()
	way := toxic.New(t, server.Address)
	client := newClient(t, server, func(o *ldapclient.Options) { o.Servers[0].URL = way.URL })
	return way, client, client.As(as("kvaughan"))
}

// cutChange has the connection of the next change end when something comes in that
// direction.
func cutChange(t *testing.T, way *toxic.Way, session directory.Session, direction toxic.Direction) {
	t.Helper()
	// Both sorts of connections are there, and need no handshake.
	for _, req := range []*directory.SearchRequest{read("bjensen"), everybody()} {
		if _, _, err := collect(t.Context(), session, req); err != nil {
			t.Fatal(err)
		}
	}
	way.CutNext(direction)
	t.Cleanup(way.Clear)
}

// known reads an entry, and returns a modification of it that asserts its revision and may
// be proved by it.
func known(t *testing.T, session directory.Session, uid string, changes ...directory.Change) *directory.ModifyRequest {
	t.Helper()
	entries, _, err := collect(t.Context(), session, read(uid, "entryCSN"))
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	revision := entries[0].Value("entryCSN")
	assert := directory.Equal("entryCSN", revision)
	return &directory.ModifyRequest{
		DN: userDN(uid), Changes: changes, Permissive: true, Revision: revision,
		WriteOptions: directory.WriteOptions{Assert: &assert, Read: []string{"uid", "entryCSN", "description"}},
	}
}

func replaced(attribute string, values ...string) directory.Change {
	return directory.Change{Op: directory.ChangeReplace, Attribute: attribute, Values: values}
}

func added(attribute string, values ...string) directory.Change {
	return directory.Change{Op: directory.ChangeAdd, Attribute: attribute, Values: values}
}

func deleted(attribute string, values ...string) directory.Change {
	return directory.Change{Op: directory.ChangeDelete, Attribute: attribute, Values: values}
}

// F_60: the answer to a modification is lost, and the modification was made. It is sent
// once; where reading the entry proves it, it is a success, else its outcome is unknown.
func TestLostAnswerToModify(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way, _, session := lossy(t, server)
		for _, test := range []struct {
			name    string
			changes []directory.Change
			proved  bool
		}{
			{"Replace", []directory.Change{replaced("description", "one", "two")}, true},
			{"Add", []directory.Change{added("description", "three"), added("telephoneNumber", "+1 22")}, true},
			{"Delete", []directory.Change{deleted("description", "one"), deleted("telephoneNumber", "+1 22")}, true},
			{"DeleteAndAdd", []directory.Change{deleted("description", "two"), added("description", "four")}, true},
			{"DeleteAll", []directory.Change{deleted("description")}, true},
			{"ReplaceByNothing", []directory.Change{replaced("description")}, true},
			{"ReplaceAndMore", []directory.Change{replaced("description", "a", "b"), deleted("description", "a"), added("description", "c")}, true},
			// The directory keeps a hash, which does not tell.
			{"Password", []directory.Change{replaced("userPassword", "different")}, false},
		} {
			t.Run("F_60/"+test.name, func(t *testing.T) {
				req := known(t, session, "bjensen", test.changes...)
				cutChange(t, way, session, toxic.Downstream)
				entry, err := session.Modify(within(t, 0), req)
				now := known(t, session, "bjensen").Revision
				if now == req.Revision {
					t.Fatal("nothing was changed; the answer is not what was lost")
				}
				if !test.proved {
					kindOf(t, err, fault.Timeout, "unknownOutcome")
					return
				}
				if err != nil || entry.Value("entryCSN") != now || entry.Value("uid") != "bjensen" {
					t.Errorf("%v, %v", entry, err)
				}
			})
		}
	})
}

// F_60: what proves nothing.
func TestLostAnswerIsNoProof(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way, client, session := lossy(t, server)
		other := client.As(as("hmiller"))
		value := func(t *testing.T, attribute string) string {
			t.Helper()
			entries, _, err := collect(t.Context(), session, read("bjensen", attribute))
			if err != nil || len(entries) != 1 {
				t.Fatal(entries, err)
			}
			return entries[0].Value(attribute)
		}
		change := replaced("description", "wanted")
		unknown := func(t *testing.T, direction toxic.Direction, req *directory.ModifyRequest) {
			t.Helper()
			cutChange(t, way, session, direction)
			_, err := session.Modify(within(t, 0), req)
			kindOf(t, err, fault.Timeout, "unknownOutcome")
		}
		t.Run("F_60/RequestLost", func(t *testing.T) {
			unknown(t, toxic.Upstream, known(t, session, "bjensen", change))
			if value(t, "description") == "wanted" {
				t.Error("the change was made")
			}
		})
		t.Run("F_60/WithoutRevision", func(t *testing.T) {
			req := known(t, session, "bjensen", change)
			req.Revision = ""
			unknown(t, toxic.Downstream, req)
			if value(t, "description") != "wanted" {
				t.Error("the change was not made")
			}
		})
		t.Run("F_60/SameState", func(t *testing.T) {
			unknown(t, toxic.Upstream, known(t, session, "bjensen", change)) // It is so already.
		})
		t.Run("F_60/BySomebodyElse", func(t *testing.T) {
			req := known(t, session, "bjensen", replaced("description", "theirs"))
			theirs := known(t, other, "bjensen", replaced("description", "theirs"))
			if _, err := other.Modify(t.Context(), theirs); err != nil {
				t.Fatal(err)
			}
			unknown(t, toxic.Upstream, req)
		})
		t.Run("F_60/OtherState", func(t *testing.T) {
			req := known(t, session, "bjensen", replaced("description", "mine"))
			if _, err := session.Modify(t.Context(), known(t, session, "bjensen", replaced("description", "mine", "and more"))); err != nil {
				t.Fatal(err)
			}
			unknown(t, toxic.Upstream, req)
		})
		t.Run("F_60/ServerGone", func(t *testing.T) {
			req := known(t, session, "bjensen", replaced("description", "last"))
			cutChange(t, way, session, toxic.Downstream)
			way.Add(toxic.Downstream, "limit_data", map[string]any{"bytes": 0})
			_, err := session.Modify(within(t, 0), req)
			kindOf(t, err, fault.Timeout, "unknownOutcome")
		})
	})
}

// F_60: where the gateway's own account makes the changes of everybody, the name of who made
// one proves nothing: an equal change of another caller looks the same.
func TestLostAnswerInServiceMode(t *testing.T) {
	t.Parallel()
	server := slapd.Start(t, slapd.Options{})
	way := toxic.New(t, server.Address)
	client := newClient(t, server, func(o *ldapclient.Options) {
		o.Servers[0].URL, o.Mode = way.URL, ldapclient.AsService
		o.BindDN, o.Password = userDN("kvaughan"), exampledata.Password("kvaughan")
	})
	session, other := client.As(as("scarter")), client.As(as("hmiller"))
	for name, direction := range map[string]toxic.Direction{"Made": toxic.Downstream, "MadeBySomebodyElse": toxic.Upstream} {
		t.Run("F_60/"+name, func(t *testing.T) {
			req := known(t, session, "bjensen", replaced("description", name))
			if direction == toxic.Upstream {
				if _, err := other.Modify(t.Context(), known(t, other, "bjensen", replaced("description", name))); err != nil {
					t.Fatal(err)
				}
			}
			cutChange(t, way, session, direction)
			_, err := session.Modify(within(t, 0), req)
			kindOf(t, err, fault.Timeout, "unknownOutcome")
			if now := known(t, session, "bjensen").Revision; now == req.Revision {
				t.Error("nobody changed it")
			}
		})
	}
}

// F_61 and F_62: the answer to a deletion or an addition is lost. Nobody can tell who made
// an entry go, and an entry that is there may have been there before.
func TestLostAnswerToAddAndDelete(t *testing.T) {
	t.Parallel()
	slapd.Each(t, slapd.Options{}, func(t *testing.T, server *slapd.Server) {
		way, _, session := lossy(t, server)
		add := &directory.AddRequest{DN: userDN("lost"), Attributes: []directory.Attribute{
			{Name: "objectClass", Values: []string{"inetOrgPerson"}},
			{Name: "uid", Values: []string{"lost"}},
			{Name: "cn", Values: []string{"Lost"}},
			{Name: "sn", Values: []string{"Lost"}},
		}}
		for id, change := range map[string]func() error{
			"F_62": func() error { _, err := session.Add(within(t, 0), add); return err },
			"F_61": func() error {
				_, err := session.Delete(within(t, 0), &directory.DeleteRequest{DN: userDN("scarter")})
				return err
			},
		} {
			t.Run(id, func(t *testing.T) {
				cutChange(t, way, session, toxic.Downstream)
				kindOf(t, change(), fault.Timeout, "unknownOutcome")
				err := change()
				if fault.KindOf(err) != fault.PreconditionFailed && fault.KindOf(err) != fault.NotFound {
					t.Errorf("once more: %v", err)
				}
			})
		}
		if logs := server.Logs(); server.Kind == slapd.Process {
			for operation, want := range map[string]int{`ADD dn="uid=lost,`: 2, `DEL dn="uid=scarter,`: 2} {
				if n := strings.Count(logs, operation); n != want {
					t.Errorf("%s: %d in the log of the server, want the lost one and the one after it", operation, n)
				}
			}
		}
	})
}
