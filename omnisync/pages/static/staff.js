// Keeps the list live and makes a sound for each new pickup. Everything else on the page works without it.

const EVERY_MS = 4000;
const PATIENCE_MS = 12000;

const live = document.querySelector("[data-live]");
let newest = live?.querySelector("[data-newest]")?.dataset.newest ?? "";
let sound;

// Browsers allow sound after the first touch only.
addEventListener("pointerdown", () => (sound ??= new AudioContext()).resume(), { once: false });

function chime() {
  if (!sound || sound.state !== "running") return;
  [880, 1175].forEach((pitch, index) => {
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    const start = sound.currentTime + index * 0.18;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.35);
    tone.connect(volume).connect(sound.destination);
    tone.start(start);
    tone.stop(start + 0.4);
  });
}

function isBusy() {
  const active = document.activeElement;
  return live.contains(active) && active.matches("input, select, textarea");
}

function show(html) {
  const focused = document.activeElement?.getAttribute?.("href");
  live.innerHTML = html;
  if (focused) live.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  const seen = live.querySelector("[data-newest]")?.dataset.newest ?? "";
  if (seen > newest) {
    newest = seen;
    chime();
    live.dispatchEvent(new CustomEvent("newpickup", { bubbles: true }));
  }
}

function lost() {
  const mark = live.querySelector("[data-connection]");
  if (!mark || mark.classList.contains("lost")) return;
  mark.classList.add("lost");
  const words = mark.querySelector("[data-words]");
  words.textContent = words.textContent.replace("Verbunden", "Keine Verbindung");
}

async function refresh() {
  if (document.hidden || isBusy()) return;
  try {
    const answer = await fetch(live.dataset.live, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.redirected) return location.assign("/staff/login");
    if (!answer.ok) return lost();
    show(await answer.text());
  } catch {
    lost();
  }
}

if (live) {
  const again = async () => {
    await refresh();
    setTimeout(again, EVERY_MS);
  };
  setTimeout(again, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
  live.addEventListener("click", (event) => event.target.closest("[data-print]") && print());
}

// What happens to the rest is only asked when there is one.
const rest = document.querySelector("[data-rest]");
if (rest) {
  const counts = [...document.querySelectorAll(".line.give .count")];
  const ask = () => (rest.hidden = counts.every((count) => count.value === count.defaultValue));
  counts.forEach((count) => count.addEventListener("input", ask));
  ask();
}

// A button is pressed once.
document.addEventListener("submit", (event) => {
  for (const button of document.querySelectorAll(`button[form="${event.target.id || "-"}"]`)) button.disabled = true;
  for (const button of event.target.querySelectorAll("button")) button.disabled = true;
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
});
