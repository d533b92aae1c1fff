import { enableCompileCache } from 'node:module';
import { compileCache } from '../../scripts/compile-cache.ts';

// Required by mocha: for this process, for its workers, and for every program that a test starts.
process.env.NODE_COMPILE_CACHE ??= compileCache;
enableCompileCache(process.env.NODE_COMPILE_CACHE);
