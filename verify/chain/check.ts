/** One thing that `verify:chain` shows. */
export interface ChainCheck {
  /** What is shown, as a sentence. */
  readonly name: string;
  /** Resolves to what was measured. `traces` is a folder of traces, where one was named. */
  readonly run: (traces: string | undefined) => Promise<readonly ChainFinding[]>;
}

/** A figure, what it has to be, and whether it is. */
export interface ChainFinding {
  readonly what: string;
  readonly measured: string;
  readonly bar: string;
  readonly held: boolean;
}
