// A till has a keyboard: / searches, the arrows walk through the list, Enter opens, Escape leads back.

const STEP = { ArrowDown: 1, ArrowUp: -1 };
// A wedge scanner types addresses, too: a slash with another key right behind it is no wish to search.
const ALONE_MS = 90;

let slash;

const stops = () => [...document.querySelectorAll("a.card, .card > a.plain-link")];

function walk(by) {
  const all = stops();
  const at = all.findIndex((stop) => stop === document.activeElement || stop.closest(".card").contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  next?.focus();
  return Boolean(next);
}

document.addEventListener("keydown", (event) => {
  clearTimeout(slash);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (document.activeElement.matches("input, textarea, select")) {
    if (event.key === "Escape") document.activeElement.blur();
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    slash = setTimeout(() => document.querySelector("[data-search]")?.select(), ALONE_MS);
  } else if (event.key === "Escape") {
    document.querySelector(".top .bar > a.icon:first-child")?.click();
  } else if (event.key in STEP && walk(STEP[event.key])) {
    event.preventDefault();
  }
});
