// On every page of the desk while there is a network: keeps what the device needs without one, and sends what waits.

import { show } from "./notes.js";
import { channel, sync } from "./sync.js";

const EVERY_MS = 30000;

async function once() {
  try {
    const list = await sync();
    if (list.device) await navigator.serviceWorker?.register("/staff/sw.js", { scope: "/staff" });
    if (list.device && list.language !== document.documentElement.lang) await fetch("/staff/offline");
    await show({ device: list.device });
  } catch {
    await show();
  }
}

async function again() {
  if (!document.hidden) await once();
  setTimeout(again, EVERY_MS);
}

if (window.indexedDB && window.crypto?.subtle) {
  again();
  addEventListener("online", once);
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
