// The camera: its picture in a <video>, its light, and a look at one picture after the other.

import { detector } from "./scan-detector.js";

const WANTED = { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } };
const PAUSE_MS = 60;
// What the browser calls it -> what we say of it.
const WHY = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "absent",
  OverconstrainedError: "absent",
  NotReadableError: "busy",
  AbortError: "busy",
};

let stream = null;
// Each start is a new turn: what an older one still waits for is thrown away.
let turn = 0;

const track = () => stream?.getVideoTracks()[0];

export const hasLight = () => Boolean(track()?.getCapabilities?.().torch);

export async function shine(on) {
  try {
    await track()?.applyConstraints({ advanced: [{ torch: on }] });
    return true;
  } catch {
    return false;
  }
}

export function stop() {
  turn += 1;
  stream?.getTracks().forEach((one) => one.stop());
  stream = null;
}

// Shows the camera and calls `found(code)` with what it reads, until `stop`. Answers "" or why there is nothing to see.
export async function start(video, found) {
  stop();
  const mine = turn;
  const reading = detector();
  reading.catch(() => {});
  try {
    const opened = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
    if (mine !== turn) {
      opened.getTracks().forEach((one) => one.stop());
      return "";
    }
    stream = opened;
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    if (mine !== turn) return "";
    stop();
    return WHY[error.name] ?? "broken";
  }
  try {
    look(video, await reading, found, mine);
  } catch {
    if (mine === turn) stop();
    return "broken";
  }
  return "";
}

async function look(video, read, found, mine) {
  while (mine === turn) {
    const codes = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? await read(video).catch(() => []) : [];
    if (mine === turn && codes.length) found(codes[0]);
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}
