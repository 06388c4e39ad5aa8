"""What every request must pass before it is looked at: host, origin, token, sizes, rates. No torch.

Threats: other websites in the same browser, other users of the machine or the network, hostile clients.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import secrets
import socket
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from limner.studio.settings import LOOPBACK, Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("limner.studio")
TITLES = {
    400: "Bad request",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    411: "Length required",
    413: "Too large",
    415: "Unsupported type",
    422: "Cannot be done",
    429: "Too many",
    500: "Fault in Limner",
    501: "Not installed",
    503: "Not available",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
SMALL_BODY = 65_536
"""Bytes of a body that is read although its request is refused."""
FORMS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
TOKEN_COOKIE, SESSION_COOKIE = "limner_token", "limner_session"


class Refused(Exception):
    """A request is not served.

    Args:
        status: of the answer.
        detail: a sentence.
        facts: what else the answer says.
    """

    def __init__(self, status: int, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.facts = status, detail, facts

    def problem(self) -> dict[str, Any]:
        """RFC 9457."""
        title = TITLES.get(self.status, "Error")
        kind = "/problems/" + title.lower().replace(" ", "-")
        return {"type": kind, "title": title, "status": self.status, "detail": self.detail, **self.facts}

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Of the answer."""
        more = [(b"retry-after", b"1")] if self.status in (429, 503) else []
        allow = [(b"allow", self.facts["allowed"].encode())] if self.status == 405 else []
        return [(b"content-type", b"application/problem+json"), *more, *allow]


