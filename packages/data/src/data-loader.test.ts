import { Generator, manualSeed, nn, stats, tensor, type Tensor } from '@fakkel/core';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import goldens from '../test/goldens/data/loaders.json' with { type: 'json' };
import { DataLoader, type Dataset, digits, type HostArray, RandomSampler, TensorDataset } from './index.js';

const range = (length: number): Dataset<number> => ({ length, get: (i: number) => i });
const asArrays = (samples: number[]) => samples;

async function collect<B>(loader: AsyncIterable<B>, stop?: number): Promise<B[]> {
  const batches: B[] = [];
  for await (const batch of loader) {
    batches.push(batch);
    if (batches.length === stop) break;
  }
  return batches;
}

function probe(generator: Generator): number {
  const out = new Int32Array(1);
  generator.randint(out, 0, 2 ** 31 - 1);
  return out[0];
}

describe('the order is that of PyTorch, epoch after epoch', () => {
  test.each(goldens)(
    '$n samples, batchSize $batchSize, shuffle $shuffle, dropLast $dropLast, seed $seed, left after $stop',
    async ({ n, batchSize, shuffle, dropLast, seed, stop, epochs, own }) => {
      const defaultGenerator = manualSeed(0);
      const generator = seed === null ? undefined : new Generator(seed);
      const options = { batchSize, shuffle, dropLast, collateFn: asArrays, ...(generator && { generator }) };
      const loader = new DataLoader(range(n), options);
      if (stop === null) expect(loader.length).toBe(epochs[0].batches.length);
      for (const { batches, next } of epochs) {
        expect(await collect(loader, stop ?? undefined)).toEqual(batches);
        expect(probe(defaultGenerator)).toBe(next);
      }
      expect(probe(generator ?? defaultGenerator)).toBe(own);
    },
  );
});

describe('batches', () => {
  test('are tensors: float32 images, int32 labels, a smaller last batch', async () => {
    const loader = new DataLoader(digits(), { batchSize: 1000 });
    expectTypeOf(loader).toEqualTypeOf<DataLoader<[HostArray, number], [Tensor, Tensor]>>();
    const shapes: string[] = [];
    for await (const [x, y] of loader) shapes.push(`${x.dtype}[${x.shape.join(',')}] ${y.dtype}[${y.shape.join(',')}]`);
    expect(shapes).toEqual(['float32[1000,1,8,8] int32[1000]', 'float32[797,1,8,8] int32[797]']);
    expect(loader.length).toBe(2);
  });

  test('hold the samples that the order says', async () => {
    const dataset = new TensorDataset(Float32Array.of(10, 11, 12), Int32Array.of(0, 1, 2));
    const [[x, y]] = await collect(new DataLoader(dataset, { batchSize: 3, sampler: [2, 0, 1] }));
    expect(await x.toArray()).toEqual([12, 10, 11]);
    expect(await y.toArray()).toEqual([2, 0, 1]);
  });

  test('come from batchSampler and collateFn, which may be asynchronous', async () => {
    const loader = new DataLoader(range(9), {
      batchSampler: [[8, 1], [3]],
      collateFn: (samples) => Promise.resolve(samples.join('+')),
    });
    expect(await collect(loader)).toEqual(['8+1', '3']);
    expect(loader.length).toBe(2);
  });

  test('of 64 images cost no work per element in JavaScript objects: 200 batches in under two seconds', async () => {
    const loader = new DataLoader(digits({ size: 32 }), { batchSize: 64, shuffle: true });
    const start = performance.now();
    let n = 0;
    for (let epoch = 0; epoch < 7; epoch++) for await (const [x] of loader) n += x.shape[0];
    expect(n).toBe(7 * 1797);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('prefetch', () => {
  test('loads the next batches while the current one is used', async () => {
    const asked: number[] = [];
    const dataset: Dataset<number> = {
      length: 4,
      get: (i) => {
        asked.push(i);
        return Promise.resolve(i);
      },
    };
    const seen: number[][] = [];
    for await (const _ of new DataLoader(dataset, { prefetch: 2, collateFn: asArrays })) seen.push([...asked]);
    expect(seen).toEqual([
      [0, 1, 2],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  });

  test('a failing sample throws when it is its turn, and not elsewhere', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const dataset: Dataset<number> = {
      length: 3,
      get: (i) => (i === 1 ? Promise.reject(new Error('sample 1 is damaged')) : i),
    };
    const loader = new DataLoader(dataset, { prefetch: 2, collateFn: asArrays });
    const seen: number[] = [];
    const loop = async () => {
      for await (const [i] of loader) {
        seen.push(i);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await expect(loop()).rejects.toThrow('sample 1 is damaged');
    expect(seen).toEqual([0]);
    for await (const _ of loader) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

test('leaving the loop early closes the sampler', async () => {
  const closed = vi.fn();
  const sampler = {
    *[Symbol.iterator]() {
      try {
        for (let i = 0; i < 10; i++) yield i;
      } finally {
        closed();
      }
    },
  };
  for await (const _ of new DataLoader(range(10), { sampler, batchSize: 2 })) break;
  expect(closed).toHaveBeenCalledTimes(1);
});

test('a loop that awaits only microtasks lets timers in every 16 ms', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const loader = new DataLoader(range(2), { collateFn: asArrays });
  const start = performance.now();
  // Short epochs: the clock is not that of one iteration.
  while (performance.now() - start < 200) for await (const _ of loader) await Promise.resolve();
  clearInterval(timer);
  expect(ticks).toBeGreaterThanOrEqual(4);
});

test('before the next batch, waiting module calls are run, and only those', async () => {
  const layer = new nn.Linear(2, 2);
  const dataset = new TensorDataset(
    tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
  );
  await dataset.get(0);
  const counts: number[] = [];
  for await (const [x] of new DataLoader(dataset)) {
    counts.push(stats().runs);
    layer(x);
  }
  expect(counts.map((n) => n - counts[0])).toEqual([0, 1, 2]);
  const before = stats().runs;
  for await (const [x] of new DataLoader(dataset)) x.mul(2);
  expect(stats().runs - before).toBe(1); // the call left over from above
});

test('errors', () => {
  expect(() => new DataLoader(range(0))).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: DataLoader: the dataset is empty. Check the split or the folder that it comes from.]`,
  );
  expect(() => new DataLoader(range(3), { batchSize: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: DataLoader: batchSize: expected a whole number from 1 up, got 0]`,
  );
  expect(() => new DataLoader(range(3), { batchSize: 4, dropLast: true })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: DataLoader: dropLast leaves no batch: 3 samples are fewer than batchSize 4]`,
  );
  expect(() => new DataLoader(range(3), { shuffle: true, sampler: [1] })).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: DataLoader: sampler excludes shuffle: the sampler says the order]`,
  );
  expect(() => new DataLoader(range(3), { batchSize: 2, batchSampler: [[1]] })).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: DataLoader: batchSampler excludes batchSize, shuffle, sampler and dropLast]`,
  );
  expect(() => new DataLoader(range(3), { prefetch: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: DataLoader: prefetch: expected a whole number from 0 up, got -1]`,
  );
  const endless = new DataLoader(range(3), { sampler: new Set([1]) });
  expect(() => endless.length).toThrow('the sampler does not say its length');
});

test('an index that is not in the dataset is an error of the dataset', async () => {
  const loader = new DataLoader(digits(), { sampler: [0, 1797] });
  await expect(collect(loader)).rejects.toThrow('DigitsDataset.get: index 1797 is out of range for 1797 samples');
  expect(() => new DataLoader(digits(), { sampler: new RandomSampler(digits()) })).not.toThrow();
});
