import type { InteropServer } from '../server.ts';
import { goSdk } from './go/go-sdk.ts';
import { mcpGo } from './go/mcp-go.ts';
import { javaSdk } from './java/java-sdk.ts';
import { kotlinSdk } from './kotlin/kotlin-sdk.ts';
import { fastmcpPython } from './python/frameworks.ts';
import { pythonSdk } from './python/sdk.ts';
import { serena } from './python/serena.ts';
import { rmcp } from './rust/rmcp.ts';
import { everything } from './typescript/everything.ts';
import { fastmcp, mcpHandler } from './typescript/frameworks.ts';
import { playwright } from './typescript/playwright.ts';
import { mcpProxy, supergateway } from './typescript/proxies.ts';
import { sdk2 } from './typescript/sdk-2.ts';
import { sdkExamples, sdkOneTransport } from './typescript/sdk-examples.ts';

/** All servers that are tried, in the order in which they are. */
export const servers: readonly InteropServer[] = [
  ...sdkExamples,
  sdkOneTransport,
  ...sdk2,
  everything,
  fastmcp,
  mcpProxy,
  supergateway,
  playwright,
  mcpHandler,
  ...pythonSdk,
  fastmcpPython,
  serena,
  goSdk,
  ...mcpGo,
  ...rmcp,
  javaSdk,
  kotlinSdk,
];
