import { createHash } from "node:crypto";

/** SHA-256 at once: the platform's own takes time that is not virtual. */
export const sha256 = (data: ArrayBuffer): ArrayBuffer =>
  Uint8Array.from(createHash("sha256").update(new Uint8Array(data)).digest()).buffer;
