/**
 * What a finished run leaves behind.
 */
import path from 'node:path';
import { saveSafetensors } from '@fakkel/core';
import { writeAtomically } from '../../quickstart/src/files.js';
import { count, deviceText, duration } from '../../quickstart/src/format.js';
import type { History, Prediction, Score } from '../../quickstart/src/history.js';
import type { Run } from '../../quickstart/src/run.js';
import type { Data } from './data.js';
import { NETWORKS } from './model.js';
import { commandOf, type Settings } from './options.js';

/** The contents of `results.json`. */
export interface Results {
  readonly settings: Settings;
  readonly device: string;
  readonly parameters: number;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  readonly history: History;
  /** Median over the epochs of their median step. */
  readonly msPerStep: number;
  readonly test: Score;
  /** How often each class (a row) was taken for each other one (a column). */
  readonly confusion: readonly (readonly number[])[];
}

/** Writes weights, numbers, curves and report; returns the numbers and the names of the files. */
export async function writeResults(
  folder: string,
  run: Run<Settings>,
  data: Data,
  test: Score & { readonly predictions: readonly Prediction[] },
): Promise<{ results: Results; files: string[] }> {
  // Loaded here, after the training: a charting library takes its time.
  const { confusionMatrix } = await import('../../quickstart/src/report/confusion.js');
  const { reportPage } = await import('../../quickstart/src/report/index.js');
  const { curves } = await import('./curves.js');
  const { settings, device, history, model } = run;
  const medians = history.epochs.map(({ msPerStep }) => msPerStep).sort((a, b) => a - b);
  const results: Results = {
    settings,
    device: deviceText(device),
    parameters: model.parameters().reduce((sum, parameter) => sum + parameter.numel(), 0),
    images: { train: data.train.length, validation: data.validation.length, test: data.test.length },
    history,
    msPerStep: medians[medians.length >> 1],
    test: { loss: test.loss, accuracy: test.accuracy },
    confusion: confusionMatrix(test.predictions, data.classes.length),
  };
  const { title } = NETWORKS[settings.model];
  const report = await reportPage({
    title: `${title} on Fashion-MNIST`,
    classes: data.classes,
    sizes: results.images,
    history,
    test,
    imageOf: async (index) => (await data.test.get(index))[0],
    model: String(model),
    parameters: results.parameters,
    settings: await describeSettings(run),
    timing: {
      engine: results.device,
      'Node.js': `${process.version}, ${process.platform} ${process.arch}`,
      training: duration(history.epochs.reduce((sum, { seconds }) => sum + seconds, 0)),
      'median step': `${results.msPerStep.toFixed(0)} ms`,
    },
    command: commandOf(settings),
    date: new Date(),
  });
  const contents: Record<string, Uint8Array | string> = {
    'model.safetensors': await saveSafetensors(model, {
      model: settings.model,
      classes: JSON.stringify(data.classes),
    }),
    'results.json': `${JSON.stringify(results, null, 1)}\n`,
    'curves.svg': curves(title, history),
    'report.html': report,
  };
  const files = Object.keys(contents).map((name) => path.join(folder, name));
  await Promise.all(files.map((file) => writeAtomically(file, contents[path.basename(file)])));
  return { results, files };
}

async function describeSettings({ settings, normalizer }: Run<Settings>): Promise<Record<string, string | number>> {
  const { mean, std } = await normalizer.statistics();
  return {
    augmentation: 'shifted by up to 2 pixels each way, mirrored one time in two',
    normalization: `(x − ${mean[0].toFixed(4)}) / ${std[0].toFixed(4)}, from the training images`,
    optimizer: `SGD, Nesterov momentum 0.85 to 0.95, weight decay ${settings.weightDecay}`,
    'learning rate': `one cycle, up to ${settings.lr}`,
    'label smoothing': settings.labelSmoothing,
    'batch size': settings.batchSize,
    epochs: settings.epochs,
    images: count(settings.images),
    seed: settings.seed,
  };
}
