/** Foreshard's Worker: the composition root. */

import type { Bindings } from "./bindings.ts";
import { runRebalance } from "./cron/rebalance.ts";
import { consumeChanges } from "./queues/changes.ts";
import { consumeDead } from "./queues/dead.ts";
import { consumeEvents } from "./queues/events.ts";
import { consumePrefetches } from "./queues/prefetch.ts";
import { app } from "./routes/app.ts";

export { Coordinator } from "../durable-objects/coordinator.ts";
export { Partition } from "../durable-objects/partition.ts";
export { Settings } from "../durable-objects/settings.ts";

const CONSUMERS: Readonly<Record<string, (batch: MessageBatch, env: Bindings) => Promise<void>>> = {
  "foreshard-events": consumeEvents,
  "foreshard-prefetch": consumePrefetches,
  "foreshard-changes": consumeChanges,
  "foreshard-dead": consumeDead,
};

export default {
  fetch: app.fetch,
  async queue(batch, env) {
    const consume = CONSUMERS[batch.queue];
    if (consume === undefined) throw new Error(`no consumer for the queue ${batch.queue}`);
    await consume(batch, env);
  },
  async scheduled(_controller, env) {
    await runRebalance(env);
  },
} satisfies ExportedHandler<Bindings>;
