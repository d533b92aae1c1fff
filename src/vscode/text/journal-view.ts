/** A name for an exported journal, by its time: `mcp-journal-2026-11-22-1405.jsonl`, in UTC. */
export function journalName(now: number): string {
  const [day = '', time = ''] = new Date(now).toISOString().split('T');
  return `mcp-journal-${day}-${time.slice(0, 5).replace(':', '')}.jsonl`;
}
