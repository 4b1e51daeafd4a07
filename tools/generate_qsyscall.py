"""Writes docs/spec/qsyscall.md from the declarations of the calls, errors and job states.

python tools/generate_qsyscall.py            writes the file
python tools/generate_qsyscall.py --check    exits 1 when the file differs from a fresh generation
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from qmk.abi.call import Call
from qmk.abi.calls import CALLS
from qmk.abi.operator import OPERATOR_CALLS
from qmk.abi.rights import DELEGABLE, JOB_RIGHTS, RIGHTS
from qmk.base.errors import KINDS
from qmk.base.limits import TABLE
from qmk.kernel.objects.job import ENDED, MOVES
from qmk.rpc import describe, frame

SPEC = Path(__file__).resolve().parent.parent / "docs" / "spec"
TARGET = SPEC / "qsyscall.md"
EXAMPLES = json.loads((SPEC / "qsyscall_examples.json").read_text(encoding="utf-8"))

EXCERPT = {
    "q_negotiate_caps": "`quota`, `limits` and `families` are shortened here.",
    "q_get_telemetry": "`quota` is shortened here.",
}

INTRO = """# qSyscall: the kernel's ABI

JSON-RPC 2.0 over a Unix domain stream socket, one request, batch or reply a line (`\\n`). This page is generated from
the declarations in `src/qmk/abi/calls/` by `tools/generate_qsyscall.py`; every exchange on it is played through a
kernel by a test.

## Frames

- A frame is one JSON text in UTF-8 without raw newlines, at most {frame_bytes} bytes. A longer one is answered with
  `QUOTA_EXCEEDED`, and the connection is closed. Blank lines are skipped.
- `id` is a string, a number or null, of at most {id_bytes} bytes, and comes back exactly as it was written. A request
  without `id` is a notification: it is carried out, and never answered, not even with an error.
- A batch is an array of 1 to {batch_calls} requests. Its answers come back as one array in any order; a batch of
  notifications only is not answered.
- `params` is an object. Parameters by position, unknown names and repeated names are refused.
- Bytes that are not JSON get `PARSE_ERROR` with id null; JSON that is no request gets `INVALID_REQUEST`.
- Times are Unix seconds. A call is answered after the journal holds what the answer promises.

## Sessions and rights

`q_negotiate_caps` opens a session and grants it capabilities; every other call but `q_query_resources` names its
session in `session_id`. A session belongs to the tenant of its token. Without a token it belongs to the tenant `local`,
which a daemon allows only where nobody but its owner can connect. Every token that is not good is answered alike;
only one with a right signature is told that it has expired. A session outlives its connection, and answers only to the
user who opened it. It ends with `q_close_session`, with its token, after a day without use, or, when as many sessions
are open as may be, to make room for a new one if its connection is gone. Its jobs stay, and belong to the tenant:
another tenant's job is answered exactly like one that does not exist. A suspended tenant's calls are answered with
`TENANT_SUSPENDED`.

A session's root carries all that it may do: the rights over its tenant's jobs, unless its token withholds them, and
what it was granted by name. A program is checked against what its session holds, never against what the program says of
itself. Rights only shrink: a capability carries at most what the one it derives from does, and ends with it, in
whatever session or tenant. When several of them allow a call, the narrowest answers for it; if it counts its uses, the
call spends one. Identifiers of sessions, capabilities and qubits are random, and mean nothing to a session that they do
not belong to: it is answered as for one that does not exist.

{rights}
"""

STATES_TEXT = """\
No other move exists. An invalid program is refused at `q_submit` with every finding and never becomes a job; so is a
program that no engine can run. Once `q_submit` is answered the job survives a crash of the daemon: it is queued again,
and its seed makes the second run give the same bits. A worker that dies is replaced and the job launched again, up to
{attempts} launches in all.

