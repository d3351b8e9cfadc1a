#!/bin/sh
# Makes sure that the tests have what they need besides Go:
#
#   - a real OpenLDAP: a container where a Docker engine answers and the image
#     can be had, else the slapd of this machine, else, on Debian and Ubuntu as
#     root, the package slapd;
#   - a C compiler for the race detector, installed in the same way.
#
# It says on standard error which it found, and fails when there is no OpenLDAP.
# Standard output is "-race", or nothing where the race detector cannot run, for
# the command line of go test.
#
# What it installs is the bare package: no directory is set up, no daemon starts.
set -eu
here=$(dirname "$0")

say() { echo "provision: $*" >&2; }

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# install NAME... with apt, without starting any service.
install() {
    say "installing $*"
    started=
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        started=no
    fi
    log=$(mktemp)
    if apt_get update >"$log" 2>&1 && apt_get install -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
        status=0
    else
        status=1
        tail -n 15 "$log" >&2
    fi
    rm -f "$log"
    [ -z "$started" ] || rm -f /usr/sbin/policy-rc.d
    return $status
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"; }

engine_answers() { command -v docker >/dev/null && docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# With no registry in reach the image is made with debootstrap.
have_image() {
    sh "$here/openldap/image.sh" >/dev/null && return
    command -v debootstrap >/dev/null && return 1
    can_install && install debootstrap && sh "$here/openldap/image.sh" >/dev/null
}

find_slapd() { PATH="$PATH:/usr/sbin:/usr/local/sbin:/usr/local/libexec:/usr/libexec" command -v slapd; }

install_slapd() {
    # The preset answer keeps the package from setting up a directory.
    echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections
    install slapd libsasl2-modules
}

found=
if engine_answers; then
    if have_image; then
        found=yes
        say "OpenLDAP in containers of $(sh "$here/openldap/image.sh")"
    else
        say "a Docker engine answers, but the image of OpenLDAP cannot be had"
    fi
fi
if slapd=$(find_slapd); then
    found=yes
    say "OpenLDAP as a process, $slapd"
elif [ -z "$found" ] && can_install && install_slapd && slapd=$(find_slapd); then
    found=yes
    say "OpenLDAP as a process, $slapd, installed just now"
fi
if [ -z "$found" ]; then
    say "there is no real OpenLDAP: start a Docker engine, or install slapd (on Debian and Ubuntu this script does it as root)"
    exit 1
fi

compiles() {
    cc=$(go env CC)
    printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | ${cc:-gcc} -x c -o /dev/null - 2>/dev/null
}

if compiles || { can_install && install gcc libc6-dev && compiles; }; then
    echo -race
else
    say "there is no C compiler: the tests run WITHOUT the race detector; install gcc and libc6-dev"
fi
