"""Handing mails to a mail server."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from email.message import EmailMessage

from omnisync.errors import TryLater

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server; its blocking talk runs in the executor handed in."""

    host: str
    port: int
    executor: Executor
    connect: Callable[..., smtplib.SMTP] = smtplib.SMTP

    async def __call__(self, message: EmailMessage) -> None:
        """Hand over one mail; TryLater when the server is away or does not take it."""
        await asyncio.get_running_loop().run_in_executor(self.executor, self._deliver, message)

    def _deliver(self, message: EmailMessage) -> None:
        try:
            with self.connect(self.host, self.port, timeout=TIMEOUT_SECONDS) as server:
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater(
                f"The mail server {self.host}:{self.port} did not take it: {type(error).__name__}."
            ) from error
