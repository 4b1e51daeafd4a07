#!/bin/sh
# Install what some tests need of the system. What holds workers and scripts at the levels gvisor, jail and microvm:
# bubblewrap, a runsc of 2023 or later, QEMU, and the guest image of the Python that PYTHON names (.venv/bin/python),
# unless it is there already. Prometheus' promtool, AppArmor's parser, mandoc. Chromium, in which the console is walked, and
# npm where there is none, which fetches the axe-core that judges its pages. Slurm, of which tests start one of one node.
# systemd-analyze, docker-compose and nix-instantiate, which read the deployment files.
# For Debian and Ubuntu. Without root, or on another system, it says so and succeeds: tests then skip with the reason.
set -eu

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "hosts.sh: needs root and apt-get; install bubblewrap, runsc and promtool yourself" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends bubblewrap qemu-system-x86 mmdebstrap squashfs-tools lz4 apparmor mandoc
if [ ! -x /usr/bin/chromium ]; then
    apt-get install -y --no-install-recommends chromium || echo "hosts.sh: no package chromium: the console is not walked" >&2
fi
if ! command -v npm >/dev/null; then # some distributors' nodejs has it, and conflicts with its package
    apt-get install -y --no-install-recommends npm || apt-get install -y --no-install-recommends nodejs ||
        echo "hosts.sh: no package npm: no page is judged by axe-core" >&2
fi
if ! command -v slurmctld >/dev/null; then
    apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge || echo "hosts.sh: no package slurmctld: slots of Slurm are not tested" >&2
fi
for each in systemd-analyze:systemd docker-compose:docker-compose nix-instantiate:nix-bin; do
    command -v "${each%%:*}" >/dev/null || apt-get install -y --no-install-recommends "${each##*:}" ||
        echo "hosts.sh: no package ${each##*:}: the files that ${each%%:*} reads are not checked with it" >&2
done
if ! command -v promtool >/dev/null; then # without the server that its package would start
    fetched=$(mktemp -d)
    chmod 777 "$fetched"
    (cd "$fetched" && apt-get download prometheus)
    dpkg-deb --fsys-tarfile "$fetched"/prometheus_*.deb | tar -xO ./usr/bin/promtool >/usr/local/bin/promtool.new
    chmod 755 /usr/local/bin/promtool.new
    mv /usr/local/bin/promtool.new /usr/local/bin/promtool
    rm -rf "$fetched"
fi
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
PYTHON=${PYTHON:-.venv/bin/python}
if [ -x "$PYTHON" ]; then
    "$PYTHON" "$(dirname "$0")/guest_image.py" --keep
fi
