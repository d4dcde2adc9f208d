"""What everybody must be able to use: names, contrast and size, measured on the page as it is drawn."""

from __future__ import annotations

from typing import Any

_UNNAMED = """() => [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea, [role=img]')]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.[0]?.textContent.trim()))
  .map((one) => one.outerHTML.slice(0, 120))"""

# Colours as they are painted: a canvas turns every notation into bytes, and what shines through is blended upwards.
_FAINT = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const bytes = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const behind = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) {
      const colour = bytes(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !one.checkVisibility() || one.closest('.sr, svg')) continue;
    const style = getComputedStyle(one), ground = behind(one);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = contrast(over(bytes(style.color), ground), ground);
    if (ratio < (large ? 3 : 4.5)) found.push(`${texts.currentNode.data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""

_SMALL = """(least) => [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea, summary')]
  .filter((one) => one.checkVisibility())
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width < 24 || box.height < least)
  .map(([one, box]) => `${one.outerHTML.slice(0, 80)} ${Math.round(box.width)}x${Math.round(box.height)}`)"""

_CUT = """() => [...document.querySelectorAll('.top .live')]
  .filter((one) => one.scrollWidth > one.clientWidth)
  .map((one) => one.textContent.trim())"""


def unnamed_controls(page: Any) -> list[str]:
    """Buttons, links, fields and pictures that a screen reader could not name."""
    found: list[str] = page.evaluate(_UNNAMED)
    return found


def faint_texts(page: Any) -> list[str]:
    """Texts with less contrast than WCAG AA asks for (4.5, large ones 3)."""
    found: list[str] = page.evaluate(_FAINT)
    return found


def small_targets(page: Any, *, at_least: int) -> list[str]:
    """What a finger or pointer would miss."""
    found: list[str] = page.evaluate(_SMALL, at_least)
    return found


def too_small(page: Any) -> list[str]:
    """What a thumb would miss. A radio button and a tick are as large as their label."""
    found = small_targets(page, at_least=44)
    return [one for one in found if 'type="radio"' not in one and 'type="checkbox"' not in one]


def cut_words(page: Any) -> list[str]:
    """What the head of a desk's page says and has no room for."""
    found: list[str] = page.evaluate(_CUT)
    return found
