"""The short way to a REST operation. The framework's router, its stack of middleware and its way of making answers cost
a seventh of what the gateway spends on a status; an operation needs none of them.

Only an address written as it is declared goes this way: the others, other methods and answers that are not JSON are the
framework's.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from qmk.gateway.edge import Scope
from qmk.gateway.whole import send_answer

OPT = "operation"
"""Names what makes the ``Answer`` to a request, or the framework's, among the options of a handler."""
PREFIX = "/v1/"
_UNCHANGED = 304
"""The status of answers without a body and its media type, which the framework writes."""
_FIELD = 3
"""Where an address has its field, in the parts between its slashes; one with a field elsewhere is the router's."""


class Answer(NamedTuple):
    """What is answered to a request; headers by their names in lower case."""

    status: int
    body: bytes
    media: str
    headers: dict[str, str]

    def as_response(self) -> Response[bytes]:
        media = None if self.status == _UNCHANGED else self.media
        return Response(self.body, status_code=self.status, media_type=media, headers=self.headers)


class _Request(Request[Any, Any, Any]):
    """A request whose headers have been read. What the framework keeps of a request is made only if it is used."""

    def __init__(self, scope: Any, receive: Any, send: Any, headers: dict[str, str]) -> None:  # super() is late
        self.scope, self.receive, self.send, self._read = scope, receive, send, headers

    def __getattr__(self, name: str) -> Any:
        super().__init__(self.scope, self.receive, self.send)
        return object.__getattribute__(self, name)

    @property
    def headers(self) -> Any:
        return self._read


class Direct:
    """The handlers of an application's operations by address and method."""

    def __init__(self, app: Litestar) -> None:
        self._app: Any = app
        self._routes: dict[str, tuple[str, str, dict[str, HTTPRouteHandler]]] = {}
        for each in app.routes:
            parts = each.path_format.split("/")
            fields = [at for at, part in enumerate(parts) if part.startswith("{")]
            if isinstance(each, HTTPRoute) and fields in ([], [_FIELD]):
                handlers = {method: handler for method, (handler, _) in each.route_handler_map.items()}
                own = {str(method): handler for method, handler in handlers.items() if OPT in handler.opt}
                name = parts[_FIELD].strip("{}") if fields else ""
                if own:
                    self._routes[_key(parts) if fields else each.path_format] = (each.path_format, name, own)

    def find(self, scope: Scope) -> HTTPRouteHandler | None:
        """The handler of a request, which is then in ``scope`` as the router would put it; None: ask the router."""
        path, field = scope["path"], ""
        found = self._routes.get(path)
        if found is None:
            parts = path.split("/")
            field = parts[_FIELD] if len(parts) > _FIELD else ""
            found = self._routes.get(_key(parts)) if field else None
        if found is None or (handler := found[2].get(scope["method"])) is None:
            return None
        scope["app"] = scope["litestar_app"] = self._app
        scope["route_handler"], scope["path_template"] = handler, found[0]
        scope["path_params"] = {found[1]: field} if field else {}
        scope.setdefault("state", {})
        return handler

    async def serve(
        self, handler: HTTPRouteHandler, headers: dict[str, str], scope: Any, receive: Any, send: Any
    ) -> None:
        """Answers a request that ``find`` has found the handler of."""
        request = _Request(scope, receive, send, headers)
        made: Answer | Response[Any] = await handler.opt[OPT](request)
        if isinstance(made, Answer):
            if made.status != _UNCHANGED:
                await send_answer(scope, send, made.status, made.body, {**made.headers, "content-type": made.media})
                return
            made = made.as_response()
        respond: Any = cast("Any", handler).to_response
        answer = await respond(app=self._app, data=made, request=request)
        await answer(scope, receive, send)


def _key(parts: list[str]) -> str:
    """An address with its field left open."""
    return "/".join([*parts[:_FIELD], "{}", *parts[_FIELD + 1 :]])
