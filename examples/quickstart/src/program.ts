/**
 * What makes a function a program: Ctrl-C, errors in a sentence, exit codes.
 */
import { FakkelError } from '@fakkel/core';
import type { CommanderError } from 'commander';
import { UsageError } from './errors.js';
import { createProgress, type Progress } from './progress.js';

/** What shells give a program that a signal has ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs `main` with the terminal.
 *
 * @param main is given a signal that Ctrl-C aborts: it then saves a checkpoint and returns.
 */
export async function program(main: (progress: Progress, signal: AbortSignal) => Promise<unknown>): Promise<void> {
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
    await main(progress, stop.signal);
  } catch (error) {
    progress.stop();
    if (isCommanders(error)) {
      process.exitCode = error.exitCode; // it has said what is wrong
    } else {
      process.exitCode = 1;
      // What people can put right is said in a sentence; the rest is for whoever mends the program.
      console.error(error instanceof UsageError || error instanceof FakkelError ? `error: ${error.message}` : error);
    }
  }
}

/** Whether it is a CommanderError of any copy of commander: each example has its own, and their classes are others. */
const isCommanders = (error: unknown): error is CommanderError =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
