"""``qmk audit``: read the daemon's audit log, verify it, and prove what is in it."""

from __future__ import annotations

import datetime
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from qmk.cli import options, output, terminal
from qmk.cli.failure import BAD_PROGRAM, call_error

if TYPE_CHECKING:
    from qmk.host.audit import Entry, Proof, Report
    from qmk.host.audit_reader import AuditReader
    from qmk.host.receipts import Proven, Receipt

key_option = click.option(
    "--public-key",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The key that seals must be signed with; the data folder's own (keys/audit.pub) if not given.",
)


@click.group()
def command() -> None:
    """Read and verify the audit log: every decision of the kernel, chained by hashes, sealed by signed roots.

    Works on the data folder itself, beside a running daemon or without one, and changes nothing.
    """


@command.command()
@options.local_data_option()
@options.database_option
@key_option
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="An earlier copy of audit.head: its seal must be in the log. May be given several times.",
)
@options.json_option
def verify(
    data_dir: Path | None, database: str | None, public_key: str | None, witnesses: tuple[str, ...], as_json: bool
) -> int:
    """Walk the chain and every seal, and name each entry or epoch that is not as it was signed."""
    from qmk.host import audit, seals
    from qmk.rpc import keys

    folder = _folder(data_dir)
    with _open(folder, database) as log:
        key = keys.public_key(_key_path(folder, public_key))
        kept = [*map(Path, witnesses), *audit.kept_witnesses(folder)]
        report = audit.verify(log, key, [seals.read_witness(path) for path in kept])
    output.show(as_json, report, verdict(report))
    return 0 if report.ok else BAD_PROGRAM


def verdict(report: Report) -> list[str]:
    """Says each fault, then what was read."""
    size = f"{report.entries} entries, {report.seals} seals, {report.unsealed} entries not sealed yet"
    if report.ok:
        return [f"intact: {size}", f"  head {report.head}"]
    return [*(f"{fault.what}: {fault.message}" for fault in report.faults), f"NOT INTACT: {size}"]


@command.command()
@options.local_data_option()
@options.database_option
@click.option("--tenant", metavar="NAME", help="Only this tenant's.")
@click.option("--kind", metavar="KIND", help="Only this kind, such as job.admit, or a group of them, such as job.")
@click.option("--from", "first", type=click.IntRange(1), default=1, metavar="SEQ", help="The first entry to show.")
@click.option("--to", "last", type=click.IntRange(1), metavar="SEQ", help="The last entry to show.")
@options.json_option
def show(
    data_dir: Path | None,
    database: str | None,
    tenant: str | None,
    kind: str | None,
    first: int,
    last: int | None,
    as_json: bool,
) -> None:
    """Print entries, oldest first; with --json one object a line."""
    import msgspec

    from qmk.host import audit

    kinds: set[str] = set()
    tenants: set[str] = set()
    shown_any = False
    with _open(_folder(data_dir), database) as log:
        for seq, data, stored in log.audit_entries(first):
            if last is not None and seq > last:
                break
            entry = audit.read_entry(data)
            kinds.add(entry.kind)
            tenants.add(entry.tenant)
            if tenant is not None and entry.tenant != tenant:
                continue
            if kind is not None and kind not in (entry.kind, entry.kind.partition(".")[0]):
                continue
            shown_any = True
            if as_json:
                shown = msgspec.structs.asdict(entry) | {"hash": stored.hex()}
                terminal.say(msgspec.json.encode(shown).decode())
            else:
                terminal.say(line(entry))
    if not shown_any:
        terminal.say(nothing(tenant, kind, sorted(tenants - {""}), sorted(kinds)), err=True)


def nothing(tenant: str | None, kind: str | None, tenants: list[str], kinds: list[str]) -> str:
    """Says why no entry was shown: what was asked for, and what there is."""
    wanted = [f"of tenant '{tenant}'"] if tenant is not None else []
    wanted += [f"of kind '{kind}'"] if kind is not None else []
    lines = [" ".join(["no entry", *wanted, "is there"])]
    lines += [f"  tenants: {', '.join(tenants)}"] if tenant not in (None, *tenants) and tenants else []
    lines += [f"  kinds: {', '.join(kinds)}"] if kind is not None and kinds else []
    return "\n".join(lines)


