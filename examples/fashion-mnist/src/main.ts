/**
 * Trains a residual network or a small VGG on Fashion-MNIST: `npm run fashion-mnist`.
 */
import { program } from '../../quickstart/src/program.js';
import { parseOptions } from './options.js';
import { fashionMnistRun } from './fashion-mnist.js';

await program((progress, signal) => fashionMnistRun(parseOptions(process.argv.slice(2)), progress, signal));