Within a tenant, jobs are launched by priority, then by the nearer `deadline_epochs`, then in order of arrival. Whose
turn it is among the tenants is decided by their weights and by what they have used:
[Who runs when](../howto/scheduling.md).
"""

OPERATOR_TEXT = """\
Tenants and tokens are made on another socket, `operator.sock` in the daemon's data folder, with the same frames. Only
the user who runs the daemon can open it; on the ordinary socket these calls do not exist, and on this one no others do.
`qmk tenant` makes them, also when no daemon runs.
"""

ERRORS_TEXT = """\
`error.data` holds `name`, `retryable`, `blame` and the error's own fields, such as `findings` (INVALID_GRAPH),
`required` and `missing` (INSUFFICIENT_CAPS), `quota`, `asked`, `limit`, and of a [quota](../reference/quotas.md)
`used`, `scope` and perhaps `retry_after_ms` (QUOTA_EXCEEDED), `field`, `expected` and `help` (INVALID_PARAMS),
`feature` and `planned` or `gaps` (UNSUPPORTED).
"""


def params_table(struct: type) -> Iterator[str]:
    yield "| field | type | | meaning |"
    yield "|---|---|---|---|"
    for row in describe.fields(struct):
        need = "required" if row.required else f"default `{row.default}`" if row.default else "optional"
        yield f"| `{row.path}` | {row.type} | {need} | {row.doc} |"


def reply_table(struct: type) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for row in describe.fields(struct):
        yield f"| `{row.path}` | {row.type} | {row.doc} |"


def exchange(call: Call) -> Iterator[str]:
    params, answer = EXAMPLES[call.name]["params"], EXAMPLES[call.name]["result"]
    request = {"jsonrpc": "2.0", "id": 1, "method": call.name, "params": params}
    reply = {"jsonrpc": "2.0", "id": 1, "result": answer}
    yield "```json"
    yield json.dumps(request)
    yield json.dumps(reply)
    yield "```"
    if call.name in EXCERPT:
        yield ""
        yield EXCERPT[call.name]


def call_section(call: Call) -> Iterator[str]:
    yield f"### {call.name}"
    yield ""
    yield call.doc
    yield ""
    if call.aliases:
        yield f"Also accepted as: {', '.join(f'`{alias}`' for alias in call.aliases)}."
        yield ""
    yield "Params:"
    yield ""
    yield from params_table(call.request)
    yield ""
    yield "Result:"
    yield ""
    yield from reply_table(call.reply)
    yield ""
    if call in CALLS:
        yield f"Rights: {', '.join(f'`{right}`' for right in call.rights) or 'none beyond the session'}."
    yield f"Errors: {', '.join(f'`{name}`' for name in call.errors)}."
    yield ""
    yield from exchange(call)
    yield ""


def states() -> Iterator[str]:
    yield "## Job states"
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {MOVES[0].source}: q_submit"
    for move in MOVES:
        yield f"    {move.source} --> {move.target}: {move.cause}"
    for state in sorted(ENDED):
        yield f"    {state} --> [*]"
    yield "```"
    yield ""
    yield STATES_TEXT.format(attempts=TABLE["job_attempts"].value)


def errors() -> Iterator[str]:
    yield "## Errors"
    yield ""
    yield ERRORS_TEXT
    yield "| code | name | blame | retry | meaning |"
    yield "|---|---|---|---|---|"
    for kind in KINDS.values():
        retry = "may help" if kind.retryable else "will not help"
        yield f"| {kind.code} | {kind.name} | {kind.blame} | {retry} | {kind.doc} |"
    yield ""


def limits() -> Iterator[str]:
    yield "## Limits"
    yield ""
    yield "| limit | value | unit | bounds |"
    yield "|---|---|---|---|"
    for name, row in TABLE.items():
        yield f"| `{name}` | {row.value} | {row.unit} | {row.doc} |"
    yield ""


def rights() -> Iterator[str]:
    """Every right with the calls that ask for it."""
    yield "| right | allows | calls that need it | every session's | to other tenants |"
    yield "|---|---|---|---|---|"
    for name, doc in RIGHTS.items():
        calls = ", ".join(f"`{call.name}`" for call in CALLS if name in call.rights)
        own = "yes" if name in JOB_RIGHTS else "by name"
        yield f"| `{name}` | {doc} | {calls} | {own} | {'over named jobs' if name in DELEGABLE else 'no'} |"


def operator() -> Iterator[str]:
    yield "## The operator's calls"
    yield ""
    yield OPERATOR_TEXT
    for call in OPERATOR_CALLS:
        yield from call_section(call)


def overview() -> Iterator[str]:
    yield "## Calls"
    yield ""
    yield "| call | aliases |"
    yield "|---|---|"
    for call in CALLS:
        aliases = ", ".join(f"`{alias}`" for alias in call.aliases)
        yield f"| [`{call.name}`](#{call.name}) | {aliases} |"
    yield ""


def page() -> str:
    """The whole page."""
    values = {name: row.value for name, row in TABLE.items()}
    lines = [INTRO.format(id_bytes=frame.ID_BYTES_MAX, rights="\n".join(rights()), **values), *overview()]
    for call in CALLS:
        lines.extend(call_section(call))
    lines.extend([*operator(), *states(), *errors(), *limits()])
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    fresh = page()
    if arguments == ["--check"]:
        return 0 if TARGET.read_text(encoding="utf-8") == fresh else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
