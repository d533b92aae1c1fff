// The gateway in front of one server, in a process of its own: `gateway.ts <url>`.
import { Gateway } from '../../../src/gateway/index.ts';
import { answerQuestions } from '../program.ts';
import { cpuMs } from './timed.ts';

const [url = ''] = process.argv.slice(2);
const gateway = new Gateway({ upstreams: { echo: { url } }, withoutToken: true });
await gateway.start();

const handlers = { url: () => gateway.urlOf('echo'), cpu: cpuMs };

export type GatewayProgram = typeof handlers;
answerQuestions(handlers);
