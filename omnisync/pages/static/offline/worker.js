// Answers in the server's place when it cannot be reached: with one page that shows what lies on the device, and the files it needs.
// Pages with people's data are never kept here.

const CACHE = "desk-__VERSION__";
const SHELL = "/staff/offline";
const FILES = ["__FILES__"];
const PATIENCE_MS = 8000;
const AWAY = [502, 503, 504];

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([SHELL, ...FILES].map((url) => new Request(url, { cache: "reload" })))));
});

addEventListener("activate", (event) => {
  const old = async () => Promise.all((await caches.keys()).filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(old().then(() => clients.claim()));
});

addEventListener("message", (event) => event.waitUntil(clients.claim()));

const late = () => new Promise((_, failed) => setTimeout(() => failed(new Error("late")), PATIENCE_MS));
const kept = async (url) => (await (await caches.open(CACHE)).match(url)) ?? Response.error();

/** Where somebody is led whose button may not have been heard: to what it belonged to, and they are told so there. */
const BUTTONS = [[/^\/staff\/pickups\/[^/]+(?=\/)/, "?m=unsure"], [/^\/staff\/work(?=\/)/, "?m=unsure"], [/^\/staff\/code$/, ""], [/^\/staff/, "?m=unsure"]];
const unheard = (path) => BUTTONS.flatMap(([ours, said]) => (ours.test(path) ? path.match(ours)[0] + said : []))[0];

/** What was asked for, or the page that works without it. A button that was pressed is waited for, however long it takes. */
async function page(request, path) {
  const isButton = request.method !== "GET";
  const instead = () => (isButton ? Response.redirect(unheard(path), 303) : kept(SHELL));
  try {
    const answer = await (isButton ? fetch(request) : Promise.race([fetch(request), late()]));
    return AWAY.includes(answer.status) ? await instead() : answer;
  } catch {
    return instead();
  }
}

async function file(request, path) {
  try {
    const answer = await Promise.race([fetch(request), late()]);
    if (answer.ok) await (await caches.open(CACHE)).put(path, answer.clone());
    return answer;
  } catch {
    return kept(path);
  }
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  const ours = pathname === "/staff" || pathname.startsWith("/staff/");
  if (request.mode === "navigate" && ours) event.respondWith(page(request, pathname));
  else if (request.method === "GET" && (pathname === SHELL || FILES.includes(pathname))) event.respondWith(file(request, pathname));
});
