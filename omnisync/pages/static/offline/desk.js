// The desk while there is no network: the list as it was, and hand-overs by code, which are saved here and sent later.

import { find, proof } from "./codes.js";
import { say, show as showNotes } from "./notes.js";
import * as store from "./store.js";
import { sync } from "./sync.js";

const AGAIN_MS = 5000;
/** The addresses of buttons: whoever stands there pressed one, and got no answer. */
const PRESSED = /^\/staff\/(pickups\/[^/]+\/(?!slip)\w+|work\/(receive|missing|decide|sent|put-aside|resume|done))$/;

const place = document.querySelector("[data-desk]");
const since = clock(new Date());
let list = null;
let queued = new Set();
let shown = {};

function clock(moment) {
  return moment.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
}

/** A copy of a template: `data-text` names what is written there, `data-if` what must be so. */
function made(name, values) {
  const copy = document.querySelector(`#t-${name}`).content.firstElementChild.cloneNode(true);
  const each = (attribute, work) => [copy, ...copy.querySelectorAll(`[${attribute}]`)].filter((one) => one.hasAttribute(attribute)).forEach(work);
  each("data-if", (one) => values[one.dataset.if] || one.remove());
  each("data-unless", (one) => values[one.dataset.unless] && one.remove());
  each("data-text", (one) => (one.textContent = values[one.dataset.text] ?? ""));
  each("data-href", (one) => (one.href = values[one.dataset.href]));
  each("data-class", (one) => values[one.dataset.class] && one.classList.add(values[one.dataset.class]));
  return copy;
}

// ---------------------------------------------------------------- views

const cardValues = (one) => ({
  ...one, href: `/staff/pickups/${encodeURIComponent(one.id)}`, saved: queued.has(one.id), late: one.overdue ? "bad" : "",
  topay: one.paid ? "" : say("to-pay", { amount: one.to_pay }), long: one.shelf.length > 5 ? "long" : "",
});

function overview({ tab }) {
  const page = made("list", { store: list.store, as_of: say("as-of", { time: list.as_of }), since, n_ready: list.ready.length, n_picking: list.picking.length });
  page.querySelector(`[data-tab="${tab}"]`).setAttribute("aria-current", "page");
  const cards = list[tab].map((one) => made(tab === "ready" ? "ready" : "picking", cardValues(one)));
  page.querySelector("[data-cards]").append(...(cards.length ? cards : [made("empty", { words: say(`empty-${tab}`) })]));
  return page;
}

function hero(one, found) {
  const page = made("pickup", { ...cardValues(one), proved: Boolean(found), checkable: Boolean(one.hash), open: !queued.has(one.id), give: Boolean(found || one.hash) });
  page.querySelector("[data-lines]").append(...one.lines.map((line) => made("line", { ...line, n: `${line.open} ×`, years: line.age ? say("years", { years: line.age }) : "" })));
  const people = page.querySelector("[data-people]");
  people?.append(...list.people.map((person) => {
    const label = made("person", person);
    Object.assign(label.querySelector("input"), { value: person.name, checked: person.name === list.person });
    return label;
  }));
  page.querySelector("form")?.addEventListener("submit", (event) => (event.preventDefault(), handOver(one, found, event.target)));
  return page;
}

function askCode() {
  const page = made("code", {});
  page.querySelector("form").addEventListener("submit", (event) => (event.preventDefault(), lookUp(event.target)));
  return page;
}

const VIEWS = {
  list: overview,
  code: askCode,
  pickup: ({ id, found }) => {
    const one = list.ready.find((pickup) => pickup.id === id);
    return one ? hero(one, found) : overview({ tab: "picking" });
  },
};

function view(name, values = {}) {
  shown = { name, ...values };
  place.replaceChildren(list ? VIEWS[name](values) : made("nothing", {}));
  document.title = place.querySelector("h1").textContent;
  scrollTo(0, 0);
  place.querySelector("[autofocus]")?.focus();
  return showNotes();
}

/** Which view an address means. */
function at({ pathname, searchParams }) {
  const [, id] = pathname.match(/^\/staff\/pickups\/([^/]+)(?:\/\w+)?$/) ?? [];
  if (id) return ["pickup", { id: decodeURIComponent(id) }];
  if (pathname === "/staff/code") return ["code"];
  return ["list", { tab: searchParams.get("tab") === "packen" || !searchParams.has("tab") ? "picking" : "ready" }];
}

function go(url, how = "pushState") {
  history[how](null, "", url);
  const [name, values] = at(new URL(location.href));
  return view(name, values);
}

// ---------------------------------------------------------------- handing over

function complain(form, name) {
  const place = form.querySelector("[data-problem]");
  place.hidden = false;
  place.querySelector("b").textContent = say(name);
  form.elements.code?.select();
}

/** One press at a time; a code takes a moment on purpose. */
async function busy(form, work) {
  const buttons = [...document.querySelectorAll("[data-desk] button")];
  buttons.forEach((button) => (button.disabled = true));
  form.querySelector("[data-problem]").hidden = true;
  try {
    await work();
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

function lookUp(form) {
  return busy(form, async () => {
    const found = await find(form.elements.code.value, list.ready.filter((one) => !queued.has(one.id)), list.iterations);
    if (!found) return complain(form, "wrong-code");
    history.pushState(null, "", `/staff/pickups/${encodeURIComponent(found.pickup.id)}`);
    await view("pickup", { id: found.pickup.id, found: found.proof });
  });
}

function handOver(one, found, form) {
  return busy(form, async () => {
    const key = found ?? (await proof(form.elements.code.value, one, list.iterations));
    if (!key) return complain(form, "wrong-code");
    const now = new Date();
    await store.enqueue({
      key: crypto.randomUUID(), pickup: one.id, number: one.number, device: list.device, by: form.elements.by.value, proof: key,
      at: now.toISOString(), clock: clock(now), lines: Object.fromEntries(one.lines.map((line) => [line.sku, line.open])),
      age: Boolean(form.elements.age?.checked),
    });
    await read();
    await go("/staff?tab=bereit");
    connected();
  });
}

// ---------------------------------------------------------------- until the network is back

async function read() {
  list = await store.list();
  queued = new Set((await store.queue()).map((deed) => deed.pickup));
}

/** The address of what is shown where there is a network: a button's own address shows nothing. */
const ADDRESS = {
  list: () => `/staff?tab=${shown.tab === "ready" ? "bereit" : "packen"}`,
  code: () => "/staff/code",
  pickup: () => `/staff/pickups/${encodeURIComponent(shown.id)}`,
};
const address = () => ADDRESS[shown.name]();

/** Nobody is torn away from a customer: only the list gives way to the page that lives. */
async function connected() {
  try {
    const said = await sync();
    await read();
    if (shown.name === "list" || !said.device || !list) return location.replace(address());
    const back = place.querySelector("[data-back-online]");
    if (back) {
      back.href = address();
      back.hidden = false;
    }
  } catch {
    await showNotes();
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || link.hasAttribute("data-back-online") || link.origin !== location.origin) return;
  event.preventDefault();
  go(link.href);
});
addEventListener("popstate", () => go(location.href, "replaceState"));
addEventListener("online", connected);

await read();
const pressed = PRESSED.test(location.pathname);
await go(location.href, "replaceState");
place.querySelector("[data-pressed]")?.toggleAttribute("hidden", !pressed);
setInterval(() => document.hidden || connected(), AGAIN_MS);
