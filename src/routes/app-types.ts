import type { Bindings } from "../bindings.ts";
import type { Config } from "../config.ts";

/** What every route finds in its context. */
export interface AppTypes {
  Bindings: Bindings;
  Variables: { config: Config };
}
