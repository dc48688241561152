const encoder = new TextEncoder();

/** SHA-256 of a text. */
export const sha256 = (text: string): Promise<ArrayBuffer> =>
  crypto.subtle.digest("SHA-256", encoder.encode(text));

/** Bytes as lower-case hexadecimal digits. */
export const hex = (data: ArrayBuffer): string =>
  Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
