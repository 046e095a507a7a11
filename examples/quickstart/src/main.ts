/**
 * Trains LeNet-5 on real handwritten digits: `npm run quickstart`. The loop is in `train.ts`.
 */
import { FakkelError } from '@fakkel/core';
import { CommanderError } from 'commander';
import { UsageError } from './errors.js';
import { parseOptions } from './options.js';
import { createProgress } from './progress.js';
import { quickstart } from './quickstart.js';

/** What shells give a program that a signal has ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

const progress = createProgress(process.stdout);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    process.exitCode = EXIT_CODES[signal];
    if (stop.signal.aborted) {
      progress.stop();
      process.exit();
    }
    progress.note(`${signal}: saving a checkpoint after this step (again: stop at once)`);
    stop.abort();
  });
}

try {
  await quickstart(parseOptions(process.argv.slice(2)), progress, stop.signal);
} catch (error) {
  progress.stop();
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode; // it has said what is wrong
  } else {
    process.exitCode = 1;
    // What people can put right is said in a sentence; the rest is for whoever mends the program.
    console.error(error instanceof UsageError || error instanceof FakkelError ? `error: ${error.message}` : error);
  }
}
