import { z } from "zod";
import { messageOf, UserError } from "../../simulator/user-error.ts";
import { demoShards } from "./demo-shards.ts";

/** Writes under way at once. */
const CONCURRENCY = 8;

const listSchema = z.object({ shards: z.array(z.unknown()) });

/** Tokens the loading needs; reads are open when there is no read token. */
export interface DemoTokens {
  readonly read: string | undefined;
  readonly write: string | undefined;
}

/** Stores the demo shards where nothing is stored yet; returns how many. */
export async function loadDemoShards(base: string, tokens: DemoTokens): Promise<number> {
  if (!(await isEmpty(base, tokens.read))) return 0;
  if (tokens.write === undefined)
    throw new UserError(
      "the demo shards need a write token: put WRITE_TOKENS into .dev.vars, or delete the file to get a new one",
    );
  const waiting = [...demoShards()];
  const total = waiting.length;
  const headers = { Authorization: `Bearer ${tokens.write}` };
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (let shard = waiting.shift(); shard !== undefined; shard = waiting.shift()) {
        const response = await fetch(`${base}/shards/${shard.id}`, {
          method: "PUT",
          headers: { ...headers, "Content-Type": shard.contentType },
          body: shard.body,
        });
        const answer = await response.text();
        if (!response.ok) throw new UserError(`${shard.id} was not stored: ${answer.trim()}`);
      }
    }),
  );
  return total;
}

async function isEmpty(base: string, readToken: string | undefined): Promise<boolean> {
  const headers: Record<string, string> =
    readToken === undefined ? {} : { Authorization: `Bearer ${readToken}` };
  const response = await fetch(`${base}/shards?limit=1`, { headers });
  const answer = await response.text();
  try {
    return listSchema.parse(JSON.parse(answer)).shards.length === 0;
  } catch (cause) {
    throw new UserError(`the stored shards cannot be listed: ${answer.trim() || messageOf(cause)}`, {
      cause,
    });
  }
}
