/**
 * Trains plain and residual networks of several depths: `npm run degradation`.
 */
import { program } from '../../quickstart/src/program.js';
import { degradation } from './degradation.js';
import { parseOptions } from './options.js';

await program((progress, signal) => degradation(parseOptions(process.argv.slice(2)), progress, signal));
