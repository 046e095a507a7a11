/**
 * A whole run: data, training, one test, and what is written.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { BackendUnavailableError, type Device, device, saveSafetensors, setDefaultDevice } from '@fakkel/core';
import { DataLoader } from '@fakkel/data';
import { CHECKPOINT_FILE, readCheckpoint, restore, saveCheckpoint, writeAtomically } from './checkpoint.js';
import { type Data, loadData } from './data.js';
import { UsageError } from './errors.js';
import { evaluate } from './evaluate.js';
import { count, duration, lossText, percent } from './format.js';
import type { History, Score } from './history.js';
import { titleOf } from './model.js';
import { commandOf, type Options, type Settings, settingsOf, settingsToResume } from './options.js';
import type { Progress } from './progress.js';
import { createRun, GAMMA, MOMENTUM, type Run } from './run.js';
import { train } from './train.js';

/** What a finished run leaves in `results.json`. */
export interface Results {
  readonly settings: Settings;
  readonly device: string;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  readonly history: History;
  readonly test: Score;
}

/**
 * Trains, tests and writes.
 *
 * @param signal aborted to stop after the present step.
 * @returns the results, or null if the run was stopped before its end.
 */
export async function quickstart(options: Options, progress: Progress, signal: AbortSignal): Promise<Results | null> {
  const started = performance.now();
  const engine = await openDevice(options.device);
  setDefaultDevice(engine);

  const checkpoint = options.resume === undefined ? undefined : await readCheckpoint(options.resume);
  const settings = checkpoint
    ? settingsToResume(checkpoint.state.settings, options.given, checkpoint.file)
    : settingsOf(options);
  const data = await loadData(settings.data, settings.seed, (line) => progress.note(line));
  const output = await makeFolder(options.output || path.dirname(checkpoint!.file));

  const run = createRun(settings, data);
  if (checkpoint) restore(run, checkpoint);
  else await run.normalizer.fit(new DataLoader(data.train, { batchSize: 256 })); // training images only
  announce(run, data, engine.name, progress);
  const prepared = performance.now();

  const file = path.join(output, CHECKPOINT_FILE);
  if (!(await train(run, data, { progress, signal, save: () => saveCheckpoint(file, run) }))) {
    progress.note(`Stopped. Continue with: npm run quickstart -- --resume ${output}`);
    return null;
  }
  const trained = performance.now();

  // Once, when everything is decided: a test set that is looked at while choosing settings measures the choice.
  const test = await evaluate(run.model, data.test, settings.batchSize);
  const tested = performance.now();
  const correct = Math.round(test.accuracy * data.test.length);
  progress.note(
    `test accuracy ${percent(test.accuracy)} (${correct} of ${data.test.length})  loss ${lossText(test.loss)}`,
  );

  const images = { train: data.train.length, validation: data.validation.length, test: data.test.length };
  const { loss, accuracy } = test;
  const results: Results = { settings, device: engine.name, images, history: run.history, test: { loss, accuracy } };
  const written: Record<string, Uint8Array | string> = {
    'model.safetensors': await saveSafetensors(run.model, {
      model: settings.model,
      classes: JSON.stringify(data.classes),
    }),
    'results.json': `${JSON.stringify(results, null, 1)}\n`,
  };
  if (options.report) {
    // Loaded here: a charting library takes its time, and not every run needs it.
    const { reportPage } = await import('./report/index.js');
    written['report.html'] = await reportPage({
      title: `${titleOf(settings.model)} on ${data.title}`,
      classes: data.classes,
      sizes: images,
      history: run.history,
      test,
      imageOf: async (index) => (await data.test.get(index))[0],
      model: String(run.model),
      parameters: run.model.parameters().reduce((sum, parameter) => sum + parameter.numel(), 0),
      settings: await describeSettings(run, data),
      timing: {
        engine: engine.name === engine.backend.name ? engine.name : `${engine.name} (${engine.backend.name})`,
        'Node.js': `${process.version}, ${process.platform} ${process.arch}`,
        'reading and normalizing data': duration((prepared - started) / 1000),
        'training and validation': duration((trained - prepared) / 1000),
        test: duration((tested - trained) / 1000),
      },
      command: commandOf(settings),
      date: new Date(),
    });
  }
  for (const [name, contents] of Object.entries(written)) await writeAtomically(path.join(output, name), contents);
  progress.note(
    `wrote ${Object.keys(written)
      .map((name) => path.join(output, name))
      .join(', ')}`,
  );
  progress.note(`done in ${duration((performance.now() - started) / 1000)}`);
  return results;
}

async function openDevice(name: string): Promise<Device> {
  try {
    return await device(name);
  } catch (cause) {
    if (!(cause instanceof BackendUnavailableError)) throw cause;
    throw new UsageError(
      `--device ${name}: ${cause.message}\nAlways there: reference; and cpu, the fastest engine installed.`,
      { cause },
    );
  }
}

async function makeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new UsageError(`--output ${folder}: can't make this folder (${(cause as Error).message})`, { cause });
  }
  return folder;
}

function announce(run: Run, data: Data, engine: string, progress: Progress): void {
  const { train, validation, test } = data;
  progress.note(
    `${titleOf(run.settings.model)} on ${data.title}: ${count(train.length)} training, ${count(validation.length)} ` +
      `validation and ${count(test.length)} test images, on device ${engine}`,
  );
  const { epochs } = run.history;
  if (run.history.steps.length > 0) {
    progress.note(`Continuing in epoch ${epochs.length + 1} after ${count(run.epoch.images)} of its images`);
  }
}

async function describeSettings({ settings, normalizer }: Run, data: Data): Promise<Record<string, string | number>> {
  const { mean, std } = await normalizer.statistics();
  return {
    'data set': data.title,
    split: [data.train, data.validation, data.test].map(({ length }) => count(length)).join(' / '),
    normalization: `(x − ${mean[0].toFixed(4)}) / ${std[0].toFixed(4)}, from the training images`,
    optimizer: settings.optimizer === 'sgd' ? `SGD, momentum ${MOMENTUM}` : 'Adam',
    'learning rate': `${settings.lr}, times ${GAMMA} after each epoch`,
    'batch size': settings.batchSize,
    epochs: settings.epochs,
    seed: settings.seed,
  };
}
