/** DataLoader with worker threads. What becomes of the threads is in test/worker-processes.test.ts. */
import { Generator, manualSeed, tensor, type Tensor } from '@fakkel/core';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type * as fixtures from '../test/workers/datasets.js';
import * as data from './index.js';
import {
  ConcatDataset,
  DataLoader,
  type DataLoaderOptions,
  type DataLoaderState,
  digits,
  type Dataset,
  fromModule,
  functionFromModule,
  HostArray,
  ImageFolder,
  type IterableDataset,
  MapDataset,
  type Portable,
  randomSplit,
  type SampleContext,
  Subset,
  TensorDataset,
  transforms,
  WeightedRandomSampler,
  WorkerError,
  writeImage,
} from './index.js';
import { WorkerPool } from './worker/pool.js';

const MODULE = new URL('../test/workers/datasets.ts', import.meta.url);
type Drawn = fixtures.Drawn;
type Pair = [HostArray, number];

// Starting a thread takes a second where sources are compiled.
vi.setConfig({ testTimeout: 60_000 });

const open: DataLoader<any, any>[] = [];
function load<T, B>(
  dataset: Dataset<T> | IterableDataset<T, unknown>,
  options: DataLoaderOptions<T, B>,
): DataLoader<T, B> {
  const loader = new DataLoader<T, B>(dataset, options);
  open.push(loader);
  return loader;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((loader) => loader.close()));
});

async function valueOf(batch: unknown): Promise<unknown> {
  if (typeof batch !== 'object' || batch === null) return batch;
  if ('toArray' in batch) return (batch as Tensor).toArray();
  if (batch instanceof HostArray) return { host: String(batch), data: [...batch.data] };
  if (ArrayBuffer.isView(batch)) return batch;
  if (Array.isArray(batch)) return Promise.all(batch.map(valueOf));
  return Object.fromEntries(await Promise.all(Object.entries(batch).map(async ([k, v]) => [k, await valueOf(v)])));
}

async function epoch(loader: AsyncIterable<unknown>, stop = Infinity): Promise<unknown[]> {
  const batches: unknown[] = [];
  for await (const batch of loader) {
    batches.push(await valueOf(batch));
    if (batches.length === stop) break;
  }
  return batches;
}

const failure = (loader: AsyncIterable<unknown>): Promise<WorkerError> =>
  epoch(loader).then(
    () => expect.fail('no error'),
    (error: unknown) => error as WorkerError,
  );

