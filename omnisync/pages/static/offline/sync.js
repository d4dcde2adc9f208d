// Keeps the list on this device up to date, and sends the hand-overs that wait, each under its own key until it is answered.

import * as store from "./store.js";

const LIST = "/staff/offline/list";
const PATIENCE_MS = 12000;
const LOCK = "omnisync desk offline";
const MORE_MS = 200;

export const channel = "BroadcastChannel" in window ? new BroadcastChannel("omnisync desk offline") : null;

/** With a time limit; what is no answer of ours is as good as none. */
async function call(url, options = {}) {
  const answer = await fetch(url, { cache: "no-store", ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.redirected || !answer.headers.get("content-type")?.includes("json")) throw new TypeError("no answer of ours");
  return { status: answer.status, body: await answer.json() };
}

async function listed() {
  const { status, body } = await call(LIST);
  if (status >= 500) throw new TypeError("no answer just now");
  return body;
}

/** One hand-over: sent and settled, or still waiting. */
async function send(deed, list) {
  const fields = new URLSearchParams({
    token: list.token, by: deed.by, noted_at: deed.at, sent_at: new Date().toISOString(), proof: deed.proof,
  });
  if (deed.age) fields.set("age", "checked");
  for (const [sku, n] of Object.entries(deed.lines)) fields.set(`take.${sku}`, n);
  const options = { method: "POST", body: fields, headers: { "Idempotency-Key": deed.key } };
  const { status, body } = await call(`/staff/pickups/${encodeURIComponent(deed.pickup)}/offline`, options);
  if (status >= 500 || status === 429 || body.refused === "foreign-form") return;
  const good = status === 200 && (body.became === "booked" || body.became === "again");
  await store.settle(deed, status === 200 ? body.words : `${deed.number}: ${body.words}`, good);
}

async function round() {
  const list = await listed();
  if (!list.device) {
    await store.forget();
    return { device: null };
  }
  for (const deed of await store.queue()) {
    if (deed.device === list.device) await send(deed, list);
  }
  await store.keep(list);
  if (list.more) setTimeout(sync, MORE_MS);
  channel?.postMessage("synced");
  return list;
}

/** One round, whatever number of pages asks. What the server says; throws where it cannot be reached. */
export function sync() {
  const doing = navigator.locks ? navigator.locks.request(LOCK, round) : round();
  doing.catch(() => {});
  return doing;
}
