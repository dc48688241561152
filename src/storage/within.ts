/** What was waited for did not come in time; it may still happen. */
export class TooSlowError extends Error {
  override readonly name = "TooSlowError";
}

/** The outcome of a call, or a rejection with {@link TooSlowError} when it takes longer than `patience` ms. */
export async function within<T>(call: Promise<T>, patience: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TooSlowError(`nothing came within ${patience} ms`)), patience);
  });
  try {
    return await Promise.race([call, timeout]);
  } finally {
    if (timer !== undefined) clearTimeout(timer);
  }
}
