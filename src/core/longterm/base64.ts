const ALPHABET = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const PADDING = 0x3d;
/** What each character stands for; 255 for those that stand for nothing. */
const VALUES = new Uint8Array(256).fill(255);
ALPHABET.forEach((char, value) => {
  VALUES[char] = value;
});

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes as Base64 (RFC 4648 §4), several times as fast as by way of a binary string and `btoa`. O(bytes). */
export function toBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  for (let i = 0, o = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const triple =
      ((bytes[i] as number) << 16) |
      ((left > 1 ? (bytes[i + 1] as number) : 0) << 8) |
      (left > 2 ? (bytes[i + 2] as number) : 0);
    text[o++] = ALPHABET[triple >> 18] as number;
    text[o++] = ALPHABET[(triple >> 12) & 63] as number;
    text[o++] = left > 1 ? (ALPHABET[(triple >> 6) & 63] as number) : PADDING;
    text[o++] = left > 2 ? (ALPHABET[triple & 63] as number) : PADDING;
  }
  return decoder.decode(text);
}

/** The bytes of a Base64 text. @throws RangeError when it is none. */
export function fromBase64(base64: string): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(base64);
  const padding = text.at(-1) !== PADDING ? 0 : text.at(-2) !== PADDING ? 1 : 2;
  if (text.length % 4 !== 0) throw new RangeError("not Base64: its length is no multiple of four");
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let i = 0, o = 0; i < text.length; i += 4) {
    let quad = 0;
    for (let j = i; j < i + 4; j++) {
      const value = j >= text.length - padding ? 0 : (VALUES[text[j] as number] as number);
      if (value > 63) throw new RangeError(`not Base64: character ${j}`);
      quad = (quad << 6) | value;
    }
    // Writing beyond the end, where padding was, does nothing.
    bytes[o++] = quad >> 16;
    bytes[o++] = (quad >> 8) & 255;
    bytes[o++] = quad & 255;
  }
  return bytes;
}
