/** Bytes of one cell: the content's number and the cell's own. */
const CELL = 8;

/** The bytes of a content: every cell names it and its place, so that a torn or shifted copy is seen. */
export function contentOf(content: number, cells: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(cells * 2);
  for (let i = 0; i < cells; i++) {
    words[2 * i] = content;
    words[2 * i + 1] = i;
  }
  return new Uint8Array(words.buffer);
}

/** The content these bytes are of, from byte `offset` on; null when they are not of one, or not in their place. */
export function contentIn(body: ArrayBuffer, offset: number): number | null {
  if (body.byteLength === 0 || body.byteLength % CELL !== 0 || offset % CELL !== 0) return null;
  const words = new Uint32Array(body);
  const [content] = words;
  for (let i = 0; i < words.length; i += 2)
    if (words[i] !== content || words[i + 1] !== offset / CELL + i / 2) return null;
  return content ?? null;
}

/** The first and the last byte of a whole number of cells. */
export const cellRange = (first: number, last: number) => ({
  first: first * CELL,
  last: last * CELL + CELL - 1,
});

/** A Content-Type that names the write it came with: the same bytes written again have another. */
export const contentTypeOf = (version: number): string => `application/x-version-${version}`;

/** The write that a Content-Type names; null when it names none. */
export function versionOf(contentType: string | null): number | null {
  const [, version] = /^application\/x-version-(\d+)$/.exec(contentType ?? "") ?? [];
  return version === undefined ? null : Number(version);
}

export const bytesOf = (cells: number): number => cells * CELL;
