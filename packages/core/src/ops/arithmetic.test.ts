import { describe, expect, test } from 'vitest';
import { grad, ones, stats, sub, tensor, zeros, type Tensor } from '../index.js';

const int = (data: number[]): Tensor => tensor(data, { dtype: 'int32' });

describe('errors', () => {
  test('shapes that do not broadcast', () => {
    expect(() => zeros(2, 3).add(zeros(4))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: add: cannot broadcast float32[2,3] with float32[4]: counted from the last axis, sizes must be equal or 1. Use reshape or unsqueeze to line the axes up.]`,
    );
  });

  test('an operand that is no tensor', () => {
    expect(() => zeros(2).add(null as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: add: expected a tensor or a number, got null]`,
    );
    expect(() => zeros(2).mul([1, 2] as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: mul: expected a tensor or a number, got an array (wrap it in tensor(…))]`,
    );
  });

  test('a difference of bool tensors', () => {
    expect(() => tensor([true]).sub(tensor([false]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: sub: expected numbers, got bool[1] and bool[1]. Use logicalXor, or convert with x.to('int32').]`,
    );
  });

  test('integers to a negative power', () => {
    expect(() => int([2]).pow(-1)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: pow: integers to a negative power are no integers, got int32[1] and -1. Convert with x.to('float32').]`,
    );
  });

  test('clamp without bounds, or of bool', () => {
    expect(() => zeros(2).clamp()).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: clamp: expected at least one of low and high]`,
    );
    expect(() => tensor([true]).clamp(0, 1)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: clamp: expected a tensor of numbers, got bool[1]. Convert it with x.to('int32').]`,
    );
  });

  test('lerp of integers', () => {
    expect(() => int([1]).lerp(int([2]), 0.5)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: lerp: expected a float tensor, got int32[1]. Convert it with x.to('float32').]`,
    );
  });
});

describe('dtypes are PyTorch’s', () => {
  const f32 = tensor([1, 2]);
  const f64 = f32.double();
  const i32 = int([1, 2]);
  const bool = tensor([true, false]);

  test.each([
    ['float32 + 1', f32.add(1), 'float32'],
    ['float64 + 0.5', f64.add(0.5), 'float64'],
    ['int32 + 1', i32.add(1), 'int32'],
    ['int32 + 0.5', i32.add(0.5), 'float32'],
    ['int32 / int32', i32.div(i32), 'float32'],
    ['int32 + float64', i32.add(f64), 'float64'],
    ['float32 + float64', f32.add(f64), 'float64'],
    ['bool + 1', bool.add(1), 'int32'],
    ['bool + bool', bool.add(bool), 'bool'],
    ['bool · bool', bool.mul(bool), 'bool'],
    ['max(bool, bool)', bool.maximum(bool), 'bool'],
    ['bool · float32', bool.mul(f32), 'float32'],
    ['int32 clamped to 0.5', i32.clamp(0.5, 2), 'float32'],
    ['int32²', i32.pow(2), 'int32'],
    ['int32^0.5', i32.pow(0.5), 'float32'],
  ])('%s is %3$s', (_, result, dtype) => {
    expect(result.dtype).toBe(dtype);
  });

  test('a tensor without axes does not widen one with axes', () => {
    const scalar = tensor(2, { dtype: 'float64' });
    expect(f32.mul(scalar).dtype).toBe('float32');
    expect(scalar.mul(f32).dtype).toBe('float32');
    expect(i32.mul(scalar).dtype).toBe('float64');
    expect(scalar.mul(tensor(1)).dtype).toBe('float64');
  });
});

describe('gradients where PyTorch has a convention', () => {
  const gradient = async (x: number[], f: (x: Tensor) => Tensor): Promise<number[]> => {
    const leaf = tensor(x, { requiresGrad: true });
    const [g] = grad(f(leaf).sum(), [leaf]);
    return Array.from(await g!.data());
  };

  test('|x| has gradient 0 at 0, √x has ∞', async () => {
    expect(await gradient([0, -2], (x) => x.abs())).toEqual([0, -1]);
    expect(await gradient([0, 4], (x) => x.sqrt())).toEqual([Infinity, 0.25]);
  });

  test('clamp passes the gradient at its bounds', async () => {
    expect(await gradient([-1, 0, 0.5, 1, 2], (x) => x.clamp(0, 1))).toEqual([0, 1, 1, 1, 0]);
    expect(await gradient([-1, 0, 0.5, 1, 2], (x) => x.clamp(zeros(5), ones(5)))).toEqual([0, 1, 1, 1, 0]);
  });

  test('equal operands of maximum share the gradient', async () => {
    expect(await gradient([1, 2, 3], (x) => x.maximum(2))).toEqual([0, 0.5, 1]);
    expect(await gradient([1, 2, 3], (x) => x.minimum(2))).toEqual([1, 0.5, 0]);
  });

  test('x⁰ has gradient 0 at 0', async () => {
    expect(await gradient([0, 2], (x) => x.pow(0))).toEqual([0, 0]);
    expect(await gradient([0, 2], (x) => x.pow(tensor([0, 1])))).toEqual([0, 1]);
    expect(await gradient([0, 1], (x) => zeros(2).pow(x))).toEqual([0, 0]);
  });
});

test('a number comes first', async () => {
  expect(await sub(1, tensor([1, 2])).toArray()).toEqual([0, -1]);
});

test('numbers are inputs: a hundred values are one program, also where they are converted', async () => {
  const x = int([1, 2, 3]);
  const before = stats().compiles;
  for (let i = 0; i < 100; i++)
    await x
      .mul(i + 0.5)
      .clamp(i / 7, i + 0.2)
      .data();
  expect(stats().compiles - before).toBe(1);
});

test('sums and products of bool tensors are or and and, as in PyTorch', async () => {
  const a = tensor([true, true, false, false]);
  const b = tensor([true, false, true, false]);
  expect(await a.add(b).toArray()).toEqual([true, true, true, false]);
  expect(await a.mul(b).toArray()).toEqual([true, false, false, false]);
  expect(await a.maximum(b).toArray()).toEqual([true, true, true, false]);
  expect(await a.minimum(b).toArray()).toEqual([true, false, false, false]);
});
