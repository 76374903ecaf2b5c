#!/bin/sh
# What the tests need beside Python: Chromium, a CJK font, PostgreSQL, a Java 17 runtime; with "bench" nginx too.
# Missing parts are installed from the distribution when running as root; otherwise this says which and how.
set -eu
wanted=${1:-test}
missing=""
need() { missing="$missing $1"; }

command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || need chromium
{ command -v fc-list >/dev/null 2>&1 && fc-list ':lang=zh' 2>/dev/null | grep -q .; } || need fonts-noto-cjk
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || need postgresql
java -version 2>&1 | grep -qE 'version "(1[7-9]|2[0-9])' || need openjdk-17-jre-headless
[ "$wanted" != bench ] || command -v nginx >/dev/null 2>&1 || need nginx-light
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing from the distribution:$missing"
    apt-get update -qq >/dev/null 2>&1 || true
    # no cluster of the distribution's own: the tests start theirs
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    for part in $missing; do
        [ "$part" != openjdk-17-jre-headless ] || apt-cache show "$part" >/dev/null 2>&1 || part=default-jre-headless
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$part" >/dev/null 2>&1 ||
            { echo "'$part' could not be installed: is this machine online?" >&2; exit 2; }
    done
else
    echo "The tests need:$missing. Install them: sudo apt-get install$missing" >&2
    exit 2
fi
