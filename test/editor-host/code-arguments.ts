import { parseArgs } from 'node:util';

/** What a test run asks of a VS Code executable. The options that only a desktop window knows are passed over. */
export interface CodeArguments {
  readonly developmentPaths: readonly string[];
  readonly testsPath: string;
  readonly userData: string;
  readonly extensions: string;
  readonly folder: string;
  /** Whether the window asks for trust in its folder; a word of ours, which a desktop window does not know. */
  readonly workspaceTrust: boolean;
}

/** Reads the arguments with which `@vscode/test-electron` calls the executable. */
export function readCodeArguments(argv: readonly string[]): CodeArguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: {
      extensionDevelopmentPath: { type: 'string', multiple: true },
      extensionTestsPath: { type: 'string' },
      'user-data-dir': { type: 'string' },
      'extensions-dir': { type: 'string' },
      'with-workspace-trust': { type: 'boolean' },
    },
    allowPositionals: true,
    strict: false, // VS Code has many more options, and those mean nothing to a window in a browser
  });
  return {
    developmentPaths: (values.extensionDevelopmentPath ?? []).map(String),
    testsPath: required('--extensionTestsPath', values.extensionTestsPath),
    userData: required('--user-data-dir', values['user-data-dir']),
    extensions: required('--extensions-dir', values['extensions-dir']),
    folder: required('the folder to open', positionals[0]),
    workspaceTrust: values['with-workspace-trust'] === true,
  };
}

function required(name: string, value: string | boolean | undefined): string {
  if (typeof value === 'string') return value;
  throw new Error(`The editor host was started without ${name}`);
}
