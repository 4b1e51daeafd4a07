"""``docs/reference/errors.md`` from the table of errors."""

from __future__ import annotations

import sys

from pages import NOTICE, table, write_or_check

from qmk.base.errors import KINDS
from qmk.cli.failure import EXIT_CODES

INTRO = """# Errors

Every error that leaves QMK is one of these. Over the socket it is a JSON-RPC error object: `code`, `message`, and
`data` with `name`, `retryable`, `blame` and the error's own fields. In Python it is a `qmk.base.errors.QmkError` with
`kind`, `message`, `fields` and, for a wrong program, `findings`. On the command line it is text on standard error, or
with `--json` an object `{"error": ...}` on standard output.

`blame` says whose part failed: the caller's request, an engine, or the system. `retryable` says whether the same
request may succeed later. `exit` is the exit code of the `qmk` command.

```python
from qmk.base.errors import QmkError

error = QmkError("QUOTA_EXCEEDED", "200 shots exceed 100", quota="shots", asked=200, limit=100)
assert error.to_dict()["data"]["quota"] == "shots"
assert QmkError.from_dict(error.to_dict()).kind is error.kind
```

"""

REMEDIES = {
    "PARSE_ERROR": "Send one JSON object a frame, in UTF-8: [how frames look](../spec/qsyscall.md). Our clients do so.",
    "INVALID_REQUEST": "Give `jsonrpc`, `id`, `method` and `params`. Our clients do so.",
    "METHOD_NOT_FOUND": (
        "Look the call up in [qSyscall](../spec/qsyscall.md); a newer client may know more calls than the daemon."
    ),
    "INVALID_PARAMS": (
        "`field` names the argument, `expected` or the fix says what it takes; [Options of a run](options.md) has "
        "all of a run."
    ),
    "INTERNAL_ERROR": "Please report it, with what `qmk --debug` or the daemon's log says.",
    "INSUFFICIENT_CAPS": (
        "`missing` names the right. Open the session with it, use another token, or have it [handed "
        "on](../howto/tenants.md#hand-on-capabilities)."
    ),
    "AUTH_FAILED": "Set `QMK_TOKEN` or give `--token-file`. The operator makes a token with `qmk tenant token`.",
    "TENANT_SUSPENDED": "Ask the operator, who can see why in the [audit log](../howto/audit.md).",
    "SESSION_NOT_FOUND": "Make the call again: our clients open a new session. Jobs are not lost with a session.",
    "INVALID_GRAPH": (
        "Each finding has place, rule and fix. `qmk verify PROGRAM` prints all of them; the rules are [those of "
        "OpenQASM](qasm-rules.md) and [of the verifier](rules.md)."
    ),
    "QUOTA_EXCEEDED": (
        "`quota`, `asked` and `limit` say which; `retry_after_ms` when it is free again. `qmk quota` shows all, "
        "[limits](limits.md) are no quotas and stand fast."
    ),
    "RESOURCE_EXHAUSTED": (
        "Fewer qubits or shots, or another engine: `qmk explain PROGRAM` says what each would need. Else wait, or "
        "use a larger machine."
    ),
    "UNSUPPORTED": "`gaps` says for each engine what it lacks. Install the extra that is named, or leave out what is.",
    "GRAPH_NOT_FOUND": "Send the graph itself in the place of its hash; our clients do so.",
    "JOB_NOT_FOUND": (
        "`qmk jobs` lists your tenant's; jobs of others are not there, and old ones are forgotten after [a "
        "time](../howto/server.md)."
    ),
    "JOB_FAILED": "`cause` and the message say why. A program that crashes its engine may run on another: `--engine`.",
    "TIMEOUT": "A larger `--timeout`, or fewer shots. While a job waits in the queue the time runs too.",
    "ALREADY_COMPLETED": "Nothing: read the result with `qmk result JOB`.",
    "NOT_COMPLETED": "Wait: `qmk status JOB` shows how far it is, `Client.wait` answers once it has ended.",
    "JOB_CANCELLED": "Submit it again if it was not you who cancelled it.",
    "CHECKPOINT_NOT_FOUND": "`qmk checkpoints` lists them.",
    "NOT_CHECKPOINTABLE": (
        "Put a [fence](../howto/checkpoints.md) where it may be stopped, and take an engine that stops there."
    ),
    "CHANNEL_NOT_FOUND": "`qmk channel list` lists those of your tenant.",
    "CHANNEL_REQUIRED": "Name the [channel](../howto/channels.md) of each handle: `--channel HANDLE=CHANNEL`.",
    "CHANNEL_NOT_APPROVED": "The other tenant approves it with `qmk channel approve`.",
    "CHANNEL_CLOSED": "Propose another one.",
    "CHANNEL_EXPIRED": "Propose another one, with a later end.",
    "CHANNEL_EXHAUSTED": "Wait for new pairs, or use fewer of them.",
    "CHANNEL_MISMATCH": "Propose a channel that grants what the program does, or change the program.",
    "CONNECTION_LOST": (
        "Start the daemon with `qmk serve`, or name its socket with `--socket` or `QMK_SOCKET`. "
        "`Client(patience_s=60)` waits for one that restarts."
    ),
}
"""What to do about each, for whoever reads the page; what an error itself says comes first."""


def page() -> str:
    rows = [
        (f"`{k.name}`", str(k.code), k.blame, "yes" if k.retryable else "no", str(EXIT_CODES[k.name]), k.doc)
        for k in KINDS.values()
    ]
    head = ("name", "code", "blame", "retryable", "exit", "meaning")
    assert list(REMEDIES) == list(KINDS), "say in REMEDIES what to do about each error, in the order of the table"
    remedies = "".join(f"### {name}\n{k.doc} {REMEDIES[name]}\n\n" for name, k in KINDS.items())
    after = "\n## What to do\nThe error itself says the most; this is what else helps.\n\n"
    return NOTICE.format(script="generate_errors.py") + INTRO + table(head, rows) + after + remedies.rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/errors.md": page()}, sys.argv[1:]))
