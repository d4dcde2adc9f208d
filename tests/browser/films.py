"""Films for Chromium's camera of tests: a grey wall with a code on it, as a y4m file."""

from __future__ import annotations

from pathlib import Path

import segno

WIDTH, HEIGHT, PICTURES = 640, 480, 10
PAPER, INK, WALL = 235, 16, 120
_LEFT = ("0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011")
_MIXED = ("LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL")

Picture = list[bytearray]
"""Rows of brightness."""


def qr(text: str) -> Picture:
    """A QR code in the middle."""
    modules = [[bool(one) for one in row] for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)]
    return _hung(modules, size=300 // len(modules))


def ean13(digits: str) -> Picture:
    """The bars of an EAN-13."""
    bars = f"{'0' * 11}101{_half_left(digits)}01010{_half_right(digits)}101{'0' * 11}"
    return _hung([[bar == "1" for bar in bars]] * 50, size=4)


def nothing() -> Picture:
    """The wall."""
    return [bytearray([WALL]) * WIDTH for _ in range(HEIGHT)]


def keep(path: Path, *shown: Picture) -> Path:
    """The film of these pictures, one after the other, over and over."""
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    with path.open("wb") as film:
        film.write(b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % (WIDTH, HEIGHT))
        for picture in shown:
            for _ in range(PICTURES):
                film.write(b"FRAME\n" + b"".join(picture) + grey)
    return path


def _hung(modules: list[list[bool]], *, size: int) -> Picture:
    wall, top, left = nothing(), (HEIGHT - len(modules) * size) // 2, (WIDTH - len(modules[0]) * size) // 2
    for at, row in enumerate(modules):
        line = b"".join(bytes([INK if dark else PAPER]) * size for dark in row)
        for y in range(top + at * size, top + (at + 1) * size):
            wall[y][left : left + len(line)] = line
    return wall


def _half_left(digits: str) -> str:
    kinds = _MIXED[int(digits[0])]
    return "".join(
        _LEFT[int(digit)] if kind == "L" else _turned(_LEFT[int(digit)])[::-1]
        for digit, kind in zip(digits[1:7], kinds, strict=True)
    )


def _half_right(digits: str) -> str:
    return "".join(_turned(_LEFT[int(digit)]) for digit in digits[7:])


def _turned(bars: str) -> str:
    return "".join("0" if bar == "1" else "1" for bar in bars)
