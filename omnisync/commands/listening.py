"""Taking the server's address, before anything else is begun: whoever cannot listen need not work either."""

from __future__ import annotations

import socket

from omnisync.errors import NeedsAttention

WAITING_CALLERS = 2048


def listen(host: str, port: int) -> socket.socket:  # noqa: TID251  this is where calls come in, not where they go out
    """A socket that listens there; port 0 takes any free one. NeedsAttention when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=WAITING_CALLERS)
    except OSError as error:
        raise NeedsAttention(
            f"{address(host, port)} cannot be listened on: {(error.strerror or str(error)).partition(' (')[0]}.",
            action="Stop what listens there, or choose another address: server.host and server.port, or --host and --port.",
            code="address",
        ) from error


def address(host: str, port: int, *, safe: bool = False) -> str:
    """As people type it into a browser."""
    scheme = "https" if safe else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
