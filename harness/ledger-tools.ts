import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import type { Ledger } from './ledger.ts';

/** What the tools need of the process they run in. */
export interface LedgerHost {
  readonly ledger: Ledger;
  /** Told, as they happen: `started k`, `appended k`. A test or a demo that kills the server waits for these. */
  readonly tell: (event: string) => void;
  /** The waits of `slow_append` that are under way, over all sessions; `release` ends them. */
  readonly waits: Map<string, () => void>;
}

const entry = z.string().min(1).describe('Unique words for this execution');
const waitMs = z.number().int().min(0).max(600_000).default(0);

/** An MCP server for one session: tools that write to the ledger, and tools that read it. */
export function ledgerTools(host: LedgerHost): McpServer {
  const server = new McpServer({ name: 'ledger', version: '1.0.0' });
  addWriters(server, host);
  addReaders(server, host);
  return server;
}

/** Neither carries a hint: a client that knows its business never sends them twice of its own accord. */
function addWriters(server: McpServer, { ledger, tell, waits }: LedgerHost): void {
  const append = (words: string, sessionId: string | undefined) => {
    const line = ledger.append(words, (sessionId ?? '').slice(0, 8));
    tell(`appended ${words}`);
    return text(`appended ${line.entry} at ${line.at}`);
  };
  server.registerTool(
    'append',
    { description: 'Writes one entry to the ledger. Each call writes a line.', inputSchema: { entry } },
    (args, extra) => append(args.entry, extra.sessionId),
  );
  server.registerTool(
    'slow_append',
    {
      description: 'Writes one entry, and takes its time before and after. `release` ends its waits.',
      inputSchema: { entry, beforeMs: waitMs, afterMs: waitMs },
    },
    async (args, extra) => {
      tell(`started ${args.entry}`);
      await wait(waits, args.entry, args.beforeMs);
      const answer = append(args.entry, extra.sessionId);
      await wait(waits, args.entry, args.afterMs);
      return answer;
    },
  );
  server.registerTool(
    'release',
    { description: 'Ends the wait of a `slow_append`.', inputSchema: { entry } },
    (args) => {
      const release = waits.get(args.entry);
      release?.();
      return text(release ? 'released' : 'nothing waits');
    },
  );
}

function addReaders(server: McpServer, { ledger }: LedgerHost): void {
  const annotations = { readOnlyHint: true };
  server.registerTool(
    'has',
    {
      description: 'Whether an entry is in the ledger.',
      inputSchema: { entry },
      outputSchema: { has: z.boolean() },
      annotations,
    },
    (args) => {
      const has = ledger.has(args.entry);
      return { ...text(String(has)), structuredContent: { has } };
    },
  );
  server.registerTool(
    'read',
    {
      description: 'The last entries of the ledger.',
      inputSchema: { last: z.number().int().min(1).max(100).default(10) },
      annotations,
    },
    (args) => text(JSON.stringify(ledger.lines().slice(-args.last))),
  );
}

function wait(waits: LedgerHost['waits'], entry: string, ms: number): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      waits.delete(entry);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    waits.set(entry, finish);
  });
}

function text(words: string): { content: [{ type: 'text'; text: string }] } {
  return { content: [{ type: 'text', text: words }] };
}
