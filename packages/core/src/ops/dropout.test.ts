import { describe, expect, test } from 'vitest';
import { grad, ones, stats, tensor } from '../index.js';
import { dropoutKeys } from '../random/dropout-keys.js';
import { defaultGenerator } from '../random/generator.js';
import { threefryUniform } from '../random/threefry.js';
import { dropout } from './dropout.js';

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

describe('errors', () => {
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
