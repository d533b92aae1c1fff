// The client that the conformance suite drives: `client.ts <transport> <server url>`, the scenario in the environment.
import { scenarios } from './scenarios.ts';
import { transportNames } from './transport.ts';

const [name, url = ''] = process.argv.slice(2);
const transport = transportNames.find((each) => each === name);
const scenarioName = process.env.MCP_CONFORMANCE_SCENARIO ?? '';
const scenario = scenarios.get(scenarioName);
if (!transport || !scenario || !URL.canParse(url)) {
  throw new Error(`no such run: transport ${name}, scenario ${scenarioName}, server ${url}`);
}
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
await scenario({ url: new URL(url), transport, context });
