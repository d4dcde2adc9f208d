// Keeps the page live, presses its buttons without a jump, and leads the keyboard. Everything on it works without this script.

import { follow } from "./live.js";
import { carry } from "./typed.js";

const EVERY_MS = 2000;
const PATIENCE_MS = 10000;
const READING_MS = 6000;

const ROW = "[data-rows] tbody tr, [data-rows] > .item, [data-rows] > li";
const LEADS = "a[href], button, summary";

const live = document.querySelector("[data-live]");
const shown = new Map();
let asking = null;
let saidAt = 0;

const parts = (root) => root.querySelectorAll("[data-part]");

/** Somebody is typing or reading there: it must not vanish. */
function isBusy(part) {
  if (part.id === "note" && part.childElementCount && performance.now() - saidAt < READING_MS) return true;
  const active = document.activeElement;
  return part.contains(active) && active.matches("input, textarea, select");
}

function replace(part, fresh, sent) {
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const row = active ? [...part.querySelectorAll(ROW)].indexOf(active.closest(ROW)) : -1;
  carry(part, fresh, sent);
  part.replaceWith(fresh);
  if (active) again(active, fresh, row)?.focus({ preventScroll: true });
}

/** Where the keyboard was: the same button or link, else the same row. */
function again(active, fresh, row) {
  const { key } = active.dataset;
  const href = active.getAttribute("href");
  const same = key ? `[data-key="${CSS.escape(key)}"]` : href ? `[href="${CSS.escape(href)}"]` : null;
  const rows = fresh.querySelectorAll(ROW);
  return (same && fresh.querySelector(same)) || (rows[row] && stop(rows[row]));
}

function show(html, sent) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = new Map([...parts(page)].map((part) => [part.id, part]));
  for (const part of parts(live)) {
    const next = fresh.get(part.id);
    if (!next || isBusy(part)) continue;
    const text = next.outerHTML;
    if (shown.get(part.id) === text) continue;
    shown.set(part.id, text);
    if (part.id === "note") saidAt = performance.now();
    replace(part, document.importNode(next, true), sent);
  }
}

function lost() {
  const stand = live.querySelector("#stand");
  stand.classList.add("lost");
  const words = stand.querySelector("[data-words]");
  words.textContent = words.dataset.lost;
  shown.delete("stand");
}

async function ask(url, options = {}, sent = null) {
  asking?.abort();
  asking = new AbortController();
  const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(PATIENCE_MS)]);
  const answer = await fetch(url, { ...options, signal });
  if (new URL(answer.url).pathname !== location.pathname) return location.assign(answer.url);
  if (!answer.ok) return lost();
  show(await answer.text(), sent);
}

/** A button that was pressed is heard out: what changes meanwhile is fetched after its answer. */
let pressing = 0;

async function refresh() {
  if (document.hidden || pressing) return;
  const url = new URL(location.href);
  url.searchParams.delete("m");
  url.hash = "";
  try {
    await ask(url);
  } catch (error) {
    if (error.name !== "AbortError") lost();
  }
}

let fetching = false;
let dirty = false;

/** One after the other, and once more when something changed meanwhile. */
async function changed() {
  if (fetching) return void (dirty = true);
  fetching = true;
  do {
    dirty = false;
    await refresh();
  } while (dirty);
  fetching = false;
}

/** The time over the page moves on also while nothing else does. */
function stand({ live: said, lost: gone }) {
  const place = live.querySelector("#stand");
  const words = place.querySelector("[data-words]");
  place.classList.remove("lost");
  words.textContent = said;
  words.dataset.lost = gone;
}

const NEWS = { changed, stand };

async function press(form) {
  const body = new URLSearchParams(new FormData(form));
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  if (document.activeElement?.matches("input")) document.activeElement.blur();
  saidAt = 0;
  pressing += 1;
  try {
    await ask(form.action, { method: "POST", body }, form);
  } catch (error) {
    if (error.name !== "AbortError") lost();
  }
  pressing -= 1;
  changed();
  for (const button of form.querySelectorAll("button")) button.disabled = false;
}

if (live) {
  let timer;
  // Where no stream comes through, the page asks by itself.
  const speaks = live.dataset.stream ? follow(live.dataset.stream, (kind, data) => NEWS[kind](data)) : () => false;
  const later = async () => {
    if (!speaks()) await refresh();
    timer = setTimeout(later, EVERY_MS);
  };
  timer = setTimeout(later, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("submit", (event) => {
    if (new URL(event.target.action).pathname.startsWith("/ops/")) {
      event.preventDefault();
      clearTimeout(timer);
      press(event.target).finally(() => (timer = setTimeout(later, EVERY_MS)));
    }
  });
}

// ---------------------------------------------------------------- keyboard

const STEP = { ArrowDown: 1, ArrowUp: -1 };

/** Each row once: on its first link or button, else on the row itself, so that a page of plain words is walked as well. */
function stop(row) {
  const lead = row.querySelector(LEADS);
  if (!lead) row.tabIndex = -1;
  return lead ?? row;
}

function move(by) {
  const rows = [...document.querySelectorAll(ROW)].filter((row) => row.checkVisibility());
  const at = rows.indexOf(document.activeElement.closest(ROW));
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  if (next) stop(next).focus();
  return Boolean(next);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const active = document.activeElement;
  if (active.matches("input, textarea, select")) {
    if (event.key === "Escape") active.blur();
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("[data-search]")?.select();
  } else if (event.key in STEP && move(STEP[event.key])) {
    event.preventDefault();
  }
});

// On a phone the ways are one line that scrolls: where one is should be seen.
const here = document.querySelector(".ways [aria-current]");
here?.parentElement.scrollTo({ left: here.offsetLeft - here.parentElement.clientWidth / 2 + here.offsetWidth / 2 });

// What is shown once can be taken along by one press, where the browser lets us.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.done;
  });
}
