import { createHash } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import {
  Device,
  fromArray,
  Generator,
  manualSeed,
  nn,
  ones,
  referenceBackend,
  setDefaultDevice,
  getDefaultDevice,
  tensor,
  type TypedArray,
} from '../index.js';

const stored = (shape: number[], data: TypedArray, dtype = 'float32' as const): nn.StoredTensor => ({
  shape,
  dtype,
  read: async () => data,
});

/** Large arrays are compared so; vitest's own way takes seconds. */
const hex = ({ buffer }: TypedArray): string => createHash('sha256').update(new Uint8Array(buffer)).digest('hex');

test('streamStateDict gives each array to the backend, which keeps it: no copy', async () => {
  const backend = await referenceBackend.create({});
  const adopt = vi.spyOn(backend, 'adopt');
  const upload = vi.spyOn(backend, 'upload');
  const before = getDefaultDevice();
  setDefaultDevice(new Device('counted', backend));
  try {
    const net = new nn.Linear(2, 1);
    const weight = Float32Array.of(1, 2);
    await nn.streamStateDict(
      net,
      new Map([
        ['weight', stored([1, 2], weight)],
        ['bias', stored([1], Float32Array.of(3))],
      ]),
    );
    expect(adopt.mock.calls[0][0]).toBe(weight);
    expect(adopt).toHaveBeenCalledTimes(2);
    expect(await net(tensor([[1, 1]])).item()).toBe(6);
    expect(upload.mock.calls.filter(([data]) => data.length === 2)).toHaveLength(1); // the input alone
    expect(backend.stats().liveBuffers).toBe(2);
  } finally {
    setDefaultDevice(before);
  }
});

