from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from omnisync import logs

SECRET = "shpat_0123456789"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the logs of this test go; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in logs.CHATTY}
    stream = io.StringIO()
    logs.set_up([SECRET, "abc"], to=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def written(stream: io.StringIO) -> dict[str, Any]:
    [line] = stream.getvalue().splitlines()
    return dict(json.loads(line))


def test_a_log_is_one_line_of_json(stream: io.StringIO) -> None:
    structlog.get_logger("omnisync.sync").warning(
        "channel is late", channel="ebay", lag_seconds=12.5, listings=["A", "B"]
    )

    line = written(stream)

    assert (line["event"], line["level"], line["logger"]) == ("channel is late", "warning", "omnisync.sync")
    assert (line["channel"], line["lag_seconds"], line["listings"]) == ("ebay", 12.5, ["A", "B"])
    assert line["timestamp"].endswith("Z")


def test_libraries_write_to_the_same_place(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("listening on %s with %s", "127.0.0.1:8000", SECRET)

    assert written(stream)["event"] == f"listening on 127.0.0.1:8000 with {logs.HIDDEN}"


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("detail", f"the token {SECRET} was refused", "the token *** was refused"),
        ("headers", {"Authorization": "Bearer abcdef", "X-Count": 3}, {"Authorization": "***", "X-Count": 3}),
        ("detail", "sent Authorization: Bearer eyJ0eXAi.x-y", "sent Authorization: Bearer ***"),
        ("key", "omni_k7q4_c2VjcmV0LXNlY3JldA", "omni_k7q4_***"),
        ("url", "postgresql+psycopg://me:geheim@host/db", "postgresql+psycopg://me:***@host/db"),
        ("customer", {"name": "Erika Muster"}, "***"),
        ("order", {"id": 7, "lines": [{"sku": "A", "email": "e@example.org"}]}, {"id": 7, "lines": [{"sku": "A", "email": "***"}]}),
        ("detail", "mail to erika@example.org failed", "mail to *** failed"),
        ("code", "K7Q4-X9RT", "***"),
        ("code", "out-of-stock", "out-of-stock"),
        ("raw", SECRET.encode(), "***"),
        ("word", "abcdef", "abcdef"),
        ("nothing", None, None),
        ("paused", True, True),
    ],
)  # fmt: skip
def test_what_must_not_be_seen_is_hidden(stream: io.StringIO, field: str, value: Any, shown: Any) -> None:
    structlog.get_logger().info("something", **{field: value})

    assert written(stream)[field] == shown


def test_a_traceback_is_redacted_too(stream: io.StringIO) -> None:
    try:
        raise RuntimeError(f"refused {SECRET}")
    except RuntimeError:
        structlog.get_logger().exception("call failed")

    line = written(stream)

    assert "RuntimeError: refused ***" in line["exception"]
    assert SECRET not in stream.getvalue()


def test_bound_context_is_redacted(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(password="x", channel="till"):
        structlog.get_logger().info("checked")

    line = written(stream)

    assert (line["password"], line["channel"]) == (logs.HIDDEN, "till")


def test_a_terminal_gets_text_without_the_secret() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.set_up([SECRET], to=terminal)
    try:
        structlog.get_logger().info("checked", token_used=SECRET)
    finally:
        structlog.reset_defaults()
        root.handlers[:], root.level = handlers, level

    assert "checked" in terminal.getvalue()
    assert SECRET not in terminal.getvalue()


def test_libraries_that_chat_are_only_heard_when_they_warn(stream: io.StringIO) -> None:
    logging.getLogger("apscheduler.executors.default").info("Running job")
    logging.getLogger("httpx").info("HTTP Request: GET")

    logging.getLogger("apscheduler.scheduler").warning("a tick came late")

    assert written(stream)["event"] == "a tick came late"
