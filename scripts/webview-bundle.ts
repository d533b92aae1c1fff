import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';

/** The page of the timeline, for the browser of every editor since VS Code 1.101 (Chromium 134). */
export const webviewBundle: BuildOptions = {
  absWorkingDir: join(import.meta.dirname, '..'),
  entryPoints: [
    { in: 'src/webview/timeline/main.ts', out: 'timeline' },
    { in: 'src/webview/timeline/timeline.css', out: 'timeline' },
  ],
  outdir: 'dist/webview',
  bundle: true,
  platform: 'browser',
  format: 'iife',
  target: 'chrome134',
  minify: true,
  charset: 'utf8',
  legalComments: 'none',
};
