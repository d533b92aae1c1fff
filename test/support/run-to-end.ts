import { spawn } from 'node:child_process';

export interface ToEnd {
  readonly cwd: string;
  /** After this time it is killed. */
  readonly limitMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program; gives all that it wrote, and its exit code or why it has none. Never rejects. */
export function runToEnd(
  program: string,
  args: readonly string[],
  { cwd, limitMs, env }: ToEnd,
): Promise<{ code: string; output: string }> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Package clients are batch files there.
    shell: process.platform === 'win32' && program !== process.execPath,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, limitMs);
  return new Promise((resolve) => {
    child.once('error', (error) => {
      output += String(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      resolve({ code: isLate ? `did not end within ${limitMs / 1000} s` : String(code ?? signal), output });
    });
  });
}
