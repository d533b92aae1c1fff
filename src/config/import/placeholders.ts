/** How other clients write what they replace, and how it is written here. */

/** `${NAME}` or `${NAME:-default}`, a variable of the environment in the manner of a shell. */
const SHELL_VARIABLE = /\$\{([A-Z_][A-Z0-9_]*)(:-[^{}]*)?\}/g;

/** `${NAME}` becomes `${env:NAME}`: the spelling of shells. Lower-case names are left alone; they are `${userHome}` and the like. */
export function shellVariables(text: string): string {
  return text.replace(SHELL_VARIABLE, (_whole, name: string, otherwise = '') =>
    // Claude Code tells this one to the servers that it starts: the root of the project.
    name === 'CLAUDE_PROJECT_DIR' ? `\${workspaceFolder}` : `\${env:${name}${otherwise}}`,
  );
}

/** For a client that writes placeholders as this project does. */
export function asWritten(text: string): string {
  return text;
}
