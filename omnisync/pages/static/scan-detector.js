// Reads codes from pictures: by the browser's own BarcodeDetector, else by the one in scan-worker.js, which is loaded only then.

const FORMATS = ["qr_code", "ean_13", "ean_8", "upc_a", "upc_e", "code_128", "code_39", "itf", "data_matrix"];
const MOST_PIXELS = 1280;

let ready;

// Answers `read(video)`, which answers the codes in sight; made once.
export function detector() {
  ready ??= make().catch((error) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

async function make() {
  return (await native()) ?? worker();
}

async function native() {
  if (!("BarcodeDetector" in window)) return null;
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  const formats = FORMATS.filter((one) => known.includes(one));
  // There is a class on machines that can read nothing, and one that reads only some of what lies on our shelves.
  if (!formats.includes("qr_code") || !formats.includes("ean_13")) return null;
  const own = new BarcodeDetector({ formats });
  return async (video) => (await own.detect(video)).map(({ rawValue }) => rawValue);
}

function worker() {
  const reader = new Worker(new URL("./scan-worker.js", import.meta.url), { type: "module" });
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const answers = [];
  return new Promise((done, failed) => {
    reader.onerror = () => failed(new Error("The scanner did not load."));
    reader.onmessage = ({ data }) => {
      if (data.ready) done((video) => read(video));
      else if (data.broken) failed(new Error(data.broken));
      else answers.shift()?.(data.codes);
    };
    reader.postMessage({ formats: FORMATS });
  });

  function read(video) {
    const scale = Math.min(1, MOST_PIXELS / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    return new Promise((done) => {
      answers.push(done);
      reader.postMessage({ picture }, [picture.data.buffer]);
    });
  }
}
