// The least that can stand between a client and a server: `pipe.ts <url>` passes bytes on, and looks at none of them.
import { Agent, request } from 'node:http';
import { answerQuestions } from '../program.ts';
import { listening } from './listening.ts';
import { cpuMs } from './timed.ts';

const target = new URL(process.argv[2] ?? '');
const agent = new Agent({ keepAlive: true });

const url = await listening((incoming, response) => {
  const { method, headers } = incoming;
  const upstream = request(
    target,
    { agent, method, headers: { ...headers, host: target.host } },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // The server's own stream has nothing to say for a long time, and its client waits for the head.
      response.flushHeaders();
      answer.pipe(response);
    },
  );
  upstream.once('error', () => response.destroy());
  response.once('close', () => upstream.destroy());
  incoming.pipe(upstream);
});

const handlers = { url: () => url, cpu: cpuMs };

export type PipeProgram = typeof handlers;
answerQuestions(handlers);
