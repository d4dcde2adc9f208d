// A till has a keyboard: / searches, the arrows walk through the list, Enter opens, Escape leads back.

const STEP = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 };
// A wedge scanner types addresses, too: a slash with another key right behind it is no wish to search.
const ALONE_MS = 90;

let slash;

const stops = () => [...document.querySelectorAll("a.card, .card > a.plain-link")].filter((stop) => stop.checkVisibility());
const boxOf = (stop) => stop.closest(".card").getBoundingClientRect();

/** The card above or below: where cards stand side by side, the one of the same column. */
function under(all, here, by) {
  const from = boxOf(here);
  const far = (stop) => (boxOf(stop).top - from.top) * by;
  const away = (stop) => far(stop) + 3 * Math.abs(boxOf(stop).left - from.left);
  return all.filter((stop) => far(stop) > 1).sort((a, b) => away(a) - away(b))[0];
}

function walk(key) {
  const all = stops();
  const by = STEP[key];
  const at = all.findIndex((stop) => stop === document.activeElement || stop.closest(".card").contains(document.activeElement));
  if (at < 0) all.at(by > 0 ? 0 : -1)?.focus();
  else (["ArrowDown", "ArrowUp"].includes(key) ? under(all, all[at], by) : all[at + by])?.focus();
  return all.length > 0;
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
  } else if (event.key in STEP && walk(event.key)) {
    event.preventDefault();
  }
});
