import { hashPair, hashText } from "./hash.ts";

/** Which kind of value comes next: what looks alike must not sum up alike. */
const TEXT = 1;
const NUMBER = 2;
const BYTES = 3;
const LIST = 4;
const OTHER = 5;

const number = new Float64Array(1);
const words = new Int32Array(number.buffer);

/**
 * A 32-bit sum over a document of plain objects, lists, typed arrays, texts and numbers, to tell what was damaged. Not for
 * secrets. O(bytes).
 */
export function checksumOf(value: unknown, seed = 0): number {
  if (typeof value === "string") return hashPair(hashPair(seed, TEXT), hashText(value));
  if (typeof value === "number") return ofNumber(value, seed);
  if (ArrayBuffer.isView(value)) return ofBytes(value, seed);
  if (Array.isArray(value)) return value.reduce(ofItem, hashPair(hashPair(seed, LIST), value.length));
  if (typeof value !== "object" || value === null)
    return hashPair(hashPair(seed, OTHER), hashText(String(value)));
  return Object.entries(value).reduce((sum, [name, item]) => checksumOf(item, ofItem(sum, name)), seed);
}

const ofItem = (sum: number, item: unknown): number => checksumOf(item, sum);

function ofNumber(value: number, seed: number): number {
  number[0] = value;
  return hashPair(hashPair(hashPair(seed, NUMBER), words[0] as number), words[1] as number);
}

/** Word by word; what is not aligned is copied first. By index, for this is the bulk of the work and is done by cold code. */
function ofBytes(view: ArrayBufferView, seed: number): number {
  const octets = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const { buffer, byteOffset, length } = octets.byteOffset % 4 === 0 ? octets : octets.slice();
  const whole = new Int32Array(buffer, byteOffset, length >> 2);
  let sum = hashPair(hashPair(seed, BYTES), length);
  for (let i = 0; i < whole.length; i++) sum = Math.imul(sum ^ (whole[i] as number), 0x01000193);
  for (let i = whole.byteLength; i < length; i++) sum = Math.imul(sum ^ (octets[i] as number), 0x01000193);
  return hashPair(sum, 0);
}
