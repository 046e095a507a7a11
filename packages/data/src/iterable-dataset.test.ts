import { manualSeed } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import {
  ChainDataset,
  DataLoader,
  IterableDataset,
  MapIterableDataset,
  type EpochContext,
  type SampleStream,
} from './index.js';

async function all<T>(samples: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const sample of samples) list.push(sample);
  return list;
}

/** `from` … `from` + `count` − 1, times ten when prepared. */
class Counting extends IterableDataset<number> {
  constructor(
    readonly from: number,
    readonly count: number,
  ) {
    super();
  }
  stream(_epoch: EpochContext): SampleStream<number> {
    return Array.from({ length: this.count }, (_, i) => this.from + i);
  }
  override prepare(i: number): number {
    return 10 * i;
  }
}

/** The same, saying where it stands. */
class Saying extends Counting {
  opened: number[] = [];
  override stream({ state }: EpochContext): SampleStream<number> {
    let at = (state as number | undefined) ?? 0;
    this.opened.push(at);
    const { from, count } = this;
    return {
      async *[Symbol.asyncIterator]() {
        while (at < count) yield from + at++;
      },
      stateDict: () => at,
    };
  }
}

test('a generator method is enough; a pass without a loader prepares each sample', async () => {
  class Words extends IterableDataset<string> {
    async *stream() {
      for (const word of ['a', 'b']) yield await Promise.resolve(word);
    }
  }
  expect(await all(new Words())).toEqual(['a', 'b']);
  expect(await all(new Counting(1, 3))).toEqual([10, 20, 30]);
});

test('an order that follows from the seed is the same from the same seed', async () => {
  class Shuffled extends IterableDataset<number> {
    *stream({ seed }: EpochContext) {
      yield Number(seed % 1000n);
    }
  }
  manualSeed(1);
  const first = [...(await all(new Shuffled())), ...(await all(new Shuffled()))];
  manualSeed(1);
  expect([...(await all(new Shuffled())), ...(await all(new Shuffled()))]).toEqual(first);
  expect(first[0]).not.toBe(first[1]);
});

test('no sample comes twice with workers, as in PyTorch without get_worker_info()', async () => {
  // With one stream for all workers there is nothing that could: see data-loader-workers.test.ts.
  const batches = [];
  for await (const batch of new DataLoader(new Counting(0, 5), { batchSize: 2 })) batches.push(await batch.toArray());
  expect(batches).toEqual([[0, 10], [20, 30], [40]]); // prettier-ignore
});

describe('ChainDataset', () => {
  test('streams its datasets one after the other, each prepared by its own', async () => {
    const chain = new ChainDataset<number>([new Counting(0, 2), new Counting(5, 0), new Saying(7, 2)]);
    expect(await all(chain)).toEqual([0, 10, 70, 80]);
  });

  test('goes on where it stood, in a dataset that says where it stands and in one that does not', async () => {
    const make = () => new ChainDataset<number>([new Counting(0, 3), new Saying(10, 4), new Counting(20, 2)]);
    const whole = (await all(make().stream({ seed: 0n }))).map(({ raw }) => raw);
    expect(whole).toEqual([0, 1, 2, 10, 11, 12, 13, 20, 21]);
    for (let stop = 1; stop <= whole.length; stop++) {
      const stream = make().stream({ seed: 0n });
      let count = 0;
      for await (const _ of stream) if (++count === stop) break;
      const state: unknown = JSON.parse(JSON.stringify(stream.stateDict!()));
      const rest = await all(make().stream({ seed: 0n, state }));
      expect(rest.map(({ raw }) => raw)).toEqual(whole.slice(stop));
    }
  });

  test('in a loader: save, load, go on', async () => {
    const parts = [new Counting(0, 3), new Saying(10, 4)];
    const loader = new DataLoader(new ChainDataset<number>(parts), { batchSize: 2 });
    let saved = '';
    for await (const batch of loader) {
      if (((await batch.toArray()) as number[])[0] !== 20) continue;
      saved = JSON.stringify(loader.stateDict());
      break;
    }
    const again = new DataLoader(new ChainDataset<number>(parts), { batchSize: 2 });
    again.loadStateDict(JSON.parse(saved));
    const batches = [];
    for await (const batch of again) batches.push(await batch.toArray());
    expect(batches).toEqual([[110, 120], [130]]); // prettier-ignore
    expect((parts[1] as Saying).opened.at(-1)).toBe(1);
  });

  test('errors', () => {
    expect(() => new ChainDataset([])).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: ChainDataset: expected at least one dataset]`,
    );
    expect(() => new ChainDataset([{ length: 1, get: () => 1 } as any])).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: ChainDataset: dataset 0 is no IterableDataset. Datasets with get(i) are joined by new ConcatDataset([…]).]`,
    );
  });
});

describe('MapIterableDataset', () => {
  test('maps samples, and leaves out those that become undefined', async () => {
    const mapped = new MapIterableDataset(new Counting(0, 6), (n) => (n % 20 === 0 ? `${n}` : undefined));
    expect(await all(mapped)).toEqual(['0', '20', '40']);
    const batches = [];
    for await (const batch of new DataLoader(mapped, { batchSize: 3 })) batches.push(batch);
    expect(batches).toEqual([['0', '20'], ['40']]);
  });

  test('hands the position through', async () => {
    const stream = new MapIterableDataset(new Saying(0, 6), String).stream({ seed: 0n });
    for await (const n of stream) if (n === 3) break;
    expect(stream.stateDict!()).toBe(4);
  });

  test('errors', () => {
    expect(() => new MapIterableDataset({ length: 1, get: () => 1 } as any, String)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: MapIterableDataset: expected an IterableDataset. Others are mapped by new MapDataset(…).]`,
    );
  });
});
