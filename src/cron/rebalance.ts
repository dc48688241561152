import type { Bindings } from "../bindings.ts";

/** The Cron Trigger's job: one round of placement. */
export async function runRebalance(env: Bindings): Promise<void> {
  const moves = await env.COORDINATOR.getByName("main").rebalance();
  const warmed = moves.reduce((sum, { warm }) => sum + warm.length, 0);
  const released = moves.reduce((sum, { release }) => sum + release.length, 0);
  console.log(`rebalance: ${warmed} shards to warm, ${released} released, in ${moves.length} regions`);
}
