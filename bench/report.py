"""What was measured, for people and as the JSON object that API.md promises."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def machine(*, pinned: bool) -> dict[str, Any]:
    """What the figures were measured on, and how busy it was with other things when it began."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "pinned": pinned,
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


EXTRAS = ("killed", "histories", "slowest_return_seconds", "attempts_per_second", "deadlocks")
"""What single rigs tell besides."""
HEAD = f"{'figure':16}{'database':12}{'value':>10} {'unit':5}{'floor':>9}{'ratio':>7}{'spread':>13}{'p50 ms':>9}{'p99 ms':>9}{'errors':>7}{'cpu us':>8}{'floor':>7}"


def line(row: Mapping[str, Any]) -> str:
    """One figure in one line."""
    spread = "-".join(f"{one:.2f}" for one in row["ratio_spread"]) if "ratio_spread" in row else ""
    cells = (
        f"{row['name']:16}{row['database']:12}{row['value']:>10.1f} {row['unit']:5}",
        _cell(row, "floor", 9, ".0f"),
        _cell(row, "ratio", 7, ".2f"),
        f"{spread:>13}",
        _cell(row, "p50_ms", 9, ".1f"),
        _cell(row, "p99_ms", 9, ".1f"),
        _cell(row, "errors", 7, "d"),
        _cell(row, "cpu_us", 8, ".0f"),
        _cell(row, "floor_cpu_us", 7, ".0f"),
        f"  granted {row['granted']}" if "granted" in row else "",
        f"  in {row['seconds']:.1f} s" if "seconds" in row else "",
        f", peak {row['peak_mb']} MB" if row.get("peak_mb") else "",
        f"  {row['value']}/{row['planted']} found" if "planted" in row else "",
        f"  {row['hours']:.0f} h of {row['seeds']} seeds, {row['faults']} faults" if "seeds" in row else "",
        f"  wrong: {', '.join(map(str, row['failed']))}" if row.get("failed") else "",
        f"  survived: {', '.join(row['survived'])}" if row.get("survived") else "",
        f"  {row['acknowledged']} acknowledged, {row['repeated']} asked again, {row['lost']} lost, {row['doubled']} doubled, {row['violations']} violations"
        if "lost" in row
        else "",
        "".join(f"  {name} {row[name]}" for name in EXTRAS if name in row),
        f"  p95 {row['p95_ms']:.1f} ms" if "p95_ms" in row else "",
    )
    return "".join(cells)


def _cell(row: Mapping[str, Any], name: str, width: int, form: str) -> str:
    return f"{row[name]:>{width}{form}}" if row.get(name) is not None else " " * width
