/** `attach` as a program of its own, which the editor extension carries: one small file, quick to start. */
import { attach } from './attach.ts';
import { runProgram } from './program.ts';

void runProgram(attach.run);
