// The scan button: says whether there is a camera, and loads what scans when it is pressed. Without it the keypad's link remains.

const page = document.documentElement;

// What the button says: "yes", else why there is no camera ("https": browsers show cameras to safe addresses only).
async function camera() {
  if (!isSecureContext) return "https";
  if (!navigator.mediaDevices?.getUserMedia) return "absent";
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return devices.some(({ kind }) => kind === "videoinput") ? "yes" : "absent";
}

async function look() {
  page.dataset.camera = await camera();
}

// A list that is drawn anew meanwhile keeps its button: what it says is written at the page, not at the button.
page.dataset.camera = isSecureContext ? "yes" : "https";
look();
navigator.mediaDevices?.addEventListener?.("devicechange", look);

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("[data-scan-open], [data-scan-type]");
  if (!opener || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const { open } = await import("./scan-overlay.js");
  const lacks = page.dataset.camera === "yes" ? "" : page.dataset.camera;
  open(lacks || (opener.matches("[data-scan-open]") ? "yes" : "typed"));
});