describe('the same seed gives the same batches for any number of workers', () => {
  type Case = [string, () => Promise<Dataset<Pair> & Portable>, DataLoaderOptions<Pair, any>, ...counts: number[]];
  const cases: Case[] = [
    ['random transforms', () => fromModule<Drawn>(MODULE, 'Drawn', 23), { batchSize: 4, shuffle: true }, 1, 3],
    ['samples that come at different times', () => fromModule<Drawn>(MODULE, 'DrawnSlowly', 23), { batchSize: 4 }, 2],
    [
      'samples that come more than once',
      () => fromModule<Drawn>(MODULE, 'Drawn', 4),
      { batchSize: 3, sampler: new WeightedRandomSampler([1, 5, 1, 1], 11), dropLast: true },
      2,
    ],
    [
      'batches of a batchSampler',
      () => fromModule<Drawn>(MODULE, 'Drawn', 9),
      { batchSampler: [[8, 1], [3], [8, 8, 2]] },
      1,
    ],
  ];
  test.each(cases)('%s', async (_, dataset, options, ...counts) => {
    const twoEpochs = async (numWorkers: number) => {
      const loader = load(await dataset(), { ...options, numWorkers, persistentWorkers: numWorkers > 0 });
      manualSeed(3);
      return [await epoch(loader), await epoch(loader)];
    };
    const [first, second] = await twoEpochs(0);
    expect(first).not.toEqual(second);
    for (const numWorkers of counts) expect(await twoEpochs(numWorkers)).toEqual([first, second]);
  });

  test('a sample that is drawn twice in an epoch is augmented twice', async () => {
    const dataset = await fromModule<Drawn>(MODULE, 'Drawn', 2);
    for (const numWorkers of [0, 2]) {
      const draws = await epoch(load(dataset, { sampler: [1, 1, 0, 1], numWorkers }));
      expect(new Set(draws.map((batch) => JSON.stringify((batch as [unknown])[0]))).size).toBe(4);
    }
  });

  test('a run goes on in the middle of an epoch, with another number of workers', async () => {
    const dataset = await fromModule<Drawn>(MODULE, 'Drawn', 20);
    const make = (numWorkers: number) =>
      load(dataset, { batchSize: 3, sampler: new WeightedRandomSampler(new Array(20).fill(1), 17), numWorkers });
    manualSeed(1);
    const whole = await epoch(make(0));
    for (const [before, after] of [
      [0, 2],
      [2, 0],
    ]) {
      manualSeed(1);
      const loader = make(before);
      const batches: unknown[] = [];
      let state: DataLoaderState | undefined;
      for await (const batch of loader) {
        batches.push(await valueOf(batch));
        if (batches.length < 4) continue;
        state = JSON.parse(JSON.stringify(loader.stateDict())) as DataLoaderState;
        break;
      }
      manualSeed(99);
      const again = make(after);
      again.loadStateDict(state!);
      batches.push(...(await epoch(again)));
      expect(batches).toEqual(whole);
    }
  });

  test.each([true, false])('iterable datasets too, and they go on (the stream says where it is: %s)', async (says) => {
    const dataset = await fromModule<fixtures.Streamed>(MODULE, 'Streamed', 40, says);
    const make = (numWorkers: number) => load(dataset, { batchSize: 4, numWorkers });
    manualSeed(2);
    const whole = await epoch(make(0));
    expect(whole.flatMap((batch) => (batch as [unknown, number[]])[1])).toEqual(
      Array.from({ length: 40 }, (_, i) => i).filter((i) => i % 7 !== 6),
    );
    manualSeed(2);
    const loader = make(2);
    const batches: unknown[] = [];
    for await (const batch of loader) {
      batches.push(await valueOf(batch));
      if (batches.length === 3) break;
    }
    // Drawn ahead and not handed out: none of it is lost.
    manualSeed(2);
    const other = make(2);
    let state: DataLoaderState | undefined;
    for await (const _ of other) {
      state = other.stateDict();
      if (state.batch === 3) break;
    }
    expect(state!.stream).toEqual({ count: 12, ...(says && { state: 12 }) });
    const again = make(1);
    again.loadStateDict(JSON.parse(JSON.stringify(state)) as DataLoaderState);
    expect([...batches, ...(await epoch(again))]).toEqual(whole);
  });
});

