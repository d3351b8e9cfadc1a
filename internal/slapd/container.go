package slapd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	dockercontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/rest2ldap/rest2ldap/integration/openldap"
)

const (
	// labelKey marks our containers, so that we can find the ones that a killed
	// test binary left behind.
	labelKey, labelValue = "rest2ldap.test", "slapd"
	// staleAfter is older than any test binary grows.
	staleAfter = 2 * time.Hour
)

// container runs a server in a container of one of our images.
type container struct {
	container testcontainers.Container
	kind      Kind
}

// engine is what all containers of this process share.
type engine struct {
	image string
}

// findEngine looks for a Docker engine, sweeps up, and has the image ready.
//
//nolint:gochecknoglobals // The engine is a fact about the machine; asking once is enough.
var findEngine = sync.OnceValues(func() (*engine, error) {
	// No registry means no Ryuk, the container by which testcontainers cleans up.
	setDefaultEnv("TESTCONTAINERS_RYUK_DISABLED", "true")
	if insideContainer() && ownsBridge() {
		// It would look for published ports at the gateway address.
		setDefaultEnv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
	}
	log.SetDefault(log.NewNoopLogger()) // It would describe the engine in every test log.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: no Docker engine: %w", ErrUnavailable, err)
	}
	defer docker.Close()
	if _, err := docker.Ping(ctx, client.PingOptions{}); err != nil {
		return nil, fmt.Errorf("%w: no Docker engine: %w", ErrUnavailable, err)
	}
	if err := sweep(ctx, docker); err != nil {
		return nil, err
	}
	image, err := openldap.Image(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &engine{image: image}, nil
})

// newContainer prepares a server that is published on that port of 127.0.0.1.
func newContainer(ctx context.Context, s *site, port string) (*container, error) {
	found, err := findEngine()
	if err != nil {
		return nil, err
	}
	l := layout{Root: openldap.Root, Modules: openldap.Modules, Schema: openldap.Schema, GnuTLS: true}
	if err := s.configure(l); err != nil {
		return nil, err
	}
	var files []testcontainers.ContainerFile
	for _, name := range []string{confFile, dataFile, caFile, certName + ".pem", certName + ".key"} {
		files = append(files, testcontainers.ContainerFile{
			HostFilePath:      filepath.Join(s.dir, name),
			ContainerFilePath: openldap.Root + "/" + name,
			FileMode:          0o600,
		})
	}
	return create(ctx, containerOptions{
		image: found.image, arguments: []string{"ldaps://:" + openldap.Port, s.options.LogLevel}, port: openldap.Port, published: port, files: files, kind: Container,
	})
}

// containerOptions are what differs between the containers of two servers.
type containerOptions struct {
	image     string
	arguments []string
	// port is that in the container, published that of 127.0.0.1.
	port, published string
	files           []testcontainers.ContainerFile
	kind            Kind
}

func create(ctx context.Context, o containerOptions) (*container, error) {
	exposed := o.port + "/tcp"
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:        o.image,
			Cmd:          o.arguments,
			ExposedPorts: []string{exposed},
			Files:        o.files,
			Labels:       map[string]string{labelKey: labelValue},
			HostConfigModifier: func(host *dockercontainer.HostConfig) {
				// A chosen port, because the engine would pick another at each restart.
				host.PortBindings = network.PortMap{
					network.MustParsePort(exposed): {{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1}), HostPort: o.published}},
				}
			},
		},
		Logger: log.NewNoopLogger(),
	})
	if err != nil {
		return nil, fmt.Errorf("creating the container: %w", err)
	}
	return &container{container: c, kind: o.kind}, nil
}

func (c *container) start(ctx context.Context) error {
	err := c.container.Start(ctx)
	if err != nil && (strings.Contains(err.Error(), "already allocated") || strings.Contains(err.Error(), "already in use")) {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

func (c *container) stop(ctx context.Context) error {
	if err := c.freeze(ctx, false); err != nil {
		return err
	}
	timeout := stopTimeout
	return c.container.Stop(ctx, &timeout)
}

func (c *container) exited(ctx context.Context) bool {
	state, err := c.container.State(ctx)
	return err == nil && !state.Running
}

func (c *container) freeze(ctx context.Context, frozen bool) error {
	state, err := c.container.State(ctx)
	if err != nil || state.Paused == frozen {
		return err
	}
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return err
	}
	defer docker.Close()
	if frozen {
		_, err = docker.ContainerPause(ctx, c.container.GetContainerID(), client.ContainerPauseOptions{})
	} else {
		_, err = docker.ContainerUnpause(ctx, c.container.GetContainerID(), client.ContainerUnpauseOptions{})
	}
	return err
}

func (c *container) logs(ctx context.Context) string {
	logs, err := c.container.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer logs.Close()
	text, err := io.ReadAll(logs)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (c *container) describe() string {
	return string(c.kind) + " " + c.container.GetContainerID()[:12]
}

func (c *container) remove(ctx context.Context) error {
	return c.container.Terminate(ctx, testcontainers.StopTimeout(0))
}

// sweep removes what test binaries that were killed left behind.
func sweep(ctx context.Context, docker *testcontainers.DockerClient) error {
	found, err := docker.ContainerList(ctx, client.ContainerListOptions{
		All:     true,
		Filters: client.Filters{}.Add("label", labelKey+"="+labelValue),
	})
	if err != nil {
		return fmt.Errorf("looking for stale containers: %w", err)
	}
	for _, c := range found.Items {
		if time.Since(time.Unix(c.Created, 0)) < staleAfter {
			continue
		}
		// Another test binary may be sweeping too; whoever comes second finds nothing.
		_, _ = docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	}
	return nil
}

func setDefaultEnv(name, value string) {
	if os.Getenv(name) == "" {
		_ = os.Setenv(name, value) // Fails for malformed names only.
	}
}

// insideContainer is how testcontainers decides.
func insideContainer() bool {
	_, err := os.Stat("/.dockerenv")
	return !errors.Is(err, os.ErrNotExist)
}

// ownsBridge says whether the engine's network is on this machine.
func ownsBridge() bool {
	_, err := net.InterfaceByName("docker0")
	return err == nil
}
