package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
)

// samples are what the rounds gave, by name.
type samples map[string][]float64

func (s samples) add(name string, value float64) { s[name] = append(s[name], value) }

// measure lets the gateway and its controls work in turns.
func (b *bed) measure(ctx context.Context) ([]row, error) {
	s := samples{}
	if err := b.idleConnections(s); err != nil {
		return nil, err
	}
	for range b.rounds {
		for _, step := range []func(samples) error{b.getHTTPS, b.getLDAPS, b.getJoined, b.getOurs, b.listControl, b.listOurs, b.pagesControl, b.pagesOurs, b.patchJoined, b.patchOurs, b.clientsAlone, b.demoStart} {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := step(s); err != nil {
				return nil, fmt.Errorf("%w\n%s", err, b.log.String())
			}
		}
	}
	var floor []float64
	for i, cpu := range s["https cpu"] {
		floor = append(floor, cpu+s["ldaps cpu"][i])
	}
	atMost := func(limit float64) func(_, ratio float64) bool {
		return func(_, ratio float64) bool { return ratio <= limit }
	}
	atLeast := func(limit float64) func(_, ratio float64) bool {
		return func(_, ratio float64) bool { return ratio >= limit }
	}
	// A PATCH is at least a request over HTTPS, a read and a change.
	var patchFloor []float64
	for i, cpu := range s["https cpu"] {
		patchFloor = append(patchFloor, cpu+s["raw get"][i]+s["raw modify"][i])
	}
	none := func(_, _ float64) bool { return true }
	slow, err := b.slowReader()
	if err != nil {
		return nil, err
	}
	toEntry, toJSON, err := b.allocations(ctx)
	if err != nil {
		return nil, err
	}
	return []row{
		compare("get: processor time of the gateway", "µs/request", s["get cpu"], floor, "<= 1.3 x HTTPS and LDAPS controls", atMost(1.3)),
		compare("get: processor time beside both controls joined", "µs/request", s["get cpu"], s["joined cpu"], "none", none),
		compare("get: rate beside both controls joined", "requests/s", s["get rate"], s["joined rate"], "none", none),
		compare("get: rate", "requests/s", s["get rate"], s["ldaps rate"], ">= 0.6 x LDAPS control", atLeast(0.6)),
		compare("get: operations in the directory", "1/request", s["get operations"], []float64{1}, "= 1", func(ours, _ float64) bool { return ours == 1 }),
		compare("get: processor time of slapd", "µs/request", s["get slapd"], s["ldaps slapd"], "<= 1.1 x LDAPS control", atMost(1.1)),
		compare("list: rate", "entries/s", s["list rate"], s["list control"], ">= 0.6 x LDAPS control", atLeast(0.6)),
		compare("list: allocations to the entry", "1/entry", []float64{toEntry}, nil, "< 5", func(ours, _ float64) bool { return ours < 5 }),
		compare("list: allocations", "1/entry", []float64{toJSON}, nil, "< 10", func(ours, _ float64) bool { return ours < 10 }),
		compare("list: growth of memory", "MiB", s["list growth"], nil, "< 64", func(ours, _ float64) bool { return ours < 64 }),
		compare("list to a slow reader: growth of memory", "MiB", []float64{slow}, nil, "< 64", func(ours, _ float64) bool { return ours < 64 }),
		compare("patch: processor time of the gateway", "µs/request", s["patch cpu"], patchFloor, "<= 1.3 x HTTPS, raw search and raw change", atMost(1.3)),
		compare("patch: processor time beside all controls joined", "µs/request", s["patch cpu"], s["patch joined cpu"], "none", none),
		compare("patch: rate beside all controls joined", "requests/s", s["patch rate"], s["patch joined rate"], "none", none),
		compare("patch: operations in the directory", "1/request", s["patch operations"], nil, "none", none),
		compare("LDAP get: processor time of the client", "µs/request", s["engine get"], s["raw get"], "<= 1.15 x raw control", atMost(1.15)),
		compare("LDAP get: processor time beside go-ldap", "µs/request", s["engine get"], s["go-ldap get"], "none", none),
		compare("LDAP get: rate", "requests/s", s["engine get rate"], s["raw get rate"], "none", none),
		compare("LDAP get: rate beside go-ldap", "requests/s", s["engine get rate"], s["go-ldap get rate"], "none", none),
		compare("LDAP list: rate", "entries/s", s["engine list"], s["raw list"], ">= 0.8 x raw control", atLeast(0.8)),
		compare("LDAP list: rate beside go-ldap", "entries/s", s["engine list"], s["go-ldap list"], "none", none),
		compare("LDAP change: processor time of the client", "µs/request", s["engine modify"], s["raw modify"], "none", none),
		compare("LDAP change: processor time beside go-ldap", "µs/request", s["engine modify"], s["go-ldap modify"], "none", none),
		compare("LDAP change: rate", "requests/s", s["engine modify rate"], s["raw modify rate"], "none", none),
		compare("page of 100: processor time of slapd", "µs/page", s["pages slapd"], s["pages control"], "<= 3 x plain paging", atMost(3)),
		compare("demo: start to first answer", "ms", s["demo start"], nil, "< 150", func(ours, _ float64) bool { return ours < 150 }),
		compare("10,000 idle connections", "KiB/connection", s["idle connections"], s["idle connections control"], "<= 1.15 x HTTPS control", atMost(1.15)),
		compare("idle memory", "MiB", []float64{b.idle}, nil, "< 40", func(ours, _ float64) bool { return ours < 40 }),
	}, nil
}

