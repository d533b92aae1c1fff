/** The most that is shipped, in bytes. Raising one is a decision: say why in the commit. */
export const budgets = {
  /** dist/extension.js: the editor reads and compiles all of it when the extension starts. */
  extension: 400 * 1024,
  /** The .vsix, which every user downloads. With it comes the command line, which serves local modules. */
  vsix: 1000 * 1000,
};
