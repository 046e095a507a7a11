import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { digits, HostArray } from '@fakkel/data';
import { afterAll } from 'vitest';
import type { History, Prediction } from '../src/history.js';
import type { EpochStatus, Progress } from '../src/progress.js';
import type { Report } from '../src/report/index.js';

/** A run that never happened, with the shape of a real one: the same numbers every time. */
export function madeUpHistory(epochs = 12, stepsPerEpoch = 23): History {
  const wobble = (i: number): number => 1 + 0.35 * Math.sin(i * 2.3) * Math.cos(i * 0.71);
  const loss = (epoch: number): number => 2.2 * Math.exp(-epoch / 1.6) + 0.02;
  return {
    steps: Array.from({ length: epochs * stepsPerEpoch }, (_, i) => loss(i / stepsPerEpoch) * wobble(i)),
    epochs: Array.from({ length: epochs }, (_, i) => ({
      epoch: i + 1,
      lr: 0.02 * 0.95 ** i,
      train: { loss: loss(i + 0.5), accuracy: 1 - 0.75 * Math.exp(-(i + 0.5) / 1.4) },
      validation: { loss: loss(i + 1) * 1.2 + 0.04, accuracy: 0.985 - 0.6 * Math.exp(-(i + 1) / 1.3) },
      seconds: 1.25,
      msPerStep: 50,
    })),
  };
}

/** `count` predictions over ten classes; every 40th takes a class for the next one. */
export function madeUpPredictions(count = 180, every = 40): Prediction[] {
  return Array.from({ length: count }, (_, index) => {
    const label = index % 10;
    const wrong = index % every === every - 1;
    const probability = wrong ? 0.5 + (index % 37) / 80 : 1 - 0.4 * Math.exp(-(index % 29));
    return {
      index,
      label,
      predicted: wrong ? (label + 4) % 10 : label,
      probability,
      labelProbability: wrong ? (1 - probability) * 0.8 : probability,
    };
  });
}

/** A bright ring. */
export function madeUpImage(index: number): HostArray {
  const pixels = Float32Array.from({ length: 32 * 32 }, (_, i) => {
    const radius = Math.hypot((i % 32) - 15.5, Math.floor(i / 32) - 15.5);
    return Math.exp(-((radius - 8 - (index % 4)) ** 2) / 6);
  });
  return new HostArray(pixels, [1, 32, 32]);
}

export function madeUpReport(changes: Partial<Report> = {}): Report {
  const predictions = madeUpPredictions();
  return {
    title: 'LeNet-5 on handwritten digits',
    classes: [...'0123456789'],
    sizes: { train: 1438, validation: 180, test: 180 },
    history: madeUpHistory(),
    test: { loss: 0.0789, accuracy: 176 / 180, predictions },
    imageOf: async (index) => madeUpImage(index),
    model: 'Sequential(\n  (normalizer): RunningNormalizer(1)\n  (net): LeNet5(\n    (conv1): Conv2d(1, 6)\n  )\n)',
    parameters: 61706,
    settings: { 'data set': 'digits', optimizer: 'SGD, momentum 0.9', 'learning rate': 0.02 },
    timing: { training: '15 s', device: 'reference' },
    command: 'npm run quickstart -- --seed 0',
    date: new Date('2025-01-01T12:00:00Z'),
    ...changes,
  };
}

/** Writes the first digits as IDX files of bytes, 8×8 if nothing else is said: a data set that trains in no time. */
export async function writeDigits(
  folder: string,
  count: number,
  part: 'train' | 't10k' = 'train',
  size = 8,
): Promise<void> {
  const { images, labels } = digits({ size });
  const pixels = images.data.subarray(0, count * size * size);
  await mkdir(folder, { recursive: true });
  await writeFile(
    path.join(folder, `${part}-images-idx3-ubyte`),
    idx(
      [count, size, size],
      Array.from(pixels, (v) => Math.round(v * 255)),
    ),
  );
  await writeFile(path.join(folder, `${part}-labels-idx1-ubyte`), idx([count], [...labels.data.subarray(0, count)]));
}

function idx(shape: readonly number[], bytes: readonly number[]): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, Uint8Array.from(bytes)]);
}

/** A folder that is removed when the test file is done. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fakkel-quickstart-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A progress display that keeps its lines. */
export function silentProgress(
  onStep: (status: EpochStatus) => void = () => undefined,
): Progress & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    note: (line) => void lines.push(line),
    step: onStep,
    epochDone: ({ epoch }) => void lines.push(`epoch ${epoch} done`),
    stop: () => undefined,
  };
}
