/** What people who come from Python write first: each is an error that says what to write. */
import { zeros } from '@fakkel/core';
import { expect, test } from 'vitest';
import {
  DataLoader,
  digits,
  fashionMnist,
  MapDataset,
  RandomSampler,
  randomSplit,
  WeightedRandomSampler,
} from './index.js';

const any = (value: unknown): any => value;
const dataset = { length: 4, get: (i: number) => i };
const messageOf = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    return String(error);
  }
  return 'no error';
};
const load = (options: unknown) => messageOf(() => new DataLoader(dataset, any(options)));

test('options of a loader', () => {
  expect([
    load({ batch_size: 4 }),
    load({ batchsize: 4 }),
    load({ shufle: true }),
    load({ workers: 2 }),
    load({ num_workers: 2 }),
    load({ numWorkers: 0 }),
    load({ pin_memory: true }),
    load(4),
    load(null),
    load([4]),
  ]).toMatchInlineSnapshot(`
    [
      "FakkelError: DataLoader: unknown option 'batch_size'. Write batchSize.",
      "FakkelError: DataLoader: unknown option 'batchsize'. Did you mean batchSize? There are: batchSize, shuffle, sampler, batchSampler, dropLast, collateFn, generator, prefetch, device, numWorkers, prefetchFactor, persistentWorkers, timeout, workerInitFn, webWorker.",
      "FakkelError: DataLoader: unknown option 'shufle'. Did you mean shuffle? There are: batchSize, shuffle, sampler, batchSampler, dropLast, collateFn, generator, prefetch, device, numWorkers, prefetchFactor, persistentWorkers, timeout, workerInitFn, webWorker.",
      "FakkelError: DataLoader: no option 'workers'. Write numWorkers.",
      "FakkelError: DataLoader: unknown option 'num_workers'. Write numWorkers.",
      "no error",
      "FakkelError: DataLoader: no option 'pin_memory'. There is nothing to pin here: leave it out.",
      "TypeError: DataLoader: options come in an object, got number 4. Write new DataLoader(dataset, { batchSize: 4 }).",
      "TypeError: DataLoader: options come in an object, got null. Write new DataLoader(dataset, { batchSize: … }).",
      "TypeError: DataLoader: options come in an object, got an array. Write new DataLoader(dataset, { batchSize: … }).",
    ]
  `);
});

test('options of data sets and samplers', async () => {
  expect([
    messageOf(() => digits(any({ sise: 32 }))),
    messageOf(() => digits(any({ train: true }))),
    messageOf(() => digits(any(32))),
    messageOf(() => new RandomSampler(dataset, any({ num_samples: 3 }))),
    messageOf(() => new WeightedRandomSampler([1, 1], 2, any(false))),
    await fashionMnist(any({ trian: false })).catch(String),
  ]).toMatchInlineSnapshot(`
    [
      "FakkelError: digits: unknown option 'sise'. Did you mean size? There are: size, transform, targetTransform.",
      "FakkelError: digits: unknown option 'train'. There are: size, transform, targetTransform.",
      "TypeError: digits: options come in an object, got number 32. Write digits({ size: 32 }).",
      "FakkelError: RandomSampler: unknown option 'num_samples'. Write numSamples.",
      "TypeError: WeightedRandomSampler: options come in an object, got boolean false. Write new WeightedRandomSampler(weights, numSamples, { replacement: false }).",
      "FakkelError: fashionMnist: unknown option 'trian'. Did you mean train? There are: train, root, download, onProgress, transform, targetTransform.",
    ]
  `);
});

test('what is no dataset', () => {
  class Python {
    __len__() {
      return 4;
    }
    __getitem__(i: number) {
      return i;
    }
  }
  expect(
    [
      () => new DataLoader(any([1, 2, 3])),
      () => new DataLoader(any(Float32Array.of(1))),
      () => new DataLoader(any(zeros(2))),
      () => new DataLoader(any(undefined)),
      () => new DataLoader(any(Promise.resolve(dataset))),
      () => new DataLoader(any({ length: 3 })),
      () => new DataLoader(any(new Python())),
      () => new DataLoader(any({ __len__: () => 4, get: dataset.get })),
      () => new DataLoader(any({ length: () => 4, get: dataset.get })),
      () => new DataLoader(any({ get: dataset.get })),
      () => randomSplit(any([1, 2, 3]), [0.5, 0.5]),
      () => new MapDataset(any([1, 2]), (x) => x),
    ].map(messageOf),
  ).toMatchInlineSnapshot(`
    [
      "TypeError: DataLoader: expected a dataset, got an array. A dataset has a length and get(i): wrap samples as { length: samples.length, get: (i) => samples[i] }, or arrays of numbers as new TensorDataset(images, labels).",
      "TypeError: DataLoader: expected a dataset, got an object of class Float32Array. Wrap it: new TensorDataset(images, labels).",
      "TypeError: DataLoader: expected a dataset, got a tensor. Wrap it: new TensorDataset(images, labels).",
      "TypeError: DataLoader: expected a dataset, got undefined. A dataset has a length and get(i).",
      "TypeError: DataLoader: expected a dataset, got a promise. Await it first: await mnist().",
      "TypeError: DataLoader: the dataset has no method get. A dataset has a length and get(i).",
      "TypeError: DataLoader: the dataset has no method get. A dataset has a length and get(i): rename __getitem__ to get.",
      "TypeError: DataLoader: the dataset has no length. A dataset has a length and get(i): rename __len__ to length, a number.",
      "TypeError: DataLoader: the dataset has no length. A dataset has a length and get(i); length is a number, no method: write get length() { … }.",
      "TypeError: DataLoader: the dataset has no length. A dataset has a length and get(i).",
      "TypeError: randomSplit: expected a dataset, got an array. A dataset has a length and get(i): wrap samples as { length: samples.length, get: (i) => samples[i] }, or arrays of numbers as new TensorDataset(images, labels).",
      "TypeError: MapDataset: expected a dataset, got an array. A dataset has a length and get(i): wrap samples as { length: samples.length, get: (i) => samples[i] }, or arrays of numbers as new TensorDataset(images, labels).",
    ]
  `);
});
