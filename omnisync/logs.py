"""Logs: JSON lines for machines, colours on a terminal, and neither secrets nor personal data in either."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"
SECRET_FIELDS = frozenset({
    "access_token", "api_key", "authorization", "client_secret", "cookie", "password", "pickup_code", "refresh_token", "secret",
    "set-cookie", "token", "webhook_secret", "x-api-key",
})  # fmt: skip
PERSONAL_FIELDS = frozenset({
    "address", "body", "customer", "email", "first_name", "last_name", "note", "phone", "postcode", "street",
})  # fmt: skip
_FIELDS = SECRET_FIELDS | PERSONAL_FIELDS
_PATTERNS = (
    (re.compile(r"omni_([A-Za-z0-9]+)_[A-Za-z0-9_-]+"), rf"omni_\1_{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^:/@\s]*:)[^@\s/]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), HIDDEN),
)
_PICKUP_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-?[0-9A-HJKMNP-TV-Z]{4}")
CHATTY = ("alembic", "apscheduler", "httpx")
"""They write a line for every tick, call or migration: only their warnings are kept."""
_SHORTEST_SECRET = 4
"""Shorter ones stand in ordinary words; hiding those would only garble the log."""


def set_up(secrets: Iterable[str] = (), *, to: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send our logs and those of libraries to one place, in one form, redacted."""
    stream = to or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        Redactor(secrets),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class Redactor:
    """Takes known secrets, credentials, keys, addresses and personal fields out of whatever is about to be written."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, so that a secret that holds another one goes as a whole.
        known = sorted((text for text in secrets if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: self._field(key, value) for key, value in event.items()}

    def text(self, text: str) -> str:
        """The same text without anything that must not be seen."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def _field(self, key: object, value: Any) -> Any:
        if isinstance(key, str) and key.startswith("_"):
            return value  # structlog's own: the record it came from
        if isinstance(key, str) and key.lower() in _FIELDS and value not in (None, ""):
            return HIDDEN
        if key == "code" and isinstance(value, str) and _PICKUP_CODE.fullmatch(value):
            return HIDDEN  # a customer's; the codes of our errors are words
        return self._value(value)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self._field(key, below) for key, below in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(below) for below in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(value.decode(errors="replace") if isinstance(value, bytes) else str(value))


def _renderer(stream: TextIO) -> Processor:
    if stream.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)
