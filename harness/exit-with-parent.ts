/**
 * Loaded into every supervised server before its own script (`node --import`): when the channel to the parent closes,
 * the parent is gone, perhaps by SIGKILL and without a word, and the server ends too.
 */
process.once('disconnect', () => process.exit(0));
