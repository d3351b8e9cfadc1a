package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/toxic"
)

// replicas are two servers that replicate, on ways on which that can be held back.
type replicas struct {
	*slapd.Pair

	ways []*toxic.Way
}

func startReplicas(t *testing.T, mirror bool) *replicas {
	t.Helper()
	r := &replicas{}
	r.Pair = slapd.StartPair(t, slapd.Options{}, slapd.Replication{Mirror: mirror, Through: func(address string) string {
		way := toxic.New(t, address)
		r.ways = append(r.ways, way)
		return way.URL
	}})
	return r
}

// holdBack keeps each server's changes from the other one, until release.
func (r *replicas) holdBack() {
	for _, way := range r.ways {
		way.Down()
	}
}

// release lets them go, and waits until both servers have all.
func (r *replicas) release(t *testing.T) {
	t.Helper()
	for _, way := range r.ways {
		way.Up()
	}
	r.Settle(t)
}

// stateOn is what a server has of a person: the description, and the number of the server that
// took the last change of the entry.
func stateOn(t *testing.T, root *ldap.Conn, uid string) (description, takenBy string) {
	t.Helper()
	found, err := root.Search(ldap.NewSearchRequest(exampledata.Person{ID: uid}.DN(), ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"description", "entryCSN"}, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Fatal(found, err)
	}
	entry := found.Entries[0]
	return entry.GetAttributeValue("description"), strings.Split(entry.GetAttributeValue("entryCSN"), "#")[2]
}

// F_63: of two servers that replicate in both directions, the first goes with the answer to a
// change, and comes back later. The change was sent to it alone and once, the client is told the
// truth, requests go on with the second one meanwhile, and in the end both have everything.
func TestF_63ServerLostWithTheAnswer(t *testing.T) {
	pair := startReplicas(t, true)
	const path = "/api/users/bjensen"
	describe := func(uid, text string) ask {
		return ask{method: "PATCH", path: "/api/users/" + uid, as: "kvaughan", body: fmt.Sprintf(`[{"operation":"replace","field":"/description","value":%q}]`, text)}
	}
	second := dialRoot(t, pair.Second)
	for _, test := range []struct {
		name string
		// isHeld tells that the second server has not got the change when the first is lost, isBack
		// that the first comes back at once.
		isHeld, isBack bool
	}{
		{"HeldBack", true, false},
		{"Replicated", false, false},
		{"HeldBackAndBackAtOnce", true, true},
		{"ReplicatedAndBackAtOnce", false, true},
	} {
		t.Run("F_63/"+test.name, func(t *testing.T) {
			if test.isHeld {
				pair.holdBack()
			}
			// A fresh one: a server that comes and goes is asked after the others for a while.
			g, way := behind(t, pair.First, "directory.servers.1.url="+pair.Second.URL)
			g.get(t, "kvaughan", path).want(http.StatusOK)
			first := dialRoot(t, pair.First)
			before := g.send(t, describe("bjensen", "before "+test.name)).want(http.StatusOK)
			sent := [2]int{modificationsOf(pair.First, "bjensen"), modificationsOf(pair.Second, "bjensen")}
			way.Add(toxic.Downstream, "timeout", map[string]any{"timeout": 0})
			replies := make(chan *reply, 1)
			go func() {
				a := describe("bjensen", test.name)
				a.header = headers("If-Match", before.etag()) // Without a revision nothing could be proved.
				r, err := g.try(a)
				if err != nil {
					t.Error(err)
				}
				replies <- r
			}()
			if !eventually(func() bool { text, _ := stateOn(t, first, "bjensen"); return text == test.name }) {
				t.Fatal("the change does not come to the first server")
			}
			if !test.isHeld {
				pair.Settle(t)
			}
			if err := pair.First.Stop(); err != nil {
				t.Fatal(err)
			}
			way.Clear()
			if test.isBack {
				if err := pair.First.Restart(); err != nil {
					t.Fatal(err)
				}
			}
			r := <-replies
			r.t = t
			t.Logf("the client is told %d", r.status)
			if r.status != http.StatusOK {
				r.fails(http.StatusGatewayTimeout, "unknownOutcome")
			}
			if !test.isBack {
				// The second one serves: what it has, and changes of other entries.
				text, _ := stateOn(t, second, "bjensen")
				if (text == test.name) == test.isHeld {
					t.Errorf("the second server has %q", text)
				}
				g.get(t, "kvaughan", path).want(http.StatusOK).has(fmt.Sprintf("%q", text), "description")
				g.send(t, describe("scarter", test.name)).want(http.StatusOK)
				if err := pair.First.Restart(); err != nil {
					t.Fatal(err)
				}
			}
			if test.isHeld {
				pair.release(t)
			}
			pair.Settle(t)
			first = dialRoot(t, pair.First)
			for name, conn := range map[string]*ldap.Conn{"first": first, "second": second} {
				if text, by := stateOn(t, conn, "bjensen"); text != test.name || by != "001" {
					t.Errorf("the %s server has %q, changed on %s", name, text, by)
				}
				if text, by := stateOn(t, conn, "scarter"); !test.isBack && (text != test.name || by != "002") {
					t.Errorf("of the other entry, the %s server has %q, changed on %s", name, text, by)
				}
			}
			for i, server := range []*slapd.Server{pair.First, pair.Second} {
				if n := modificationsOf(server, "bjensen") - sent[i]; n != 1-i {
					t.Errorf("the change came to server %d %d times", i+1, n)
				}
			}
			// Who tries again with the revision from before is told that it is another one.
			again := describe("bjensen", test.name+" again")
			again.header = headers("If-Match", before.etag())
			g.send(t, again).fails(http.StatusPreconditionFailed, "")
		})
	}
}

