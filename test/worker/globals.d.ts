/** What `cloudflare:workers` exports to tests: the bindings, and the Worker's own entry points and classes. */
import type { Coordinator } from "../../durable-objects/coordinator.ts";
import type { Partition } from "../../durable-objects/partition.ts";
import type { Bindings } from "../../src/bindings.ts";

type ForeshardBindings = Bindings;

declare global {
  namespace Cloudflare {
    interface Env extends Omit<ForeshardBindings, "PARTITION" | "COORDINATOR"> {
      readonly PARTITION: DurableObjectNamespace<Partition>;
      readonly COORDINATOR: DurableObjectNamespace<Coordinator>;
    }
    interface GlobalProps {
      mainModule: typeof import("../../src/index.ts");
    }
  }
}
