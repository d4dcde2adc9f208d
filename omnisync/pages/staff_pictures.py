"""Pictures of articles from a folder of this machine: nothing of the desk's pages is asked of another host."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from omnisync.pages.forms import SECURITY
from omnisync.pages.staff_gate import Gate
from omnisync.pages.staff_view import PICTURES, is_picture

PATH = "/staff/pictures"
HEADERS = SECURITY | {"Cache-Control": "private, max-age=86400"}


def add(api: APIRouter, gate: Gate) -> None:
    """Add the route, where the settings name a folder."""
    folder = gate.services.settings.server.pictures

    async def picture(request: Request, name: str) -> Response:
        """One picture, for who may see the desk."""
        visit = await gate.visit(request)
        if isinstance(visit, Response):
            return visit
        found = file_of(folder, name)
        if found is None:
            return Response(status_code=404, headers=SECURITY)
        return FileResponse(found, media_type=PICTURES[found.suffix.lower()], headers=HEADERS)

    api.add_api_route(f"{PATH}/{{name:path}}", picture, methods=["GET"])


def file_of(folder: str, name: str) -> Path | None:
    """The file of that name below the folder; None for everything else, also for a link that leads out of it."""
    if not folder or not is_picture(name):
        return None
    root = Path(folder).resolve()
    found = (root / name).resolve()
    return found if found.is_relative_to(root) and found.is_file() else None
