"""Who may see and do what: one layer around the whole application, so that no page can forget it.

- A request that names a host that is not ours is refused: a page elsewhere whose name was made to
  point here (DNS rebinding) is stopped by that, also on loopback.
- Other machines see nothing without the token; on loopback all may look.
- Whatever changes something needs the token, as a cookie of ours or as a bearer, and must come from
  our own page: by its Origin, by what the browser says of the site, and by a header that no
  form can send and no foreign page may.
- Every answer forbids scripts, styles and requests from elsewhere.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Nothing from elsewhere, nothing inline, no HTML from text (Trusted Types).
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
#: Set on every answer that has not said otherwise.
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
#: The header that shows that a request was made by a program, not by a form or link elsewhere.
ACTION_HEADER = "x-bowerbird"
#: What is needed to come in, so it is open to all: nothing in it is of the crawl.
PUBLIC = ("/login", "/session", "/static/", "/healthz")

#: Of a Host header; the colons of an IPv6 address are within brackets.
PORT_AT_END = re.compile(r":\d*$")

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True, frozen=True)
class Guard:
    """The rules for one place."""

    token: str
    port: int
    open: bool = False  #: other machines can reach it
    secure: bool = False  #: over HTTPS
    names: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})  #: on loopback

    @property
    def cookie(self) -> str:
        """Cookies do not know ports, so each dashboard has its own name."""
        return f"bowerbird-{self.port}"

    @property
    def session(self) -> str:
        """What the cookie holds: follows from the token, does not give it away."""
        return hmac.new(self.token.encode(), b"bowerbird session", sha256).hexdigest()

    def knows(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def is_trusted(self, request: Request) -> bool:
        """Whether it carries the token, or the cookie that was given for it."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.knows(bearer.strip()):
            return True
        held = request.cookies.get(self.cookie, "")
        return hmac.compare_digest(held.encode(), self.session.encode())

    def let_in(self, response: Response) -> None:
        """Give the cookie."""
        response.set_cookie(
            self.cookie, self.session, max_age=30 * 86_400, httponly=True, samesite="strict",
            secure=self.secure,
        )  # fmt: skip

    def refusal(self, request: Request) -> Response | None:
        """The answer to a request that is not to be carried out; None: go on."""
        if not self._is_ours(request.headers):
            return _refused(400, "wrong-host", "This dashboard is not known by that name.")
        if request.method not in _READING:
            return self._refused_action(request)
        public = request.url.path.startswith(PUBLIC)
        if public or not self.open or self.is_trusted(request):
            return None
        if request.url.path.startswith(("/api/", "/metrics")):
            return _refused(401, "no-token", "Send the token: Authorization: Bearer TOKEN.")
        return RedirectResponse("/login", 303)

    def _refused_action(self, request: Request) -> Response | None:
        if not _is_same_site(request.headers) or ACTION_HEADER not in request.headers:
            return _refused(
                403, "cross-site", f"Actions come from this dashboard, with {ACTION_HEADER}: 1."
            )
        if request.url.path in PUBLIC or self.is_trusted(request):
            return None
        return _refused(401, "no-token", "This needs the token.")

    def _is_ours(self, headers: Headers) -> bool:
        """With the token asked for everywhere, a foreign name has no cookie and sees nothing. The
        port says nothing: that of a tunnel (`ssh -L`) is another."""
        if self.open:
            return True
        host = headers.get("host", "").lower()
        return PORT_AT_END.sub("", host) in self.names


def _is_same_site(headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or origin.rpartition("//")[2].lower() == headers.get("host", "").lower()


def _refused(status: int, error: str, message: str) -> Response:
    return JSONResponse({"error": error, "message": message}, status)


class Guarded:
    """An application behind its guard."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._guard.refusal(Request(scope, receive))
        await (refusal or self._app)(scope, receive, with_headers)
