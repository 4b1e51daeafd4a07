#!/usr/bin/env bash
# Fuzzes the readers and simulators of the native core, SECONDS_EACH a target, with the address sanitizer, overflow checks
# and debug assertions: tools/fuzz_native.sh 60
# It needs a nightly toolchain and says so where there is none. What it finds is kept in native/fuzz/artifacts; what
# reaches new code in native/fuzz/corpus, which the next run starts from.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly seconds=${1:?seconds a target}
readonly bounds=(-timeout=10 -rss_limit_mb=1024 -print_final_stats=1)

if ! cargo +nightly --version >/dev/null 2>&1; then
  echo "fuzz: no nightly Rust: the native core was not fuzzed" >&2
  exit 0
fi

seeds=native/fuzz/corpus
mkdir -p $seeds/{read_text,read_packed,runs} native/fuzz/artifacts
.venv/bin/python - $seeds <<'PYTHON'
"""Writes the first documents: text, the same with a byte before it that says how to run it, and packed graphs."""

import sys
from pathlib import Path

from qmk import frontends
from qmk.base.errors import QmkError
from qmk.qvm.graph import pack

seeds = Path(sys.argv[1])
texts = [*Path("benchmarks/fuzz/corpus").glob("every.*"), *Path("examples").glob("*.qasm")]
for path in texts:
    (seeds / "read_text" / path.name).write_bytes(path.read_bytes())
    for way in (0, 1, 2, 3, 4, 5, 64, 133):
        (seeds / "runs" / f"{way}-{path.name}").write_bytes(bytes([way]) + path.read_bytes())
    try:
        (seeds / "read_packed" / path.name).write_bytes(pack(frontends.load(path.read_bytes(), path=str(path)).graph))
    except QmkError as error:
        print(f"fuzz: {path} has no graph: {error}")
PYTHON

flags="-Cpasses=sancov-module --cfg fuzzing -Zsanitizer=address -Cforce-frame-pointers"
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  flags+=" -Cllvm-args=-sanitizer-coverage-$option"
done
cd native/fuzz
RUSTFLAGS=$flags cargo +nightly build --release --locked --target x86_64-unknown-linux-gnu
for target in read_text read_packed runs; do
  target/x86_64-unknown-linux-gnu/release/$target "${bounds[@]}" -max_total_time="$seconds" \
    -artifact_prefix="artifacts/$target-" corpus/$target
done
