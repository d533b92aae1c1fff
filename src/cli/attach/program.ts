/** `attach` as a separate program, bundled with the editor extension: one small file that starts fast. */

import { runProgram } from '../program.ts';
import { attachToWindow } from './window.ts';

void runProgram(attachToWindow, 'resilient-mcp', 'resilient-mcp attach --help');
