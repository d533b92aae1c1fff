import type { Command } from '../command.ts';

const usage = `Usage: resilient-mcp attach --name <name> [options] -- <command> [arguments]
       resilient-mcp attach --name <name> [options] <url>
       resilient-mcp attach <window> <server> [options]

Placed in the configuration of a client that speaks stdio, before the command or the address of a server. The client keeps
its session when the server crashes, restarts or loses the session. "resilient-mcp protect" writes such entries. The command
gets the working folder and the environment of attach. Standard output carries MCP messages only; the log goes to standard
error.

The third form connects to a server of an editor window, through the gateway of that window. The editor extension writes it
into the server definitions that it provides: <window> is the path of the file that locates the gateway, without ".json",
and <server> the name in the gateway's addresses. While the window is closed, the handshake and lists are answered from a
saved copy.

  --name <name>               The server's name, for people; the prefix of the log.
  --header "<name>: <value>"  Send this header with every request to an address. May be repeated. \${env:NAME} in the value
                              is replaced by that environment variable.
  --header-env <name>=<NAME>  Send this header with the value of the environment variable NAME. May be repeated.
  --url-env <NAME>            Take the address from the environment variable NAME.
  --sse                       The address is an HTTP+SSE endpoint, the transport before Streamable HTTP.
  --patience <seconds>        How long to retry the first handshake while the server or the window is unavailable. Default
                              20. An initialize that the server has accepted is awaited for as long as the client waits.
  --wait <seconds>            With a window: how long every other request waits for it. Default 30.
  --grace <seconds>           How long requests in progress may take to finish at the end of the input, or after SIGINT,
                              SIGTERM or SIGHUP. A second signal ends them at once. Default 10.
  --replay <policy>           Which tools to call again when a call may already have run: hints (only those marked
                              read-only or idempotent), always, never. Default hints.
  --max-message <MiB>         The longest message, in either direction. Default 64.
  --verbose                   Log every fact as a line of JSON.
  --help                      Show this help.
  --version                   Show the version.

attach cannot sign in. A server that requires authorization needs a token in a header.

Examples:
  resilient-mcp attach --name notes -- node server.js
  resilient-mcp attach --name notes https://mcp.example/mcp --header-env Authorization=NOTES_AUTHORIZATION
`;

export const attach: Command = {
  summary: 'keep the session of a client when its server restarts, from the configuration',
  usage,
  run: async (args) =>
    namesItsServer(args)
      ? (await import('./direct.ts')).attachToServer(args)
      : (await import('./window.ts')).attachToWindow(args),
};

/** Options of the first two forms only, in which the command line defines the server. */
const OF_A_SERVER = /^--(?:name|header|header-env|url-env|sse|replay|max-message)(?:=|$)/;

function namesItsServer(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  return end >= 0 || own.some((word) => OF_A_SERVER.test(word) || /^https?:/i.test(word));
}
