"""Connections that are too many, send nothing, or send their head too slowly. No torch."""

from __future__ import annotations

import json
from typing import Any

from limner.optional import optional
from limner.studio.security import Refused, busy


def protocol(seconds: float, most: int) -> Any:
    """uvicorn's reader of HTTP/1.1, which waits so long for the head of a request, for so many connections."""
    usual: Any = optional("uvicorn.protocols.http.h11_impl", extra="studio").H11Protocol

    class Impatient(usual):
        """Closes a connection whose head has not come in time; what it refuses by itself is JSON, too."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._head = self.loop.call_later(seconds, self._late)
            if len(self.connections) > most:
                self.app = busy

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._is_between():
                self._head.cancel()
            elif self._head.cancelled():  # a further head has begun
                self._head = self.loop.call_later(seconds, self._late)

        def connection_lost(self, exc: Exception | None) -> None:
            self._head.cancel()
            super().connection_lost(exc)

        def _is_between(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _late(self) -> None:
            if self._is_between() and not self.transport.is_closing():
                self.transport.close()

        def send_400_response(self, msg: str) -> None:
            refused = Refused(400, "The request is not HTTP/1.1, or its head is too long.")
            body = json.dumps(refused.problem()).encode()
            lines = [b"HTTP/1.1 400 Bad Request", b"connection: close", b"content-length: %d" % len(body)]
            lines += [name + b": " + value for name, value in refused.headers()]
            self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            self.transport.close()

    return Impatient
