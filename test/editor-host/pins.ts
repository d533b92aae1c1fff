/**
 * What the host is made of. Each version is exact. code-server and the VS Code inside it carry their own lock files
 * (npm-shrinkwrap.json), so these three fix the whole tree.
 */

/** The npm package `code-server`: VS Code's server and workbench, with a command line. */
export const CODE_SERVER_VERSION = '4.139.1';

/** The VS Code inside that code-server. A downloaded desktop is of the same version, so that both runs compare. */
export const VSCODE_VERSION = '1.139.1';

/** The Node that code-server asks for (its postinstall refuses any other major). */
export const NODE_VERSION = '24.21.0';

/**
 * The native modules that are built on this machine. The others come prebuilt, or are loaded only by features that
 * no test uses. Without spdlog every output channel has no writer; without native-watchdog the extension host logs
 * a stack at each start.
 */
export const NATIVE_MODULES: readonly string[] = ['@vscode/spdlog', '@vscode/native-watchdog'];
