import type { Clock } from "./core/clock.ts";

/** The platform's time. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  after(millis, callback) {
    const timer = setTimeout(callback, millis);
    return () => clearTimeout(timer);
  },
};
