/**
 * A whole run: data, training, one test, and what is written.
 */
import path from 'node:path';
import { setDefaultDevice } from '@fakkel/core';
import { DataLoader } from '@fakkel/data';
import { CHECKPOINT_FILE, readCheckpoint, restore, saveCheckpoint } from '../../quickstart/src/checkpoint.js';
import { openDevice } from '../../quickstart/src/device.js';
import { evaluate } from '../../quickstart/src/evaluate.js';
import { makeFolder } from '../../quickstart/src/files.js';
import { count, deviceText, duration, lossText, percent } from '../../quickstart/src/format.js';
import { refuseOtherSettings } from '../../quickstart/src/options.js';
import type { Progress } from '../../quickstart/src/progress.js';
import { train } from '../../quickstart/src/train.js';
import { loadData } from './data.js';
import { NETWORKS } from './model.js';
import { type Options, type Settings, settingsOf } from './options.js';
import { type Results, writeResults } from './results.js';
import { createRun } from './run.js';

/**
 * Trains, tests and writes.
 *
 * @param signal aborted to stop after the present step.
 * @returns the results, or null if the run was stopped before its end.
 */
export async function fashionMnistRun(
  options: Options,
  progress: Progress,
  signal: AbortSignal,
): Promise<Results | null> {
  const started = performance.now();
  const checkpoint = options.resume ? await readCheckpoint<Settings>(options.resume, 'fashion-mnist') : undefined;
  if (checkpoint) refuseOtherSettings(checkpoint.file, checkpoint.state.settings, options.given);
  const settings = checkpoint?.state.settings ?? settingsOf(options);
  const engine = await openDevice(options.device ?? checkpoint?.state.device ?? 'cpu', options.threads);
  setDefaultDevice(engine);

  const data = await loadData(settings, (line) => progress.note(line));
  const folder = checkpoint ? path.dirname(checkpoint.file) : path.join('runs/fashion-mnist', settings.model);
  const output = await makeFolder(options.output ?? folder);
  const run = createRun(settings, data, engine);
  if (checkpoint) restore(run, checkpoint);
  else await run.normalizer.fit(new DataLoader(data.plain, { batchSize: 256 })); // training images only
  progress.note(
    `${NETWORKS[settings.model].title} on Fashion-MNIST: ${count(data.train.length)} training, ` +
      `${count(data.validation.length)} validation and ${count(data.test.length)} test images, on ${deviceText(engine)}`,
  );

  const stopped = (): null => {
    progress.note(`Stopped. Continue with: npm run fashion-mnist -- --resume ${output}`);
    return null;
  };
  const save = (): Promise<void> => saveCheckpoint(path.join(output, CHECKPOINT_FILE), run, 'fashion-mnist');
  if (!(await train(run, data, { progress, signal, save }))) return stopped();

  // Once, when everything is decided: a test set that is looked at while choosing settings measures the choice.
  const test = await evaluate(run.model, data.test, settings.batchSize, signal);
  if (signal.aborted) return stopped();
  progress.note(`test accuracy ${percent(test.accuracy)}  loss ${lossText(test.loss)}`);

  const { results, files } = await writeResults(output, run, data, test);
  progress.note(`median training step ${results.msPerStep.toFixed(0)} ms`);
  progress.note(`wrote ${files.join(', ')}`);
  progress.note(`done in ${duration((performance.now() - started) / 1000)}`);
  return results;
}
