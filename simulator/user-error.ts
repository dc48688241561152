/** Something the person at the keyboard can put right; the message says how. Printed without a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
}
