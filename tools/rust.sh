#!/usr/bin/env bash
# Prints the folder of a cargo and rustc new enough for native/, or installs them from apt first where there are none:
# PATH="$(tools/rust.sh):$PATH" cargo build
# With --find it installs nothing, and fails where there is none.
#
# Debian 12 has a recent toolchain beside its old one (cargo-web, made for browsers); from Debian 13 on it is the usual
# one. A toolchain of rustup's, which no script should install unasked, is found on the path or in ~/.cargo/bin.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' native/Cargo.toml)
readonly wanted

# Whether version $1 is at least version $2.
is_at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

version_of() { "$1" --version 2>/dev/null | sed -n 's/^[a-z]* \([0-9][0-9.]*\).*/\1/p'; }

# The first folder with a cargo and a rustc that are new enough.
find_rust() {
  local folder tool version
  for folder in ${CARGO_HOME:+"$CARGO_HOME/bin"} $(tr ':' ' ' <<<"$PATH") "$HOME/.cargo/bin"; do
    for tool in cargo rustc; do
      [[ -x $folder/$tool ]] && version=$(version_of "$folder/$tool") && [[ -n $version ]] || continue 2
      is_at_least "$version" "$wanted" || continue 2
    done
    echo "$folder"
    return 0
  done
  return 1
}

fail() {
  echo "setup: the native core needs cargo and rustc $wanted or newer, $1; install them from https://rustup.rs and run make again" >&2
  exit 1
}

install_rust() {
  local as_root=() packages=(cargo rustc)
  command -v apt-get >/dev/null 2>&1 || fail "and there is no apt-get to install them with"
  [[ $(id -u) -eq 0 ]] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq >&2
  if [[ -n $(apt-cache show cargo-web 2>/dev/null) ]]; then packages=(cargo-web rustc-web); fi
  echo "setup: installing ${packages[*]} with apt-get, for the native core" >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${packages[@]}" gcc libc6-dev ca-certificates >/dev/null
}

if ! find_rust; then
  if [[ ${1:-} == --find ]]; then exit 1; fi
  install_rust
  find_rust || fail "and this system's packages are older"
fi
