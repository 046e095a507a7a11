import { nn, tensor, type Tensor } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import goldens from '../test/goldens/data/normalize.json' with { type: 'json' };
import { DataLoader, type Dataset, digits, HostArray, MapDataset, RunningNormalizer, TensorDataset } from './index.js';

const batchesOf = (values: number[][], C: number) =>
  values.map((v) => new HostArray(Float64Array.from(v), [v.length / (C * 4), C, 2, 2]));

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, relative: number) => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs(actual[i] - expected[i])).toBeLessThanOrEqual(relative * Math.max(1, Math.abs(expected[i])));
  }
};

describe('statistics', () => {
  test('updated batch by batch equal those of all data at once, in PyTorch in float64', async () => {
    const normalizer = new RunningNormalizer(3);
    for (const batch of batchesOf(goldens.batches, 3)) await normalizer.update(batch);
    const { count, mean, std } = await normalizer.statistics();
    expect(count).toBe(12 * 4);
    close(mean, goldens.batchMean, 1e-14);
    // The first channel is a million times as large as its deviation: sums of squares would lose 12 digits.
    close(std, goldens.batchStd, 1e-9);
    close(await normalizer.mean.data(), Float32Array.from(goldens.batchMean), 1e-7);
    close(await normalizer.std.data(), Float32Array.from(goldens.batchStd), 1e-7);
    expect(await normalizer.count.item()).toBe(48);
  });

  test('do not depend on whether updates are awaited, and take the array as it is at the call', async () => {
    const normalizer = new RunningNormalizer(3);
    const updates = batchesOf(goldens.batches, 3).map((batch) => {
      const update = normalizer.update(batch);
      batch.data.fill(7);
      return update;
    });
    normalizer.freeze();
    await Promise.all(updates);
    close((await normalizer.statistics()).mean, goldens.batchMean, 1e-14);
  });

  test('of features [N, F], of tensors, and of typed arrays with their shape', async () => {
    for (const give of [
      (n: RunningNormalizer) =>
        n.update(
          tensor([
            [1, 10],
            [3, 10],
          ]),
        ),
      (n: RunningNormalizer) => n.update(Float32Array.of(1, 10, 3, 10), [2, 2]),
      (n: RunningNormalizer) => n.update(new HostArray(Int32Array.of(1, 10, 3, 10), [2, 2])),
    ]) {
      const normalizer = new RunningNormalizer(2);
      await give(normalizer);
      expect(await normalizer.statistics()).toEqual({
        count: 2,
        mean: Float64Array.of(2, 10),
        std: Float64Array.of(1, 0),
      });
    }
  });

  test('fit takes the first entry of each batch of a loader, and freezes', async () => {
    const normalizer = await new RunningNormalizer(1).fit(new DataLoader(digits(), { batchSize: 64 }));
    const { count, mean, std } = await normalizer.statistics();
    // numpy: load_digits().images / 16, mean and std
    expect(count).toBe(1797 * 64);
    close(mean, [0.30526028624095713], 1e-12);
    close(std, [0.3760492217920148], 1e-12);
    await expect(normalizer.update(Float32Array.of(1), [1, 1])).rejects.toThrow('frozen');
  });
});

async function firstImages(dataset: Dataset<[HostArray, number]>): Promise<Tensor> {
  for await (const [x] of new DataLoader(dataset, { batchSize: 8 })) return x;
  throw new Error('no batch');
}

describe('normalize', () => {
  test('gives zero mean and unit variance, and inverse undoes it', async () => {
    const [x] = [
      tensor([
        [[[1, 2]], [[10, 30]]],
        [[[3, 4]], [[20, 40]]],
      ]),
    ]; // [2, 2, 1, 2]
    const normalizer = new RunningNormalizer(2);
    await normalizer.update(x);
    const y = normalizer(x);
    const again = new RunningNormalizer(2);
    await again.update(y);
    const { mean, std } = await again.statistics();
    close(mean, [0, 0], 1e-7);
    close(std, [1, 1], 1e-7);
    close(await normalizer.inverse(y).data(), await x.data(), 1e-6);
  });

  test('centres a channel that does not vary, and does not scale it', async () => {
    const normalizer = new RunningNormalizer(2);
    await normalizer.update(
      tensor([
        [0.1, 1],
        [0.1, 3],
        [0.1, 5],
      ]),
    );
    expect(
      await normalizer(
        tensor([
          [0.1, 3],
          [0.6, 3],
        ]),
      ).toArray(),
    ).toEqual([
      [0, 0],
      [0.5, 0],
    ]);
  });

  test('changes nothing before the first update', async () => {
    expect(await new RunningNormalizer(2)(tensor([[5, -7]])).toArray()).toEqual([[5, -7]]);
  });

  test('on the host gives what the module gives', async () => {
    const normalizer = await new RunningNormalizer(1).fit(new DataLoader(digits(), { batchSize: 64 }));
    const transform = await normalizer.toTransform();
    const dataset = new MapDataset(digits(), ([image, label]) => [transform(image), label] as [HostArray, number]);
    const [onHost, plain] = await Promise.all([firstImages(dataset), firstImages(digits())]);
    close(await onHost.data(), await normalizer(plain).data(), 1e-6);
  });
});

