/** `attach` as a program of its own, which the editor extension carries: one small file, quick to start. */

import { runProgram } from '../program.ts';
import { attachToWindow } from './window.ts';

void runProgram(attachToWindow);
