/**
 * From a network that knows one set of classes to one that knows another.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { manualSeed, nn, saveSafetensors, setDefaultDevice } from '@fakkel/core';
import { adapt, createModel, freeze, getWeights, type ImageClassificationPreset, unfreeze } from '@fakkel/models';
import { openDevice } from '../../quickstart/src/device.js';
import { deviceText } from '../../quickstart/src/format.js';
import type { Progress } from '../../quickstart/src/progress.js';
import { loadData } from './data.js';
import { prepareDemo } from './demo.js';
import type { Options } from './options.js';
import { type Epoch, train } from './train.js';

/** Where the weights come from, and what images have to become for them. */
export interface Pretrained {
  readonly model: string;
  readonly weights: string;
  /** Beside the weights. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly transforms: ImageClassificationPreset;
}

export interface Results {
  readonly labels: readonly string[];
  /** Images. */
  readonly train: number;
  readonly validation: number;
  /** Epochs with all layers but the classifier frozen, and those after them with all layers trained. */
  readonly classifier: readonly Epoch[];
  readonly fineTuned: readonly Epoch[];
  /** The same network from its initial weights, if it was asked for. */
  readonly fromScratch?: readonly Epoch[];
}

/**
 * Trains, measures and writes.
 *
 * @returns what was measured, or null if the signal stopped it.
 */
export async function transferLearning(
  options: Options,
  progress: Progress,
  signal: AbortSignal,
): Promise<Results | null> {
  const note = (line: string): void => progress.note(line);
  const engine = await openDevice(options.device, options.threads);
  setDefaultDevice(engine);
  manualSeed(options.seed);
  await mkdir(options.output, { recursive: true });

  const demo = options.demo ? await prepareDemo(options, note, signal) : undefined;
  if (signal.aborted) return null;
  const pretrained = demo?.pretrained ?? published(options);
  const data = await loadData(demo?.folder ?? options.data!, pretrained.transforms, options.seed);
  note(
    `${pretrained.model} on ${data.labels.length} classes: ${data.train.length} training and ` +
      `${data.validation.length} validation images, on device ${deviceText(engine)}`,
  );

  // A network that has seen many images, with a new last layer for these classes; colour images, whatever it had.
  const change = { numClasses: data.labels.length, inChannels: 3 };
  const { model: name, weights, options: made } = pretrained;
  const trained: nn.Module = await createModel(name, { ...made, weights });
  const net = adapt(trained as nn.Layer, change);
  const common = { batchSize: options.batchSize, workers: options.workers, signal, note };

  note('The classifier alone:');
  freeze(net, classifierOf(net));
  const classifier = await train(net, data, { ...common, epochs: options.headEpochs, lr: options.headLr });

  note('All layers:');
  unfreeze(net);
  const fineTuned = await train(net, data, { ...common, epochs: options.epochs, lr: options.lr });
  if (signal.aborted) return null;

  let fromScratch: Epoch[] | undefined;
  if (options.compare || options.demo) {
    note('The same network from its initial weights:');
    manualSeed(options.seed);
    const initial: nn.Module = createModel(name, { ...made });
    const fresh = adapt(initial as nn.Layer, change);
    const epochs = options.headEpochs + options.epochs;
    fromScratch = await train(fresh, data, { ...common, epochs, lr: options.lr });
  }

  const results: Results = {
    labels: data.labels,
    train: data.train.length,
    validation: data.validation.length,
    classifier,
    fineTuned,
    ...(fromScratch && { fromScratch }),
  };
  await write(options.output, net, pretrained, results);
  note(summary(results));
  note(`wrote ${path.join(options.output, 'model.safetensors')} and results.json`);
  return signal.aborted ? null : results;
}

/** A network with published weights, or with those of a file for the same images. */
function published({ model, weights }: Options): Pretrained {
  const name = /^\w+$/.test(weights) ? weights : 'DEFAULT';
  return { model, weights, options: {}, transforms: getWeights(model, name).transforms };
}

/** The dotted name of the last linear layer. */
function classifierOf(net: nn.Module): string {
  return net.namedModules().findLast(([, module]) => module instanceof nn.Linear)![0];
}

/** Weights, with all that `fakkel-classify` needs to use them. */
async function write(folder: string, net: nn.Module, { model, options, transforms }: Pretrained, results: Results) {
  const { labels } = results;
  const card = { model, options: { ...options, numClasses: labels.length, inChannels: 3 }, labels, transforms };
  const bytes = await saveSafetensors(net, { classifier: JSON.stringify(card) });
  await writeFile(path.join(folder, 'model.safetensors'), bytes);
  await writeFile(path.join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
}

function summary({ classifier, fineTuned, fromScratch }: Results): string {
  const row = (title: string, epochs: readonly Epoch[] | undefined): string[] => {
    const last = epochs?.at(-1);
    return last ? [`  ${title.padEnd(32)}${(100 * last.accuracy).toFixed(1)} %`] : [];
  };
  return [
    'Validation accuracy after the last epoch:',
    ...row('pretrained, classifier alone', classifier),
    ...row('pretrained, then all layers', fineTuned),
    ...row('from initial weights', fromScratch),
  ].join('\n');
}
