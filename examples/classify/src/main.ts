/**
 * Names what is in images: `npx @fakkel/classify photo.jpg`.
 */
import { FakkelError } from '@fakkel/core';
import { CommanderError } from 'commander';
import { classify } from './classify.js';
import { parseOptions } from './options.js';
import { createNotes } from './progress.js';
import { listText, textOf } from './text.js';

const stop = new AbortController();
process.on('SIGINT', () => {
  process.exitCode = 130; // what shells give a program that Ctrl-C has ended
  if (stop.signal.aborted) process.exit();
  stop.abort();
});

// Answers go to the standard output, everything else to the other one: `fakkel-classify … --json | jq` works.
const notes = createNotes(process.stderr);
try {
  const options = parseOptions(process.argv.slice(2));
  if (options.list) console.log(listText(options.json));
  else {
    const answers = await classify(options, notes, stop.signal);
    notes.stop();
    console.log(options.json ? JSON.stringify(answers, null, 2) : answers.map(textOf).join('\n\n'));
    if (answers.some((answer) => 'error' in answer)) process.exitCode = 1;
  }
} catch (error) {
  notes.stop();
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode; // it has said what is wrong
  } else if (!stop.signal.aborted) {
    process.exitCode = 1;
    console.error(error instanceof FakkelError ? `error: ${error.message}` : error);
  }
}
