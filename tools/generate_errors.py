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


def page() -> str:
    rows = [
        (f"`{k.name}`", str(k.code), k.blame, "yes" if k.retryable else "no", str(EXIT_CODES[k.name]), k.doc)
        for k in KINDS.values()
    ]
    head = ("name", "code", "blame", "retryable", "exit", "meaning")
    return NOTICE.format(script="generate_errors.py") + INTRO + table(head, rows)


if __name__ == "__main__":
    sys.exit(write_or_check({"docs/reference/errors.md": page()}, sys.argv[1:]))
