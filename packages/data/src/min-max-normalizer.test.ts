import { referenceDevice, setDefaultDevice, tensor } from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import goldens from '../test/goldens/data/whitening.json' with { type: 'json' };
import { DataLoader, digits, HostArray, MinMaxNormalizer } from './index.js';

beforeEach(() => setDefaultDevice(referenceDevice()));

const D = goldens.features;
const batches = goldens.batches.map((b) => new HostArray(Float64Array.from(b), [b.length / D, D]));

describe('MinMaxNormalizer', () => {
  test('updated batch by batch has the limits of all data, and gives PyTorch’s numbers', async () => {
    const normalizer = new MinMaxNormalizer(D, { range: [-1, 1] });
    await Promise.all(batches.map((b) => normalizer.update(b)));
    const { count, min, max } = await normalizer.statistics();
    expect(count).toBe(40);
    expect(min).toEqual(Float32Array.from(goldens.min));
    expect(max).toEqual(Float32Array.from(goldens.max));
    const x = new HostArray(Float64Array.from(goldens.test), [3, D]);
    const transform = await normalizer.toTransform();
    const out = [0, 1, 2].flatMap((i) => [...transform(x.row(i)).data]);
    const tensors = await normalizer(x.toTensor()).data();
    for (const [i, expected] of goldens.minMax.entries()) {
      // The first feature lies around 1000 and its limits are float32.
      expect(Math.abs(out[i] - expected)).toBeLessThan(1e-5);
      expect(Math.abs(tensors[i] - expected)).toBeLessThan(1e-5);
    }
    const restored = await normalizer.inverse(normalizer(x.toTensor())).data();
    goldens.test.forEach((v, i) =>
      expect(Math.abs(restored[i] - v)).toBeLessThan(1e-6 * Math.max(1, Math.abs(v)) * 10),
    );
  });

  test('of images brings each channel into the range, and fit freezes', async () => {
    const normalizer = await new MinMaxNormalizer(1, { range: [2, 3] }).fit(
      new DataLoader(digits(), { batchSize: 300 }),
    );
    expect(await normalizer.statistics()).toEqual({
      count: 1797 * 64,
      min: Float32Array.of(0),
      max: Float32Array.of(1),
    });
    const [image] = digits().get(0);
    expect(Math.min(...(await normalizer.toTransform())(image).data)).toBe(2);
    await expect(normalizer.update(image.data as Float32Array, [1, 1, 8, 8])).rejects.toThrow('frozen');
    expect([...normalizer.stateDict().keys()]).toEqual(['min', 'max', 'count', 'frozen']);
    expect(String(normalizer)).toBe('MinMaxNormalizer(1, range=(2, 3))');
  });

  test('before the first update changes nothing; a constant channel becomes the low end; other data may exceed the range', async () => {
    const normalizer = new MinMaxNormalizer(2);
    expect(await normalizer(tensor([[5, -7]])).toArray()).toEqual([[5, -7]]);
    await normalizer.update(tensor([[5, 1], [5, 3]])); // prettier-ignore
    expect(await normalizer(tensor([[5, 2], [6, 5]])).toArray()).toEqual([[0, 0.5], [1, 2]]); // prettier-ignore
    const transform = await normalizer.toTransform();
    expect([...transform(new HostArray(Float32Array.of(6, 5))).data]).toEqual([1, 2]);
  });

  test('is loaded with its state, and goes on', async () => {
    const [a, b] = [new MinMaxNormalizer(1), new MinMaxNormalizer(1)];
    await a.update(Float32Array.of(-3, 4), [2, 1]);
    b.loadStateDict(a.stateDict());
    await b.update(Float32Array.of(9), [1, 1]);
    expect(await b.statistics()).toEqual({ count: 3, min: Float32Array.of(-3), max: Float32Array.of(9) });
  });

  test('errors leave it as it was', async () => {
    const normalizer = new MinMaxNormalizer(2);
    await normalizer.update(tensor([[1, 2]]));
    const message = (act: Promise<unknown>) => act.then(() => 'no error', String);
    expect(await message(normalizer.update(Float32Array.of(1, 2, 3, NaN), [2, 2]))).toMatchInlineSnapshot(
      `"FakkelError: MinMaxNormalizer.update: channel 1 holds NaN, first in sample 1 of the batch. The statistics are as before; find where the data comes from, or drop such samples."`,
    );
    expect(await message(normalizer.update(tensor([[1, 2, 3]])))).toMatchInlineSnapshot(
      `"ShapeError: MinMaxNormalizer.update: expected [N, 2, ...] with 2 channels on axis 1, got float32[1,3]"`,
    );
    expect(await normalizer.statistics()).toEqual({ count: 1, min: Float32Array.of(1, 2), max: Float32Array.of(1, 2) });
    expect(() => new MinMaxNormalizer(2, { range: [1, 0] })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: MinMaxNormalizer: range: expected [low, high], got [1,0]]`,
    );
    expect(() => normalizer(tensor([1, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: MinMaxNormalizer: expected [N, 2, ...] with 2 channels on axis 1, got float32[2]]`,
    );
  });
});
