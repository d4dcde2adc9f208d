// The scanner over the page: the camera's picture or a keypad. What it finds goes where a wedge scanner's codes go.

import * as camera from "./scan-camera.js";
import { keypad } from "./scan-keypad.js";

const overlay = document.querySelector("#scanner");
const [sight, keys, said] = ["[data-sight]", "[data-keypad]", "[data-said]"].map((name) => overlay.querySelector(name));
const [light, toKeypad, toCamera] = ["light", "to-keypad", "to-camera"].map((name) => overlay.querySelector(`[data-${name}]`));

const OK = 1760;
const HELD_MS = 1500;

let sound;
let state = "closed";
let waiting = false;
let last = { code: "", at: -Infinity };

function say(word, more = "", tone = "") {
  const text = overlay.querySelector(`template[data-words="${word}"]`)?.content.textContent ?? "";
  said.textContent = [text, more].filter(Boolean).join(": ");
  said.dataset.tone = tone;
}

function beep() {
  navigator.vibrate?.(60);
  if (sound?.state !== "running") return;
  const tone = sound.createOscillator();
  const volume = sound.createGain();
  tone.frequency.value = OK;
  volume.gain.setValueAtTime(0.2, sound.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.12);
  tone.connect(volume).connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + 0.13);
}

// ---------------------------------------------------------------- what is shown

function show(now) {
  state = now;
  overlay.dataset.state = now;
  sight.hidden = now !== "camera";
  keys.hidden = now !== "typed";
  toKeypad.hidden = now !== "camera";
  toCamera.hidden = now === "camera" || document.documentElement.dataset.camera !== "yes";
  light.hidden = true;
  if (now !== "camera") camera.stop();
}

function type(why = "") {
  show("typed");
  say(why || "type", "", why ? "warn" : "");
  keys.elements.typed.focus();
}

async function watch() {
  show("camera");
  say("starts");
  const why = await camera.start(overlay.querySelector("video"), found);
  if (state !== "camera") return camera.stop();
  if (why) return type(why);
  if (!waiting) say("aim");
  light.hidden = !camera.hasLight();
  light.setAttribute("aria-pressed", "false");
}

// `how`: "yes" with the camera, "typed" with the keypad, else why there is no camera.
export function open(how) {
  sound ??= new AudioContext();
  sound.resume();
  waiting = false;
  last = { code: "", at: -Infinity };
  if (!overlay.open) overlay.showModal();
  if (how === "yes") watch();
  else type(how === "typed" ? "" : how);
}

function close() {
  state = "closed";
  camera.stop();
  if (overlay.open) overlay.close();
}

// ---------------------------------------------------------------- what is found

const lines = () => new Map([...document.querySelectorAll(".line.pick")].map((line) => [line.querySelector(".who")?.textContent, line]));
const ticked = (line) => line?.querySelector(".tick")?.innerHTML;

let before = new Map();

// A code that stays in the picture is one find: it counts again when it was gone for a moment, as the next piece of the same article is.
function found(code) {
  const again = code === last.code && performance.now() - last.at < HELD_MS;
  last = { code, at: performance.now() };
  if (!waiting && !again) send(code);
}

function send(code) {
  waiting = true;
  beep();
  say("found", code, "ok");
  before = new Map([...lines()].map(([title, line]) => [title, ticked(line)]));
  document.dispatchEvent(new CustomEvent("desk:code", { detail: code }));
}

// A page that stays (picking) has taken the piece or said why not; any other has led elsewhere.
document.addEventListener("desk:scanned", () => {
  if (!overlay.open) return;
  waiting = false;
  last.at = performance.now();
  const refused = document.querySelector("main [role=alert]");
  const now = lines();
  const [title] = [...now].find(([name, line]) => before.get(name) !== ticked(line)) ?? [];
  if (refused) {
    navigator.vibrate?.([40, 60, 40]);
    return say("", refused.textContent.trim(), "bad");
  }
  if ([...now.values()].every((line) => line.matches(".done"))) return close();
  say("in-bag", title ?? "", "ok");
});
document.addEventListener("desk:unsent", () => {
  waiting = false;
  last = { code: "", at: -Infinity };
  say("lost", "", "bad");
});

// ---------------------------------------------------------------- hands

keypad(keys, overlay.dataset.alphabet);
keys.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  const code = keys.elements.typed.value.trim();
  keys.elements.typed.value = "";
  if (code && !waiting) send(code);
});
overlay.querySelector("[data-scan-close]").addEventListener("click", close);
overlay.addEventListener("close", close);
toKeypad.addEventListener("click", () => type());
toCamera.addEventListener("click", watch);
light.addEventListener("click", async () => {
  const on = light.getAttribute("aria-pressed") !== "true";
  if (await camera.shine(on)) light.setAttribute("aria-pressed", String(on));
});
// Who turns to something else leaves no camera on.
document.addEventListener("visibilitychange", () => {
  if (!overlay.open || state !== "camera") return;
  if (document.hidden) camera.stop();
  else watch();
});
addEventListener("pagehide", close);
