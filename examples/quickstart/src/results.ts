/**
 * What a finished run leaves behind.
 */
import path from 'node:path';
import { saveSafetensors } from '@fakkel/core';
import type { Data } from './data.js';
import { writeAtomically } from './files.js';
import { count, deviceText } from './format.js';
import type { History, Prediction, Score } from './history.js';
import { titleOf } from './model.js';
import { commandOf, type Settings } from './options.js';
import { MOMENTUM, type Run } from './run.js';

/** The contents of `results.json`. */
export interface Results {
  readonly settings: Settings;
  readonly device: string;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  readonly history: History;
  readonly test: Score;
}

/** Writes the model, the numbers and, if asked for, the report; returns the numbers and the names of the files. */
export async function writeResults(
  folder: string,
  run: Run,
  data: Data,
  test: Score & { readonly predictions: readonly Prediction[] },
  options: { readonly report: boolean; readonly timing: Readonly<Record<string, string>> },
): Promise<{ results: Results; files: string[] }> {
  const { settings, device, history, model } = run;
  const results: Results = {
    settings,
    device: device.name,
    images: { train: data.train.length, validation: data.validation.length, test: data.test.length },
    history,
    test: { loss: test.loss, accuracy: test.accuracy },
  };
  const contents: Record<string, Uint8Array | string> = {
    'model.safetensors': await saveSafetensors(model, {
      model: settings.model,
      classes: JSON.stringify(data.classes),
    }),
    'results.json': `${JSON.stringify(results, null, 1)}\n`,
  };
  if (options.report) {
    // Loaded here: a charting library takes its time, and not every run needs it.
    const { reportPage } = await import('./report/index.js');
    contents['report.html'] = await reportPage({
      title: `${titleOf(settings.model)} on ${data.title}`,
      classes: data.classes,
      sizes: results.images,
      history,
      test,
      imageOf: async (index) => (await data.test.get(index))[0],
      model: String(model),
      parameters: model.parameters().reduce((sum, parameter) => sum + parameter.numel(), 0),
      settings: await describeSettings(run, data),
      timing: {
        engine: deviceText(device),
        'Node.js': `${process.version}, ${process.platform} ${process.arch}`,
        ...options.timing,
      },
      command: commandOf(settings),
      date: new Date(),
    });
  }
  const files = Object.keys(contents).map((name) => path.join(folder, name));
  await Promise.all(files.map((file) => writeAtomically(file, contents[path.basename(file)])));
  return { results, files };
}

async function describeSettings({ settings, normalizer }: Run, data: Data): Promise<Record<string, string | number>> {
  const { mean, std } = await normalizer.statistics();
  return {
    'data set': data.title,
    split: [data.train, data.validation, data.test].map(({ length }) => count(length)).join(' / '),
    normalization: `(x − ${mean[0].toFixed(4)}) / ${std[0].toFixed(4)}, from the training images`,
    optimizer: settings.optimizer === 'sgd' ? `SGD, momentum ${MOMENTUM}` : 'Adam',
    'learning rate': `${settings.lr}, times ${settings.gamma} after each epoch`,
    'batch size': settings.batchSize,
    epochs: settings.epochs,
    seed: settings.seed,
  };
}
