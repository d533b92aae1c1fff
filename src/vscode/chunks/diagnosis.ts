/** The commands for diagnosis. Loaded on first use. */
export { diagnoseServer } from '../diagnosis/diagnose-server.ts';
export { exportJournal } from '../diagnosis/export-journal.ts';