describe('what workers are given', () => {
  const byWorkers = async (make: (numWorkers: number) => DataLoader<any, any>) => {
    const alone = await epoch(make(0));
    expect(await epoch(make(2))).toEqual(alone);
    return alone;
  };

  test('datasets of the package: memory is shared, once, and the arrays stay what they are', async () => {
    const images = new HostArray(
      Float32Array.from({ length: 600 }, (_, i) => i),
      [150, 1, 2, 2],
    );
    const labels = Int32Array.from({ length: 150 }, (_, i) => -i);
    const dataset = new ConcatDataset([
      new Subset(new TensorDataset(images, labels), [149, 3, 5]),
      new TensorDataset(tensor(images.data, { shape: images.shape }), tensor(labels, { dtype: 'int32' })),
    ]);
    await byWorkers((numWorkers) => load(dataset, { batchSize: 51, numWorkers }));
    expect(images.data.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('functions from a module, in what the package maps and collates with', async () => {
    const centre = await functionFromModule<typeof fixtures.centre>(MODULE, 'centre');
    const padded = await functionFromModule<typeof fixtures.padded>(MODULE, 'padded');
    const images = new TensorDataset(Float32Array.of(0, 0.5, 1), Int32Array.of(1, 2, 3));
    const mapped = new MapDataset(images, centre as unknown as (sample: HostArray[]) => HostArray[]);
    expect(await byWorkers((numWorkers) => load(mapped, { batchSize: 3, numWorkers }))).toEqual([
      [
        [-1, 0, 1],
        [1, 2, 3],
      ],
    ]);
    const lengths = await fromModule<Dataset<Float32Array>>(MODULE, 'samples', 'lengths', 4);
    expect(await byWorkers((numWorkers) => load(lengths, { batchSize: 4, numWorkers, collateFn: padded }))).toEqual([
      [
        [0, 0, 0],
        [1, 1, 0],
        [2, 2, 2],
        [3, 0, 0],
      ],
    ]);
  });

  test('transforms of the package, with a function from a module among them', async () => {
    const inverted = await functionFromModule<typeof fixtures.inverted>(MODULE, 'inverted');
    const transform = new transforms.Compose([
      new transforms.RandomResizedCrop(6),
      new transforms.RandomApply([new transforms.RandomRotation(20), new transforms.RandomHorizontalFlip()]),
      new transforms.ToTensor(),
      new transforms.Lambda(inverted),
      new transforms.RandomErasing(),
      new transforms.Normalize([0.5], [0.5]),
    ]);
    const [train] = randomSplit(digits({ transform }), [60, 1737], new Generator(0));
    await byWorkers((numWorkers) => {
      manualSeed(0);
      return load(train, { batchSize: 16, shuffle: true, numWorkers });
    });
  });

  test('files in folders, decoded in the workers', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'fakkel-workers-'));
    for (let i = 0; i < 12; i++) {
      const [image, label] = digits().get(i);
      await mkdir(path.join(root, String(label % 3)), { recursive: true });
      await writeImage(path.join(root, String(label % 3), `${i}.jpg`), image);
    }
    await writeFile(path.join(root, '2', 'z.jpg'), 'no image');
    const transform = new transforms.Compose([new transforms.RandomResizedCrop(16), new transforms.ToTensor()]);
    const images = await ImageFolder.open(root, { transform });
    await byWorkers((numWorkers) => {
      manualSeed(0);
      return load(
        new Subset(
          images,
          Array.from({ length: 12 }, (_, i) => i),
        ),
        { batchSize: 5, shuffle: true, numWorkers },
      );
    });
    const error = await failure(load(images, { numWorkers: 1, batchSize: 13 }));
    expect(error.index).toBe(12);
    expect(error.message.replace(root, '…')).toMatch(
      /^DataLoader: sample 12 of ImageFolder, in worker 0 of 1: .*…\/2\/z\.jpg.* neither JPEG, PNG/,
    );
    await rm(root, { recursive: true });
  });

  test('a class, a function, an object: fromModule makes it here too, with its own members', async () => {
    const drawn = await fromModule<Drawn>(MODULE, 'Drawn', 7);
    expect(drawn.length).toBe(7);
    expect(drawn.constructor.name).toBe('Drawn');
    const notes = await fromModule<Dataset<string>>(MODULE, 'notes');
    expect(notes.length).toBe(4);
  });

  test('workerInitFn is called in each with its number, and getWorkerInfo says it', async () => {
    const notes = await fromModule<Dataset<string>>(MODULE, 'notes');
    const workerInitFn = await functionFromModule<typeof fixtures.noteStart>(MODULE, 'noteStart');
    const seen = (await epoch(load(notes, { numWorkers: 2, workerInitFn }))).flat();
    expect(new Set(seen)).toEqual(new Set(['0 in {"id":0,"numWorkers":2}', '1 in {"id":1,"numWorkers":2}']));
    expect(await epoch(load(notes, {}))).toContainEqual([' in undefined']);
  });

  test('every class of the package that says how it is made says so itself: what extends it is refused', () => {
    const exported: unknown[] = [...Object.values(data), ...Object.values(data.transforms)];
    const classes = exported.filter((value) => typeof value === 'function' && 'recipe' in (value.prototype ?? {}));
    expect(classes.length).toBeGreaterThan(30);
    const { recipe } = data.transforms.Transform.prototype; // makes none
    const inherit = classes.filter(({ prototype }: any) => !Object.hasOwn(prototype, 'recipe'));
    expect(inherit.filter(({ prototype }: any) => prototype.recipe !== recipe)).toEqual([]);
  });

  test('what can not be sent is an error that shows the way', () => {
    const error = (make: () => unknown): string => {
      try {
        make();
      } catch (thrown) {
        return String(thrown).replace(/ Put what makes it .*/, ' …');
      }
      return 'no error';
    };
    const range = { length: 3, get: (i: number) => i };
    const withWorkers = (dataset: Dataset<any>, more: object = {}) =>
      error(() => new DataLoader(dataset, { numWorkers: 2, ...more }));
    class Mine extends TensorDataset<[Float32Array]> {}
    expect(() => new DataLoader(range, { numWorkers: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: DataLoader: numWorkers: the dataset can't be given to worker threads, which share no objects: it has a function in { get }. Put what makes it into a module of its own, export const make = () => …, and load it from there, as the workers will: await fromModule(new URL('./photos.js', import.meta.url), 'make') for a dataset, functionFromModule(…) for a function.]`,
    );
    expect([
      withWorkers(new MapDataset(range, (i) => i)),
      withWorkers(new Subset(new MapDataset(range, (i) => i), [0])),
      withWorkers(new Subset(range, [0])),
      withWorkers(new TensorDataset(Float32Array.of(1)), { workerInitFn: () => undefined }),
      withWorkers(new Mine(Float32Array.of(1))),
    ]).toMatchInlineSnapshot(`
      [
        "FakkelError: DataLoader: numWorkers: the dataset can't be given to worker threads, which share no objects: it is a MapDataset (with a function in it, or of a class of your own). …",
        "FakkelError: DataLoader: numWorkers: the dataset can't be given to worker threads, which share no objects: it has a MapDataset (with a function in it, or of a class of your own) in Subset. …",
        "FakkelError: DataLoader: numWorkers: the dataset can't be given to worker threads, which share no objects: it has a function in { get } in Subset. …",
        "FakkelError: DataLoader: numWorkers: workerInitFn can't be given to worker threads, which share no objects: it is a function. …",
        "FakkelError: DataLoader: numWorkers: the dataset can't be given to worker threads, which share no objects: it is a Mine (a class of your own). …",
      ]
    `);
  });

  test('errors of fromModule', async () => {
    const message = (promise: Promise<unknown>) =>
      promise.then(
        () => 'no error',
        (error: unknown) => String(error).replaceAll(MODULE.href, 'file:///…/datasets.ts'),
      );
    expect([
      await message(fromModule('./photos.js', 'photos')),
      await message(fromModule('C:\\photos.js', 'photos')),
      await message(fromModule(MODULE, 'drawn')).then((text) => text.replace(/exports .*$/, 'exports …')),
      await message(fromModule(MODULE, 'notADataset')),
      await message(fromModule(MODULE, 'notes', 1)),
      await message(functionFromModule(MODULE, 'notes')),
    ]).toMatchInlineSnapshot(`
      [
        "FakkelError: fromModule: './photos.js' is no address that a worker could find. Write new URL('./photos.js', import.meta.url), which is seen from your file, or import.meta.resolve('./photos.js') for a package.",
        "FakkelError: fromModule: 'C:\\photos.js' is no address that a worker could find. Write pathToFileURL('C:\\photos.js').",
        "FakkelError: fromModule: file:///…/datasets.ts exports …",
        "TypeError: fromModule: notADataset: the dataset has no method get. A dataset has a length and get(i).",
        "FakkelError: fromModule: notes of file:///…/datasets.ts is an object of class Object, which takes no arguments. Export a class or a function that makes it.",
        "FakkelError: functionFromModule: notes of file:///…/datasets.ts is an object of class Object, not a function",
      ]
    `);
  });
});

describe('batches of workers are those of this thread', () => {
  const samples = <K extends 'numbers' | 'nested' | 'tensors' | 'bytes' | 'lengths' | 'functions'>(
    kind: K | 'fractionsLater' | 'fractionsFirst',
    length = 6,
  ) => fromModule<Dataset<fixtures.SampleOf<K>>>(MODULE, 'samples', kind, length);

  test.each(['numbers', 'nested', 'tensors', 'fractionsFirst'] as const)('%s', async (kind) => {
    const dataset = await samples(kind as 'numbers');
    const alone = await epoch(load(dataset, { batchSize: 4 }));
    expect(await epoch(load(dataset, { batchSize: 4, numWorkers: 2 }))).toEqual(alone);
  });

  test('samples for a collateFn of this thread keep their classes, and may be kept', async () => {
    const kept: unknown[] = [];
    const collateFn = (all: unknown[]) => {
      kept.push(...all);
      return all.length;
    };
    for (const kind of ['nested', 'tensors'] as const) {
      const dataset = await samples(kind as 'numbers');
      const loader = (numWorkers: number) => load(dataset, { batchSize: 2, numWorkers, collateFn });
      await epoch(loader(0));
      const alone = await valueOf(kept.splice(0));
      expect(await epoch(loader(1))).toEqual([2, 2, 2]);
      expect(await valueOf(kept.splice(0))).toEqual(alone);
    }
  });

  test('errors of collation are the same: dtypes of earlier batches, bytes, lengths', async () => {
    for (const kind of ['fractionsLater', 'bytes', 'lengths'] as const) {
      const dataset = await samples(kind as 'numbers', 8);
      const alone: Error = await failure(load(dataset, { batchSize: 2 }));
      const error: Error = await failure(load(dataset, { batchSize: 2, numWorkers: 1 }));
      if (error instanceof WorkerError) {
        expect(error.message).toBe(
          `DataLoader: a batch of samples 0, 1 of samples (datasets.ts), in worker 0 of 1: ${alone.message}`,
        );
        expect(error.cause).toBeInstanceOf(alone.constructor);
      } else {
        expect([error.constructor, error.message]).toEqual([alone.constructor, alone.message]);
      }
    }
  });

  test('a sample that can not be sent says so', async () => {
    const dataset = await samples('functions');
    const error = await failure(load(dataset, { numWorkers: 1, collateFn: (all) => all }));
    expect(error.message).toMatchInlineSnapshot(
      `"DataLoader: a batch of samples 0 of samples (datasets.ts), in worker 0 of 1: a sample holds a function, which can't be sent from one thread to another. Hand out numbers, strings, typed arrays, HostArrays, tensors, or arrays and plain objects of these."`,
    );
  });
});

describe('errors in a worker', () => {
  const accident = (kind: fixtures.Accident) => fromModule<Dataset<number>>(MODULE, 'accident', kind);

  test('name the sample and the dataset, carry the error with its stack, and come when it is their turn', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const loader = load(await accident('throws'), { batchSize: 2, numWorkers: 2, persistentWorkers: true });
    const seen: unknown[] = [];
    const loop = async () => {
      for await (const batch of loader) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen.push(await valueOf(batch));
      }
    };
    const error = await loop().then(
      () => undefined,
      (thrown: unknown) => thrown as WorkerError,
    );
    expect(seen).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error!.message.replace(/worker \d/, 'worker ?')).toMatchInlineSnapshot(
      `"DataLoader: sample 5 of accident (datasets.ts), in worker ? of 2: the file is damaged"`,
    );
    expect(error!.index).toBe(5);
    expect([0, 1]).toContain(error!.worker);
    const cause = error!.cause as Error;
    expect([cause.name, cause.message]).toEqual(['Broken', 'the file is damaged']);
    expect(cause.stack).toMatch(/throws.*datasets\.ts/s);
    expect(cause.cause).toBeInstanceOf(RangeError);
    // The workers are well: the next epoch goes on with them.
    expect(await epoch(loader, 2)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test.each([
    ['rejects', 'DataLoader: sample 5 of accident (datasets.ts), in worker 0 of 1: no such file'],
    ['throwsText', 'DataLoader: sample 5 of accident (datasets.ts), in worker 0 of 1: thrown: a string'],
    ['exits', 'DataLoader: worker 0 of 1 ended by itself, with code 3; it was at sample 5 of accident (datasets.ts)'],
    ['throwsLater', 'DataLoader: worker 0 of 1 failed: in a timer; it was at sample 5 of accident (datasets.ts)'],
  ] as const)('%s', async (kind, message) => {
    const error = await failure(load(await accident(kind), { batchSize: 4, numWorkers: 1 }));
    expect(error).toBeInstanceOf(WorkerError);
    expect([error.message, error.index]).toEqual([message, 5]);
  });

  test('that never answers: timeout', { timeout: 60_000 }, async () => {
    const messages: string[] = [];
    for (const kind of ['neverComes', 'spins'] as const) {
      const loader = load(await accident(kind), { batchSize: 4, numWorkers: 1, timeout: 5, persistentWorkers: true });
      messages.push((await failure(loader)).message);
      // The worker hangs: the next loop has another.
      expect(await epoch(loader, 1)).toEqual([[0, 1, 2, 3]]);
    }
    expect(messages).toMatchInlineSnapshot(`
      [
        "DataLoader: no batch came within 5 s (timeout): worker 0 is at sample 5. If samples may take so long, raise it.",
        "DataLoader: no batch came within 5 s (timeout): worker 0 is at sample 5. If samples may take so long, raise it.",
      ]
    `);
  });

  test('a dataset that can not be made in the worker', async () => {
    const dataset = {
      length: 4,
      get: (i: number) => i,
      recipe: () => ({ module: MODULE.href, name: 'unmakeable', args: [] }),
    };
    const error = await failure(load(dataset, { numWorkers: 1 }));
    expect(error.message).toMatchInlineSnapshot(
      `"DataLoader: worker 0 of 1 can't make unmakeable (datasets.ts): the folder is empty"`,
    );
  });
});

describe('loops', () => {
  test('two at the same time over one loader', async () => {
    const loader = load(await fromModule<Drawn>(MODULE, 'Drawn', 12), {
      batchSize: 2,
      numWorkers: 1,
      persistentWorkers: true,
    });
    manualSeed(4);
    const alone = [await epoch(loader), await epoch(loader)];
    manualSeed(4);
    const [a, b] = [loader[Symbol.asyncIterator](), loader[Symbol.asyncIterator]()];
    const seen: unknown[][] = [[], []];
    for (let i = 0; i < 6; i++) {
      seen[0].push(await valueOf((await a.next()).value));
      seen[1].push(await valueOf((await b.next()).value));
    }
    expect(seen).toEqual(alone);
    await a.return();
    await b.return();
  });

  test('more workers than batches; a loop after one that was left', async () => {
    const loader = load(await fromModule<Drawn>(MODULE, 'Drawn', 3), {
      batchSize: 2,
      numWorkers: 3,
      persistentWorkers: true,
    });
    expect((await epoch(loader)).length).toBe(2);
    for await (const _ of loader) break;
    expect((await epoch(loader)).length).toBe(2);
  });

  test('no more than prefetchFactor × numWorkers batches are loaded ahead', async () => {
    const asked: number[] = [];
    const sampler = {
      *[Symbol.iterator]() {
        for (let i = 0; i < 20; i++) {
          asked.push(i);
          yield i;
        }
      },
    };
    const dataset = await fromModule<Drawn>(MODULE, 'Drawn', 20);
    const counts: number[] = [];
    for await (const _ of load(dataset, { sampler, numWorkers: 2, prefetchFactor: 3 })) counts.push(asked.length);
    expect(counts.slice(0, 4)).toEqual([7, 8, 9, 10]);
  });

  test('steady state takes no new memory: batches are put into that of earlier ones', async () => {
    const dataset = new TensorDataset(new HostArray(new Float32Array(64 * 1000), [64, 1000]));
    let without = 0;
    const { request } = WorkerPool.prototype;
    const spy = vi.spyOn(WorkerPool.prototype, 'request').mockImplementation(function (this: WorkerPool, ...args) {
      if ((this as any).spares.length === 0) without++;
      return request.apply(this, args);
    });
    await epoch(load(dataset, { batchSize: 2, numWorkers: 1 }));
    expect(spy).toHaveBeenCalledTimes(32);
    expect(without).toBe(2); // prefetchFactor
    spy.mockRestore();
  });

  test('persistentWorkers keep their dataset, and do not work for a loop that was left', async () => {
    const dataset = await fromModule<fixtures.Counting>(MODULE, 'Counting', 12, 20);
    const loader = load(dataset, { numWorkers: 1, persistentWorkers: true, prefetchFactor: 10 });
    for await (const _ of loader) break;
    let first: number | undefined;
    let last: number | undefined;
    for await (const counts of loader as AsyncIterable<Tensor>) {
      last = ((await counts.toArray()) as number[])[0];
      first ??= last;
    }
    // The one that was handed out, and a few that were begun before the loop was left: not all ten.
    expect(first).toBeGreaterThan(1);
    expect(first).toBeLessThan(10);
    expect(last).toBe(first! + 11);
  });
});

test('options', async () => {
  const dataset = new TensorDataset(Float32Array.of(1, 2));
  const error = (options: object) => {
    try {
      new DataLoader(dataset, options);
    } catch (thrown) {
      return String(thrown);
    }
    return 'no error';
  };
  expect([
    error({ numWorkers: -1 }),
    error({ numWorkers: 1.5 }),
    error({ prefetchFactor: 2 }),
    error({ persistentWorkers: true }),
    error({ timeout: 1 }),
    error({ numWorkers: 1, timeout: -1 }),
    error({ numWorkers: 1, prefetchFactor: 0 }),
    error({ numWorkers: 1, prefetch: 2 }),
  ]).toMatchInlineSnapshot(`
    [
      "OutOfRangeError: DataLoader: numWorkers: expected a whole number from 0 up, got -1",
      "OutOfRangeError: DataLoader: numWorkers: expected a whole number from 0 up, got 1.5",
      "FakkelError: DataLoader: prefetchFactor is for workers, and there are none: set numWorkers. Without them, prefetch is the number of batches loaded ahead.",
      "FakkelError: DataLoader: persistentWorkers is for workers, and there are none: set numWorkers.",
      "FakkelError: DataLoader: timeout is for workers, and there are none: set numWorkers.",
      "OutOfRangeError: DataLoader: timeout: expected seconds, from 0 up, got -1",
      "OutOfRangeError: DataLoader: prefetchFactor: expected a whole number from 1 up, got 0",
      "FakkelError: DataLoader: prefetch is for loading without workers. With them, write prefetchFactor.",
    ]
  `);
  const stream = await fromModule<fixtures.Streamed>(MODULE, 'Streamed', 4, true);
  expect(() => new DataLoader(stream, { shuffle: true })).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: DataLoader: shuffle needs samples by index, and an iterable dataset streams them in an order of its own. Leave it out, and shuffle in the dataset: with a buffer, or by the seed that its stream(epoch) is given.]`,
  );
  expect(() => new DataLoader(stream, {}).length).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: DataLoader.length: the iterable dataset does not say its length; give it a \`length\` property]`,
  );
});

test('a sample context is handed through the package’s wrappers', async () => {
  const dataset: Dataset<number> = {
    length: 2,
    get: (_, context?: SampleContext) => context!.generator.random(),
  };
  const wrapped = new ConcatDataset([new Subset(new MapDataset(dataset, (x) => x), [1, 0])]);
  const [batch] = await epoch(new DataLoader(wrapped, { batchSize: 2 }));
  expect(new Set(batch as number[]).size).toBe(2);
});
