"""What listens first: the page's files at once, and the API as soon as it is imported. No torch, no Starlette.

The API, what it stands on and what it reads of the systems take longer to import than the rest of the server to start.
So the page is served without them, workers start beside their import, and a request of the API waits until it is there.
"""

from __future__ import annotations

import asyncio
import importlib
import traceback
from pathlib import Path

from limner.studio.security import App, Guard, Receive, Refused, Scope, Send, respond
from limner.studio.settings import Settings
from limner.studio.state import Studio
from limner.studio.workspace import visible

STATIC = Path(__file__).parent / "static"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Front:
    """The ASGI application of `limner studio`.

    Args:
        settings: options of the command.

    Raises:
        WeightsError: if weights that the settings name are none.
        DiskError: if the workspace cannot be written.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.studio = Studio(settings)
        self.files = {
            "/" if path.name == "index.html" else f"/static/{path.relative_to(STATIC).as_posix()}": path
            for path in (visible(STATIC, "**/*") if settings.has_page else ())
            if path.suffix in TYPES
        }
        self.page = Guard(self._page, settings)
        self.loading: asyncio.Task[App] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and self._is_page(scope["path"]):
            await self.page(scope, receive, send)
        else:
            api = await self.api()
            await api(scope, receive, send)

    def _is_page(self, path: str) -> bool:
        return self.settings.has_page and (path == "/" or path.startswith("/static/"))

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A file of the page."""
        if scope["method"] != "GET":
            await respond(send, Refused(405, f"{scope['method']} is not allowed here; allowed: GET.", allowed="GET"))
            return
        path = self.files.get(scope["path"])
        if path is None:
            await respond(send, Refused(404, "There is no such page."))
            return
        content = path.read_bytes()
        headers = {"content-type": TYPES[path.suffix], "content-length": str(len(content)), "cache-control": "no-cache"}
        head = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": content})

    async def api(self) -> App:
        """The API, imported in a thread at its first use."""
        if self.loading is None:
            self.loading = asyncio.create_task(asyncio.to_thread(self._load))
        return await asyncio.shield(self.loading)  # a client that leaves ends no import

    def _load(self) -> App:
        made: App = importlib.import_module("limner.studio.app").create_api(self.studio)
        self.studio.catalogue.read()
        return made

    async def _prepare(self) -> None:
        """Start the process that reads uploads once the API is there, so that the first upload does not wait for it."""
        await self.api()
        await self.studio.prepare()

    async def _live(self, receive: Receive, send: Send) -> None:
        """From the start of the server to its end."""
        await receive()
        try:
            self.studio.start()
            self.loading = asyncio.create_task(asyncio.to_thread(self._load))
            preparing = asyncio.create_task(self._prepare())
        except BaseException:
            await send({"type": "lifespan.startup.failed", "message": traceback.format_exc()})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        preparing.cancel()
        await self.studio.close()
        await send({"type": "lifespan.shutdown.complete"})
