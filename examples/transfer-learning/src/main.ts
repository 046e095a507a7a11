/**
 * Adapts a network of the zoo to a folder of images: `npm run transfer-learning`.
 */
import { program } from '../../quickstart/src/program.js';
import { parseOptions } from './options.js';
import { transferLearning } from './transfer-learning.js';

await program((progress, signal) => transferLearning(parseOptions(process.argv.slice(2)), progress, signal));
