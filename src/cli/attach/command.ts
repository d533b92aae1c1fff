import type { Command } from '../command.ts';

const usage = `Usage: resilient-mcp attach --name <name> [options] -- <command> [arguments]
       resilient-mcp attach --name <name> [options] <url>
       resilient-mcp attach <window> <server> [options]

Stands in the configuration of a client that speaks stdio, in front of the command or the address of a server. The client
keeps its session when the server crashes, is restarted or loses the session. "resilient-mcp protect" writes such entries.
The command is started in the folder and with the variables that attach itself was given. Standard output carries the
protocol alone; the log goes to standard error.

The third form is what the editor extension writes into the definitions that it gives to the editor: a server of an
editor window, by the gateway of that window, with the file by which that is found, without its ending, and the name of
the server in its addresses. While the window is closed, the handshake and lists are answered from their last copy.

  --name <name>               What a person calls the server; the log begins with it.
  --header "<name>: <value>"  Sent with every request to an address; may be repeated. \${env:NAME} in the value is replaced
                              by that environment variable.
  --header-env <name>=<NAME>  The same, and the value is that of the environment variable NAME; may be repeated.
  --url-env <NAME>            The address is the value of the environment variable NAME.
  --sse                       The address is one of the older transport, HTTP+SSE.
  --patience <seconds>        How long the first handshake waits for a server, or a window, that is not there. Default 20.
                              One that the server has taken is waited for as long as the client waits.
  --wait <seconds>            A window alone: how long every other request waits for it. Default 30.
  --grace <seconds>           How long requests under way may take to end when the input has ended, or at SIGINT, SIGTERM
                              or SIGHUP; a second one of these ends them at once. Default 10.
  --replay <policy>           Whether a tool is called again when its call may already have run: hints (only one that
                              calls itself read-only or idempotent), always, never. Default hints.
  --max-message <MiB>         The longest message, either way. Default 64.
  --verbose                   Log every fact, each as a line of JSON.
  --help                      This text.
  --version                   The version.

A server that wants authorization needs a header with a token: nobody can sign in here.
`;

export const attach: Command = {
  summary: 'stand before a server in the configuration of a client, and keep its session',
  usage,
  run: async (args) =>
    namesItsServer(args)
      ? (await import('./direct.ts')).attachToServer(args)
      : (await import('./window.ts')).attachToWindow(args),
};

/** Options that only those forms have which carry the definition of the server with them. */
const OF_A_SERVER = /^--(?:name|header|header-env|url-env|sse|replay|max-message)(?:=|$)/;

function namesItsServer(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  return end >= 0 || own.some((word) => OF_A_SERVER.test(word) || /^https?:/i.test(word));
}
