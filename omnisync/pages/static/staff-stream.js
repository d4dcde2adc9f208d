// One stream of changes for all pages of this browser that look at the same store: who holds the lock listens and tells the others.

const FRESH_MS = 40000;
const AGAIN_MS = 30000;

// `heard(mark)` is called with each mark; the answer says whether the stream can be relied on just now.
export function follow(url, heard) {
  if (!navigator.locks || !window.BroadcastChannel) return () => false;
  const name = `desk ${url}`;
  const others = new BroadcastChannel(name);
  let at = -Infinity;

  const take = (mark) => {
    at = performance.now();
    heard(mark);
  };
  const listen = () => {
    const source = new EventSource(url);
    source.onmessage = ({ data }) => {
      others.postMessage(data);
      take(data);
    };
    // While it connects again by itself, nothing is heard; when it has given up, we begin anew.
    source.onerror = () => {
      at = -Infinity;
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
    };
  };
  others.onmessage = ({ data }) => take(data);
  navigator.locks.request(name, () => new Promise(listen));
  return () => performance.now() - at < FRESH_MS;
}