def line(entry: Entry) -> str:
    """``12  2026-01-01T00:00:00.123Z  local  job.admit  job=job_1 shots=100``."""
    time = datetime.datetime.fromtimestamp(entry.now_ns / 1e9, datetime.UTC)
    when = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = " ".join(f"{name}={_plain(value)}" for name, value in entry.fields.items() if value not in ("", None))
    return f"{entry.seq:>6}  {when}  {entry.tenant or '-'}  {entry.kind}  {fields}".rstrip()


def _plain(value: object) -> str:
    return ",".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)


@command.command()
@click.argument("seq", type=click.IntRange(1))
@options.local_data_option()
@options.database_option
def prove(seq: int, data_dir: Path | None, database: str | None) -> None:
    """Print a proof, as JSON, that entry SEQ is in a sealed epoch. It can be checked without the log."""
    from qmk.host import audit

    with _open(_folder(data_dir), database) as log:
        output.json_object(audit.prove(log, seq))


@command.command()
@options.job_argument()
@options.local_data_option()
@options.database_option
def receipt(job: str, data_dir: Path | None, database: str | None) -> None:
    """Print the receipt of JOB, as JSON: a proof of what it asked for, how it ended, and at which isolation level it
    ran. It can be checked without the log."""
    from qmk.host import receipts

    with _open(_folder(data_dir), database) as log:
        output.json_object(receipts.make(log, job))


@command.command()
@click.argument("proof", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--public-key", type=click.Path(dir_okay=False), required=True, metavar="FILE", help="The sealing key.")
@click.option("--isolation", metavar="LEVEL", help="Of a receipt: the job ran at this level, or at a stronger one.")
@options.json_option
def check(proof: str, public_key: str, isolation: str | None, as_json: bool) -> int:
    """Check the proof or receipt in file PROOF ("-" reads standard input) against a public key, and print what it
    proves.

    The exit code is 1 when it proves nothing.
    """
    from qmk.base.errors import QmkError
    from qmk.base.isolation import parse
    from qmk.host import audit, receipts
    from qmk.rpc import keys

    floor = parse(isolation or "")
    read = _read_proof(proof)
    if floor and isinstance(read, audit.Proof):
        fix = "'qmk audit receipt JOB' prints one"
        raise call_error(f"--isolation is for a receipt, and {proof} proves one entry", field="isolation", help=fix)
    key = keys.public_key(Path(public_key))
    try:
        if isinstance(read, receipts.Receipt):
            proven = receipts.check(read, key, floor)
            said = " ".join(f"{name}={value}" for name, value in _fields(proven).items() if value != "")
        else:
            proven = audit.check(read, key)
            said = line(proven).strip()
    except QmkError as error:
        output.show(as_json, {"error": error.to_dict()}, f"NOT PROVEN: {error.message}")
        return BAD_PROGRAM
    output.show(as_json, _fields(proven), f"proven: {said}")
    return 0


def _fields(proven: Entry | Proven) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(proven)


def _read_proof(path: str) -> Proof | Receipt:
    """What the file holds. Raises INVALID_PARAMS for a file that cannot be read, or is neither."""
    import msgspec

    from qmk.host import audit, receipts

    try:
        with click.open_file(path, "rb") as file:
            data = file.read()
        form = msgspec.json.decode(data, type=dict[str, Any]).get("form")
        return msgspec.json.decode(data, type=receipts.Receipt if form == receipts.RECEIPT else audit.Proof)
    except OSError as error:
        raise call_error(f"cannot read '{path}': {(error.strerror or str(error)).lower()}", path=path) from error
    except msgspec.MsgspecError as error:
        fix = "'qmk audit prove SEQ' and 'qmk audit receipt JOB' print one"
        raise call_error(f"{path} holds no proof", help=fix) from error


def _folder(data_dir: Path | None) -> Path:
    from qmk.rpc.places import state_dir

    return data_dir or state_dir()


def _key_path(folder: Path, public_key: str | None) -> Path:
    from qmk.host.seals import KEY
    from qmk.rpc.places import KEYS_NAME

    return Path(public_key) if public_key else folder / KEYS_NAME / f"{KEY}.pub"


def _open(folder: Path, database: str | None) -> AbstractContextManager[AuditReader]:
    from qmk.host.audit_reader import AuditReader
    from qmk.host.config import JOURNAL_NAME

    return AuditReader(folder / JOURNAL_NAME, database or "")
