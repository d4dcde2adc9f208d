// The desk while there is no network: the list as it was, and hand-overs by code, which are saved here and sent later.

import { find, proof } from "./codes.js";
import { say, show as showNotes } from "./notes.js";
import * as store from "./store.js";
import { sync } from "./sync.js";

const AGAIN_MS = 5000;

const place = document.querySelector("[data-desk]");
const since = clock(new Date());
let list = null;
let queued = new Set();
let shown = {};
let leaving = false;

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
  const part = !queued.has(one.id) && one.lines.reduce((sum, line) => sum + line.open, 0) > 1;
  page.querySelector("[data-lines]").append(...one.lines.map((line) => article(line, part)));
  const people = page.querySelector("[data-people]");
  people?.append(...list.people.map((person) => {
    const label = made("person", person);
    Object.assign(label.querySelector("input"), { value: person.name, checked: person.name === list.person });
    return label;
  }));
  const form = page.querySelector("form");
  form?.addEventListener("submit", (event) => (event.preventDefault(), handOver(one, found, event.target)));
  if (part) page.addEventListener("input", () => weigh(one, page, form));
  return page;
}

/** One line; where there is more than one piece, so many of it as are handed over. */
function article(line, part) {
  const shown = made("line", { ...line, part, n: `${line.open} ×`, years: line.age ? say("years", { years: line.age }) : "" });
  const count = shown.querySelector("input");
  if (count) {
    Object.assign(count, { name: `take.${line.sku}`, value: line.open });
    count.setAttribute("aria-label", say("pieces-of", { title: line.title }));
  }
  return shown;
}

/** SKU -> pieces that are handed over; null where somebody typed what cannot be. */
function taken(one, form) {
  const lines = one.lines.map((line) => [line.sku, Number(form.elements[`take.${line.sku}`]?.value ?? line.open), line.open]);
  const wrong = lines.some(([, n, open]) => !Number.isInteger(n) || n < 0 || n > open) || lines.every(([, n]) => n === 0);
  return wrong ? null : Object.fromEntries(lines.filter(([, n]) => n).map(([sku, n]) => [sku, n]));
}

/** What becomes of the rest is said where there is one, and nobody's age is asked who takes nothing of it. */
function weigh(one, page, form) {
  const lines = taken(one, form);
  page.querySelector("[data-rest]").hidden = !lines || one.lines.every((line) => lines[line.sku] === line.open);
  const age = form.elements.age;
  if (age) age.closest("section").hidden = !(age.required = !lines || one.lines.some((line) => line.age && lines[line.sku]));
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
    const lines = taken(one, form);
    if (!lines) return complain(form, "wrong-pieces");
    const key = found ?? (await proof(form.elements.code.value, one, list.iterations));
    if (!key) return complain(form, "wrong-code");
    const now = new Date();
    await store.enqueue({
      key: crypto.randomUUID(), pickup: one.id, number: one.number, device: list.device, by: form.elements.by.value, proof: key,
      at: now.toISOString(), clock: clock(now), lines,
      age: Boolean(form.elements.age?.required && form.elements.age.checked),
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

/** Once: a page that comes slowly and is asked for again and again never comes. */
function leave() {
  leaving = true;
  location.replace(address());
}

/** Nobody is torn away from a customer: only the list gives way to the page that lives. */
async function connected() {
  if (leaving) return;
  try {
    const said = await sync();
    await read();
    if (leaving) return;
    await showNotes({ device: said.device });
    if (shown.name === "list" || !said.device || !list) return leave();
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
  // While the page that lives is on its way, a tap leads there too: what is begun here would be torn away when it comes.
  if (!link || leaving || link.hasAttribute("data-back-online") || link.origin !== location.origin) return;
  event.preventDefault();
  go(link.href);
});
addEventListener("pageshow", () => (leaving = false));
addEventListener("popstate", () => go(location.href, "replaceState"));
addEventListener("online", connected);

await read();
// Whoever comes from a button that got no answer (worker.js) is told so.
const pressed = new URL(location.href).searchParams.get("m") === "unsure";
await go(location.href, "replaceState");
place.querySelector("[data-pressed]")?.toggleAttribute("hidden", !pressed);
setInterval(() => document.hidden || connected(), AGAIN_MS);
