"""Groups: a tenant is one. What QLAM does to tenants, users and groups, ``qmk tenant`` does instead."""

from __future__ import annotations

from litestar import Response, get, route

from qmk.gateway.http import AnyRequest, Refusal, answer, enter
from qmk.gateway.qlam import shapes

_PLACES = (("/v2/tenants", 4), ("/v2/users", 4), ("/v2/groups/{group:str}/users", 1))
_ELSEWHERE = [
    path + "".join(f"/{{part_{n}:str}}" for n in range(count)) for path, deep in _PLACES for count in range(deep)
]


@get("/v2/groups")
async def list_groups(request: AnyRequest) -> Response[bytes]:
    caller, _ = await enter(request)
    page, size = shapes.page_of(request, "page", "size", 10)
    whole = shapes.group(caller.tenant)
    ids, names = (request.query_params.getall(name, []) for name in ("id", "name"))
    is_named = not names or any(part.casefold() in whole["name"].casefold() for part in names)
    there = [whole] if is_named and (not ids or whole["id"] in ids) else []
    return answer(shapes.page_body([] if page else there, page, size, len(there)))


@get("/v2/groups/{id:str}")
async def get_group(request: AnyRequest) -> Response[bytes]:
    caller, _ = await enter(request)
    if request.path_params["id"] != shapes.uuid_of("group", caller.tenant):
        raise Refusal(404, "no such group")
    return answer(shapes.group(caller.tenant))


@route(["/v2/groups"], http_method=["POST"])
async def create_group(request: AnyRequest) -> None:
    await _refuse(request)


@route(["/v2/groups/{id:str}"], http_method=["PUT", "DELETE"])
async def change_group(request: AnyRequest) -> None:
    await _refuse(request)


@route(_ELSEWHERE, http_method=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def refuse_other_environment(request: AnyRequest) -> None:
    await _refuse(request)


async def _refuse(request: AnyRequest) -> None:
    await enter(request)
    raise Refusal(
        501, "tenants, their users and groups are not changed or shown over QLAM: see qmk tenant and qmk token"
    )


HANDLERS = [list_groups, get_group, create_group, change_group, refuse_other_environment]
