import { describe, expect, test } from 'vitest';
import { Buffer, ones, tensor, zeros } from '../index.js';
import { batchNorm } from './batch-norm.js';

const float64 = { dtype: 'float64' as const };

describe('running statistics', () => {
  test('the running variance is unbiased, and momentum weighs the new value', async () => {
    const mean = new Buffer(zeros([1], float64));
    const variance = new Buffer(ones([1], float64));
    batchNorm(tensor([[1], [3]], float64), mean, variance, null, null, { training: true, momentum: 0.25 });
    expect(await mean.item()).toBe(0.5);
    expect(await variance.item()).toBe(0.75 * 1 + 0.25 * 2);
  });

  test('a momentum that is a tensor: the cumulative average', async () => {
    const mean = new Buffer(zeros([1], float64));
    const variance = new Buffer(ones([1], float64));
    for (const [n, x] of [
      [1, 10],
      [3, 20],
      [5, 60],
    ].entries()) {
      const momentum = tensor(1 / (n + 1), float64);
      batchNorm(tensor([[x[0]], [x[1]]], float64), mean, variance, null, null, { training: true, momentum });
    }
    expect(await mean.item()).toBeCloseTo((5.5 + 11.5 + 32.5) / 3, 12);
  });

  test('are left alone outside of training, and used', async () => {
    const mean = new Buffer(tensor([1], float64));
    const variance = new Buffer(tensor([4], float64));
    const y = batchNorm(tensor([[5]], float64), mean, variance, tensor([10], float64), tensor([3], float64), {
      eps: 0,
    });
    expect(await y.item()).toBe(23);
    expect(await mean.item()).toBe(1);
  });
});

describe('errors', () => {
  const x = ones([4, 3, 2, 2]);
  const training = { training: true };
  test('one value a channel', () => {
    expect(() => batchNorm(ones([1, 3, 1, 1]), null, null, null, null, training)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: batchNorm: expected more than 1 value per channel when training, got float32[1,3,1,1]. Use a larger batch (dropLast in the loader drops a last one of 1), or model.eval() to normalize with the running statistics.]`,
    );
  });
  test('channels', () => {
    expect(() => batchNorm(x, null, null, ones([4]), null, training)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: batchNorm: expected a weight [3], one for each channel of float32[4,3,2,2], got float32[4]. Make the layer for 3 features; channels come second.]`,
    );
    expect(() => batchNorm(ones([3]), null, null, null, null, training)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: batchNorm: expected a batch [N, C] or [N, C, …], got float32[3]]`,
    );
  });
  test('dtypes', () => {
    expect(() => batchNorm(x, null, null, ones([3], float64), null, training)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: batchNorm: expected a weight of dtype float32 as the input, got float64[3]. Convert the input with x.to('float64').]`,
    );
  });
  test('running statistics that are no cells', () => {
    expect(() => batchNorm(x, zeros([3]), ones([3]), null, null, training)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: batchNorm: runningMean is updated in training, so it must be a cell: new Buffer(zeros([3])). Pass null to keep no statistics.]`,
    );
  });
  test('no running statistics outside of training', () => {
    expect(() => batchNorm(x, null, null)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: batchNorm: needs a running mean and variance unless training; pass { training: true } for the batch’s]`,
    );
  });
});
