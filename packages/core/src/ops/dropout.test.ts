import { describe, expect, test } from 'vitest';
import { grad, manualSeed, nn, ones, randn, stats, tensor, type Tensor } from '../index.js';
import { dropoutKeys } from '../random/dropout-keys.js';
import { defaultGenerator } from '../random/generator.js';
import { threefryUniform } from '../random/threefry.js';
import { alphaDropout, dropout, dropout1d, dropout2d, dropout3d, featureAlphaDropout } from './dropout.js';

describe('values', () => {
  test('the mask is Threefry of the key and the element', async () => {
    dropoutKeys.manualSeed(3);
    const [key0, key1] = dropoutKeys.nextKey();
    const uniform = new Float32Array(50);
    threefryUniform(uniform, key0, key1);
    dropoutKeys.manualSeed(3);
    const y = await dropout(ones([50]), 0.25).data();
    expect(Array.from(y)).toEqual(Array.from(uniform, (u) => (u >= 0.25 ? Math.fround(1 / 0.75) : 0)));
  });

  test('the gradient has the mask of the forward pass', async () => {
    const x = ones([100]).detach().requiresGrad_();
    const y = dropout(x, 0.5);
    const [dx] = grad(y.sum(), [x]);
    expect(await dx!.toArray()).toEqual(await y.toArray());
  });

  test('p = 1 gives zeros, p = 0 and evaluation the input', async () => {
    const x = ones([4]);
    expect(await dropout(x, 1).toArray()).toEqual([0, 0, 0, 0]);
    expect(dropout(x, 0)).toBe(x);
    expect(dropout(x, 0.5, false)).toBe(x);
  });

  test('drawing masks does not move the generator of rand', async () => {
    const before = defaultGenerator.getState();
    await dropout(ones([10]), 0.5).data();
    expect(defaultGenerator.getState()).toEqual(before);
  });

  test('new masks and probabilities compile nothing', async () => {
    await dropout(ones([7]), 0.5)
      .sum()
      .item();
    const { compiles } = stats();
    for (const p of [0.1, 0.2, 0.3])
      await dropout(ones([7]), p)
        .sum()
        .item();
    expect(stats().compiles).toBe(compiles);
  });
});

describe.each<[string, typeof dropout2d, number[], number]>([
  ['dropout1d', dropout1d, [40, 50, 3], 2],
  ['dropout1d, no batch', dropout1d, [2000, 3], 1],
  ['dropout2d', dropout2d, [40, 50, 2, 3], 2],
  ['dropout2d, sequences', dropout2d, [40, 50, 6], 2],
  ['dropout3d', dropout3d, [40, 50, 1, 2, 3], 2],
  ['dropout3d, no batch', dropout3d, [2000, 1, 2, 3], 1],
])('%s', (_, run, shape, axes) => {
  const channels = shape.slice(0, axes).reduce((a, b) => a * b);

  test('whole channels drop together, about p of them; the others are divided by 1 − p', async () => {
    manualSeed(1);
    const x = randn(shape);
    const y = await run(x, 0.25).reshape([channels, -1]).data();
    const [before, plane] = [await x.data(), y.length / channels];
    let dropped = 0;
    for (let c = 0; c < channels; c++) {
      const isDropped = y[c * plane] === 0;
      if (isDropped) dropped++;
      for (let i = c * plane; i < (c + 1) * plane; i++) {
        // To the bit; a zero may be negative.
        const expected = isDropped ? 0 : Math.fround(before[i] * Math.fround(1 / 0.75));
        if (y[i] !== expected) expect(y[i]).toBe(expected);
      }
    }
    // Four standard deviations of the number of dropped channels.
    expect(Math.abs(dropped / channels - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / channels));
  });

  test('the gradient has the mask of the forward pass', async () => {
    const x = ones(shape).detach().requiresGrad_();
    const y = run(x, 0.5);
    const [dx] = grad(y.sum(), [x]);
    expect(await dx!.data()).toEqual(await y.data());
  });

  test('p = 1 gives zeros, p = 0 and evaluation the input', async () => {
    const x = ones(shape);
    expect(await run(x, 1).abs().max().item()).toBe(0);
    expect(run(x, 0)).toBe(x);
    expect(run(x, 0.5, false)).toBe(x);
  });
});

