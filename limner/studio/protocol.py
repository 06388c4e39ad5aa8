"""Connections that send nothing, or their head too slowly, are closed. No torch."""

from __future__ import annotations

from typing import Any

from limner.optional import optional


def protocol(seconds: float) -> Any:
    """uvicorn's reader of HTTP/1.1, which waits so long for the head of a first request."""
    usual: Any = optional("uvicorn.protocols.http.h11_impl", extra="studio").H11Protocol

    class Impatient(usual):
        """Closes a connection whose head has not come in time."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._head = self.loop.call_later(seconds, self._late)

        def connection_lost(self, exc: Exception | None) -> None:
            self._head.cancel()
            super().connection_lost(exc)

        def _late(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

    return Impatient
