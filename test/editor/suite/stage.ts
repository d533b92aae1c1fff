import { callerOf } from '../../editor-host/calls.ts';
import { STAGE_VARIABLE, type StageCalls } from '../stage-calls.ts';

const address = process.env[STAGE_VARIABLE];
if (address === undefined) throw new Error('This suite is run by "npm run test:editor".');

/** The run around this extension host. */
export const stage = callerOf<StageCalls>(address);
