/** The address of the resource whose reading bears this key. */
export function resourceUri(key: string): string {
  return `test://${key.replaceAll(' ', '-')}`;
}
