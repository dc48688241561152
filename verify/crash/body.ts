import { createHash } from "node:crypto";
import type { Random } from "./random.ts";

/** A body that can be recognised and checked by itself: whose it is, which version, and whether it is whole. */
export interface Stamp {
  readonly id: string;
  readonly version: number;
}

/** Most bodies are small; one in ten is larger than a stream's chunk, so that it can be torn. */
const SMALL = 4_000;
const LARGE = 400_000;

/** A body of random size: its stamp and digest in the first line, random bytes after it. */
export function makeBody(stamp: Stamp, random: Random): Buffer {
  const size = random.below(random.below(10) === 0 ? LARGE : SMALL);
  const content = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) content.writeUInt32LE(random.next(), i);
  return Buffer.concat([Buffer.from(`${stamp.id} ${stamp.version} ${size} ${digest(content)}\n`), content]);
}

/** Reads a body's stamp; null when the body is torn: cut, mixed or altered. */
export function readBody(body: Buffer): Stamp | null {
  const end = body.indexOf("\n");
  if (end < 0) return null;
  const [id, version, size, sha256] = body.subarray(0, end).toString("latin1").split(" ");
  const content = body.subarray(end + 1);
  if (id === undefined || content.length !== Number(size) || digest(content) !== sha256) return null;
  return { id, version: Number(version) };
}

/** `Repr-Digest` of a body, which Foreshard verifies. */
export const reprDigest = (body: Buffer): string =>
  `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;

const digest = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
