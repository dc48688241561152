import { z } from "zod";

/** Ids are R2 keys: at most this many bytes of UTF-8. */
export const MAX_ID_BYTES = 1_024;

const encoder = new TextEncoder();

/** Says why `id` is no shard id, or null when it is one. */
export function shardIdFault(id: string): string | null {
  if (id === "") return "a shard id must not be empty";
  // A char is at most 3 bytes of UTF-8, so short ids need no encoding to be measured.
  if (id.length * 3 > MAX_ID_BYTES && encoder.encode(id).length > MAX_ID_BYTES)
    return `a shard id must not exceed ${MAX_ID_BYTES} bytes of UTF-8`;
  if (hasControlCharacter(id)) return "a shard id must not contain control characters";
  if (!id.isWellFormed()) return "a shard id must be valid UTF-8";
  for (const segment of id.split("/"))
    if (segment === "" || segment === "." || segment === "..")
      return `a shard id must not contain an empty, "." or ".." segment; use a path such as tiles/5/10/12`;
  return null;
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
  }
  return false;
}

/** The path under which a shard is stored: `tiles/5/10/12`. */
export const shardIdSchema = z.string().superRefine((id, context) => {
  const fault = shardIdFault(id);
  if (fault !== null) context.addIssue({ code: "custom", message: fault });
});
