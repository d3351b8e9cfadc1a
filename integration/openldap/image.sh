#!/bin/sh
# Makes sure that the image of this folder exists, or that of the server and the folder
# that the arguments name, and prints its name as the last line. The tag is a digest of
# the sources, so a change makes a new image.
#
# When the base cannot be pulled, because no registry can be reached, it is made
# with debootstrap from the mirror that apt itself uses (needs root, and once
# about a minute).
#
# Environment: BASE, another base image; it must be there or be pullable.
set -eu
name=${1:-openldap}
cd "${2:-$(dirname "$0")}"

say() { echo "$name image: $*" >&2; }

command -v docker >/dev/null || { say "there is no docker command"; exit 1; }
docker version --format '{{.Server.Version}}' >/dev/null || { say "no Docker engine answers"; exit 1; }

image=rest2ldap/$name:$(cat Dockerfile entrypoint.sh | sha256sum | cut -c1-12)

# Test packages run side by side; one of them builds, the others wait.
if command -v flock >/dev/null; then
    exec 9>"${TMPDIR:-/tmp}/rest2ldap-image.lock"
    flock 9
fi

have() { docker image inspect "$1" >/dev/null 2>&1; }

# make_base imports the running system's own release, at its smallest.
make_base() {
    command -v debootstrap >/dev/null || { say "no registry, and debootstrap is not installed"; return 1; }
    [ "$(id -u)" = 0 ] || { say "no registry, and debootstrap needs root"; return 1; }
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        sed -n "s/^$release main //p" | head -n 1)
    [ -n "$mirror" ] || { say "apt knows no mirror for $release; run apt-get update"; return 1; }
    say "making $1 with debootstrap from $mirror"
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase "$release" "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; return 1; }
    rm -rf "$root.log" "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/*
    tar -C "$root" --exclude='./dev/*' --exclude='./proc/*' -c . | docker import --change 'LABEL rest2ldap.image=base' - "$1" >/dev/null
}

if ! have "$image"; then
    base=${BASE:-debian:bookworm-slim}
    if ! have "$base" && ! timeout 120 docker pull --quiet "$base" >/dev/null 2>&1; then
        [ -z "${BASE:-}" ] || { say "$base cannot be pulled"; exit 1; }
        base=rest2ldap/base:local
        have "$base" || make_base "$base"
    fi
    say "building $image on $base"
    log=$(mktemp)
    if ! docker build --build-arg BASE="$base" --build-arg http_proxy --build-arg https_proxy \
        --label "rest2ldap.image=$name" --tag "$image" . >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        exit 1
    fi
    rm -f "$log"
fi
echo "$image"
