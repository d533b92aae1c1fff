// Loaded before everything else (`node --import`): the SDK, and the zod that it shares with its user, come from the
// folder that SDK_FOLDER names, whoever imports them. Their own dependencies follow from there.
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env.SDK_FOLDER;
if (!folder) throw new Error('SDK_FOLDER names no folder');
const parentURL = pathToFileURL(join(folder, 'package.json')).href;

registerHooks({
  resolve: (specifier, context, next) =>
    /^(?:@modelcontextprotocol\/sdk|zod)(?:\/|$)/.test(specifier) &&
    !context.parentURL?.includes('/node_modules/')
      ? next(specifier, { ...context, parentURL })
      : next(specifier, context),
});
