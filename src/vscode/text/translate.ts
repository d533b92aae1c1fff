/** Puts `args` into the `{0}`, `{1}` … of a message, in the user's language. `vscode.l10n.t` has this shape. */
export type Translate = (message: string, ...args: (string | number)[]) => string;

/** The messages as they stand in the source. */
export const english: Translate = (message, ...args) =>
  message.replace(/\{(\d+)\}/g, (whole, index: string) => String(args[Number(index)] ?? whole));
