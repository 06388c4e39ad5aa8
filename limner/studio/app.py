"""The API as an ASGI application, and its description. No torch.

The routes are found by a table of our own and answered by Starlette. FastAPI describes them (OpenAPI): its own way from
a request to a function and back would cost more than all else that the server does for a preview, and its import more
than the server's start; so it is imported when the description is first asked for.
"""

from __future__ import annotations

import asyncio
import functools
import re
from typing import Any

import limner
from limner import registry
from limner.optional import optional
from limner.studio.catalogue import Catalogue
from limner.studio.routes import _ID, _NUMBER, PICTURES, ROUTES, SOUNDS, Call, Route, problem, serve
from limner.studio.security import App, Guard, Receive, Refused, Scope, Send
from limner.studio.state import Studio

DESCRIPTION = "/api/v1/openapi.json"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_EVERYWHERE = (400, 403, 413, 415, 422, 429)


def create_api(studio: Studio) -> App:
    """The ASGI application of the API; `limner.studio.front` serves it with the page.

    Raises:
        MissingExtraError: if the extra `studio` is not installed.
    """
    return Guard(Api(studio), studio.settings)


class Api:
    """All routes; see `ROUTES`."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.description = functools.cache(lambda: openapi(studio.catalogue))
        self.request_class = optional("starlette.requests", extra="studio").Request
        by_path: dict[str, dict[str, Route]] = {}
        for route in (*ROUTES, Route("GET", DESCRIPTION, self._describe, "The description of the API")):
            by_path.setdefault(route.path, {})[route.method] = route
        self.routes = [(_pattern(path), methods) for path, methods in by_path.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        made = await self._answer(scope, receive, send)
        await made(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Any:
        path, method = scope["path"], scope["method"]
        for pattern, methods in self.routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            if method not in methods:
                text = ", ".join(sorted(methods))
                return problem(Refused(405, f"{method} is not allowed here; allowed: {text}.", allowed=text))
            scope["path_params"] = found.groupdict()
            return await serve(methods[method], self.request_class(scope, receive, send), self.studio)
        return problem(Refused(404, "There is no such page."))

    async def _describe(self, call: Call) -> Any:
        return await asyncio.to_thread(self.description)


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"{(\w+)}", path)  # text and names take turns
    texts = [f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts)]
    return re.compile("".join(texts))


def describe(route: Route) -> dict[str, Any]:
    """Parameters and body of a route, for OpenAPI."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _NUMBER if name == "number" else _ID}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in route.query.items()]
    if route.tag == "api":
        session = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
        parameters.append({"name": "Limner-Session", "in": "header", "schema": session})
    found: dict[str, Any] = {"parameters": parameters}
    if route.media == "asset":
        files = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (*PICTURES, *SOUNDS)}
        found["requestBody"] = {"required": True, "content": {**files, "application/json": {"schema": {}}}}
    elif route.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    return found


def _answers(route: Route) -> dict[int | str, Any]:
    media = "application/json" if route.media == "asset" else route.media
    content: dict[str, Any] = {} if route.status == 204 else {"content": {media: {}}}
    found: dict[int | str, Any] = {route.status: {"description": "done", **content}}
    if route.status == 202:
        found[200] = {"description": "the finished job", **content}
    if "{asset}" in route.path:
        found[200] = {
            "description": "done",
            "content": {kind: {} for kind in ("image/png", "audio/wav", "application/json")},
        }
    for status in dict.fromkeys((*_EVERYWHERE, 405, 408, 500, *route.errors)):
        found[status] = {"description": "a problem in one sentence", "content": _PROBLEM}
    return found


def _operation_paths(catalogue: Catalogue, general: dict[str, Any]) -> dict[str, Any]:
    """A path for each operation that has weights, with its own fields; the general one stays for others."""
    found = {}
    common = general["requestBody"]["content"]["application/json"]["schema"]["properties"]
    for system in catalogue.systems:
        known = catalogue.of[system]
        for operation in registry.operations(system) if known else ():
            form = operation.schema(catalogue.facts(known[0]))
            values = {**common, "weights": {"enum": [*known, None]}}
            for name, one in form["properties"].items():  # null is as good as nothing, where nothing is allowed
                values[name] = one if name in form["required"] else {"anyOf": [one, {"type": "null"}]}
            schema = {**form, "properties": values, "additionalProperties": False}
            found[f"/api/v1/systems/{system}/{operation.name}"] = {
                "post": {
                    **general,
                    "summary": operation.title,
                    "operationId": f"{system}_{operation.name}",
                    "parameters": [one for one in general["parameters"] if one["in"] != "path"],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
                }
            }
    return found


def openapi(catalogue: Catalogue) -> dict[str, Any]:
    """The description of the API, as OpenAPI 3.1.

    Raises:
        MissingExtraError: if the extra `studio` is not installed.
    """
    app = optional("fastapi", extra="studio").FastAPI(title="Limner studio", version=limner.__version__)
    for route in ROUTES:
        app.add_api_route(
            route.path,
            _named(route.handler.__name__),
            methods=[route.method],
            summary=route.summary,
            tags=[route.tag],
            response_model=None,
            status_code=route.status,
            response_class=optional("starlette.responses", extra="studio").Response,
            openapi_extra=describe(route),
            responses=_answers(route),
        )
    found: dict[str, Any] = app.openapi()
    general = found["paths"]["/api/v1/systems/{system}/{operation}"]["post"]
    found["paths"].update(_operation_paths(catalogue, general))
    text = {"type": "string"}
    fields = {"type": text, "title": text, "status": {"type": "integer"}, "detail": text, "field": text}
    schema = {"type": "object", "properties": fields, "required": ["type", "title", "status", "detail"]}
    found.setdefault("components", {}).setdefault("schemas", {})["Problem"] = schema
    return found


def _named(name: str) -> Any:
    """A function that FastAPI takes for that of a route, by whose name it calls the operation."""

    async def endpoint() -> None:
        """Never called."""

    endpoint.__name__, endpoint.__doc__ = name, None
    return endpoint
