/** A longer typed array that begins with what the shorter one held: `column = grown(column, new Int32Array(size))`. */
export const grown = <Column extends { set(from: ArrayLike<number>): void }>(
  from: ArrayLike<number>,
  to: Column,
): Column => {
  to.set(from);
  return to;
};
