"""`limner studio`: a page on this computer on which label maps are painted, and the HTTP API under it."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

from limner.cli.common import add_device, new_parser
from limner.errors import ConfigError
from limner.files import at_home
from limner.optional import check_installed, optional
from limner.studio.front import Front
from limner.studio.settings import LIMITS, Settings

EXAMPLES = (
    "limner studio",
    "limner studio --no-browser --port 7860",
    "limner studio --no-ui --weights runs/first --reports runs/reports",
    "limner studio --no-ui --host 0.0.0.0 --token ''",
)


def main(argv: list[str]) -> int:
    """Run `limner studio`, until it is interrupted."""
    parser = new_parser(
        "studio",
        "A page on this computer: paint a label map and watch the picture change; and an HTTP API over all systems.",
        examples=EXAMPLES,
    )
    add_options(parser)
    options = parser.parse_args(argv)
    check_installed("fastapi", "prometheus_client", extra="studio")
    uvicorn = optional("uvicorn", extra="studio")
    listener = _listen(options.host, options.port)  # before the address is said: who comes at once only waits
    settings = _settings(options, port=listener.getsockname()[1])
    app = Front(settings)
    address = f"http://{_shown(settings.host)}:{settings.port}/"
    if settings.token:
        address += f"#token={settings.token}"
    print(f"Limner studio: {address}", flush=True)
    print(f"Photos and results lie in {settings.workspace}; stop with Ctrl-C.", flush=True)
    if settings.has_page and not options.no_browser:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        http=optional("limner.studio.protocol", extra="studio").protocol(settings.head_seconds, settings.connections),
        timeout_keep_alive=int(settings.head_seconds),
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=32_768,
    )
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # which uvicorn raises again when it has ended
        if not server.started:
            raise
        print("Limner studio: stopped.", flush=True)
    return 0


def add_options(parser: Any) -> None:
    """Add the options of the command."""
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen at; see --token")
    parser.add_argument("--port", type=int, default=7860, metavar="N", help="port, or the next free one")
    parser.add_argument("--token", default=None, metavar="TEXT", help="ask for this token; '' makes one")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    parser.add_argument("--no-ui", action="store_true", help="the HTTP API alone, without the page")
    parser.add_argument("--workspace", default=None, metavar="DIR", help="where sessions are kept (the user's data)")
    parser.add_argument("--forget", action="store_true", help="delete everything at the end")
    parser.add_argument("--weights", nargs="+", default=[], metavar="DIR", help="further weights or run folders")
    parser.add_argument("--reports", default=None, metavar="DIR", help="folder of evaluation reports to show")
    parser.add_argument(
        "--allow-host",
        nargs="+",
        default=[],
        metavar="NAME",
        help="further names of this server, as a proxy or a network has them",
    )
    limits = parser.add_argument_group("limits")
    for name, words in LIMITS.items():
        usual = Settings.__dataclass_fields__[name].default
        flag, kind = f"--{name.replace('_', '-')}", type(usual)
        limits.add_argument(flag, type=kind, default=usual, metavar="N", help=words)
    add_device(parser)
    words = "what runs the networks: torch, onnx (ONNX Runtime on the CPU), or auto, which is torch"
    parser.add_argument("--runtime", choices=("auto", "torch", "onnx"), default="auto", help=words)


def _settings(options: Any, *, port: int) -> Settings:
    further = {Path(folder).name: at_home(folder) for folder in options.weights}
    if len(further) < len(options.weights):
        raise ConfigError("Two folders of --weights have one name; rename one.")
    reports = None if options.reports is None else at_home(options.reports)
    if reports is not None and not reports.is_dir():
        raise ConfigError(f"--reports {reports} is no folder.")
    return Settings(
        workspace=at_home(options.workspace) if options.workspace else _user_data(),
        host=options.host,
        port=port,
        token=secrets.token_urlsafe(24) if options.token == "" else options.token,
        has_page=not options.no_ui,
        weights=further,
        reports=reports,
        device=options.device,
        runtime=options.runtime,
        forget=options.forget,
        allowed_hosts=tuple(name.lower() for name in options.allow_host),
        **{name: getattr(options, name) for name in LIMITS},
    )


def _user_data() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "limner-studio"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "limner-studio"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "limner-studio"


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens at the port, or at the next of twenty that is free.

    Raises:
        ConfigError: if none is, or the address is not this machine's.
    """
    if not 0 <= port <= 65535:
        raise ConfigError(f"--port is {port}; it must be from 0 (any that is free) to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in [0] if port == 0 else range(port, min(port + 20, 65536)):
        # With its protocol named, asyncio sends small answers at once (TCP_NODELAY); without, each waits 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
            listener.listen(2048)
        except OSError as error:
            listener.close()
            if isinstance(error, socket.gaierror):
                raise ConfigError(f"--host {host} is no address of this machine.") from None
            continue
        return listener
    raise ConfigError(f"No port from {port} on is free at {host}; name another with --port.")


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
