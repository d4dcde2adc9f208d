// Slips of new pickups, printed by themselves: each once at this device, however many of its pages are open.

import { follow } from "./staff-stream.js";

const EVERY_MS = 15000;
const PATIENCE_MS = 12000;
const KEPT = 1000;

const place = document.querySelector("[data-auto]");
const lost = document.querySelector("[data-lost]");

const printed = () => JSON.parse(localStorage.getItem("printed") ?? "[]");

/** They are remembered when they are printed, not before: a slip twice is better than none. */
function printNew(slips) {
  const known = printed();
  const fresh = slips.filter((one) => !known.includes(one.dataset.slip));
  place.replaceChildren(...fresh);
  if (!fresh.length) return;
  print();
  localStorage.setItem("printed", JSON.stringify([...known, ...fresh.map((one) => one.dataset.slip)].slice(-KEPT)));
  document.querySelector("[data-last]").textContent = fresh.map((one) => one.querySelector(".code").textContent).join(", ");
}

async function look() {
  const answer = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.redirected) return location.assign(answer.url);
  if (!answer.ok) throw new TypeError("no answer just now");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  printNew([...page.querySelectorAll("[data-slip]")].map((one) => document.importNode(one, true)));
}

async function once() {
  try {
    await navigator.locks.request("desk prints", look);
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

async function again() {
  await once();
  setTimeout(again, EVERY_MS);
}

follow(place.dataset.stream, once);
again();
