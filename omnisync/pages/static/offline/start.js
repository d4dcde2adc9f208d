// On every page of the desk while there is a network: keeps what the device needs without one, and sends what waits.

import { show } from "./notes.js";
import { channel, sync } from "./sync.js";

const EVERY_MS = 30000;
const AGAIN_MS = 4000;

/** A page that was on its way while the worker came to be, or was loaded past it, is not the worker's own unless it asks. */
async function stand_by() {
  const worker = navigator.serviceWorker;
  const registration = await worker?.register("/staff/sw.js", { scope: "/staff" });
  if (worker && !worker.controller) registration.active?.postMessage("claim");
}

async function once() {
  try {
    const list = await sync();
    if (list.device) await stand_by();
    if (list.device && list.language !== document.documentElement.lang) await fetch("/staff/offline");
    await show({ device: list.device });
    return true;
  } catch {
    await show();
    return false;
  }
}

/** What failed is tried again soon; a page that nobody looks at rests. */
async function again() {
  const good = document.hidden || (await once());
  setTimeout(again, good ? EVERY_MS : AGAIN_MS);
}

if (window.indexedDB && window.crypto?.subtle) {
  again();
  addEventListener("online", once);
  document.addEventListener("visibilitychange", () => document.hidden || once());
  if (channel) channel.onmessage = () => show();
  // Something of the store has changed: what lies here should be what the list shows.
  const live = document.querySelector("[data-live]");
  let mark = live?.querySelector("[data-mark]")?.dataset.mark;
  if (live) {
    new MutationObserver(() => {
      const now = live.querySelector("[data-mark]")?.dataset.mark;
      if (now !== mark) once();
      mark = now;
    }).observe(live, { childList: true });
  }
}