describe('alpha dropout', () => {
  const variants: [string, typeof alphaDropout, number[]][] = [
    ['alphaDropout', alphaDropout, [100_000]],
    ['featureAlphaDropout', featureAlphaDropout, [200, 500]],
  ];

  test.each(variants)('%s keeps zero mean and unit variance', async (_, run, shape) => {
    for (const p of [0.1, 0.5, 0.9]) {
      manualSeed(2);
      const y = run(randn(shape), p, true);
      // Standard errors are 0.003 and, with tails as heavy as at p = 0.9, 0.01.
      expect(Math.abs(await y.mean().item())).toBeLessThan(0.015);
      expect(Math.abs((await y.var().item()) - 1)).toBeLessThan(0.05);
    }
  });

  test.each(variants)('%s: two lines, one for what is kept and one for what is dropped', async (_, run, shape) => {
    manualSeed(3);
    const x = randn(shape);
    const y = await run(x, 0.2, true).data();
    // SELU saturates at −scale · alpha.
    const saturation = 1.0507009873554805 * 1.6732632423543772;
    const a = 1 / Math.sqrt((saturation ** 2 * 0.2 + 1) * 0.8);
    const b = a * 0.2 * saturation;
    let dropped = 0;
    (await x.data()).forEach((value: number, i: number) => {
      const low = Math.abs(y[i] - (b - a * saturation)) < 1e-5;
      if (low) dropped++;
      else expect(Math.abs(y[i] - (a * value + b))).toBeLessThan(1e-5);
    });
    expect(dropped / y.length).toBeCloseTo(0.2, 2);
  });

  test('whole channels drop together', async () => {
    const y = featureAlphaDropout(ones([20, 30, 4]), 0.5, true);
    expect(await y.amax(2).sub(y.amin(2)).max().item()).toBe(0);
    expect(await y.max().item()).not.toBe(await y.min().item());
  });

  test('the gradient has the mask of the forward pass', async () => {
    const x = ones([100]).detach().requiresGrad_();
    const y = alphaDropout(x, 0.5, true);
    const [dx] = grad(y.sum(), [x]);
    const values = await y.data();
    const a = 1 / Math.sqrt((1.7580993408473766 ** 2 * 0.5 + 1) * 0.5);
    (await dx!.data()).forEach((g: number, i: number) => expect(g).toBeCloseTo(values[i] > 0 ? a : 0, 6));
  });

  test('p = 1 gives zeros; p = 0, evaluation and leaving training out give the input', async () => {
    const x = ones([2, 3]);
    for (const run of [alphaDropout, featureAlphaDropout]) {
      expect(await run(x, 1, true).toArray()).toEqual([[0, 0, 0], [0, 0, 0]]); // prettier-ignore
      expect(run(x, 0, true)).toBe(x);
      expect(run(x, 0.5, false)).toBe(x);
      expect(run(x)).toBe(x);
    }
  });
});

test('fresh masks each step of a training loop, and one program', async () => {
  class Net extends nn.Module {
    conv = new nn.Conv2d(1, 8, 1);
    drop = new nn.Dropout2d(0.5);
    alpha = new nn.AlphaDropout(0.1);
    feature = new nn.FeatureAlphaDropout(0.1);
    override forward(x: Tensor): Tensor {
      return this.feature(this.alpha(this.drop(this.conv(x))));
    }
  }
  const net = new Net();
  const outputs = new Set<number>();
  const { compiles } = stats();
  for (let i = 0; i < 5; i++) {
    net.zeroGrad();
    const loss = net(ones([2, 1, 3, 3]))
      .square()
      .sum();
    loss.backward();
    outputs.add(await loss.item());
  }
  expect(outputs.size).toBe(5);
  expect(stats().compiles).toBe(compiles + 1);
});

describe('errors', () => {
  test.each<[string, () => unknown]>([
    ['dropout1d of images', () => dropout1d(ones([1, 2, 3, 4]))],
    ['dropout2d of features', () => dropout2d(ones([4, 3]))],
    ['dropout3d of sequences', () => dropout3d(ones([4, 3, 2]))],
    ['featureAlphaDropout of a vector', () => featureAlphaDropout(ones([4]))],
    ['a probability', () => alphaDropout(ones([4]), -0.1, true)],
    ['training for p', () => dropout2d(ones([1, 2, 3, 4]), true as never)],
  ])('%s', (_, run) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });

  test('a probability outside of 0 to 1', () => {
    expect(() => dropout(ones([2]), 1.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: dropout: the probability p lies between 0 and 1, got 1.5]`,
    );
    expect(() => dropout(ones([2]), NaN)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: dropout: the probability p lies between 0 and 1, got NaN]`,
    );
  });
  test('integers', () => {
    expect(() => dropout(tensor([1, 2], { dtype: 'int32' }))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: dropout: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
  });
});
