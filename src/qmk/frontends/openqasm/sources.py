"""Source texts and places in them. Every tree node carries one global offset; this maps it to file, line, column.

Included files are read here and nowhere else: relative to the including file's folder, never outside the program's.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Generator
from contextlib import contextmanager
from itertools import accumulate

from qmk.base.errors import Finding, invalid_graph
from qmk.base.limits import LIMITS
from qmk.frontends.openqasm.rules import BY_KEY, rule_id
from qmk.models import files
from qmk.sdk.frontend import Refused

STANDARD = frozenset(("stdgates.inc", "qelib1.inc"))


class Refusal(Exception):
    """One thing wrong at one place: ends the statement that it is in, not the parse."""

    def __init__(self, key: str, pos: int, message: str, help: str = "") -> None:
        super().__init__(message)
        self.key, self.pos, self.message, self.help = key, pos, message, help


@contextmanager
def report_limits(rule: str) -> Generator[None]:
    """Makes ``Refused`` with this rule of what the builder refuses within, which is a limit, and of what nests too
    deep."""
    try:
        yield
    except Refusal as error:
        raise Refused(rule, error.message, error.help) from None
    except RecursionError:
        raise Refused(rule, "the program nests too deep") from None


def nearest(name: str, known: set[str]) -> str:
    """The known name that ``name`` most likely means, or ""."""
    import difflib  # only when something is wrong

    found = difflib.get_close_matches(name, sorted(known), 1, 0.6)
    if not found:
        found = [other for other in sorted(known) if other.lower() == name.lower()]
    return found[0] if found else ""


class File:
    """One source text. ``base`` is the global offset of its first character; ``folder`` None when it has no file."""

    def __init__(self, name: str, text: str, base: int, folder: str | None) -> None:
        self.name, self.text, self.base, self.folder = name, text, base, folder
        self._starts: list[int] | None = None

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a local offset."""
        if self._starts is None:
            lengths = (len(line) for line in self.text.split("\n"))
            self._starts = [0, *accumulate(length + 1 for length in lengths)]
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Sources:
    """All texts of one program, the findings in them, and the include rule."""

    def __init__(self, dialect: int, name: str, data: bytes, path: str) -> None:
        self.dialect = dialect
        self.files: list[File] = []
        self.findings: list[Finding] = []
        self._seen: set[Finding] = set()
        self._errors = 0
        self._root = os.path.dirname(os.path.abspath(path)) if path else None
        self._open: list[str] = [os.path.abspath(path)] if path else []
        self.entry = self._add(name, data, self._root)

    def _add(self, name: str, data: bytes, folder: str | None, pos: int = 0) -> File:
        base = self.files[-1].base + len(self.files[-1].text) + 1 if self.files else 0
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - data.rfind(b"\n", 0, error.start)
            message = f"byte 0x{data[error.start]:02x} is not UTF-8 text"
            finding = Finding(
                rule_id(self.dialect, "encoding"), message, "save the file as UTF-8", "", name, line, column
            )
            raise invalid_graph([*self.findings, finding]) from error
        file = File(name, text, base, folder)
        self.files.append(file)
        return file

    def file_at(self, pos: int) -> File:
        """The file that the global offset ``pos`` is in."""
        return self.files[bisect_right([file.base for file in self.files], pos) - 1]

    def finding(self, refusal: Refusal) -> Finding:
        file = self.file_at(refusal.pos)
        line, column = file.place(refusal.pos - file.base)
        severity = "warning" if BY_KEY[refusal.key].severity == "warning" else "error"
        rule = rule_id(self.dialect, refusal.key)
        return Finding(rule, refusal.message, refusal.help, "", file.name, line, column, severity)

    def report(self, refusal: Refusal) -> None:
        """Keep a finding, each once; past ``LIMITS.findings`` errors give up with what there is. A loop may warn in
        every turn: warnings past the limit are not kept."""
        found = self.finding(refusal)
        if found in self._seen:
            return
        if found.severity == "warning":
            if len(self._seen) < LIMITS.findings:
                self._seen.add(found)
                self.findings.append(found)
            return
        self._seen.add(found)
        self.findings.append(found)
        self._errors += 1
        if self._errors >= LIMITS.findings:
            raise invalid_graph(self.findings)

    def raise_errors(self) -> None:
        """INVALID_GRAPH with every finding, when one of them is an error."""
        if self._errors:
            raise invalid_graph(self.findings)

    def include(self, name: str, pos: int) -> File:
        """The text of ``include "name"`` written at ``pos``. Call ``close`` when its statements are parsed."""
        folder = self.file_at(pos).folder
        library = nearest(name.removesuffix(".inc"), {each.removesuffix(".inc") for each in STANDARD})
        meant = library and f"{library}.inc"
        if folder is None or self._root is None:
            raise Refusal(
                "include", pos, f'cannot include "{name}": this program has no file to look beside',
                f"did you mean '{meant}'?" if meant else
                'give the program as a file; the standard libraries are "stdgates.inc" and "qelib1.inc"',
            )  # fmt: skip
        if "\0" in name:
            raise Refusal("include", pos, f"{name!r} holds a zero byte", "check the name")
        path = os.path.abspath(os.path.join(folder, name))
        if os.path.commonpath([os.path.realpath(path), os.path.realpath(self._root)]) != os.path.realpath(self._root):
            raise Refusal("include", pos, f'"{name}" is outside the program\'s folder', "copy it beside the program")
        if path in self._open:
            raise Refusal("include", pos, f'"{name}" includes itself', "remove the include that closes the circle")
        if len(self._open) >= LIMITS.macro_depth:
            raise Refusal("limit", pos, f"includes nest deeper than {LIMITS.macro_depth} files")
        try:
            data = files.read_included(path, LIMITS.source_bytes)
        except (OSError, ValueError) as error:
            reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "not a file name"
            near = meant or os.path.basename(files.nearest(path))
            fix = f"did you mean '{near}'?" if near else "check the name and the folder"
            raise Refusal("include", pos, f'cannot read "{name}": {reason}', fix) from error
        if sum(len(file.text) for file in self.files) + len(data) > LIMITS.source_bytes:
            raise Refusal("limit", pos, f"the program and its includes are larger than {LIMITS.source_bytes} bytes")
        self._open.append(path)
        shown = os.path.relpath(path, self._root)
        prefix = os.path.dirname(self.entry.name)
        return self._add(os.path.join(prefix, shown), data, os.path.dirname(path), pos)

    def close(self) -> None:
        self._open.pop()
