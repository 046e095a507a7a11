import { Generator, manualSeed } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { DataLoader, type DataLoaderOptions, type DataLoaderState, RandomSampler } from './index.js';

const range = (length: number) => ({ length, get: (i: number) => i });
type Options = DataLoaderOptions<number, number[]>;

/** Two epochs, and what of them is left after `stop` batches when another loader takes over. */
async function interrupted(options: () => Options, stop: number, disturb?: (loader: Generator) => void) {
  const run = async (state: { at: number } | null) => {
    const defaultGenerator = manualSeed(5);
    const batches: number[][] = [];
    let settings = options();
    let loader = new DataLoader(range(23), { ...settings, collateFn: (s) => s });
    for (let epoch = 0; epoch < 2; epoch++) {
      let again = true;
      while (again) {
        again = false;
        for await (const batch of loader) {
          batches.push(batch);
          if (disturb && settings.generator) disturb(settings.generator);
          if (state && batches.length === state.at) {
            const saved = JSON.stringify(loader.stateDict());
            const random = defaultGenerator.getState();
            // A new process: other seeds, another loader.
            manualSeed(99).random64();
            settings = options();
            settings.generator?.manualSeed(1234);
            loader = new DataLoader(range(23), { ...settings, collateFn: (s) => s });
            loader.loadStateDict(JSON.parse(saved) as DataLoaderState);
            defaultGenerator.setState(random);
            again = true;
            break;
          }
        }
      }
    }
    return { batches, next: defaultGenerator.random64(), own: settings.generator?.random64() };
  };
  return { whole: await run(null), resumed: await run({ at: stop }) };
}

describe('a loader continues where another was stopped, and the next epoch is the same too', () => {
  const cases: [string, () => Options][] = [
    ['in order', () => ({ batchSize: 5 })],
    ['shuffled', () => ({ batchSize: 5, shuffle: true })],
    ['shuffled, dropLast', () => ({ batchSize: 5, shuffle: true, dropLast: true })],
    ['shuffled with a generator', () => ({ batchSize: 5, shuffle: true, generator: new Generator(3) })],
    ['with prefetching', () => ({ batchSize: 5, shuffle: true, generator: new Generator(3), prefetch: 3 })],
    [
      'a sampler with replacement and its own generator',
      () => ({
        batchSize: 5,
        sampler: new RandomSampler(range(23), { replacement: true, generator: new Generator(8) }),
      }),
    ],
  ];
  describe.each(cases)('%s', (_, options) => {
    test.each([1, 3, 4, 5, 6])('after %d batches', async (stop) => {
      const { whole, resumed } = await interrupted(options, stop);
      expect(resumed).toEqual(whole);
    });
  });

  test('also where something else draws from the loader’s generator meanwhile', async () => {
    const options = () => ({ batchSize: 5, shuffle: true, generator: new Generator(3) });
    const { whole, resumed } = await interrupted(options, 2, (g) => g.random64());
    expect(resumed).toEqual(whole);
  });
});

test('continuing loads no sample of the batches that were handed out', async () => {
  const asked: number[] = [];
  const dataset = { length: 6, get: (i: number) => (asked.push(i), i) };
  const first = new DataLoader(dataset, { batchSize: 2 });
  let state: DataLoaderState | undefined;
  for await (const _ of first) {
    state = first.stateDict();
    break;
  }
  const second = new DataLoader(dataset, { batchSize: 2 });
  second.loadStateDict(state!);
  asked.length = 0;
  for await (const _ of second);
  expect(asked).toEqual([2, 3, 4, 5]);
});

test('between epochs the state is that of the next one: leaving a loop ends its epoch', async () => {
  const make = () =>
    new DataLoader(range(6), { batchSize: 2, shuffle: true, generator: new Generator(1), collateFn: (s) => s });
  const [a, b] = [make(), make()];
  for await (const _ of a) break;
  b.loadStateDict(a.stateDict());
  expect(a.stateDict().batch).toBe(0);
  const next = async (loader: DataLoader<number, number[]>) => {
    for await (const batch of loader) return batch;
    return undefined;
  };
  expect(await next(b)).toEqual(await next(a));
});

test('a state that is loaded and not used yet is saved as it was', () => {
  const state: DataLoaderState = { samples: 6, batch: 1, drawn: 1, start: [''], now: [] };
  const loader = new DataLoader(range(6));
  loader.loadStateDict(state);
  expect(loader.stateDict()).toEqual(state);
});

test('errors: another dataset, other generators', () => {
  const state = new DataLoader(range(6)).stateDict();
  expect(() => new DataLoader(range(7)).loadStateDict(state)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: DataLoader.loadStateDict: the state is of a dataset of 6 samples, this is one of 7 samples]`,
  );
  const other = new DataLoader(range(6), { shuffle: true, generator: new Generator(0) });
  expect(() => other.loadStateDict(state)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: DataLoader.loadStateDict: the state is of a loader with 0 generators of its own, this one has 1]`,
  );
});
