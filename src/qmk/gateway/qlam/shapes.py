"""What QLAM's rooms share: modes, the bodies that carry programs, pages, and the tenant as one user in one group."""

from __future__ import annotations

import re
import uuid
from typing import Annotated, Any, NamedTuple, cast

import msgspec
from msgspec import Meta

from qmk.base.limits import LIMITS
from qmk.gateway.callers import Caller
from qmk.gateway.http import AnyRequest, Refusal, iso

SUBTASKS = 1000
LEVELS, VALUES = 64, 100_000
"""The deepest nesting and the most values of metadata and notes."""
PAGE_RECORDS = 100
"""Most definitions or compilations in one page."""
COMPILED = "qvm-json.v1.0"
"""The language of compiled programs."""
_MODE = re.compile(r"squin-[A-Za-z0-9._-]{1,32}")
_SIZE = re.compile(r"squin-([1-9]\d{0,5})q")
_LANGUAGE = re.compile(r"squin\.v0\.1\.\d{1,3}")
_NAMES = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


class Mode(NamedTuple):
    """``squin-256q``: any gates, compiled programs of at most so many ``qubits``. ``squin-zoned``: a ``device``."""

    name: str
    qubits: int = 0
    device: str = ""


class Program(msgspec.Struct):
    content: str
    program_metadata: dict[str, Any] | None = None


class Subtask(msgspec.Struct):
    program_index: Annotated[int, Meta(ge=0)]
    num_shots: Annotated[int, Meta(ge=1, le=LIMITS.shots)]
    arguments: dict[str, float] | None = None
    subtask_metadata: dict[str, Any] | None = None


class Definition(msgspec.Struct):
    """Programs and what is asked of each."""

    programs: Annotated[list[Program], Meta(min_length=1)] = []
    subtasks: Annotated[list[Subtask], Meta(min_length=1, max_length=SUBTASKS)] = []
    program_language: str | None = None
    group_id: str | None = None


class Asked(Definition):
    """The body of a new task or compilation: a definition, or the id of one, or for a task that of a compilation."""

    profile_id: str | None = None
    definition_id: str | None = None
    compilation_id: str | None = None


def mode_of(request: AnyRequest) -> Mode:
    """The mode of the path. Raises ``Refusal`` 404."""
    name = str(request.path_params["mode"])
    if _MODE.fullmatch(name) is None:
        raise Refusal(404, f"there is no mode '{name[:40]}'; write one such as squin-256q, or squin-zoned for a device")
    size = _SIZE.fullmatch(name)
    if size is not None:
        return Mode(name, qubits=int(size[1]))
    from qmk.models.atoms.profile import profiles

    there = sorted(row.name for row in profiles().values() if row.gates)
    device = name.removeprefix("squin-")
    if device not in there:
        raise Refusal(404, f"there is no mode '{name[:40]}': after squin- a size such as 256q, or {', '.join(there)}")
    return Mode(name, device=device)


def check_definition(asked: Definition, tenant: str) -> Definition:
    """A definition that fits together; its programs are not read yet. Raises ``Refusal`` 400."""
    if not asked.programs or not asked.subtasks:
        raise Refusal(400, "a definition has programs and subtasks")
    language = asked.program_language
    if language is not None and _LANGUAGE.fullmatch(language) is None:
        ours = "; compiled programs run by the id of their compilation" if language == COMPILED else ""
        raise Refusal(400, f"the language '{language[:40]}' is not served; squin.v0.1.0 is{ours}")
    in_group(asked.group_id, tenant)
    metadata = [row.program_metadata for row in asked.programs] + [row.subtask_metadata for row in asked.subtasks]
    require_plain([given for given in metadata if given], "metadata")
    for at, row in enumerate(asked.subtasks):
        if row.program_index >= len(asked.programs):
            raise Refusal(400, f"subtask {at} is of program {row.program_index}; there are {len(asked.programs)}")
    return asked


def require_plain(value: object, what: str) -> None:
    """What is kept as it came must be told again without going deep. Raises ``Refusal`` 400."""
    level, count = [value], 0
    for _ in range(LEVELS + 2):
        rows = [
            cast("dict[str, object]", row).values() if isinstance(row, dict) else cast("list[object]", row)
            for row in level
            if isinstance(row, dict | list)
        ]
        if not rows:
            return
        count += sum(map(len, rows))
        if count > VALUES:
            raise Refusal(400, f"{what}: more than {VALUES} values")
        level = [one for row in rows for one in row]
    raise Refusal(400, f"{what}: nested deeper than {LEVELS} levels")


def in_group(group_id: str | None, tenant: str) -> None:
    if group_id is not None and group_id != uuid_of("group", tenant):
        raise Refusal(400, "group_id: there is no such group; leave it out")


def is_shown(request: AnyRequest, tenant: str) -> bool:
    """Whether a list that is asked for by groups has anything of this tenant."""
    groups = [*request.query_params.getall("group_id", []), *request.query_params.getall("groupId", [])]
    return not groups or uuid_of("group", tenant) in groups


def require_submit(caller: Caller) -> None:
    """Whoever may not submit jobs keeps and compiles nothing. Raises ``Refusal`` 403."""
    if "CAP_SUBMIT" not in caller.rights:
        raise Refusal(403, "this token may not submit: it lacks CAP_SUBMIT")


def page_of(request: AnyRequest, page: str, size: str, usual: int, most: int = LIMITS.page_shots) -> tuple[int, int]:
    """The number of a page, from 0, and how much it holds, at most ``most``."""
    try:
        found = (int(request.query_params.get(page, 0)), int(request.query_params.get(size, usual)))
    except ValueError:
        found = (-1, 0)
    if not 0 <= found[0] <= 1 << 31 or not 1 <= found[1] <= most:
        raise Refusal(400, f"{page} is a number from 0 on, {size} one from 1 to {most}")
    return found


def oldest_first(request: AnyRequest) -> bool:
    """The order of a list by ``sort``. Raises ``Refusal`` 400 for another property than the time of creation."""
    name, _, direction = request.query_params.get("sort", "created_date,desc").partition(",")
    if name.strip() != "created_date" or direction.strip().lower() not in ("", "asc", "desc"):
        raise Refusal(400, "sort is created_date,desc or created_date,asc")
    return direction.strip().lower() == "asc"


def page_body(elements: list[Any], page: int, size: int, total: int) -> dict[str, Any]:
    return {"elements": elements, "page": page, "size": size, "total": total}


def uuid_of(what: str, tenant: str) -> str:
    return str(uuid.uuid5(_NAMES, f"qmk:{what}:{tenant}"))


def group(tenant: str) -> dict[str, Any]:
    """A tenant is one group, its default one."""
    user, then = uuid_of("user", tenant), iso(0.0)
    return {
        "id": uuid_of("group", tenant),
        "name": tenant[:30],
        "description": "Everybody with a token of this tenant",
        "is_shared": True,
        "is_default": True,
        "created_date": then,
        "created_by": user,
        "modified_date": then,
        "modified_by": user,
    }


def of_tenant(tenant: str, created_s: float, modified_s: float | None = None) -> dict[str, Any]:
    """Who made a thing, when, and in which group; as every thing of QLAM says it."""
    user, then = uuid_of("user", tenant), iso(created_s)
    whole = group(tenant)
    return {
        "created_date": then,
        "created_by": user,
        "modified_date": then if modified_s is None else iso(modified_s),
        "modified_by": user,
        "group": {"id": whole["id"], "name": whole["name"], "deactivated": False},
    }
