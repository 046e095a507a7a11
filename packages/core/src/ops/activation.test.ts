import { describe, expect, test } from 'vitest';
import { grad, ones, tensor, type Tensor } from '../index.js';
import {
  elu,
  gelu,
  hardtanh,
  leakyRelu,
  logSoftmax,
  logsigmoid,
  relu,
  relu6,
  sigmoid,
  silu,
  softmax,
  softplus,
} from './activation.js';

/** dy/dx at each x. */
async function slopes(f: (x: Tensor) => Tensor, at: number[]): Promise<number[]> {
  const x = tensor(at, { dtype: 'float64', requiresGrad: true });
  return Array.from(await grad(f(x).sum(), [x])[0]!.data());
}

describe('gradients at kinks are PyTorch’s', () => {
  test.each<[string, (x: Tensor) => Tensor, number[], number[]]>([
    ['relu', relu, [0], [0]],
    ['leakyRelu', (x) => leakyRelu(x, 0.25), [0], [0.25]],
    ['elu', (x) => elu(x, 2), [0], [2]],
    ['hardtanh', hardtanh, [-1, 1], [0, 0]],
    ['relu6', relu6, [0, 6], [0, 0]],
  ])('%s', async (_, f, at, expected) => {
    expect(await slopes(f, at)).toEqual(expected);
  });
});

describe('far from 0', () => {
  test.each<[string, (x: Tensor) => Tensor, number, number]>([
    ['sigmoid', sigmoid, 0, 0],
    ['silu', silu, 0, 1],
    ['gelu', gelu, 0, 1],
    ['logsigmoid', logsigmoid, 1, 0],
    ['softplus', (x) => softplus(x), 0, 1],
    ['elu', (x) => elu(x), 0, 1],
  ])('%s has finite slopes', async (_, f, below, above) => {
    const [low, high] = await slopes(f, [-1e3, 1e3]);
    expect(low).toBeCloseTo(below, 12);
    expect(high).toBeCloseTo(above, 12);
  });

  test('softmax does not overflow', async () => {
    const x = tensor([1e4, 1e4, -1e4]);
    expect(await softmax(x, 0).toArray()).toEqual([0.5, 0.5, 0]);
    expect((await logSoftmax(x, -1).data())[0]).toBeCloseTo(-Math.LN2, 6);
  });
});

describe('errors', () => {
  test('axis', () => {
    expect(() => softmax(ones([2, 3]), 2)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: softmax: axis 2 is out of range for 2 axes (expected -2 to 1)]`,
    );
    expect(() => softmax(ones([2, 3]), undefined as any)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: softmax: expected an axis (a whole number), got undefined. Say which; -1 is the last one.]`,
    );
  });
  test('integers', () => {
    expect(() => relu(ones([2], { dtype: 'int32' }))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: relu: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
    expect(() => leakyRelu(ones([2], { dtype: 'int32' }))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: leakyRelu: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
    expect(() => softmax(ones([2], { dtype: 'int32' }), 0)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: softmax: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
  });
});
