// A code is checked without being known: it gives, slowly, a key whose hash lies on this device. The key is the proof that is sent.

const ALPHABET = /^[0-9ABCDEFGHJKMNPQRSTVWXYZ]{8}$/;

/** As it was meant: any case, blanks and dashes anywhere, O for 0, I and L for 1. Null for what cannot be a code. */
export function normalise(typed) {
  const text = typed.replace(/[\s\-‐-―_.]+/g, "").toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
  return ALPHABET.test(text) ? text : null;
}

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The proof that this code opens this pickup; null when it does not. */
export async function proof(code, pickup, iterations) {
  const typed = normalise(code);
  if (!typed || !pickup.hash) return null;
  const base = await crypto.subtle.importKey("raw", new TextEncoder().encode(typed), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(pickup.salt), iterations };
  const key = await crypto.subtle.deriveBits(how, base, 256);
  return hex(await crypto.subtle.digest("SHA-256", key)) === pickup.hash ? hex(key) : null;
}

/** The first of these pickups that the code opens, with its proof. Each is tried by itself, for each has a salt of its own. */
export async function find(code, pickups, iterations) {
  for (const pickup of normalise(code) ? pickups : []) {
    const found = await proof(code, pickup, iterations);
    if (found) return { pickup, proof: found };
  }
  return null;
}
