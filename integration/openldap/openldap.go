package openldap

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What a container of the image expects.
const (
	// Root is the folder for slapd.conf and all that it names.
	Root = "/srv/openldap"
	// Port is the port to listen on.
	Port = "1636"
	// Modules and Schema are folders of the installed package.
	Modules = "/usr/lib/ldap"
	// Schema holds the schema files.
	Schema = "/etc/ldap/schema"
)

//go:embed Dockerfile entrypoint.sh
var sources embed.FS

//go:embed image.sh
var script []byte

// Image returns the name of the image, and builds it first where it is missing.
// That takes a minute or two, once per machine.
func Image(ctx context.Context) (string, error) { return Build(ctx, "openldap", sources) }

// Build is Image for a server of another name, whose Dockerfile and entrypoint.sh are in the
// folder.
func Build(ctx context.Context, name string, folder fs.FS) (string, error) {
	dir, err := os.MkdirTemp("", "rest2ldap-image-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.CopyFS(dir, folder), os.WriteFile(filepath.Join(dir, "image.sh"), script, 0o600)); err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	build := exec.CommandContext(ctx, "sh", filepath.Join(dir, "image.sh"), name, dir)
	build.Stdout, build.Stderr = &stdout, &stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("image.sh: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	lines := strings.Fields(stdout.String())
	if len(lines) == 0 {
		return "", fmt.Errorf("image.sh named no image: %s", strings.TrimSpace(stderr.String()))
	}
	return lines[len(lines)-1], nil
}