// modificationsOf counts the modifications of a person that clients sent to a server.
func modificationsOf(server *slapd.Server, uid string) int {
	return strings.Count(server.Logs(), fmt.Sprintf("MOD dn=\"uid=%s,", uid))
}

// F_64: reads go to a server that only gets the changes of another one, and replication is held
// back. With directory.writeCoherence a writer sees what it has written, in every kind of read;
// without it, it does not. When replication goes on, everybody sees the same.
func TestF_64ReadsOfAWriter(t *testing.T) {
	pair := startReplicas(t, false)
	servers := []string{"directory.servers.0.url=" + pair.Second.URL, "directory.servers.0.readOnly=true", "directory.servers.1.url=" + pair.First.URL}
	with := start(t, pair.Second, settings{set: append([]string{"directory.writeCoherence=10m"}, servers...)})
	without := start(t, pair.Second, settings{set: servers})
	const path = "/api/users/bjensen"
	see := func(t *testing.T, g *gateway, as, text string) {
		t.Helper()
		for range 5 {
			g.get(t, as, path).want(http.StatusOK).has(fmt.Sprintf("%q", text), "description")
			g.list(t, as, "/api/users", `_id eq "bjensen"`).finds("bjensen").has(fmt.Sprintf("%q", text), "result", 0, "description")
			g.list(t, as, "/api/users", `_id sw "bj"`, "_sortKeys", "_id").finds("bjensen").has(fmt.Sprintf("%q", text), "result", 0, "description")
		}
	}
	change := func(t *testing.T, g *gateway, text string) *reply {
		t.Helper()
		r := g.send(t, ask{method: "PATCH", path: path, as: "kvaughan", body: fmt.Sprintf(`[{"operation":"replace","field":"/description","value":%q}]`, text)})
		return r.want(http.StatusOK).has(fmt.Sprintf("%q", text), "description")
	}
	const old = "Original description"
	see(t, with, "kvaughan", old)
	see(t, without, "kvaughan", old)
	pair.holdBack()
	change(t, without, "one")
	see(t, without, "kvaughan", old) // So it would be for everybody.
	r := change(t, with, "two")
	see(t, with, "kvaughan", "two")
	see(t, with, "hmiller", old) // Who has written nothing is not kept anywhere.
	// The revision that the writer was told is the one of what it reads, and good for the next change.
	tag := with.get(t, "kvaughan", path).want(http.StatusOK).etag()
	if tag != r.etag() {
		t.Errorf("the revision is %s, and was %s", tag, r.etag())
	}
	with.send(t, ask{method: "PATCH", path: path, as: "kvaughan", header: headers("If-Match", tag), body: `[{"operation":"replace","field":"/description","value":"three"}]`}).want(http.StatusOK)
	see(t, with, "kvaughan", "three")
	pair.release(t)
	for _, g := range []*gateway{with, without} {
		for _, as := range []string{"kvaughan", "hmiller"} {
			see(t, g, as, "three")
		}
	}
}
