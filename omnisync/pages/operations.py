"""What machines ask: is it alive, is it ready, how is it doing. Never a SKU as a label, never a person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from pydantic import Field
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from omnisync import migrations, problems
from omnisync.contract import Answer, Says, says, text
from omnisync.errors import TryLater
from omnisync.http import Router, Services, json_response, problem_response
from omnisync.stock import shortages
from omnisync.sync import cases, deadletters, health, leases
from omnisync.sync.context import Context
from omnisync.sync.health import Health


class Alive(Answer):
    """The process answers."""

    status: Literal["alive"]


class Ready(Answer):
    """It can work."""

    status: Literal["ready"]
    schema_: str = Field(alias="schema", description="Where the database stands.", examples=["initial"])
    worker: Literal["working", "stopped"] = Field(description="Whether some worker keeps the channels in step.")


_METRICS = 'omnisync_channel_queue{channel="webshop"} 0.0\nomnisync_dead_letters 0.0\n'
SAYS: dict[str, Says] = {
    "live": says(Alive),
    "ready": says(Ready, "not-ready", "worker-stopped", "invalid-request"),
    "metrics": text("text/plain", "Metrics of this process and of the database.", _METRICS)
    | problems.responses(("try-later",)),
}
STATES = ("on_time", "late", "action_required", "paused", "shadow")


def routes(services: Services, context: Context) -> APIRouter:
    """The endpoints that say whether this server is alive, ready, and how it is doing."""
    api = Router("operations", SAYS)
    newest = migrations.newest()

    @api.get("/livez", operation_id="live")
    async def live() -> Response:
        """The process answers."""
        return json_response({"status": "alive"})

    @api.get("/readyz", operation_id="ready")
    async def ready(worker: bool = False) -> Response:
        """The database can be used and stands at the schema this version needs. With `worker=true` it is also asked whether a
        worker works: that is for who watches the whole, not for what spreads requests over servers."""
        try:
            found, idle = await services.read.run(
                lambda session: (
                    migrations.revision(session),
                    leases.idle(session, leases.HOUSE, now=services.clock.now()),
                )
            )
        except (DBAPIError, TryLater):
            return problem_response(
                "not-ready", 503, "The database cannot be used just now.", None, {"Retry-After": "2"}
            )
        if found != newest:
            said = f"The database stands at {found}, this version needs {newest}: run `omnisync migrate`."
            return problem_response("not-ready", 503, said, None, {"Retry-After": "10"})
        if idle and worker:
            return _stopped(idle)
        return json_response({"status": "ready", "schema": found, "worker": "stopped" if idle else "working"})

    @api.get("/metrics", operation_id="metrics", response_class=Response)
    async def metrics() -> Response:
        """Prometheus text: what this process counted, and what the database says now."""
        now, channels = services.clock.now(), list(context.channels.values())

        def read(session: Session) -> list[Metric]:
            found = health.of_all(session, channels, now=now)
            return [*_of_channels(found), *_of_all(session), _of_workers(session, now)]

        gauges = await services.report.run(read)
        asked = CollectorRegistry()
        asked.register(_Given(gauges))
        return Response(
            generate_latest(services.meters.registry) + generate_latest(asked), media_type=CONTENT_TYPE_LATEST
        )

    return api


def _stopped(idle: float) -> Response:
    never = math.isinf(idle)
    said = "No worker has worked yet" if never else f"No worker has worked for {round(idle)} s"
    more = None if never else {"idle_seconds": round(idle)}
    return problem_response(
        "worker-stopped", 503, f"{said}: no channel is read or written.", more, {"Retry-After": "10"}
    )


def _of_workers(session: Session, now: datetime) -> Metric:
    words = "For how long no worker has worked; 0 while one does, +Inf when none ever has."
    return GaugeMetricFamily("omnisync_worker_idle_seconds", words, leases.idle(session, leases.HOUSE, now=now))


class _Given(Collector):
    """Metrics that were read already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


_GAUGES: tuple[tuple[str, str, str], ...] = (
    ("omnisync_channel_queue", "queued", "Numbers and messages that wait."),
    ("omnisync_channel_lag_seconds", "lag_seconds", "Age of the oldest of them."),
    ("omnisync_channel_drift", "drift", "Listings that show something nobody explains."),
    ("omnisync_channel_exposed_pieces", "exposed", "Pieces offered that are gone."),
    ("omnisync_channel_contradicted", "contradicted", "Numbers that the channel took and does not show."),
    ("omnisync_channel_dead_letters", "failed", "Open dead letters."),
    ("omnisync_channel_cases", "cases", "Open decisions."),
)  # fmt: skip
"""(name, attribute of Health, what it says)"""


def _of_channels(found: Iterable[Health]) -> Iterator[Metric]:
    rows = list(found)
    for name, attribute, words in _GAUGES:
        gauge = GaugeMetricFamily(name, words, labels=("channel",))
        for one in rows:
            gauge.add_metric((one.channel,), float(getattr(one, attribute)))
        yield gauge
    state = GaugeMetricFamily("omnisync_channel_state", "1 for the state a channel is in.", labels=("channel", "state"))
    for one in rows:
        for name in STATES:
            state.add_metric((one.channel, name), float(one.state == name))
    yield state


def _of_all(session: Session) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "omnisync_dead_letters", "Open dead letters of all channels.", deadletters.count_open(session)
    )
    yield GaugeMetricFamily("omnisync_cases", "Open decisions of all channels.", cases.count_open(session))
    number, pieces = shortages.totals(session)
    yield GaugeMetricFamily("omnisync_shortages", "Shelves whose promises cannot all be kept.", number)
    yield GaugeMetricFamily("omnisync_short_pieces", "Pieces that are promised and not there.", pieces)
