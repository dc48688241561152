/** Something the person at the keyboard can put right; the message says how. Printed without a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
  /** What the command that failed by it reports to the shell. */
  readonly exitCode: number;

  constructor(message: string, options: { readonly cause?: unknown; readonly exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The message of anything that was thrown. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
