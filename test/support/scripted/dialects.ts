import { eventText, type HttpReply, jsonReply, refusal } from './reply.ts';
import type { RequestRecord } from './request.ts';

/** An answer that depends on the request it answers. */
export type ReplyMaker = (request: RequestRecord) => HttpReply;

const always =
  (reply: HttpReply): ReplyMaker =>
  () =>
    reply;

/**
 * How servers say "I don't know this session". Each was seen in a released server; the bytes of a body are those it
 * sends, the words of its name are the status and the shape.
 */
const makers = {
  /** TypeScript SDK: the transport, and the examples from 1.32; FastMCP; supergateway 4. */
  '404-json': always(refusal(404, -32001, 'Session not found')),
  /** Servlet containers and reverse proxies. */
  '404-empty': always({ status: 404 }),
  /** Go SDK. */
  '404-text': always({
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: 'session not found\n',
  }),
  /** Python SDK 1.26 to 1.29: an id that nobody sent. */
  '404-python': always(
    jsonReply(404, {
      jsonrpc: '2.0',
      id: 'server-error',
      error: { code: -32600, message: 'Session not found' },
    }),
  ),
  /** C# SDK: the id of the request, so the refusal is a well-formed answer as well. */
  '404-echoing-id': (request: RequestRecord) =>
    jsonReply(404, {
      jsonrpc: '2.0',
      id: request.id ?? null,
      error: { code: -32001, message: 'Session not found' },
    }),
  /** Java SDK: an exception written out as JSON, no JSON-RPC envelope. */
  '404-java': (request: RequestRecord) =>
    jsonReply(404, {
      stackTrace: [],
      jsonRpcError: { code: -32603, message: `Session not found: ${request.sessionId}`, data: null },
      message: `Session not found: ${request.sessionId}`,
    }),
  /** Swift SDK: the refusal carries a session id that is not ours and must not be taken. */
  '404-foreign-id': always(
    jsonReply(
      404,
      {
        jsonrpc: '2.0',
        id: null,
        error: { code: -32600, message: 'Invalid Request: Not Found: Invalid or expired session ID' },
      },
      { 'mcp-session-id': 'another-clients-session' },
    ),
  ),
  /** TypeScript SDK examples until 1.31, so most of the servers there are. */
  '400-json': always(refusal(400, -32000, 'Bad Request: No valid session ID provided')),
  /** Python SDK 1.12.3 to 1.25.0: no content type. */
  '400-text': always({ status: 400, body: 'Bad Request: No valid session ID provided' }),
  /** TypeScript SDK: a transport that has seen no initialize since its process started. */
  '400-not-initialized': always(refusal(400, -32000, 'Bad Request: Server not initialized')),
  /** anthropics/claude-code#55970: an event in the body of a 400. */
  '400-event': always({
    status: 400,
    headers: { 'content-type': 'text/event-stream' },
    body: eventText({
      jsonrpc: '2.0',
      error: { code: -32000, message: 'Bad Request: Server not initialized' },
    }),
  }),
  /** rmcp until 0.16: no `WWW-Authenticate`, so no matter of authorization. */
  '401-text': always({ status: 401, body: 'Unauthorized: Session not found' }),
  /** modelcontextprotocol/typescript-sdk#1402. */
  '410-empty': always({ status: 410 }),
  /** punkpeye/fastmcp#121: the 400 of a server behind it, passed on as an error of its own. */
  '500-json': always(refusal(500, -32000, 'Bad Request: No valid session ID provided')),
  /** markmhendrickson/neotoma#1923. */
  '503-json': always(refusal(503, -32000, 'Unknown session')),
  /** aklivity/zilla#2525, actionhero/keryx#503: success on the outside. */
  '200-error': (request: RequestRecord) =>
    jsonReply(200, {
      jsonrpc: '2.0',
      id: request.id ?? null,
      error: { code: -32600, message: 'Session not found' },
    }),
} satisfies Record<string, ReplyMaker>;

export type DialectName = keyof typeof makers;

/** A dialect by its name, or an answer of the test's own. */
export type Dialect = DialectName | HttpReply | ReplyMaker;

export const dialectNames = Object.keys(makers) as DialectName[];

/** What the dialect answers to this request. */
export function refusalIn(dialect: Dialect, request: RequestRecord): HttpReply {
  if (typeof dialect === 'string') return makers[dialect](request);
  return typeof dialect === 'function' ? dialect(request) : dialect;
}

/** Answers that look like a lost session, or like a server's own answer, and are neither. */
export const proxyAnswers = {
  /** Traefik, while the container behind it is replaced. */
  notFound: {
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: '404 page not found\n',
  },
  /** nginx, the same. */
  notFoundHtml: {
    status: 404,
    headers: { 'content-type': 'text/html' },
    body: '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body><center><h1>404 Not Found</h1></center></body>\r\n</html>\r\n',
  },
  badGatewayHtml: {
    status: 502,
    headers: { 'content-type': 'text/html' },
    body: '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n',
  },
  /** A captive portal or a login page: success, and no protocol at all. */
  loginPage: {
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<html><body>Please sign in</body></html>',
  },
} satisfies Record<string, HttpReply>;
