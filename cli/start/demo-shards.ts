/**
 * Shards to begin with: a small map pyramid and a small chunked array (Zarr version 3). Made here from formulas, so
 * free to ship, and the same on every machine.
 */

/** A shard that `npm start` stores when there is none. */
export interface DemoShard {
  readonly id: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Zoom levels 0 to 3: 1 + 4 + 16 + 64 tiles, enough to pan and zoom, stored in a second. */
const LAST_ZOOM = 3;
/** Pixels along a tile's edge, as web maps have them. */
const TILE = 256;
/** Chunks along each axis of the array. */
const CHUNKS = 4;
/** Values along each axis of a chunk: 32 × 32 float32 are 4 KiB. */
const CHUNK = 32;

const encoder = new TextEncoder();

/** All demo shards, always the same ones in the same order. */
export function demoShards(): readonly DemoShard[] {
  return [...tiles(), arrayMetadata(), ...chunks()];
}

function* tiles(): Generator<DemoShard> {
  for (let z = 0; z <= LAST_ZOOM; z++)
    for (let x = 0; x < 2 ** z; x++)
      for (let y = 0; y < 2 ** z; y++)
        yield {
          id: `demo/tiles/${z}/${x}/${y}.svg`,
          contentType: "image/svg+xml",
          body: encoder.encode(tileSvg(z, x, y)),
        };
}

/** One tile: contour lines of {@link height}, so that neighbouring tiles fit together. */
function tileSvg(z: number, x: number, y: number): string {
  const hue = Math.round(200 - 120 * height((x + 0.5) / 2 ** z, (y + 0.5) / 2 ** z));
  const lines = Array.from({ length: 8 }, (_, line) => contour(z, x, y, (line + 0.5) / 8));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${TILE}" height="${TILE}" viewBox="0 0 ${TILE} ${TILE}">`,
    `<rect width="${TILE}" height="${TILE}" fill="hsl(${hue} 45% 82%)" stroke="#0003"/>`,
    `<g fill="none" stroke="hsl(${hue} 45% 45%)" stroke-width="2">${lines.join("")}</g>`,
    `<text x="12" y="28" font-family="sans-serif" font-size="18" fill="#0009">${z}/${x}/${y}</text>`,
    "</svg>\n",
  ].join("\n");
}

/** A line across the tile that follows the ground at one of its heights. */
function contour(z: number, x: number, y: number, at: number): string {
  const points = Array.from({ length: 17 }, (_, step) => {
    const across = step / 16;
    const ground = height((x + across) / 2 ** z, (y + at) / 2 ** z);
    return `${Math.round(across * TILE)},${Math.round((at + (ground - 0.5) * 0.3) * TILE)}`;
  });
  return `<polyline points="${points.join(" ")}"/>`;
}

function arrayMetadata(): DemoShard {
  const metadata = {
    zarr_format: 3,
    node_type: "array",
    shape: [CHUNKS * CHUNK, CHUNKS * CHUNK],
    data_type: "float32",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [CHUNK, CHUNK] } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    codecs: [{ name: "bytes", configuration: { endian: "little" } }],
    fill_value: 0,
    attributes: { description: "Heights of a made-up landscape" },
  };
  return {
    id: "demo/array/zarr.json",
    contentType: "application/json",
    body: encoder.encode(`${JSON.stringify(metadata, null, 2)}\n`),
  };
}

function* chunks(): Generator<DemoShard> {
  for (let i = 0; i < CHUNKS; i++)
    for (let j = 0; j < CHUNKS; j++)
      yield {
        id: `demo/array/c/${i}/${j}`,
        contentType: "application/octet-stream",
        body: chunkBody(i, j),
      };
}

/** Row by row, little-endian whatever the machine. */
function chunkBody(i: number, j: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(4 * CHUNK * CHUNK));
  const side = CHUNKS * CHUNK;
  for (let row = 0; row < CHUNK; row++)
    for (let column = 0; column < CHUNK; column++)
      view.setFloat32(
        4 * (row * CHUNK + column),
        height((j * CHUNK + column) / side, (i * CHUNK + row) / side),
        true,
      );
  return new Uint8Array(view.buffer);
}

/** Height of a made-up landscape at a point of the unit square, 0 to 1. */
const height = (x: number, y: number): number =>
  0.5 + 0.25 * Math.sin(5 * x + 3 * y) + 0.25 * Math.sin(11 * y - 4 * x + 1);