test('streamStateDict: what read() gives is checked, and nothing has changed where it is wrong', async () => {
  const net = new nn.Linear(2, 1);
  const before = await net.weight.toArray();
  const load = (weight: TypedArray): Promise<unknown> =>
    nn.streamStateDict(
      net,
      new Map([
        ['bias', stored([1], Float32Array.of(3))],
        ['weight', stored([1, 2], weight)],
      ]),
    );
  await expect(load(Float32Array.of(1))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[StateDictError: streamStateDict: weight: expected float32[1,2] in a Float32Array of 2 elements, got Float32Array of 1]`,
  );
  await expect(load(Float64Array.of(1, 2))).rejects.toThrow('got Float64Array of 2');
  expect(await net.weight.toArray()).toEqual(before);
  await expect(nn.streamStateDict(net, new Map())).rejects.toThrowErrorMatchingInlineSnapshot(`
    [StateDictError: streamStateDict: the state dict does not fit Linear; nothing was loaded.
      missing: weight, bias
    Pass { strict: false } to load what fits by name.]
  `);
});

test('a shared parameter is one tensor under both names', () => {
  const [first, second] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
  second.weight = first.weight;
  const state = new nn.Sequential(first, second).stateDict();
  expect(state.get('1.weight') === state.get('0.weight')).toBe(true);
  expect(state.get('1.bias') === state.get('0.bias')).toBe(false);
});

test('a state dict of another network: ten of the names that differ, and how many more', () => {
  const net = new nn.Sequential(...Array.from({ length: 30 }, () => new nn.Linear(1, 1, { bias: false })));
  const state = new Map(Array.from({ length: 13 }, (_, i) => [`${i}.weight`, ones([2])]));
  state.set('other', ones([1]));
  expect(() => net.loadStateDict(state)).toThrowErrorMatchingInlineSnapshot(`
    [StateDictError: loadStateDict: the state dict does not fit Sequential; nothing was loaded.
      missing: 13.weight, 14.weight, 15.weight, 16.weight, 17.weight, 18.weight, 19.weight, 20.weight, 21.weight, 22.weight, … and 7 more
      unexpected: other
      0.weight: the module has float32[1,1], the state dict float32[2]
      1.weight: the module has float32[1,1], the state dict float32[2]
      2.weight: the module has float32[1,1], the state dict float32[2]
      3.weight: the module has float32[1,1], the state dict float32[2]
      4.weight: the module has float32[1,1], the state dict float32[2]
      5.weight: the module has float32[1,1], the state dict float32[2]
      6.weight: the module has float32[1,1], the state dict float32[2]
      7.weight: the module has float32[1,1], the state dict float32[2]
      8.weight: the module has float32[1,1], the state dict float32[2]
      9.weight: the module has float32[1,1], the state dict float32[2]
      … and 3 more
    Pass { strict: false } to load what fits by name.]
  `);
});

test('streamStateDict: a module that moves while it is read keeps what it had', async () => {
  const net = new nn.Linear(1, 1);
  const before = await net.weight.item();
  const other = new Device('other', await referenceBackend.create({}));
  const read = async (): Promise<TypedArray> => {
    net.to(other);
    return Float32Array.of(1);
  };
  const state = new Map([
    ['bias', stored([1], Float32Array.of(1))],
    ['weight', { shape: [1, 1], dtype: 'float32' as const, read }],
  ]);
  await expect(nn.streamStateDict(net, state)).rejects.toThrow('Await the loading, then move the module');
  expect(await net.weight.item()).toBe(before);
});

test.each([
  ['uniform_', 300 * 300],
  ['normal_', 300 * 300 + 7],
  ['truncNormal_', 300 * 300],
] as const)(
  '%s: large weights are drawn when they are read, and are the numbers of that moment',
  async (name, size) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const expected = dtype === 'float32' ? new Float32Array(size) : new Float64Array(size);
      const method = name.slice(0, -1) as 'uniform' | 'normal' | 'truncNormal';
      const generator = new Generator(3);
      generator[method](expected);
      const next = generator.random();

      const lazy = new Generator(3);
      const weight = new nn.Parameter(ones([size], { dtype }));
      nn.init[name](weight, undefined, undefined, ...((name === 'truncNormal_' ? [undefined, undefined] : []) as []), {
        generator: lazy,
      } as any);
      expect(lazy.random()).toBe(next); // moved on at once
      expect(hex(await weight.data())).toBe(hex(expected));
      expect(hex(await weight.data())).toBe(hex(expected));
    }
  },
);

test('lazily drawn weights: snapshots, copies and a first run have the same numbers; a bad argument throws at once', async () => {
  manualSeed(1);
  const weight = nn.init.uniform_(new nn.Parameter(ones([300, 300])));
  const snapshot = weight.detach();
  const sum = await weight.sum().item();
  weight.assign(weight.mul(0));
  await weight.data();
  expect(await snapshot.sum().item()).toBe(sum);
  const expected = new Float32Array(90_000);
  new Generator(1).uniform(expected);
  expect(hex(await snapshot.data())).toBe(hex(expected));
  expect(() => nn.init.normal_(weight, 0, -1)).toThrow('std');
});

test('fromArray takes the array itself; its type decides the dtype', async () => {
  expect(fromArray(Float64Array.of(1)).dtype).toBe('float64');
  expect(await fromArray(Uint8Array.of(1, 0)).toArray()).toEqual([true, false]);
  expect(await fromArray(Int32Array.of(1, 2), [2, 1]).toArray()).toEqual([[1], [2]]);
  expect(() => fromArray(new Int8Array(1) as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: fromArray: expected a Float32Array, Float64Array, Int32Array, or Uint8Array for bool, got an object of class Int8Array. tensor(data) converts other arrays.]`,
  );
  expect(() => fromArray(new Float32Array(3), [2, 2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: fromArray: 3 elements do not fill the shape [2,2], which has 4]`,
  );
});

test('snapshots remember that a counter is int64 in files', () => {
  const norm = new nn.BatchNorm2d(2);
  expect(nn.savedDType(norm.stateDict().get('num_batches_tracked')!)).toBe('int64');
  expect(nn.savedDType(norm.stateDict().get('running_mean')!)).toBeUndefined();
});
