import { describe, expect, test } from 'vitest';
import { tensor, where, zeros } from '../index.js';

describe('errors', () => {
  test('a condition that is not bool', () => {
    expect(() => where(zeros(2), 1, 0)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: where: expected a bool condition, got float32[2]. Compare first, as in where(x.gt(0), a, b).]`,
    );
    expect(() => zeros(2).maskedFill(zeros(2), 1)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: maskedFill: expected a bool mask, got float32[2]. Compare first, as in x.gt(0).]`,
    );
  });

  test('a condition that is a JavaScript boolean', () => {
    expect(() => where(true as never, zeros(2), 0)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: where: expected a tensor, got boolean true]`,
    );
  });

  test('branches that do not broadcast', () => {
    expect(() => where(zeros(2).gt(0), zeros(3), 0)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: where: cannot broadcast bool[2] with float32[3] with float32[]: counted from the last axis, sizes must be equal or 1. Use reshape or unsqueeze to line the axes up.]`,
    );
  });

  test('a fill that the tensor can not hold', () => {
    const x = tensor([1, 2], { dtype: 'int32' });
    expect(() => x.maskedFill(x.gt(1), 0.5)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: maskedFill: 0.5 does not fit int32[2]. Convert it with x.to('float32').]`,
    );
    expect(() => x.maskedFill(x.gt(1), x)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: maskedFill: expected a number or a tensor without axes, got int32[2]. Use where(mask, value, x).]`,
    );
  });
});

test('a fraction beside integers compares as a fraction', async () => {
  expect(await tensor([0, 1], { dtype: 'int32' }).gt(0.5).toArray()).toEqual([false, true]);
});

test('where of two numbers is float32, of two booleans bool', () => {
  const condition = tensor([true]);
  expect(where(condition, 1, 0).dtype).toBe('float32');
  expect(where(condition, true, false).dtype).toBe('bool');
  expect(where(condition, tensor(1, { dtype: 'int32' }), 0).dtype).toBe('int32');
});

test('any of nothing is false, all of nothing true', async () => {
  expect(await zeros(0).any().toArray()).toBe(false);
  expect(await zeros(0).all().toArray()).toBe(true);
});

test('NaN differs from itself', async () => {
  const x = tensor([NaN, 1]);
  expect(await x.eq(x).toArray()).toEqual([false, true]);
  expect(await x.isnan().toArray()).toEqual([true, false]);
});
