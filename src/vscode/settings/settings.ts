import { commands, Disposable, type LogOutputChannel, l10n, window, workspace } from 'vscode';
import { printableJson } from '../../base/printable.ts';
import { INPUTS_KEY, parseInputs, type WantedInput } from '../../config/inputs-setting.ts';
import type { Layer } from '../../config/layers.ts';
import {
  type ConfigProblem,
  parseServers,
  SERVERS_KEY,
  type ServerConfig,
} from '../../config/server-config.ts';
import type { WaitingServer } from '../../config/trust.ts';
import { describeError } from '../../protocol/errors.ts';
import { COMMANDS } from '../commands/command-ids.ts';
import { enterInputs } from './enter-inputs.ts';
import { inputsQuestion, missingInputs, problemLines, problemWarning } from './problem-view.ts';
import type { InputValues } from './secrets.ts';
import { layerSettings, readWantedInputs } from './servers-setting.ts';
import { untrustedFolders, windowLookups } from './window-lookups.ts';

type InputLookup = (layer: Layer, id: string) => string | undefined;

/**
 * Reads the settings, now and whenever they or a value in the storage for secrets change, and hands the usable servers
 * on, placeholders replaced. Problems are told once, and missing values asked for once.
 */
export function watchServers(
  log: LogOutputChannel,
  values: InputValues,
  onServers: (servers: readonly ServerConfig[], waiting: readonly WaitingServer[]) => void,
): Disposable {
  const tell = teller(log, values);
  const tellWaiting = waitingTeller(log);
  let readings = 0;
  const apply = (input: InputLookup) => {
    const { servers, problems, waiting } = readServers(input);
    tell(problems);
    tellWaiting(waiting);
    setContext('resilientMcp.hasServers', servers.length > 0);
    onServers(servers, waiting);
  };
  const read = () => {
    const reading = ++readings;
    const wanted = readWantedInputs();
    setContext('resilientMcp.hasInputs', wanted.length > 0);
    // Synchronous if possible, so that the servers exist when activate() returns.
    if (wanted.length === 0) return apply(() => undefined);
    void lookup(values, wanted, log).then((input) => {
      // What was read since then is newer.
      if (reading === readings) apply(input);
    });
  };
  read();
  return Disposable.from(
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(SERVERS_KEY) || change.affectsConfiguration(INPUTS_KEY)) read();
    }),
    workspace.onDidGrantWorkspaceTrust(read),
    workspace.onDidChangeWorkspaceFolders(read),
    values.onDidChange(read),
    { dispose: () => readings++ },
  );
}

/** For the `enablement` of commands in the manifest. */
function setContext(key: string, value: boolean): void {
  void commands.executeCommand('setContext', key, value);
}

/** Shows the setting in the settings editor. */
export async function openServersSetting(): Promise<void> {
  await commands.executeCommand('workbench.action.openSettings', `@id:${SERVERS_KEY}`);
}

function readServers(input: InputLookup) {
  const [user, workspaces] = [layerSettings('user'), layerSettings('workspace')];
  const lookups = windowLookups(input);
  const read = parseServers(user.servers, workspaces.servers, lookups, untrustedFolders());
  const ofInputs = [user, workspaces].flatMap(({ inputs }) => parseInputs(inputs).problems);
  return { ...read, problems: [...read.problems, ...ofInputs] };
}

async function lookup(
  values: InputValues,
  wanted: readonly WantedInput[],
  log: LogOutputChannel,
): Promise<InputLookup> {
  try {
    return await values.lookup(wanted);
  } catch (error) {
    log.error(`secretsNotReadable reason=${printableJson(describeError(error))}`);
    return () => undefined;
  }
}

/** Tells problems in the log and, where a person can do something, in one notification of each kind. */
function teller(log: LogOutputChannel, values: InputValues): (problems: readonly ConfigProblem[]) => void {
  let told = '';
  const asked = new Set<string>();
  return (problems) => {
    const lines = problemLines(problems);
    const isNew = lines.join('\n') !== told;
    told = lines.join('\n');
    if (!isNew) return;
    for (const line of lines) log.warn(line);
    const toMend = problems.filter(({ input, ofWindow }) => input === undefined && !ofWindow);
    if (toMend.length > 0) void warn(toMend);
    const missing = missingInputs(problems, readWantedInputs());
    const names = missing.map(({ layer, definition }) => `${layer} ${definition.id}`);
    // Each once: while values are entered one by one, those that are still missing are being asked for.
    if (names.some((name) => !asked.has(name))) void offerToEnter(values, missing);
    for (const name of names) asked.add(name);
  };
}

/** Tells each server that waits for trust once in the log; its row says so too. */
function waitingTeller(log: LogOutputChannel): (waiting: readonly WaitingServer[]) => void {
  const told = new Set<string>();
  return (waiting) => {
    for (const { name, key, how } of waiting) {
      const line = `serverWaitsForTrust server=${JSON.stringify(name)} key=${key} is=${how}`;
      if (!told.has(line)) log.info(line);
      told.add(line);
    }
  };
}

async function offerToEnter(values: InputValues, missing: readonly WantedInput[]): Promise<void> {
  const enter = missing.length === 1 ? l10n.t('Enter Value') : l10n.t('Enter Values');
  const choice = await window.showInformationMessage(inputsQuestion(missing, l10n.t), enter);
  if (choice === enter) await enterInputs(values, missing);
}

async function warn(problems: readonly ConfigProblem[]): Promise<void> {
  const openSettings = l10n.t('Open Settings');
  const showLog = l10n.t('Show Log');
  const choice = await window.showWarningMessage(problemWarning(problems, l10n.t), openSettings, showLog);
  if (choice === openSettings) await openServersSetting();
  if (choice === showLog) await commands.executeCommand(COMMANDS.showLog);
}