describe('as part of a model', () => {
  class Net extends nn.Module {
    normalizer = new RunningNormalizer(1);
    fc = new nn.Linear(1, 1);
    override forward(x: Tensor): Tensor {
      return this.fc(this.normalizer(x));
    }
  }

  test('it is saved and loaded with the model, frozen or not, and has no parameters', async () => {
    const [a, b] = [new Net(), new Net()];
    await a.normalizer.update(Float32Array.of(1, 5), [2, 1]);
    a.normalizer.freeze();
    const state = a.stateDict();
    expect([...state.keys()]).toEqual([
      'normalizer.mean',
      'normalizer.std',
      'normalizer.count',
      'normalizer.frozen',
      'fc.weight',
      'fc.bias',
    ]);
    b.loadStateDict(state);
    const x = tensor([[2], [3]]);
    expect(await b(x).toArray()).toEqual(await a(x).toArray());
    await expect(b.normalizer.update(Float32Array.of(1), [1, 1])).rejects.toThrow('frozen');
    expect(a.normalizer.parameters()).toEqual([]);
    expect(String(a.normalizer)).toBe('RunningNormalizer(1)');
  });

  test('updating goes on from loaded statistics', async () => {
    const [a, b] = [new RunningNormalizer(1), new RunningNormalizer(1)];
    await a.update(Float32Array.of(1, 5), [2, 1]);
    await b.update(Float32Array.of(100), [1, 1]);
    b.loadStateDict(a.stateDict());
    await b.update(Float32Array.of(3, 7), [2, 1]);
    const { count, mean, std } = await b.statistics();
    expect([count, mean[0]]).toEqual([4, 4]);
    close(std, [Math.sqrt(5)], 1e-12);
  });

  test('a clone goes on by itself', async () => {
    const a = new RunningNormalizer(1);
    await a.update(Float32Array.of(1, 5), [2, 1]);
    const b = a.clone();
    await b.update(Float32Array.of(30), [1, 1]);
    expect([(await a.statistics()).mean[0], (await b.statistics()).mean[0]]).toEqual([3, 12]);
  });

  test('gradients flow through it to its input', async () => {
    const normalizer = new RunningNormalizer(1);
    await normalizer.update(Float32Array.of(1, 5), [2, 1]);
    const x = tensor([[2]], { requiresGrad: true });
    normalizer(x).sum().backward();
    expect(await x.grad!.toArray()).toEqual([[0.5]]);
  });
});

describe('errors leave the statistics as they were', () => {
  const made = async () => {
    const normalizer = new RunningNormalizer(2);
    await normalizer.update(Float32Array.of(1, 2), [1, 2]);
    return normalizer;
  };
  const failing = async (act: (n: RunningNormalizer) => Promise<unknown>): Promise<string> => {
    const normalizer = await made();
    const message = await act(normalizer).then(
      () => 'no error',
      (error: Error) => `${error.name}: ${error.message}`,
    );
    expect((await normalizer.statistics()).count).toBe(1);
    return message;
  };

  test('NaN and Inf name the channel and the sample', async () => {
    expect(await failing((n) => n.update(Float32Array.of(1, 2, 3, NaN), [2, 2]))).toMatchInlineSnapshot(
      `"FakkelError: RunningNormalizer.update: channel 1 holds NaN, first in sample 1 of the batch. The statistics are as before; find where the data comes from, or drop such samples."`,
    );
    expect(await failing((n) => n.update(tensor([[-Infinity, 2]])))).toMatchInlineSnapshot(
      `"FakkelError: RunningNormalizer.update: channel 0 holds -Infinity, first in sample 0 of the batch. The statistics are as before; find where the data comes from, or drop such samples."`,
    );
  });

  test('frozen', async () => {
    expect(await failing((n) => n.freeze().update(Float32Array.of(1, 2), [1, 2]))).toMatchInlineSnapshot(
      `"FakkelError: RunningNormalizer.update: the normalizer is frozen, so that all data gets the same normalization. Call unfreeze() to go on updating."`,
    );
    const normalizer = (await made()).freeze().unfreeze();
    await normalizer.update(Float32Array.of(3, 4), [1, 2]);
    expect((await normalizer.statistics()).count).toBe(2);
  });

  test('channels', async () => {
    expect(await failing((n) => n.update(tensor([[1, 2, 3]])))).toMatchInlineSnapshot(
      `"ShapeError: RunningNormalizer.update: expected [N, 2, ...] with 2 channels on axis 1, got float32[1,3]"`,
    );
    expect(await failing((n) => n.update(Float32Array.of(1, 2)))).toMatchInlineSnapshot(
      `"ShapeError: RunningNormalizer.update: expected [N, 2, ...] with 2 channels, got float32[2]"`,
    );
    const normalizer = await made();
    expect(() => normalizer(tensor([1, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: RunningNormalizer: expected [N, 2, ...] with 2 channels on axis 1, got float32[2]]`,
    );
    expect(() => new RunningNormalizer(0)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: RunningNormalizer: expected a number of channels from 1 up, got 0]`,
    );
  });

  test('nothing to fit', async () => {
    expect(await failing((n) => n.fit([]))).toMatchInlineSnapshot(
      `"FakkelError: RunningNormalizer.fit: there was no batch to learn from"`,
    );
    expect(await new RunningNormalizer(1).fit([[new HostArray(Float32Array.of(1), [1, 1])]])).toBeInstanceOf(nn.Module);
    expect(() => new TensorDataset(new Float32Array(0)).get(0)).toThrow('out of range for 0 samples');
  });
});
