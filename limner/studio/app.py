"""The API as an application of FastAPI: its routes and its description. No torch."""

from __future__ import annotations

import functools
import re
from typing import Any

import limner
from limner import registry
from limner.optional import optional
from limner.studio.catalogue import Catalogue
from limner.studio.routes import _ID, _NUMBER, PICTURES, ROUTES, SOUNDS, Route, answer, serve
from limner.studio.security import Guard, Refused
from limner.studio.state import Studio

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_EVERYWHERE = (400, 403, 413, 415, 422, 429)


def create_api(studio: Studio) -> Any:
    """The ASGI application of the API; `limner.studio.front` serves it with the page.

    Raises:
        MissingExtraError: if the extra `studio` is not installed.
    """
    fastapi = optional("fastapi", extra="studio")
    requests = optional("starlette.requests", extra="studio")
    app = fastapi.FastAPI(
        title="Limner studio",
        version=limner.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,
    )
    for route in ROUTES:
        app.add_api_route(
            route.path,
            _endpoint(route, studio, requests.Request),
            methods=[route.method],
            summary=route.summary,
            tags=[route.tag],
            response_model=None,
            status_code=route.status,
            response_class=optional("starlette.responses", extra="studio").Response,
            openapi_extra=describe(route),
            responses=_answers(route),
        )
    _add_errors(app)
    app.openapi = _openapi(studio.catalogue, app.openapi)
    app.add_middleware(Guard, settings=studio.settings)
    return app


def _endpoint(route: Route, studio: Studio, request_class: Any) -> Any:
    async def endpoint(request: Any) -> Any:
        return await serve(route, request, studio)

    endpoint.__annotations__ = {"request": request_class}  # FastAPI reads it; the package may be missing at import
    endpoint.__name__ = route.handler.__name__
    return endpoint


def _problem(refused: Refused) -> Any:
    headers = {name.decode(): value.decode() for name, value in refused.headers()}
    made = answer(refused.problem(), refused.status, headers)
    made.headers["content-type"] = "application/problem+json"
    return made


def _add_errors(app: Any) -> None:
    known: dict[str, set[str]] = {}
    for route in ROUTES:
        known.setdefault(re.sub(r"{\w+}", "[^/]+", route.path), set()).add(route.method)

    async def not_found(request: Any, error: Any) -> Any:
        return _problem(Refused(404, "There is no such page."))

    async def not_allowed(request: Any, error: Any) -> Any:
        path = request.url.path
        allowed = sorted({one for pattern, methods in known.items() if re.fullmatch(pattern, path) for one in methods})
        text = ", ".join(allowed or ["GET"])
        return _problem(Refused(405, f"{request.method} is not allowed here; allowed: {text}.", allowed=text))

    app.add_exception_handler(404, not_found)
    app.add_exception_handler(405, not_allowed)


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


def _openapi(catalogue: Catalogue, usual: Any) -> Any:
    @functools.cache
    def openapi() -> Any:
        found = usual()
        general = found["paths"]["/api/v1/systems/{system}/{operation}"]["post"]
        found["paths"].update(_operation_paths(catalogue, general))
        text = {"type": "string"}
        fields = {"type": text, "title": text, "status": {"type": "integer"}, "detail": text, "field": text}
        problem = {"type": "object", "properties": fields, "required": ["type", "title", "status", "detail"]}
        found.setdefault("components", {}).setdefault("schemas", {})["Problem"] = problem
        return found

    return openapi
