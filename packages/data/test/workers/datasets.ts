/**
 * What the tests of workers load as a module of a user's.
 */
import { tensor, type Tensor } from '@fakkel/core';
import {
  Dataset,
  defaultCollate,
  type EpochContext,
  getWorkerInfo,
  HostArray,
  IterableDataset,
  type SampleContext,
} from '@fakkel/data';

/** Sample i is four numbers that its generator gave, and i. */
export class Drawn extends Dataset<[HostArray, number]> {
  constructor(readonly length: number) {
    super();
  }

  get(index: number, context?: SampleContext): [HostArray, number] {
    const noise = new Float32Array(4);
    context!.generator.uniform(noise);
    return [new HostArray(noise, [2, 2]), index];
  }
}

/** The same, each after a time of its own. */
export class DrawnSlowly extends Dataset<[HostArray, number]> {
  constructor(readonly length: number) {
    super();
  }

  async get(index: number, context?: SampleContext): Promise<[HostArray, number]> {
    await new Promise((resolve) => setTimeout(resolve, (index * 7) % 5));
    return new Drawn(this.length).get(index, context);
  }
}

/** A stream of numbers, of which `prepare` leaves out those that 7 divides. It says where it stands. */
export class Streamed extends IterableDataset<[HostArray, number], { i: number; bytes: Uint8Array }> {
  constructor(
    readonly size: number,
    readonly saysWhere: boolean,
  ) {
    super();
  }

  stream({ seed, state }: EpochContext) {
    const { size, saysWhere } = this;
    let i = (state as number | undefined) ?? 0;
    return {
      async *[Symbol.asyncIterator]() {
        while (i < size) {
          await Promise.resolve();
          yield { i: i++, bytes: Uint8Array.of(Number(seed % 251n), i) };
        }
      },
      ...(saysWhere && { stateDict: () => i }),
    };
  }

  override prepare(raw: { i: number; bytes: Uint8Array }, context?: SampleContext): [HostArray, number] | undefined {
    if (raw.i % 7 === 6) return undefined;
    const noise = new Float32Array(2);
    context!.generator.uniform(noise);
    return [new HostArray(Float32Array.of(...noise, ...raw.bytes)), raw.i];
  }
}

/** What it hands out for an index, by the kind of sample. */
const SAMPLES = {
  numbers: (i: number) => [i, i + 0.5, i % 2 === 0, `number ${i}`] as const,
  fractionsLater: (i: number) => (i < 4 ? i : i + 0.5),
  fractionsFirst: (i: number) => (i < 2 ? i + 0.5 : i),
  nested: (i: number) => ({
    image: new HostArray(new Uint8Array([i, i, i, i]), [1, 2, 2], 'bool'),
    more: [Float32Array.of(i), new HostArray(Int32Array.of(-i, i)), { deep: Float64Array.of(i / 3) }] as const,
  }),
  tensors: (i: number): [Tensor, number] => [tensor([i, -i]), i],
  bytes: (i: number) => new HostArray(Uint8Array.of(i), [1, 1, 1], 'uint8'),
  lengths: (i: number) => Float32Array.from({ length: 1 + (i % 3) }, () => i),
  functions: (i: number) => ({ i, call: () => i }),
} as const;

export type SampleOf<K extends keyof typeof SAMPLES> = ReturnType<(typeof SAMPLES)[K]>;

export const samples = <K extends keyof typeof SAMPLES>(kind: K, length: number): Dataset<SampleOf<K>> => ({
  length,
  get: SAMPLES[kind] as (i: number) => SampleOf<K>,
});

class Broken extends Error {
  override name = 'Broken';
}

/** What happens at index 5. */
const ACCIDENTS = {
  throws: () => {
    throw new Broken('the file is damaged', { cause: new RangeError('a byte too many') });
  },
  rejects: () => Promise.reject(new TypeError('no such file')),
  throwsText: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is what is tested
    throw 'a string';
  },
  exits: () => process.exit(3),
  throwsLater: () => {
    setTimeout(() => {
      throw new Broken('in a timer');
    }, 0);
    return new Promise<number>(() => undefined);
  },
  neverComes: () => new Promise<number>(() => undefined),
  spins: (): number => {
    for (;;);
  },
  fills: (): number => {
    const all: number[][] = [];
    for (;;) all.push(new Array<number>(1e5).fill(0.5));
  },
} as const satisfies Record<string, () => unknown>;

export type Accident = keyof typeof ACCIDENTS;

/** Sample i is i, but for sample 5. */
export const accident = (kind: Accident, length = 12): Dataset<number> => ({
  length,
  get: (i) => (i === 5 ? (ACCIDENTS[kind] as () => number)() : i),
});

/** Batches as they are in the module, for what is not to be a dataset. */
export const notADataset = { samples: 3 };

export const unmakeable = (): never => {
  throw new Error('the folder is empty');
};

/** Takes time to give each sample: synchronously, as a decoder or a transform. */
export class Busy extends Dataset<number> {
  constructor(
    readonly length: number,
    readonly ms: number,
  ) {
    super();
  }

  get(index: number): number {
    for (const end = performance.now() + this.ms; performance.now() < end;);
    return index;
  }
}

/** Says how many samples it has made, this one included; each takes time. */
export class Counting extends Busy {
  private count = 0;

  override get(index: number): number {
    super.get(index);
    return ++this.count;
  }
}

/** In a batch of its own: samples padded with zeros to one length. */
export const padded = (arrays: Float32Array[]): Tensor => {
  const length = Math.max(...arrays.map((a) => a.length));
  return defaultCollate(arrays.map((a) => Float32Array.from({ length }, (_, i) => a[i] ?? 0)));
};

export const centre = ([image, label]: [HostArray, number]): [HostArray, number] => [
  new HostArray(
    Float32Array.from(image.data, (v) => 2 * v - 1),
    image.shape,
  ),
  label,
];

export const inverted = (image: HostArray): HostArray =>
  new HostArray(
    image.data.map((v) => 1 - v),
    image.shape,
  );

export const started: number[] = [];
export const noteStart = (id: number): void => void started.push(id);
/** Sample i says what {@link noteStart} was called with, and which worker it is in. */
export const notes = { length: 4, get: () => `${started.join()} in ${JSON.stringify(getWorkerInfo())}` };
