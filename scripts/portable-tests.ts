/** Tests that `npm run test:portable` leaves out, by pattern, each with its reason. */
export const leftOut: Readonly<Record<string, string>> = {
  'test/{agent-host,editor}/**': 'needs a real editor',
  'test/webview/browser/**': 'needs a browser',
  'test/package/**': 'builds and packs the whole; one platform packs',
  'test/architecture.test.ts': 'reads the sources, which are the same everywhere',
};
