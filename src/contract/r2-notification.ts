import { z } from "zod";
import type { ChangeMessage } from "./messages.ts";

/**
 * What R2 sends to a queue when a bucket changes, also by writes that did not come through Foreshard. Deletes carry
 * neither size nor eTag; tags come without their quotes.
 */
export const r2NotificationSchema = z
  .object({
    action: z.enum([
      "PutObject",
      "CopyObject",
      "CompleteMultipartUpload",
      "DeleteObject",
      "LifecycleDeletion",
    ]),
    object: z.object({ key: z.string().min(1), eTag: z.string().optional() }),
    eventTime: z.iso.datetime({ offset: true }),
  })
  .transform(
    ({ object, eventTime }): ChangeMessage => ({
      shard: object.key,
      uploaded: Date.parse(eventTime),
      ...(object.eTag !== undefined && { etag: `"${object.eTag.replaceAll('"', "")}"` }),
    }),
  );
