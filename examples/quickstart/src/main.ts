/**
 * Trains LeNet-5 on real handwritten digits: `npm run quickstart`. The loop is in `train.ts`.
 */
import { parseOptions } from './options.js';
import { program } from './program.js';
import { quickstart } from './quickstart.js';

await program((progress, signal) => quickstart(parseOptions(process.argv.slice(2)), progress, signal));