// during measures the processor time of a process, in µs for each of the n things
// that work says it did.
func during(pid int, work func() (float64, error)) (n, micros float64, err error) {
	before, err := processorTime(pid)
	if err != nil {
		return 0, 0, err
	}
	if n, err = work(); err != nil {
		return 0, 0, err
	}
	after, err := processorTime(pid)
	if err == nil && n == 0 {
		err = fmt.Errorf("nothing was done")
	}
	return n, float64((after - before).Microseconds()) / n, err
}

// requests are those by which all clients read one entry.
func (b *bed) requests() []string {
	credentials := base64.StdEncoding.EncodeToString([]byte(callerID + ":" + exampledata.Password(callerID)))
	return slices.Repeat([]string{"GET /api/users/" + measuredID + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + credentials + "\r\n\r\n"}, b.clients)
}

func (b *bed) getHTTPS(s samples) error {
	n, micros, err := during(b.https.command.Process.Pid, func() (float64, error) {
		return load(b.httpsAddress, b.tls, b.requests(), b.duration)
	})
	s.add("https cpu", micros)
	s.add("https rate", n/b.duration.Seconds())
	return err
}

func (b *bed) getJoined(s samples) error {
	n, micros, err := during(b.joined.command.Process.Pid, func() (float64, error) {
		return load(b.joinedAddress, b.tls, b.requests(), b.duration)
	})
	s.add("joined cpu", micros)
	s.add("joined rate", n/b.duration.Seconds())
	return err
}

func (b *bed) getLDAPS(s samples) error {
	var client float64
	n, server, err := during(b.slapd.PID(), func() (n float64, err error) {
		n, client, err = during(b.ldaps.command.Process.Pid, func() (float64, error) { return b.ldaps.ask("get " + b.duration.String()) })
		return n, err
	})
	s.add("ldaps cpu", client)
	s.add("ldaps slapd", server)
	s.add("ldaps rate", n/b.duration.Seconds())
	return err
}

func (b *bed) getOurs(s samples) error {
	var gateway float64
	n, server, err := during(b.slapd.PID(), func() (n float64, err error) {
		n, gateway, err = during(b.gateway.command.Process.Pid, func() (float64, error) {
			return load(b.gatewayAddress, b.tls, b.requests(), b.duration)
		})
		return n, err
	})
	if err != nil {
		return err
	}
	s.add("get cpu", gateway)
	s.add("get slapd", server)
	s.add("get rate", n/b.duration.Seconds())
	operations, err := b.lastOperations()
	s.add("get operations", operations)
	return err
}

// lastOperations reads from the last event how many operations the request took.
func (b *bed) lastOperations() (float64, error) {
	data, err := os.ReadFile(filepath.Join(b.dir, "events.jsonl"))
	if err != nil {
		return 0, err
	}
	if err := os.Truncate(filepath.Join(b.dir, "events.jsonl"), 0); err != nil {
		return 0, err
	}
	last := data[bytes.LastIndexByte(bytes.TrimSpace(data), '\n')+1:]
	_, after, ok := strings.Cut(string(last), `"ldapOperations":`)
	if !ok {
		return 0, fmt.Errorf("no operations in the event %s", last)
	}
	var n float64
	_, err = fmt.Sscanf(after, "%f", &n)
	return n, err
}

func (b *bed) listControl(s samples) error {
	rate, err := b.ldaps.ask("list")
	s.add("list control", rate)
	return err
}

func (b *bed) listOurs(s samples) error {
	pid := b.gateway.command.Process.Pid
	before, err := memory(pid, "VmRSS")
	if err != nil {
		return err
	}
	begin := time.Now()
	count := 0
	if _, err := b.read("/api/users?_queryFilter=true", func(body io.Reader) error {
		count, err = countIDs(body)
		return err
	}); err != nil {
		return err
	}
	if count != b.entries {
		return fmt.Errorf("a list of %d resources, %d expected", count, b.entries)
	}
	s.add("list rate", float64(count)/time.Since(begin).Seconds())
	after, err := memory(pid, "VmHWM")
	s.add("list growth", max(0, after-before))
	return err
}

// countIDs counts resources by their member "_schema", which references do not show, without the cost of a JSON parser.
func countIDs(body io.Reader) (int, error) {
	const mark = `"_schema":`
	reader := bufio.NewReaderSize(body, 64<<10)
	count, matched := 0, 0
	for {
		c, err := reader.ReadByte()
		if err == io.EOF {
			return count, nil
		}
		if err != nil {
			return count, err
		}
		switch c {
		case mark[matched]:
			matched++
		case mark[0]:
			matched = 1
		default:
			matched = 0
		}
		if matched == len(mark) {
			count, matched = count+1, 0
		}
	}
}
