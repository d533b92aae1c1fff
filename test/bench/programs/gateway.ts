// The gateway in front of one server, in a process of its own: `gateway.ts <url> [<window>]`. With the latter `attach` finds it.
import { Gateway } from '../../../src/hub/gateway/index.ts';
import { WindowPlace } from '../../../src/hub/gateway/window-place.ts';
import { answerQuestions } from '../program.ts';
import { cpuMs } from './timed.ts';

const [url = '', window] = process.argv.slice(2);
const [token, passingToken] = ['attach', 'passing'];
const proofKey = 'what the window and attach have, and nobody else';
const gateway = new Gateway({
  upstreams: { echo: { url } },
  withoutToken: true,
  attachToken: token,
  passingToken,
  proofKey,
});
const port = await gateway.start();
if (window !== undefined) {
  await new WindowPlace(window).tell({
    pid: process.pid,
    port,
    proofKey,
    token,
    passingToken,
    workspace: '',
  });
}

const handlers = { url: () => gateway.urlOf('echo'), cpu: cpuMs };

export type GatewayProgram = typeof handlers;
answerQuestions(handlers);
