#!/usr/bin/env bash
# Makes .venv from requirements.lock, with what it needs from apt on a bare Debian machine, and builds the native core
# into it. With the argument "tests" it also sees to a PostgreSQL server, which the tests run against: installed from
# apt when there is none; and, where .venv is of a Python older than 3.12 and a newer one is at hand, to .venv-clifft with
# the one engine that needs it.
#
# A stamp written last says which lock and project file the environment was made from, a second one which sources the
# native core was built from: a run with equal stamps ends at once, an interrupted or outdated environment is made anew,
# a native core of other sources is built anew, and two runs at the same time take turns.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=.venv
readonly stamp=$venv/.stamp

wanted_stamp() { cat requirements.lock pyproject.toml tools/setup.sh | sha256sum | cut -d ' ' -f 1; }

readonly native_stamp=$venv/.native-stamp

# Of the files that the native core is made of, by name and content.
wanted_native_stamp() {
  find native -name target -prune -o -type f -print | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum | cut -d ' ' -f 1
}

has_native() { [[ -f $native_stamp && $(<"$native_stamp") == "$(wanted_native_stamp)" ]]; }

is_ready() { [[ -x $venv/bin/python && -f $stamp && $(<"$stamp") == "$(wanted_stamp)" ]]; }

# The first Python that is new enough and can make an environment with pip in it.
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3; do
    [[ -n $candidate ]] || continue
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

install_python() {
  local as_root=()
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: Python 3.11 or newer with its venv module is needed; install it, or name one: make PYTHON=/path/to/python3" >&2
    exit 1
  fi
  [[ $(id -u) -eq 0 ]] || as_root=(sudo)
  echo "setup: installing python3 and python3-venv with apt-get"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    python3 python3-venv ca-certificates >/dev/null
}

has_postgres() {
  [[ -n ${PG_BIN:-} && -x $PG_BIN/initdb ]] || command -v initdb >/dev/null 2>&1 ||
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

# The server's programs without a running cluster: the tests start one of their own, in a folder under /tmp.
install_postgres() {
  local as_root=()
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: the tests need the programs of a PostgreSQL server (14 or newer); install it, or name their folder: PG_BIN=/path/to/bin make test" >&2
    exit 1
  fi
  [[ $(id -u) -eq 0 ]] || as_root=(sudo)
  echo "setup: installing postgresql with apt-get, for the tests"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null
  "${as_root[@]}" sed -ri 's/^#?\s*create_main_cluster\b.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
}

make_environment() {
  local python
  if ! python=$(find_python); then
    install_python
    python=$(find_python) || {
      echo "setup: this system's python3 is older than 3.11; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2
      exit 1
    }
  fi
  echo "setup: making $venv with $("$python" --version) from requirements.lock (first run: about two minutes)"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
  "$venv/bin/python" -m pip install --quiet --require-hashes -r requirements.lock
  "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e .
  wanted_stamp >"$stamp.new"
  mv "$stamp.new" "$stamp"
}

# The wheel of native/, by the locked maturin and the crates of native/Cargo.lock.
build_native() {
  local rust wanted
  rust=$(tools/rust.sh)
  wanted=$(wanted_native_stamp)
  echo "setup: building the native core with $("$rust/cargo" --version) (first time: about a minute)"
  PATH=$PWD/$venv/bin:$rust:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
    "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --force-reinstall ./native
  echo "$wanted" >"$native_stamp.new"
  mv "$native_stamp.new" "$native_stamp"
}

# The locked versions, with their hashes, of the packages named.
locked() {
  awk -v names=" $* " '/^[^ #]/ { split($1, part, "=="); on = index(names, " " part[1] " ") } on' requirements.lock
}

is_new() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

find_newer_python() {
  local candidate
  for candidate in python3.12 python3.13 python3.14 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
    if command -v "$candidate" >/dev/null 2>&1 && is_new "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

clifft_stamp() { locked clifft msgspec numpy | sha256sum | cut -d ' ' -f 1; }

has_clifft() {
  is_new "$venv/bin/python" || [[ -f $venv-clifft/.stamp && $(<"$venv-clifft/.stamp") == "$(clifft_stamp)" ]]
}

make_clifft_environment() {
  local python
  python=$(find_newer_python) || {
    echo "setup: no Python 3.12 here, so the tests of engine clifft only test what it says without one"
    return 0
  }
  rm -rf "$venv-clifft"
  "$python" -m venv "$venv-clifft"
  locked clifft msgspec numpy >"$venv-clifft/requirements.txt"
  PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv-clifft/bin/python" -m pip install --quiet --require-hashes -r "$venv-clifft/requirements.txt"
  clifft_stamp >"$venv-clifft/.stamp"
}

wants_clifft() { [[ ${1:-} == tests ]] && ! has_clifft; }

wants_postgres() { [[ ${1:-} == tests ]] && ! has_postgres; }

if is_ready && has_native && ! wants_postgres "$@" && ! wants_clifft "$@"; then exit 0; fi
exec 9>.setup.lock
flock 9
is_ready || make_environment
has_native || build_native
if wants_postgres "$@"; then install_postgres; fi
if wants_clifft "$@"; then make_clifft_environment; fi
