/**
 * A whole run: data, training, one test, and what is written.
 */
import path from 'node:path';
import { setDefaultDevice } from '@fakkel/core';
import { DataLoader } from '@fakkel/data';
import { CHECKPOINT_FILE, type Checkpoint, readCheckpoint, restore, saveCheckpoint } from './checkpoint.js';
import { type Data, loadData } from './data.js';
import { openDevice } from './device.js';
import { evaluate } from './evaluate.js';
import { makeFolder } from './files.js';
import { count, deviceText, duration, lossText, percent } from './format.js';
import { titleOf } from './model.js';
import { type Options, settingsOf, settingsToResume } from './options.js';
import type { Progress } from './progress.js';
import { type Results, writeResults } from './results.js';
import { createRun, type Run } from './run.js';
import { train } from './train.js';

/**
 * Trains, tests and writes.
 *
 * @param signal aborted to stop after the present step.
 * @returns the results, or null if the run was stopped before its end.
 */
export async function quickstart(options: Options, progress: Progress, signal: AbortSignal): Promise<Results | null> {
  const started = performance.now();
  const checkpoint = options.resume === undefined ? undefined : await readCheckpoint(options.resume);
  const settings = checkpoint ? settingsToResume(checkpoint, options.given) : settingsOf(options);
  const engine = await openDevice(options.device ?? checkpoint?.state.device ?? 'cpu');
  setDefaultDevice(engine);

  const data = await loadData(settings.data, settings.seed, (line) => progress.note(line));
  const output = await makeFolder(options.output ?? (checkpoint ? path.dirname(checkpoint.file) : 'runs/quickstart'));
  const run = createRun(settings, data, engine);
  if (checkpoint) restore(run, checkpoint);
  else await run.normalizer.fit(new DataLoader(data.train, { batchSize: 256 })); // training images only
  announce(run, data, checkpoint, progress);

  const prepared = performance.now();
  const stopped = (): null => {
    progress.note(`Stopped. Continue with: npm run quickstart -- --resume ${output}`);
    return null;
  };
  const save = (): Promise<void> => saveCheckpoint(path.join(output, CHECKPOINT_FILE), run);
  if (!(await train(run, data, { progress, signal, save }))) return stopped();

  const trained = performance.now();
  // Once, when everything is decided: a test set that is looked at while choosing settings measures the choice.
  const test = await evaluate(run.model, data.test, settings.batchSize, signal);
  if (signal.aborted) return stopped();
  const correct = Math.round(test.accuracy * data.test.length);
  progress.note(
    `test accuracy ${percent(test.accuracy)} (${count(correct)} of ${count(data.test.length)})  loss ${lossText(test.loss)}`,
  );

  const { results, files } = await writeResults(output, run, data, test, {
    report: options.report,
    timing: {
      'reading and normalizing data': duration((prepared - started) / 1000),
      'training and validation': duration((trained - prepared) / 1000),
      test: duration((performance.now() - trained) / 1000),
    },
  });
  progress.note(`wrote ${files.join(', ')}`);
  progress.note(`done in ${duration((performance.now() - started) / 1000)}`);
  return results;
}

function announce(run: Run, data: Data, checkpoint: Checkpoint | undefined, progress: Progress): void {
  const { train, validation, test } = data;
  progress.note(
    `${titleOf(run.settings.model)} on ${data.title}: ${count(train.length)} training, ${count(validation.length)} ` +
      `validation and ${count(test.length)} test images, on device ${deviceText(run.device)}`,
  );
  if (!checkpoint) return;
  const done = run.history.epochs.length;
  const { epochs } = run.settings;
  const { images } = run.epoch;
  progress.note(
    done >= epochs
      ? `This run is finished: epoch ${done} of ${epochs} is done. It is tested and written again; --epochs ${epochs * 2} trains on`
      : `Continuing in epoch ${done + 1}${images > 0 ? ` after ${count(images)} of its images` : ''}`,
  );
  const { engine } = checkpoint.state;
  if (engine !== run.device.backend.name) {
    progress.note(`The run was on engine ${engine}: on another one losses differ in their last digits`);
  }
}
