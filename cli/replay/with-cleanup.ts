import { messageOf, UserError } from "../../simulator/user-error.ts";

/**
 * Does something and puts things right after it, however it ends: well, failed or interrupted.
 * @throws what the work threw; a UserError that says `remedy` when things could not be put right.
 */
export async function withCleanup<Result>(
  work: () => Promise<Result>,
  cleanUp: () => Promise<void>,
  remedy: (why: string) => string,
): Promise<Result> {
  const outcome = await attempt(work);
  try {
    await cleanUp();
  } catch (cause) {
    const also = "cause" in outcome ? `${messageOf(outcome.cause)}\n` : "";
    throw new UserError(also + remedy(messageOf(cause)), { cause });
  }
  if ("cause" in outcome) throw outcome.cause;
  return outcome.result;
}

async function attempt<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result } | { readonly cause: unknown }> {
  try {
    return { result: await work() };
  } catch (cause) {
    return { cause };
  }
}
