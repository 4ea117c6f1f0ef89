"""The OpenAPI document, made from the table of endpoints and the types of their answers, and the
page that shows it.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bowerbird._version import __version__
from bowerbird.web.api.routes import ENDPOINTS, ROOT, Endpoint, answered
from bowerbird.web.api.values import Error
from bowerbird.web.site import Site

_PLACE = "#/components/schemas/{name}"
#: What can go wrong anywhere.
_ERRORS = {
    "400": "The question cannot be answered as it was asked.",
    "401": "The token is missing.",
    "403": "An action did not come from the dashboard's own page.",
    "503": "The crawl cannot be asked now.",
}
_TEXT = (
    "What the dashboard shows, as JSON. Reading needs the token only where other machines can "
    "reach the dashboard; actions always need it, as `Authorization: Bearer TOKEN`, and the header "
    "`X-Bowerbird: 1`. `/stream` gives the answer of `/live` again and again, as server-sent "
    "events of the type `live`."
)


def document(endpoints: tuple[Endpoint, ...] = ENDPOINTS) -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    types = {one.returns for one in endpoints} | {one.takes for one in endpoints if one.takes}
    _, schemas = msgspec.json.schema_components([*types, Error], ref_template=_PLACE)
    paths: dict[str, Any] = {}
    for one in endpoints:
        paths.setdefault(ROOT + one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bowerbird", "version": __version__, "description": _TEXT},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.method.lower() + re.sub(r"[^A-Za-z]", "", one.path.title()),
        "summary": one.text,
        "responses": {
            "200": {"description": "The answer.", "content": _content(one.returns)},
            **{code: {"description": text, "content": _content(Error)}
               for code, text in _ERRORS.items()},
        },
    }  # fmt: skip
    if one.parameters:
        operation["parameters"] = [
            {"name": each.name, "description": each.text, "schema": {"type": each.type},
             **_where(one, each.name)}
            for each in one.parameters
        ]  # fmt: skip
    if one.takes:
        operation["requestBody"] = {"content": _content(one.takes)}
    if one.method != "GET":
        operation["security"] = [{"token": []}]
        operation.setdefault("parameters", []).append(
            {"name": "X-Bowerbird", "in": "header", "required": True, "schema": {"const": "1"}}
        )
    return operation


def _where(one: Endpoint, name: str) -> dict[str, Any]:
    in_path = f"{{{name}}}" in one.path
    return {"in": "path", "required": True} if in_path else {"in": "query"}


def _content(shape: Any) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _PLACE.format(name=shape.__name__)}}}


def routes(site: Site, more: Sequence[Endpoint] = ()) -> list[BaseRoute]:
    """The document, of other parts' endpoints too, and its page."""
    made = document((*ENDPOINTS, *more))

    async def as_json(_: Request) -> Response:
        return answered(made)

    async def page(request: Request) -> Response:
        origin = str(request.base_url).rstrip("/")
        return site.page(request, "api.html", "API", document=made, root=ROOT, origin=origin)

    return [Route(f"{ROOT}/openapi.json", as_json), Route("/api", page)]
