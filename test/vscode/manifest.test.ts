import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { INPUTS_KEY, parseInputs } from '../../src/config/inputs-setting.ts';
import { parseServers, SERVERS_KEY } from '../../src/config/server-config.ts';
import {
  CONFIG_LIMITS,
  ENV_NAME,
  HEADER_NAME,
  HEADER_VALUE,
  serverEntrySchema,
} from '../../src/config/server-entry.ts';
import { COMMANDS, TOOLS } from '../../src/vscode/commands/command-ids.ts';

/** Settings that stand under one heading in the settings editor. */
interface Category {
  readonly properties: Readonly<Record<string, object>>;
}

const placeholder = (name: string) => `\${${name}}`;

const root = join(import.meta.dirname, '../..');
const { contributes, capabilities } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const settings = Object.assign(
  {},
  ...contributes.configuration.map(({ properties }: Category) => properties),
);
const setting = settings[SERVERS_KEY];
const entry = setting.additionalProperties;

describe('the manifest', () => {
  it('declares exactly the commands that are registered', () => {
    const declared = contributes.commands.map(({ command }: { command: string }) => command);
    assert.deepEqual(declared.sort(), Object.values(COMMANDS).sort());
  });

  it('declares exactly the tools for agents that are registered', () => {
    const declared = contributes.languageModelTools.map(({ name }: { name: string }) => name);
    assert.deepEqual(declared.sort(), Object.values(TOOLS).sort());
  });

  it('offers Reset Session at all times', () => {
    const reset = contributes.commands.find(
      ({ command }: { command: string }) => command === COMMANDS.resetSession,
    );
    assert.equal(reset.enablement, undefined);
    assert.equal(contributes.menus.commandPalette, undefined);
  });

  it('declares the provider of servers, which the editor refuses otherwise', () => {
    assert.deepEqual(contributes.mcpServerDefinitionProviders, [
      { id: 'resilientMcp.servers', label: 'Resilient MCP' },
    ]);
  });

  it('hides the servers of a workspace that is not trusted', () => {
    assert.equal(capabilities.untrustedWorkspaces.supported, 'limited');
    assert.deepEqual(capabilities.untrustedWorkspaces.restrictedConfigurations, [SERVERS_KEY, INPUTS_KEY]);
  });

  it('marks in the settings editor what parsing refuses: keys, bounds and characters', () => {
    assert.deepEqual(Object.keys(entry.properties), Object.keys(serverEntrySchema.shape));
    assert.equal(entry.additionalProperties, false);
    const { headers, url, command, args, env, envFile, inheritEnv, cwd, module, type } = entry.properties;
    assert.deepEqual(
      {
        servers: setting.maxProperties,
        nameLength: setting.propertyNames.maxLength,
        urlLength: url.maxLength,
        headers: headers.maxProperties,
        headerNameLength: headers.propertyNames.maxLength,
        headerValueLength: headers.additionalProperties.maxLength,
        pathLength: command.maxLength,
        args: args.maxItems,
        argLength: args.items.maxLength,
        env: env.maxProperties,
        envNameLength: env.propertyNames.maxLength,
        envValueLength: env.additionalProperties.maxLength,
        replayTools: entry.properties.replay.properties.tools.maxProperties,
      },
      CONFIG_LIMITS,
    );
    const paths = [cwd, envFile, module].map(({ maxLength }) => maxLength);
    assert.deepEqual(
      paths,
      paths.map(() => command.maxLength),
    );
    assert.deepEqual(type.enum, serverEntrySchema.shape.type.unwrap().options);
    assert.equal(type.enumDescriptions.length, type.enum.length);
    assert.equal(headers.propertyNames.pattern, HEADER_NAME.source);
    assert.equal(env.propertyNames.pattern, ENV_NAME.source);
    const { maxItems, items: name } = inheritEnv;
    assert.deepEqual([maxItems, name.maxLength], [CONFIG_LIMITS.env, CONFIG_LIMITS.envNameLength]);
    assert.equal(name.pattern, ENV_NAME.source);
    assert.equal(headers.additionalProperties.pattern, HEADER_VALUE.source);
  });

  it('describes inputs as they are read', () => {
    const { items } = settings[INPUTS_KEY];
    const all = { id: 'a', description: 'b', password: true, default: 'c', options: ['d'] };
    const { inputs, problems } = parseInputs([{ ...all, type: 'pickString' }]);
    assert.deepEqual(problems, []);
    assert.deepEqual(inputs, [all]);
    assert.deepEqual(Object.keys(items.properties).sort(), [...Object.keys(all), 'type'].sort());
  });

  it('never marks an address that parsing accepts', () => {
    const pattern = new RegExp(entry.properties.url.pattern);
    fc.assert(
      fc.property(
        fc.webUrl({ validSchemes: ['http', 'https', 'HTTP'], withQueryParameters: true }),
        (url) => {
          if (parseServers({ s: { url } }).problems.length === 0) assert.match(url, pattern);
        },
      ),
    );
    assert.match(`https://${placeholder('env:HOST')}/mcp`, pattern);
    assert.match(`${placeholder('env:BASE')}/mcp`, pattern);
    assert.doesNotMatch('http://me:secret@host/mcp', pattern);
    assert.doesNotMatch('localhost:3000', pattern);
  });
});
