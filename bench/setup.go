package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
	"github.com/rest2ldap/rest2ldap/internal/slapd"
	"github.com/rest2ldap/rest2ldap/internal/testcert"
)

const (
	peopleDN = exampledata.PeopleDN
	// measuredID is a user without references, so that one operation reads it.
	measuredID = "gen001"
	measuredDN = "uid=" + measuredID + "," + peopleDN
	// callerID is who asks.
	callerID = "scarter"
	// changerID is who may change entries.
	changerID = "kvaughan"
)

// attributes are those that the example mapping asks for; the control asks for the same.
func attributes() []string {
	return []string{
		"objectClass", "entryCSN", "createTimestamp", "modifyTimestamp", "uid", "mail", "cn", "givenName", "sn", "description",
		"manager", "memberOf", "telephoneNumber", "jpegPhoto", "uidNumber", "gidNumber", "homeDirectory", "loginShell", "gecos",
	}
}

// bed is everything that runs during the measurement.
type bed struct {
	options
	dir     string
	program string // the gateway's
	slapd   *slapd.Server
	gateway *process
	https   *process            // the HTTPS control
	ldaps   *process            // the LDAPS control
	joined  *process            // both in one
	changer *process            // both in one, with a change after the read
	workers map[string]*process // LDAP clients alone, by name
	log     bytes.Buffer
	tls     *tls.Config

	gatewayAddress, httpsAddress, joinedAddress, changerAddress string

	// control is the command of the HTTPS control.
	control []string
	idle    float64 // MiB after the start
}

func setUp(ctx context.Context, o options) (b *bed, err error) {
	b = &bed{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.dir, err = os.MkdirTemp("", "rest2ldap-bench-"); err != nil {
		return b, err
	}
	if b.slapd, err = slapd.Run(ctx, slapd.Options{Kind: slapd.Process, Users: o.entries, CallerSizeLimit: slapd.Unlimited, LogLevel: "none", Durable: true}); err != nil {
		return b, err
	}
	b.program = filepath.Join(b.dir, "rest2ldap")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.program, "./cmd/rest2ldap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return b, fmt.Errorf("build: %w\n%s", err, output)
	}
	ca, err := testcert.NewCA()
	if err != nil {
		return b, err
	}
	pair, err := ca.Issue(testcert.Leaf{})
	if err != nil {
		return b, err
	}
	cert, key, err := pair.WriteFiles(b.dir, "gateway")
	if err != nil {
		return b, err
	}
	b.tls = &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}
	if err := b.startGateway(); err != nil {
		return b, err
	}
	body, err := b.sample()
	if err != nil {
		return b, err
	}
	bodyFile := filepath.Join(b.dir, "body.json")
	if err := os.WriteFile(bodyFile, body, 0o600); err != nil {
		return b, err
	}
	self, err := os.Executable()
	if err != nil {
		return b, err
	}
	b.control = []string{self, controlVerb, "-cert", cert, "-key", key, "-body", bodyFile}
	if b.https, err = launch(os.Stderr, self, b.control[1:]...); err != nil {
		return b, err
	}
	if b.httpsAddress, err = b.https.line(); err != nil {
		return b, err
	}
	directory := func(caller string, more ...string) []string {
		return append([]string{
			controlVerb, "-ca", b.slapd.CAFile, "-address", b.slapd.Address, "-bind", b.slapd.ServiceDN, "-password", b.slapd.ServicePassword,
			"-authzid", "dn:uid=" + caller + "," + peopleDN, "-clients", strconv.Itoa(o.clients),
		}, more...)
	}
	if b.ldaps, err = launch(os.Stderr, self, directory(callerID)...); err != nil {
		return b, err
	}
	b.workers = make(map[string]*process)
	for _, name := range []string{"engine", "raw", "go-ldap"} {
		if b.workers[name], err = launch(os.Stderr, self, directory(changerID, "-client", name)...); err != nil {
			return b, err
		}
	}
	if b.joined, err = launch(os.Stderr, self, directory(callerID, "-cert", cert, "-key", key, "-body", bodyFile)...); err != nil {
		return b, err
	}
	if b.joinedAddress, err = b.joined.line(); err != nil {
		return b, err
	}
	if b.changer, err = launch(os.Stderr, self, directory(changerID, "-cert", cert, "-key", key, "-body", bodyFile, "-changes")...); err != nil {
		return b, err
	}
	b.changerAddress, err = b.changer.line()
	return b, err
}

func (b *bed) startGateway() (err error) {
	config := fmt.Sprintf(`version: 1
server:
  listen: 127.0.0.1:0
  certificates: [{cert: gateway.pem, key: gateway.key}]
directory:
  servers: [{url: %s}]
  ca: %s
  bind: {dn: %q, password: "file:password"}
auth:
  basic: {mode: simple, dnTemplate: "uid={username},%s"}
audit: {file: events.jsonl}
`, b.slapd.URL, b.slapd.CAFile, b.slapd.ServiceDN, peopleDN)
	for name, text := range map[string]string{"gateway.yaml": config, "password": b.slapd.ServicePassword + "\n"} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if b.gateway, err = launch(&b.log, b.program, "serve", "--config", filepath.Join(b.dir, "gateway.yaml")); err != nil {
		return err
	}
	b.gatewayAddress, err = b.ready(b.gateway)
	return err
}

// ready waits until a gateway listens, and returns where.
func (b *bed) ready(gateway *process) (string, error) {
	line, err := gateway.line()
	if err != nil {
		return "", fmt.Errorf("the gateway did not start: %w\n%s", err, b.log.String())
	}
	_, address, _ := strings.Cut(line, "https=https://")
	address, _, _ = strings.Cut(address, " ")
	return address, nil
}

// sample reads the measured resource, and the size of the idle gateway after it.
func (b *bed) sample() ([]byte, error) {
	body, err := b.read("/api/users/"+measuredID, nil)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, b.log.String())
	}
	b.idle, err = memory(b.gateway.command.Process.Pid, "VmRSS")
	return body, err
}

// read asks the gateway once, and returns the body, or passes it to the reader.
func (b *bed) read(path string, reader func(io.Reader) error) ([]byte, error) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: b.tls.Clone()}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequest(http.MethodGet, "https://"+b.gatewayAddress+path, nil)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(callerID, exampledata.Password(callerID))
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if reader != nil && response.StatusCode == http.StatusOK {
		return nil, reader(response.Body)
	}
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", path, response.Status, body)
	}
	return body, err
}

func (b *bed) close() error {
	var err error
	for _, p := range append(slices.Collect(maps.Values(b.workers)), b.gateway, b.https, b.ldaps, b.joined, b.changer) {
		if p != nil {
			err = errors.Join(err, p.stop())
		}
	}
	if b.slapd != nil {
		err = errors.Join(err, b.slapd.Close())
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}
