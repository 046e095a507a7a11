/**
 * What answers: a network with its weights, the names of its classes, and what images become before it sees them.
 */
import { open, readFile } from 'node:fs/promises';
import { FakkelError, nn, readSafetensorsHeader } from '@fakkel/core';
import {
  createModel,
  getWeights,
  type ImageClassificationPreset,
  listWeights,
  type WeightsEntry,
} from '@fakkel/models';
import { DEFAULT_MODEL, type Options } from './options.js';
import type { Notes } from './progress.js';

export interface Classifier {
  readonly title: string;
  readonly model: nn.Layer;
  readonly labels: readonly string[];
  readonly preset: ImageClassificationPreset;
  /** What its first convolution takes: images are read in colour or grey. */
  readonly mode: 'rgb' | 'gray';
}

/**
 * What a safetensors file of a classifier says about itself, as JSON in its metadata under the key `classifier`: enough to
 * use it. `examples/transfer-learning` writes it.
 */
export interface Card {
  readonly model: string;
  readonly options: Readonly<Record<string, unknown>> & { readonly inChannels?: number };
  readonly labels: readonly string[];
  readonly transforms: ImageClassificationPreset;
}

/** Makes the network that the options ask for. */
export async function openClassifier(options: Options, notes: Notes, signal: AbortSignal): Promise<Classifier> {
  const card = await readCard(options.weights);
  const name = options.model ?? card?.model ?? DEFAULT_MODEL;
  const entry = entryOf(name, options.weights);
  const labels = await labelsOf(options, card, entry);
  const preset = card?.transforms ?? entry?.transforms ?? presetOf(name);
  const made: nn.Module = await createModel(name, {
    ...card?.options,
    ...(labels && !entry ? { numClasses: labels.length } : {}),
    weights: options.weights,
    onProgress: (progress) => notes.weights(progress),
    signal,
  });
  const model = made as nn.Layer;
  model.eval();
  const first = model.modules().find((module) => module instanceof nn.Conv2d);
  const channels = first?.inChannels ?? 3;
  if (channels !== 1 && channels !== 3) {
    throw new FakkelError(`${name}: its first layer takes ${channels} channels; images have 1 or 3.`);
  }
  return {
    title: `${name} with ${entry?.name ?? options.weights}`,
    model,
    labels: labels ?? [],
    preset,
    mode: channels === 1 ? 'gray' : 'rgb',
  };
}

/** The published entry that the weights are, by its name or that of its file. */
function entryOf(model: string, weights: string): WeightsEntry | undefined {
  if (/^\w+$/.test(weights)) return getWeights(model, weights);
  const file = weights
    .replace(/[?#].*$/, '')
    .split(/[/\\]/)
    .at(-1);
  return listWeights(model).find((entry) => entry.file === file);
}

async function labelsOf(
  { labels }: Options,
  card: Card | undefined,
  entry: WeightsEntry | undefined,
): Promise<readonly string[] | undefined> {
  if (labels === undefined) return card?.labels ?? (await entry?.categories());
  const text = await readFile(labels, 'utf8').catch((cause: unknown) => {
    throw new FakkelError(`--labels ${labels}: can't be read (${(cause as Error).message})`, { cause });
  });
  const names = text.trimEnd().split(/\r?\n/);
  const wanted = card?.labels.length ?? entry?.numClasses ?? names.length;
  if (names.length !== wanted) {
    throw new FakkelError(`--labels ${labels}: ${names.length} lines, and the weights are for ${wanted} classes.`);
  }
  return names;
}

/** What a network's published weights expect, also for others of its kind; without any, what most networks do. */
function presetOf(model: string): ImageClassificationPreset {
  const known = listWeights(model).at(-1);
  if (known) return known.transforms;
  const size = /^lenet/i.test(model) ? 32 : /^cifar/i.test(model) ? 32 : /Original$/.test(model) ? 227 : 224;
  return { resizeSize: size, cropSize: size, mean: [0.5], std: [0.5], interpolation: 'bilinear' };
}

/** Bytes; the format allows no more, and a damaged file may claim any number. */
const LONGEST_HEADER = 100e6;

async function readCard(weights: string): Promise<Card | undefined> {
  if (!weights.endsWith('.safetensors') || /^https?:/.test(weights)) return undefined;
  const file = await open(weights).catch(() => undefined); // what is wrong is said when it is loaded
  if (!file) return undefined;
  try {
    // The header alone: the weights are read once, into the network.
    const { size } = await file.stat();
    const length = Buffer.alloc(8);
    await file.read(length, 0, 8, 0);
    const head = Buffer.alloc(Math.min(size, LONGEST_HEADER, 8 + Number(length.readBigUInt64LE())));
    await file.read(head, 0, head.length, 0);
    const text = readSafetensorsHeader(head, size).metadata['classifier'] as string | undefined;
    return text === undefined ? undefined : (JSON.parse(text) as Card);
  } finally {
    await file.close();
  }
}
