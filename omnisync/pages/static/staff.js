// The desk: the list stays live, every page sounds while a pickup waits to be accepted, scanners work like hands.
// Everything can be done without it.

import "./staff-keys.js";
import { follow } from "./staff-stream.js";
import { carry, twin } from "./typed.js";

const EVERY_MS = 4000;
const EVERY_MS_WITH_STREAM = 20000;
const PATIENCE_MS = 12000;
const RING_EVERY_MS = 9000;
const KEY_GAP_MS = 40;
const SHORTEST_SCAN = 4;

const live = document.querySelector("[data-live]");

// ---------------------------------------------------------------- sound

let sound;
let rangAt = -Infinity;

function play(pitches, length = 0.35) {
  if (sound?.state !== "running") return;
  pitches.forEach((pitch, index) => {
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    const start = sound.currentTime + index * 0.18;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + length);
    tone.connect(volume).connect(sound.destination);
    tone.start(start);
    tone.stop(start + length + 0.05);
  });
}

// Browsers allow sound after the first touch or key only: as long as it is off, the page says so.
async function unlock() {
  sound ??= new AudioContext();
  await sound.resume();
  document.querySelectorAll("[data-mute]").forEach((note) => (note.hidden = true));
}
// At the click, not before: a note that went away under a finger would move the button from under it.
addEventListener("click", unlock);
addEventListener("keydown", unlock);

// As long as nobody has accepted, again and again.
let unaccepted = 0;
setInterval(() => ring(unaccepted), 1000);

function ring(ringing) {
  unaccepted = ringing;
  const muted = ringing > 0 && sound?.state !== "running";
  document.querySelectorAll("[data-mute]").forEach((note) => (note.hidden = !muted));
  if (!ringing || performance.now() - rangAt < RING_EVERY_MS) return;
  rangAt = performance.now();
  play([880, 1175]);
  document.dispatchEvent(new CustomEvent("desk:ring", { detail: ringing }));
}

// ---------------------------------------------------------------- what is new

// Nothing moves while a finger is down.
let pressed = false;
addEventListener("pointerdown", () => (pressed = true), true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => (pressed = false)), true);

const isBusy = (place) => {
  if (pressed) return true;
  const active = document.activeElement;
  return (place.contains(active) && active.matches("input:not([type=hidden]), select, textarea")) || place.querySelector("details[open]");
};

function show(html) {
  const focused = document.activeElement?.getAttribute?.("href");
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  carry(live, fresh.content);
  live.replaceChildren(fresh.content);
  if (focused) live.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function lost() {
  const mark = live?.querySelector("[data-connection]");
  if (!mark || mark.classList.contains("lost")) return;
  mark.classList.add("lost");
  mark.querySelector("[data-words]").textContent = mark.dataset.lost;
}

async function ask(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.redirected) location.reload(); // the login that comes then leads back here
  return answer.ok && !answer.redirected ? answer : null;
}

// Somebody may have begun to type while the answer was on its way: then it comes too late, and is asked for again soon.
let missed = false;

async function refreshList() {
  missed = isBusy(live);
  if (missed) return;
  const answer = await ask(live.dataset.live);
  if (!answer) return lost();
  const html = await answer.text();
  missed = isBusy(live);
  if (!missed) show(html);
}

async function refreshBell(bell) {
  const answer = await ask(bell.dataset.bell);
  if (!answer) return;
  const { ringing, words } = await answer.json();
  bell.querySelector("[data-words]").textContent = words;
  bell.hidden = ringing === 0;
  ring(ringing);
}

const waiting = () => Number(live.querySelector("[data-ringing]")?.dataset.ringing ?? 0);

async function refresh() {
  if (!pressed) document.dispatchEvent(new Event("desk:look")); // the list beside a pickup (staff-beside.js)
  try {
    const bell = document.querySelector("[data-bell]");
    if (live) await refreshList().then(() => ring(waiting()));
    else if (bell) await refreshBell(bell);
  } catch {
    lost();
  }
}

if (live || document.querySelector("[data-bell]")) {
  let seen = live?.querySelector("[data-mark]")?.dataset.mark;
  const stream = document.querySelector("[data-stream]")?.dataset.stream;
  const told = (mark) => {
    if (mark !== seen) refresh();
    seen = mark;
  };
  const isFresh = stream ? follow(stream, told) : () => false;
  const again = async () => {
    await refresh();
    setTimeout(again, isFresh() && !missed ? EVERY_MS_WITH_STREAM : EVERY_MS);
  };
  setTimeout(again, live ? EVERY_MS : 0);
  if (live) ring(waiting());
  document.addEventListener("visibilitychange", refresh);
}

// The roll that was printed on last is the one that lies in the printer.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-roll-link]");
  const roll = link && localStorage.getItem("roll");
  if (!roll) return;
  const url = new URL(link.href);
  url.searchParams.set("roll", roll);
  link.href = url;
});

