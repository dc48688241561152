import { openEngineMind } from "../../src/contract/mind.ts";
import type { EngineMind } from "../../src/core/engine/mind.ts";
import { regionTopology, type Topology } from "../../src/core/placement/topology.ts";
import type { PartitionAddress } from "../../src/core/routing/route.ts";

/** What an {@link Inheritance} works with. */
export interface InheritanceDeps {
  readonly address: PartitionAddress;
  /** Asks a partition by its name for its mind; the answer is parsed here. */
  readonly askMind: (partition: string) => Promise<unknown>;
  readonly take: (mind: EngineMind) => void;
  readonly onFault: () => void;
}

/** A new slot or generation begins with what a sibling knows: it asks once. */
export class Inheritance {
  readonly #deps: InheritanceDeps;
  #hasAsked = false;

  constructor(deps: InheritanceDeps) {
    this.#deps = deps;
  }

  /** A partition without a mind of its own hears of a topology. */
  hear(topology: Topology): void {
    const siblings = siblingsOf(this.#deps.address, topology);
    if (this.#hasAsked || siblings.length === 0) return;
    this.#hasAsked = true;
    // Without it the partition learns what is to be learned here by itself.
    this.#ask(siblings).catch(() => this.#deps.onFault());
  }

  async #ask(siblings: readonly string[]): Promise<void> {
    const { askMind, take } = this.#deps;
    for (const sibling of siblings) {
      const answer = await askMind(sibling);
      if (answer === null) continue;
      take(openEngineMind(answer));
      return;
    }
  }
}

/** Who may know what a partition needs to: the first slot, which is the oldest, of its generation and of the one before. */
export function siblingsOf(
  { region, generation, slot }: PartitionAddress,
  topology: Topology,
): readonly string[] {
  const present = regionTopology(topology, region);
  if (generation !== present.generation || slot >= present.slots) return [];
  return [
    ...(slot > 0 ? [`g${generation}:${region}:0`] : []),
    ...(generation > 1 ? [`g${generation - 1}:${region}:0`] : []),
  ];
}
