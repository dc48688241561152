/** A fault put into the code on purpose, which some test has to notice. */
export interface Mutant {
  readonly file: string;
  /** Text that occurs exactly once in the file... */
  readonly find: string;
  /** ...and what stands there instead. */
  readonly replace: string;
  /** What goes wrong then. */
  readonly why: string;
  /** Test files, or `coherence` for `npm run verify:coherence`. One that fails is enough. */
  readonly tests: readonly string[];
  /** Why no test can notice, where none does. */
  readonly survives?: string;
}

/** The simulation, among a mutant's tests. */
export const COHERENCE = "coherence";
