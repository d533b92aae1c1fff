import { ResilientMcpError } from '../protocol/errors.ts';
import { isUsableSessionId } from '../protocol/http/headers.ts';
import {
  DEFAULT_LIMITS,
  DEFAULT_RECOVERY,
  type HealingOptions,
  type Limits,
  type RecoveryOptions,
  type ReplayOptions,
  type ResilientTransportOptions,
} from './options.ts';

/** The keys of the options that are numbers. */
type NumberKeys<T> = { [K in keyof T]-?: NonNullable<T[K]> extends number ? K : never }[keyof T];

/** The least that each of them may be. */
const LEAST: Record<NumberKeys<ResilientTransportOptions>, number> = {
  patienceMs: 0,
  connectPatienceMs: 0,
  idlePingMs: 0,
  busyPingMs: 0,
  silenceLimitMs: 0,
  closeTimeoutMs: 0,
  proofAfterMs: 0,
  resendAfterMs: 0,
  proofTimeoutMs: 0,
  maxRefusedStreamDelayMs: 0,
  authorizationTimeoutMs: 1,
};
const LEAST_OF_RECOVERY = { ...leastOne(DEFAULT_RECOVERY), initialDelayMs: 0, maxDelayMs: 0 };
const LEAST_OF_LIMITS = leastOne(DEFAULT_LIMITS);
const LEAST_OF_STREAM = { initialReconnectionDelay: 0, maxReconnectionDelay: 0 };

const POLICIES = ['hints', 'always', 'never'];

/**
 * Passes options that can be used.
 * @throws ResilientMcpError `INVALID_CONFIGURATION`, with the key, for one that cannot be used. What no key names is
 *   passed over, as the SDK's transport does it.
 */
export function checkOptions(options: ResilientTransportOptions): void {
  const { limits, recovery, replay, environment, ...http } = objectAt('options', options);
  checkNumbers('', http, LEAST);
  checkNumbers('limits', limits, LEAST_OF_LIMITS);
  checkNumbers('recovery', recovery, LEAST_OF_RECOVERY);
  checkNumbers('reconnectionOptions', http.reconnectionOptions, LEAST_OF_STREAM);
  for (const key of ['takeOver', 'endSessionOnClose'] as const) checkBoolean(key, http[key]);
  checkReplay(replay);
  checkChoice('unclearAnswers', http.unclearAnswers, ['ask', 'ignore']);
  checkSources(http);
  for (const key of ['fetch', 'random', 'newId', 'networkAddresses', 'knock'] as const)
    checkFunction(`environment.${key}`, objectAt('environment', environment)[key]);
  checkAllowances(http.authorizationAllows);
  if (http.sessionId !== undefined) checkSessionId(http.sessionId);
  objectAt('resume', http.resume);
}

/** `defaults`, but for what is given in their place. */
export function withDefaults<T extends Limits | RecoveryOptions | ReplayOptions>(
  defaults: T,
  ...given: (Partial<T> | undefined)[]
): T {
  const isSet = ([, value]: [string, unknown]) => value !== undefined;
  const set = given.map((group) => Object.fromEntries(Object.entries(group ?? {}).filter(isSet)));
  return Object.assign({}, defaults, ...set);
}

function leastOne(defaults: object): Record<string, number> {
  return Object.fromEntries(Object.keys(defaults).map((key) => [key, 1]));
}

function checkNumbers(
  group: string,
  given: object | undefined,
  least: Readonly<Record<string, number>>,
): void {
  const values: Record<string, unknown> = { ...objectAt(group, given) };
  for (const [key, from] of Object.entries(least)) {
    const value = values[key];
    if (value === undefined || (typeof value === 'number' && value >= from)) continue;
    throw invalid(`${group && `${group}.`}${key} must be a number from ${from} on.`);
  }
}

function checkReplay(replay: HealingOptions['replay']): void {
  const { default: policy, tools } = objectAt('replay', replay);
  checkChoice('replay.default', policy, POLICIES);
  for (const [tool, ofTool] of Object.entries(objectAt('replay.tools', tools)))
    checkChoice(`replay.tools.${tool}`, ofTool, POLICIES);
}

/** Where the headers of requests come from, and what sends them. */
function checkSources({ headers, fetch, requestInit, authProvider }: ResilientTransportOptions): void {
  checkFunction('headers', headers, 'Headers that stay the same go to requestInit.headers.');
  checkFunction('fetch', fetch);
  objectAt('requestInit', requestInit);
  if (authProvider === undefined) return;
  const needed = ['tokens', 'saveTokens', 'clientInformation'] as const;
  for (const method of needed) {
    if (typeof authProvider?.[method] === 'function') continue;
    throw invalid(
      `authProvider must be an OAuthClientProvider of the SDK; it has no method "${method}". A source of tokens goes to headers.`,
    );
  }
}

function checkAllowances(given: ResilientTransportOptions['authorizationAllows']): void {
  const allowed = objectAt('authorizationAllows', given);
  const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;
  const shapes = {
    origins: [isOrigin, 'origins, such as http://10.0.0.7:8080'],
    pageSchemes: [(text: string) => /^[a-z][a-z0-9+.-]*:$/.test(text), 'schemes, such as com.example.idp:'],
    issuers: [(text: string) => text.length > 0, 'issuers'],
  } as const;
  for (const [key, [fits, what]] of Object.entries(shapes)) {
    const texts: unknown = allowed[key as keyof typeof shapes];
    const isList = Array.isArray(texts) && texts.every((text) => typeof text === 'string' && fits(text));
    if (texts !== undefined && !isList)
      throw invalid(`authorizationAllows.${key} must be a list of ${what}.`);
  }
}

function checkSessionId(sessionId: unknown): void {
  if (typeof sessionId === 'string' && isUsableSessionId(sessionId, Number.POSITIVE_INFINITY)) return;
  throw invalid('sessionId must be visible ASCII.');
}

function checkBoolean(key: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw invalid(`${key} must be true or false.`);
}

function checkFunction(key: string, value: unknown, hint = ''): void {
  if (value === undefined || typeof value === 'function') return;
  throw invalid(`${key} must be a function.${hint && ` ${hint}`}`);
}

function checkChoice(key: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return;
  const quoted = choices.map((choice) => `'${choice}'`);
  throw invalid(`${key} must be ${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}.`);
}

/** The object under a key; an empty one where nothing is given. */
function objectAt<T extends object>(key: string, value: T | undefined): Partial<T> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null) return value;
  throw invalid(`${key} must be an object.`);
}

function invalid(message: string): ResilientMcpError {
  return new ResilientMcpError('INVALID_CONFIGURATION', message);
}