// ---------------------------------------------------------------- forms

// Small steps of one page do not load it anew: its answer takes the place of what stood there. One after the other, for each
// carries the version that the one before left.
let turn = Promise.resolve();

// What says how it shall be (`again`) may be pressed on a page that was drawn anew meanwhile: tap, tap. What says what is to be done
// is sent as it was pressed, for pressed twice it would be done twice.
function fieldsOf(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  const drawn = form.isConnected || form.dataset.soft !== "again" ? null : twin(form);
  if (drawn) fields.set("version", drawn.elements.version.value);
  return fields;
}

async function soft(form, button) {
  const fields = fieldsOf(form, button);
  const headers = { accept: "text/html" };
  const answer = await fetch(form.action, { method: "POST", headers, body: fields, signal: AbortSignal.timeout(PATIENCE_MS) });
  const here = new URL(answer.url);
  const page = document.querySelector("[data-page]");
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-page]");
  if (here.pathname !== location.pathname || !next || !page) return location.assign(answer.url);
  const label = document.activeElement?.getAttribute?.("aria-label");
  const back = carry(page, next, form);
  page.replaceWith(document.adoptNode(next));
  back();
  if (label && document.activeElement === document.body) document.querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus({ preventScroll: true });
  if (form.matches("[data-scan]")) {
    play(document.querySelector("[role=alert]") ? [220, 180] : [1320], 0.15);
    document.dispatchEvent(new CustomEvent("desk:scanned"));
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-soft]")) {
    event.preventDefault();
    const button = event.submitter;
    // What says what is to be done is done once, however often it was tapped before its answer came.
    const once = form.dataset.soft !== "again" && !form.matches("[data-scan]");
    if (once && "sent" in form.dataset) return;
    if (once) form.dataset.sent = "";
    turn = turn.then(() => soft(form, button)).catch(() => {
      delete form.dataset.sent;
      document.querySelector("[data-offline]").hidden = false;
      document.dispatchEvent(new CustomEvent("desk:unsent"));
    });
    return;
  }
  // A button is pressed once; after the form was read, for a disabled button's value is not sent.
  const buttons = [...form.querySelectorAll("button"), ...document.querySelectorAll(`button[form="${form.id || "-"}"]`)];
  setTimeout(() => buttons.forEach((button) => (button.disabled = true)));
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
});

// What happens to the rest is only asked when there is one.
const rest = document.querySelector("[data-rest]");
if (rest) {
  const counts = [...document.querySelectorAll(".line.give .count")];
  const ask = () => (rest.hidden = counts.every((count) => count.value === count.defaultValue));
  counts.forEach((count) => count.addEventListener("input", ask));
  ask();
}

// Nobody's age is asked who takes nothing of it.
const age = document.querySelector("[data-age]");
if (age) {
  const counts = [...document.querySelectorAll("[data-aged]")];
  const ask = () => {
    age.hidden = counts.every((count) => Number(count.value) === 0);
    age.querySelector("input").required = !age.hidden;
  };
  counts.forEach((count) => count.addEventListener("input", ask));
}

// A hand-over can be taken back as long as its seconds run.
setInterval(() => {
  for (const form of document.querySelectorAll("[data-undo]")) {
    const left = Number(form.dataset.undo) - 1;
    form.dataset.undo = left;
    form.querySelector("[data-left]").textContent = Math.max(0, left);
    if (left <= 0) form.remove();
  }
}, 1000);

// ---------------------------------------------------------------- scanners

// A wedge or Bluetooth scanner types faster than any hand, and ends with Enter.
let typed = { keys: "", at: -Infinity, field: null, before: "" };

function scanned(code) {
  turn = turn.then(() => {
    const form = document.querySelector("form[data-scan]");
    if (!form) return;
    form.elements.code.value = code;
    form.requestSubmit();
  });
}

// The camera and the keypad (scan.js) find codes, too.
document.addEventListener("desk:code", ({ detail }) => scanned(detail));

document.addEventListener("keydown", (event) => {
  const field = event.target.matches?.("input, textarea") ? event.target : null;
  if (event.key === "Enter" && typed.keys.length >= SHORTEST_SCAN && event.timeStamp - typed.at <= KEY_GAP_MS * 2) {
    if (field?.matches("[name=code]")) return;
    event.preventDefault();
    if (typed.field) typed.field.value = typed.before;
    scanned(typed.keys);
    typed = { keys: "", at: -Infinity, field: null, before: "" };
  } else if (event.key.length === 1) {
    const fresh = event.timeStamp - typed.at > KEY_GAP_MS;
    if (fresh) typed = { keys: "", at: 0, field, before: field?.value ?? "" };
    typed.keys += event.key;
    typed.at = event.timeStamp;
  }
});
