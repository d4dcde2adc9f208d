// On a till a pickup stands beside its list. On what is narrower, nothing is asked for.

const ROOM = matchMedia("(min-width: 1100px)");
const PATIENCE_MS = 12000;
const PARTS = ".top .tabs, main > h2, main > .card, main > .empty, #accept";

const place = document.querySelector("[data-beside]");
let drawn = "";

/** The list as its own page shows it, without its head and its dock. */
function draw(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const focused = place.contains(document.activeElement) && document.activeElement.getAttribute("href");
  place.replaceChildren(...fresh.content.querySelectorAll(PARTS));
  for (const link of place.querySelectorAll(`a[href="${CSS.escape(location.pathname)}"]`)) link.closest(".card").setAttribute("aria-current", "true");
  if (focused) place.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

/** Asked for whenever something of the store may have changed; what cannot be had leaves what stands there. */
async function look() {
  if (!ROOM.matches || document.hidden) return;
  try {
    const answer = await fetch(place.dataset.beside, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const html = answer.ok && !answer.redirected ? await answer.text() : drawn;
    if (html !== drawn) draw(html);
    drawn = html;
  } catch {
    // The page itself says that there is no connection.
  }
}

if (place) {
  ROOM.addEventListener("change", look);
  document.addEventListener("desk:look", look);
  look();
}
