import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf, UserError } from "./user-error.ts";

const GZIP_MAGIC = [0x1f, 0x8b];

/** Large enough that what a chunk costs is lost in what its lines do. */
const CHUNK_BYTES = 1 << 18;

/**
 * The lines of a file, a batch per chunk read, so that a file of any size passes through little memory. A gzip
 * file is told by its first bytes, not by its name. `onRead` hears how many bytes of the file have been read.
 */
export async function* linesOf(path: string, onRead: (bytes: number) => void): AsyncGenerator<string[]> {
  const zipped = await isGzip(path);
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const text: Readable = zipped ? unzipped(file) : file;
  text.setEncoding("utf8");
  let rest = "";
  try {
    for await (const chunk of text) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      onRead(file.bytesRead);
      yield lines;
    }
  } catch (cause) {
    throw new UserError(`${path} cannot be read to its end: ${messageOf(cause)}. Fetch or unpack it anew.`, {
      cause,
    });
  }
  if (rest !== "") yield [rest];
}

/** Size of a file in bytes. */
export async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw new UserError(`${path} cannot be read: ${messageOf(cause)}. Check the path.`, { cause });
  }
}

const unzipped = (file: Readable): Readable => {
  const gunzip = createGunzip();
  file.on("error", (error) => gunzip.destroy(error));
  return file.pipe(gunzip);
};

const isGzip = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0).finally(() => file.close());
    return bytesRead === 2 && GZIP_MAGIC.every((byte, at) => buffer[at] === byte);
  } catch (cause) {
    throw new UserError(`${path} cannot be read: ${messageOf(cause)}. Check the path.`, { cause });
  }
};