def header(scope: Scope, name: bytes) -> str:
    """The value of a header, "" if it is not there."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def cookie(scope: Scope, name: str) -> str:
    """The value of a cookie, "" if it is not there."""
    try:
        found = SimpleCookie(header(scope, b"cookie"))
    except CookieError:
        return ""
    return found[name].value if name in found else ""


class Guard:
    """ASGI middleware around the studio.

    Args:
        app: what is guarded.
        settings: of the studio; its port must be the one that is listened to.
    """

    def __init__(self, app: App, settings: Settings) -> None:
        self.app, self.settings = app, settings
        names = {*LOOPBACK, settings.host.lower()} - {"0.0.0.0", "::"}
        if settings.host not in LOOPBACK:
            own = socket.gethostname().lower()
            names |= {own, f"{own}.local"}
        names = {f"[{name}]" if ":" in name else name for name in names} | set(settings.allowed_hosts)
        self.hosts = names | {f"{name}:{settings.port}" for name in names}
        self.calls: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})
                return
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def answer(message: MutableMapping[str, Any]) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
            await send(message)

        try:
            self.check(scope)
        except Refused as error:
            await self._drop_body(scope, receive)
            await respond(answer, error)
            return
        try:
            await self.app(scope, self.limited(scope, receive), answer)
        except Refused as error:
            refused = error
        except Exception as error:
            if has_begun or type(error).__name__ == "ClientDisconnect":
                return
            refused = fault(traceback.format_exc())
        else:
            return
        if not has_begun:
            await respond(answer, refused)

    async def _drop_body(self, scope: Scope, receive: Receive) -> None:
        """Read a small body that nobody wants: a connection that is closed over unread bytes may lose the answer."""
        length = header(scope, b"content-length")
        if not length.isdecimal() or not 0 < int(length) <= SMALL_BODY:
            return
        try:
            receive = self.limited(scope, receive)
            while (await receive()).get("more_body"):
                pass
        except Refused:  # it is too slow
            return

    def check(self, scope: Scope) -> None:
        """Raises: Refused, from what the head of the request says."""
        host = header(scope, b"host").lower()
        if not self.knows(host):
            raise Refused(
                403,
                "The host is not this server's; open the address that limner studio printed, or start it with "
                "--allow-host and this name.",
            )
        if scope["method"] not in ("GET", "HEAD"):
            origin = header(scope, b"origin").lower()
            if origin and origin not in (f"http://{host}", f"https://{host}"):
                raise Refused(403, "Another website may not send requests to the studio.")
            if header(scope, b"sec-fetch-site") not in ("", "same-origin", "none"):
                raise Refused(403, "Another website may not send requests to the studio.")
            kind = header(scope, b"content-type").partition(";")[0].strip().lower()
            if kind in FORMS:
                raise Refused(415, "Forms and plain text are not read; send JSON, a picture or sound.")
        self.check_token(scope)
        self.check_rate(scope)

    def knows(self, host: str) -> bool:
        """Whether a `Host` is this server's. Other websites may give their own name our address, but not ours theirs:
        so a bare address is believed where the server can be reached by one."""
        if host in self.hosts or self.settings.host in LOOPBACK:
            return host in self.hosts
        name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if not colon:
            name, port = host, ""
        try:
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return port in ("", str(self.settings.port))

    def check_token(self, scope: Scope) -> None:
        """Raises: Refused if a token is asked for and is not shown; the page's own files are free."""
        token = self.settings.token
        is_open = not scope["path"].startswith(("/api/", "/metrics")) or scope["path"] == "/api/v1/login"
        if not token or is_open:
            return
        given = header(scope, b"authorization").removeprefix("Bearer ") or cookie(scope, TOKEN_COOKIE)
        if not same(given, token):
            raise Refused(403, "The token is missing or wrong; open the address that limner studio printed.")

    def check_rate(self, scope: Scope) -> None:
        """Raises: Refused if a session asks too often."""
        if not scope["path"].startswith("/api/"):
            return
        who = header(scope, b"limner-session") or cookie(scope, SESSION_COOKIE) or str((scope.get("client") or "?")[0])
        most, now = self.settings.requests_per_second, time.monotonic()
        left, last = self.calls.get(who, (most, now))
        left = min(most, left + (now - last) * most) - 1
        if left < 0:
            raise Refused(429, f"More than {most:g} requests a second; wait a moment.")
        if len(self.calls) > 4096:
            self.calls.clear()
        self.calls[who] = (left, now)

    def limited(self, scope: Scope, receive: Receive) -> Receive:
        """`receive`, which refuses bodies that are too large or too slow."""
        kind = header(scope, b"content-type").partition(";")[0].strip().lower()
        settings = self.settings
        is_file = scope["path"] == "/api/v1/assets" and kind.startswith(("image/", "audio/"))
        most = settings.max_json_bytes
        if is_file:
            most = settings.max_picture_bytes if kind.startswith("image/") else settings.max_audio_bytes
        length = header(scope, b"content-length")
        if length.isdecimal() and int(length) > most:
            raise Refused(413, f"The body has {int(length)} bytes; it may have {most}.")
        start, got, is_whole = time.monotonic(), 0, False

        async def read() -> MutableMapping[str, Any]:
            nonlocal got, is_whole
            if is_whole:
                return await receive()
            passed = time.monotonic() - start
            slow = passed > settings.head_seconds and got / passed < settings.body_bytes_per_second
            left = settings.body_seconds - passed
            try:
                if slow or left <= 0:
                    raise TimeoutError
                async with asyncio.timeout(min(left, settings.head_seconds)):
                    message = await receive()
            except TimeoutError:
                raise Refused(408, "The body came too slowly.") from None
            if message["type"] == "http.request":
                got += len(message.get("body", b""))
                is_whole = not message.get("more_body", False)
                if got > most:
                    raise Refused(413, f"The body has more than {most} bytes.")
            return message

        return read


def fault(text: str) -> Refused:
    """A mistake of our own: its number for the user, the rest for the log."""
    incident = secrets.token_hex(4)
    log.error("incident %s: %s", incident, text)
    return Refused(500, "This is a fault in Limner; its log says more.", incident=incident)


async def busy(scope: Scope, receive: Receive, send: Send) -> None:
    """An application for connections that are too many."""
    if scope["type"] == "http":
        await respond(send, Refused(503, "The studio has too many connections; try again in a moment."))


def same(given: str, wanted: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


async def respond(send: Send, refused: Refused) -> None:
    """Answer with a problem."""
    body = json.dumps(refused.problem()).encode()
    headers = [*refused.headers(), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send(
        {
            "type": "http.response.start",
            "status": refused.status,
            "headers": [*headers, (b"cache-control", b"no-store")],
        }
    )
    await send({"type": "http.response.body", "body": body})
