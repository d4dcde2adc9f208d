// Reads codes from pictures where the browser cannot: it sees pictures only, and alone may compile WebAssembly.

import { BarcodeDetector, prepareZXingModule } from "./vendor/barcode-detector/ponyfill.js";

let reader;

async function begin(formats) {
  await prepareZXingModule({
    overrides: { locateFile: (name) => new URL(`./vendor/barcode-detector/${name}`, import.meta.url).href },
    fireImmediately: true,
  });
  reader = new BarcodeDetector({ formats });
}

addEventListener("message", async ({ data }) => {
  if (data.formats) {
    return begin(data.formats).then(
      () => postMessage({ ready: true }),
      (error) => postMessage({ broken: String(error) }),
    );
  }
  const codes = await reader.detect(data.picture).catch(() => []);
  postMessage({ codes: codes.map(({ rawValue }) => rawValue) });
});
