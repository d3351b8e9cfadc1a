#!/bin/sh
# Starts 389 Directory Server with what lies in /srv/ds389:
#
#   ca.pem server.pem server.key   the certificate and who has signed it
#   password                       that of cn=Directory Manager
#   data.ldif                      the entries, loaded once, at the first start
#   schema.ldif                    definitions besides the usual ones
#   limit                          how many entries one search may return
set -eu
cd /srv/ds389
instance=/etc/dirsrv/slapd-localhost
pin=$instance/pwdfile.txt

# The server sets aside memory for as many connections as it may have files open.
ulimit -n 8192

mkdir -p /data/run/lock /run/lock/dirsrv
if [ ! -e .ready ]; then
    certutil -D -d $instance -n Server-Cert -f $pin 2>/dev/null || true
    certutil -A -d $instance -n CA -t CT,, -a -i ca.pem -f $pin
    openssl pkcs12 -export -in server.pem -inkey server.key -name Server-Cert -passout pass: -out server.p12
    pk12util -i server.p12 -d $instance -k $pin -W ''
    hash=$(pwdhash -D $instance -s SSHA512 "$(cat password)")
    # The old value goes on in the lines below that begin with a space.
    awk -v hash="$hash" '/^nsslapd-rootpw:/ { print "nsslapd-rootpw: " hash; skip = 1; next } skip && /^ / { next } { skip = 0; print }' \
        $instance/dse.ldif >$instance/dse.new
    cat $instance/dse.new >$instance/dse.ldif
    rm $instance/dse.new
    sed -i "s|^nsslapd-sizelimit:.*|nsslapd-sizelimit: $(cat limit)|" $instance/dse.ldif
    cp schema.ldif $instance/schema/98tests.ldif
    ns-slapd ldif2db -D $instance -n userRoot -i /srv/ds389/data.ldif >load.log 2>&1 || { cat load.log; exit 1; }
    rm -f server.p12 password
    touch .ready
fi
# 266354688 are the messages of every server, and no more.
exec ns-slapd -D $instance -d 266354688
