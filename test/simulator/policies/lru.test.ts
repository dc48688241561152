import { Lru } from "../../../simulator/policies/lru.ts";
import { cachePolicyContract } from "../../contracts/cache-policy.ts";
import { NaiveLru } from "../../simulator/policies/naive/lru.ts";

cachePolicyContract({ name: "LRU", make: (room) => new Lru(room), naive: (room) => new NaiveLru(room) });
