// Ids the page makes itself. `crypto.randomUUID` is missing on plain http beyond localhost, so the bytes are drawn here.

/** @param {number} count @returns {Uint8Array} */
const bytes = (count) => crypto.getRandomValues(new Uint8Array(count));

/** A fresh conversation id: 132 random bits, 22 characters of url-safe base64. */
export function newConversationId() {
  return btoa(String.fromCharCode(...bytes(17))).replace(/\+/g, "-").replace(/\//g, "_").slice(0, 22);
}

/** A fresh version 4 UUID (RFC 9562). */
export function newUuid() {
  const raw = bytes(16);
  raw[6] = (raw[6] & 0x0f) | 0x40;
  raw[8] = (raw[8] & 0x3f) | 0x80;
  const hex = Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
