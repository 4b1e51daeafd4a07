#!/bin/sh
# Install what holds workers and scripts at the levels gvisor and jail: bubblewrap, and a runsc of 2023 or later.
# For Debian and Ubuntu. Without root, or on another system, it says so and succeeds: tests then skip with the reason.
set -eu

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "isolation_hosts.sh: needs root and apt-get; install bubblewrap and runsc yourself" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
command -v bwrap >/dev/null || apt-get install -y --no-install-recommends bubblewrap
if ! runsc help run 2>/dev/null | grep -q -- -pass-fd; then
    . /etc/os-release
    if [ "${VERSION_CODENAME:-}" = bookworm ]; then
        lists=$(mktemp -d)
        trap 'rm -rf "$lists"' EXIT
        chmod 755 "$lists"
        mkdir -p "$lists/state/partial" # what else lies there is removed by an update
        echo "deb http://deb.debian.org/debian bookworm-backports main" >"$lists/sources.list"
        set -- -o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$lists/state"
        apt-get "$@" update
    else
        set --
    fi
    apt-get "$@" install -y --no-install-recommends runsc
fi
runsc --version
bwrap --version
