#!/bin/sh
# Starts slapd from what lies in /srv/openldap:
#
#   slapd.conf   the configuration; it names its files by their full paths
#   data.ldif    the entries, loaded once, at the first start
#   ca.pem server.pem server.key   whatever else slapd.conf refers to
#
# Arguments: the address to listen on, and slapd's log level.
set -eu
cd /srv/openldap

# slapd sets aside memory for as many connections as it may have files open,
# and a container may often have a million.
ulimit -n 8192

if [ ! -e .loaded ]; then
    mkdir -p db accesslog
    slapadd -q -w -f slapd.conf -b "$(sed -n 's/^dn: //p' data.ldif | head -n 1)" -l data.ldif
    chown -R openldap:openldap .
    touch .loaded
fi
exec slapd -u openldap -g openldap -f slapd.conf -h "$1" -d "$2"
