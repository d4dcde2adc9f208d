// News of the overview over one stream a browser: the tab that holds it tells the others. Hidden tabs hold nothing.

const NAME = "omnisync-live";
const KINDS = ["stand", "changed"];
const SILENT_MS = 6000;
const AGAIN_MS = 5000;

/** Calls `told(kind, data)` with every word of the stream; the function it returns says whether the stream speaks. */
export function follow(url, told) {
  const others = "BroadcastChannel" in window ? new BroadcastChannel(NAME) : null;
  let heardAt = -Infinity;
  let source = null;
  let waiting = null;
  let letGo = null;

  const hear = ({ kind, data }) => {
    heardAt = performance.now();
    told(kind, data);
  };
  if (others) others.onmessage = (event) => hear(event.data);

  function open() {
    source = new EventSource(url);
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        const word = { kind, data: JSON.parse(event.data) };
        hear(word);
        others?.postMessage(word);
      });
    }
    // A line that breaks is taken up again by the browser; one that was refused is given up by it, and asked for later by us.
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      setTimeout(() => source?.readyState === EventSource.CLOSED && open(), AGAIN_MS);
    };
  }

  function begin() {
    if (source || waiting) return;
    if (!navigator.locks || !others) return open();
    waiting = new AbortController();
    const hold = () => new Promise((done) => ((letGo = done), open()));
    navigator.locks.request(NAME, { signal: waiting.signal }, hold).catch(() => {});
  }

  function end() {
    source?.close();
    waiting?.abort();
    letGo?.();
    source = waiting = letGo = null;
  }

  const turn = () => (document.hidden ? end() : begin());
  document.addEventListener("visibilitychange", turn);
  addEventListener("pagehide", end);
  addEventListener("pageshow", turn);
  turn();
  return () => performance.now() - heardAt < SILENT_MS;
}
