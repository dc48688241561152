/** Bytes of one cell: the version's number and the cell's own. */
const CELL = 8;

/** The bytes of a version: every cell names the version and its place, so that a torn or shifted copy is seen. */
export function contentOf(version: number, cells: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(cells * 2);
  for (let i = 0; i < cells; i++) {
    words[2 * i] = version;
    words[2 * i + 1] = i;
  }
  return new Uint8Array(words.buffer);
}

/** The version these bytes are of, from byte `offset` on; null when they are not of one, or not in their place. */
export function versionIn(body: ArrayBuffer, offset: number): number | null {
  if (body.byteLength === 0 || body.byteLength % CELL !== 0 || offset % CELL !== 0) return null;
  const words = new Uint32Array(body);
  const [version] = words;
  for (let i = 0; i < words.length; i += 2)
    if (words[i] !== version || words[i + 1] !== offset / CELL + i / 2) return null;
  return version ?? null;
}

/** A `Range` header for a whole number of cells. */
export const cellRange = (first: number, last: number): string =>
  `bytes=${first * CELL}-${last * CELL + CELL - 1}`;

export const bytesOf = (cells: number): number => cells * CELL;
