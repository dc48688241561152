/** Time as it is given to whoever needs it: the platform's, or a simulation's. */
export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** Calls back `millis` from now, unless the function it answers is called before. */
  after(millis: number, callback: () => void): () => void;
}

/** What was waited for did not come in time; it may still happen. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** Resolves `millis` from now. */
export const sleep = (clock: Clock, millis: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(millis, resolve);
  });

/** The outcome of a call, or a rejection with {@link TimeoutError} when it takes longer than `timeout` ms. */
export async function withTimeout<T>(call: Promise<T>, timeout: number, clock: Clock): Promise<T> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(timeout, () => reject(new TimeoutError(`nothing came within ${timeout} ms`)));
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    cancel();
  }
}
