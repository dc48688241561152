import { z } from "zod";
import { MAX_ID_BYTES } from "./ids.ts";

/** `1.<characters of the prefix>.<base64url of the last id>`; the first number is the form's version. */
const CURSOR = /^1\.(\d{1,4})\.([A-Za-z0-9_-]+)$/;

/** The longest cursor there is: that of an id as long as ids get. */
const MAX_CURSOR = "1.1024.".length + Math.ceil((MAX_ID_BYTES * 4) / 3);

const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

const FAULT = "must be one that a list with the same prefix answered; begin without one";

/** Where a list of ids with this prefix goes on: after `lastId`, which has the prefix. */
export const encodeCursor = (prefix: string, lastId: string): string =>
  `1.${prefix.length}.${new TextEncoder().encode(lastId).toBase64(BASE64URL)}`;

/** Cursors of a list with this prefix; they parse to the id after which it goes on. */
export const cursorSchema = (prefix: string) =>
  z
    .string()
    .max(MAX_CURSOR, FAULT)
    .transform((cursor, context) => {
      const [, length, encoded = ""] = CURSOR.exec(cursor) ?? [];
      const lastId = utf8(encoded);
      if (lastId !== null && Number(length) === prefix.length && lastId.startsWith(prefix)) return lastId;
      context.addIssue({ code: "custom", message: FAULT });
      return z.NEVER;
    });

function utf8(encoded: string): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.fromBase64(encoded, BASE64URL),
    );
  } catch {
    return null; // Neither Base64 nor text: nothing of ours.
  }
}
