// What every page says of hand-overs that are saved and not sent, and of what became of those that were.

import * as store from "./store.js";

const say = (name, values = {}) => {
  const text = document.querySelector(`[data-say="${name}"]`)?.content.textContent ?? "";
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
};

function note(kind, words, more = []) {
  const made = document.querySelector(`#offline-words [data-note="${kind}"]`).content.firstElementChild.cloneNode(true);
  const [head, rest] = words;
  made.querySelector("b").textContent = head;
  made.querySelector("span").append(rest ?? "");
  made.append(...more);
  return made;
}

function understood() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.textContent = say("understood");
  button.addEventListener("click", () => store.hush().then(show));
  return button;
}

const amount = (number, one, many) => (number === 1 ? say(one) : say(many, { n: number }));

/** Fills the place of the page; what waits is said where the page says itself that there is no network. `device` is null where this is no device any more. */
export async function show({ device } = {}) {
  const place = document.querySelector("[data-offline-notes]");
  if (!place) return;
  const [queue, told] = await Promise.all([store.queue(), store.told()]);
  const lost = device === undefined ? [] : queue.filter((deed) => deed.device !== device);
  const waiting = queue.length - lost.length;
  const good = told.filter((one) => one.good);
  const bad = told.filter((one) => !one.good);
  const notes = [];
  if (lost.length) notes.push(note("bad", [say("lost"), lost.map((deed) => `${deed.number} (${deed.clock})`).join(", ")]));
  if (bad.length) {
    const made = note("bad", [say("late"), ""], [understood()]);
    made.querySelector("span").append(...bad.map((one) => Object.assign(document.createElement("p"), { textContent: one.words })));
    notes.push(made);
  }
  if (waiting) {
    const words = [amount(waiting, "waiting-one", "waiting-many"), say("by-itself")];
    const here = document.querySelector("[data-waiting]");
    if (here) here.textContent = words.join(". ");
    else if (!document.querySelector("[data-saved]")) notes.push(note("warn", words));
  }
  if (good.length) notes.push(note("ok", [amount(good.length, "sent-one", "sent-many"), ""], bad.length ? [] : [understood()]));
  place.replaceChildren(...notes);
  place.hidden = notes.length === 0;
}

export { say, note };
