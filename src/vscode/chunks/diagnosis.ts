/** The commands by which a person finds out what is wrong. Loaded when one of them is asked for. */
export { diagnoseServer } from '../diagnosis/diagnose-server.ts';
export { exportJournal } from '../diagnosis/export-journal.ts';
