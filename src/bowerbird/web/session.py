"""The way in: a token, sent once, for a cookie."""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bowerbird.errors import UsageError
from bowerbird.web.api.routes import body_of, refused
from bowerbird.web.site import Site

#: A wrong token is answered after this, in seconds: who tries many is slow.
WRONG_S = 0.5


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page sends."""

    token: str


def routes(site: Site) -> list[BaseRoute]:
    """Come in, and leave."""

    async def come_in(request: Request) -> Response:
        try:
            given: Token = await body_of(request, Token)
        except UsageError as error:
            return refused(error)
        if not site.guard.knows(given.token.strip()):
            await asyncio.sleep(WRONG_S)
            return JSONResponse({"error": "wrong-token", "message": "That is not the token."}, 403)
        answer = JSONResponse({"trusted": True})
        site.guard.let_in(answer)
        return answer

    async def leave(_: Request) -> Response:
        answer = JSONResponse({"trusted": False})
        answer.delete_cookie(site.guard.cookie)
        return answer

    return [
        Route("/session", come_in, methods=["POST"]),
        Route("/session", leave, methods=["DELETE"]),
    ]
