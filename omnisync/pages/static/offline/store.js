// What lies on this device: the list as it was last seen, hand-overs that were not sent yet, and what became of those that were.

const NAME = "omnisync-desk";
const PARTS = ["kept", "queue", "told"];
const LASTS_MS = 14 * 60 * 60 * 1000;

let opened;

function open() {
  opened ??= new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => PARTS.forEach((part) => request.result.createObjectStore(part, { keyPath: "key" }));
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  return opened;
}

async function run(part, mode, work) {
  const store = (await open()).transaction(part, mode).objectStore(part);
  const request = work(store);
  return new Promise((done, failed) => {
    store.transaction.oncomplete = () => done(request.result);
    store.transaction.onerror = store.transaction.onabort = () => failed(store.transaction.error);
  });
}

const put = (part, row) => run(part, "readwrite", (store) => store.put(row));
const all = (part) => run(part, "readonly", (store) => store.getAll());
const clear = (part) => run(part, "readwrite", (store) => store.clear());
const remove = (part, key) => run(part, "readwrite", (store) => store.delete(key));

/** The list, as long as it is of today: what is older than a working day is forgotten unread. */
export async function list() {
  const kept = await run("kept", "readonly", (store) => store.get("list"));
  if (!kept) return null;
  if (Date.now() - kept.seen <= LASTS_MS) return kept;
  await clear("kept");
  return null;
}

/** Check values that were sent once are not sent again: the ones we have stay. */
export async function keep(list) {
  const before = new Map(((await run("kept", "readonly", (store) => store.get("list")))?.ready ?? []).map((one) => [one.id, one]));
  const same = (one) => (one.hash ? one : { ...one, salt: before.get(one.id)?.salt ?? null, hash: before.get(one.id)?.hash ?? null });
  await put("kept", { ...list, ready: list.ready.map(same), key: "list", seen: Date.now() });
}

/** This is no device any more: what it could read is gone. What it did and could not send stays, without any customer's name. */
export const forget = () => Promise.all([clear("kept"), clear("told")]);

export const queue = () => all("queue");
export const enqueue = (deed) => put("queue", deed);
export const told = () => all("told");
export const hush = () => clear("told");

/** Sent: it leaves the queue, and what it became waits to be read. */
export async function settle(deed, words, good) {
  await put("told", { key: deed.key, words, good, at: Date.now() });
  await remove("queue", deed.key);
}
