import { Generator } from '@fakkel/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  DataLoader,
  digits,
  holdOut,
  HoldOut,
  IterableDataset,
  MapDataset,
  randomSplit,
  stratifiedSplit,
  Subset,
} from './index.js';

let warnings: string[];
beforeEach(() => {
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((text: string) => void warnings.push(text));
});
afterEach(() => vi.restoreAllMocks());

const range = (length: number) => ({ length, get: (i: number) => i });
async function evaluate(loader: AsyncIterable<unknown>) {
  for await (const _batch of loader);
}

describe('one pass is one use', () => {
  test.each([
    ['in order', {}],
    ['shuffled', { shuffle: true }],
    ['without the last batch', { dropLast: true }],
    ['loaded ahead', { prefetch: 3 }],
  ])('by a loader, %s; the second warns, later ones only count', async (_, options) => {
    const test = holdOut(range(10));
    const loader = new DataLoader(test, { batchSize: 3, ...options });
    expect(test.uses).toBe(0);
    await evaluate(loader);
    expect([test.uses, warnings]).toEqual([1, []]);
    await evaluate(loader);
    expect([test.uses, warnings.length]).toEqual([2, 1]);
    await evaluate(loader);
    await evaluate(new DataLoader(test));
    expect([test.uses, warnings.length]).toEqual([4, 1]);
    expect(warnings[0]).toMatchInlineSnapshot(
      `"holdOut: use 2 of the test set begins. It is to be "used ONCE after fitting all parameters and architectures": what is chosen by its accuracy is fitted to it. Choose by validation data: randomSplit(dataset, [0.8, 0.1, 0.1])."`,
    );
  });

  test('by hand, in parts, and through other datasets', async () => {
    const [, , rest] = randomSplit(digits(), [0.8, 0.1, 0.1], new Generator(0));
    const test = holdOut(rest);
    const halves = [
      new Subset(test, [...Array(90).keys()]),
      new Subset(
        test,
        [...Array(89).keys()].map((i) => 90 + i),
      ),
    ];
    await evaluate(new DataLoader(new MapDataset(halves[0], ([image]) => image)));
    for (let i = 0; i < 89; i++) await halves[1].get(i);
    expect([test.uses, warnings]).toEqual([1, []]);
    await test.get(3);
    expect([test.uses, warnings.length]).toEqual([2, 1]);
  });

  test('left early; the next begins with the first sample that comes again', async () => {
    const test = holdOut(range(10));
    for await (const _ of new DataLoader(test, { batchSize: 5 })) break;
    await evaluate(new DataLoader(test, { batchSize: 5 }));
    expect(test.uses).toBe(2);
  });

  test('over workers, which share the count', { timeout: 60_000 }, async () => {
    const test = holdOut(randomSplit(digits(), [0.8, 0.1, 0.1], new Generator(0))[2]);
    const loader = new DataLoader(test, { batchSize: 16, numWorkers: 2 });
    await evaluate(loader);
    expect(test.uses).toBe(1);
    await evaluate(loader);
    expect(test.uses).toBe(2);
  });
});

test('guarding the same dataset again does not begin to count again', async () => {
  const dataset = range(4);
  for (let epoch = 0; epoch < 3; epoch++) await evaluate(new DataLoader(holdOut(dataset)));
  expect([holdOut(dataset).uses, warnings.length]).toEqual([3, 1]);
});

test('an error instead of the warning', async () => {
  const loader = new DataLoader(holdOut(range(4), { reuse: 'error' }));
  await evaluate(loader);
  await expect(evaluate(loader)).rejects.toThrow('holdOut: use 2 of the test set begins');
  expect(warnings).toEqual([]);
});

test('an iterable dataset is used each time that it is streamed from its start', async () => {
  class Count extends IterableDataset<number> {
    *stream() {
      for (let i = 0; i < 6; i++) yield i;
    }
    override prepare(i: number) {
      return i * i;
    }
  }
  const test = holdOut(new Count());
  const loader = new DataLoader(test, { batchSize: 3 });
  const batches = [];
  for await (const batch of loader) batches.push(await batch.toArray());
  expect([batches, test.uses]).toEqual([[[0, 1, 4], [9, 16, 25]], 1]); // prettier-ignore
  await evaluate(loader);
  expect([test.uses, warnings.length]).toEqual([2, 1]);
  test.stream({ seed: 0n, state: { going: 'on' } });
  expect(test.uses).toBe(2);
});

test('samples, length and targets are those of the dataset', async () => {
  const test = holdOut(digits());
  expect([test.length, await test.get(5)]).toEqual([1797, digits().get(5)]);
  expect(test.targets).toEqual(digits().targets);
  expect(stratifiedSplit(test, [0.5, 0.5])[0].length).toBe(899);
  expect(test).toBeInstanceOf(HoldOut);
});

test('errors', () => {
  expect(() => holdOut([1, 2] as any)).toThrow('holdOut: expected a dataset, got an array');
  expect(() => holdOut(range(4), { reuse: 'throw' as any })).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: holdOut: reuse: expected 'warn' or 'error', got string throw]`,
  );
});
