package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
)

// demoStart measures a demo from its start to the first good answer that a client outside
// gets, certificates and data included.
func (b *bed) demoStart(s samples) error {
	var log bytes.Buffer
	begin := time.Now()
	demo, err := launch(&log, b.program, "demo", "--https", "127.0.0.1:0", "--ldaps", "127.0.0.1:0")
	if err != nil {
		return err
	}
	err = firstAnswer(demo)
	elapsed := time.Since(begin)
	if err = errors.Join(err, demo.stop()); err != nil {
		return fmt.Errorf("the demo: %w\n%s", err, log.String())
	}
	s.add("demo start", float64(elapsed.Microseconds())/1000)
	return nil
}

// firstAnswer reads one user as soon as the demo says that it is ready.
func firstAnswer(demo *process) error {
	line, err := demo.line()
	if err != nil {
		return err
	}
	begin, ca, found := strings.Cut(line, " ca=")
	var url, ldaps string
	if _, err := fmt.Sscanf(begin, "ready https=%s ldaps=%s", &url, &ldaps); err != nil || !found {
		return fmt.Errorf("the ready line is %q", line)
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s holds no certificate", ca)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequest(http.MethodGet, url+"/api/users/"+callerID, nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth(callerID, exampledata.Password(callerID))
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
