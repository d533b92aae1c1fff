import { callerOf } from '../../../editor-host/calls.ts';
import { MEASURE_VARIABLE, type MeasureCalls } from '../measure-calls.ts';

const address = process.env[MEASURE_VARIABLE];
if (address === undefined) throw new Error('This suite is run by "npm run measure:vscode".');

/** The run around this extension host. */
export const run = callerOf<MeasureCalls>(address);
