import { expect, test } from 'vitest';
import { tensor } from '../index.js';

test('integers where a function needs floats', () => {
  expect(() => tensor([1], { dtype: 'int32' }).exp()).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: exp: expected a float tensor, got int32[1]. Convert it with x.to('float32').]`,
  );
});

test('bool where a function needs numbers', () => {
  expect(() => tensor([true]).neg()).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: neg: expected a tensor of numbers, got bool[1]. Convert it with x.to('int32').]`,
  );
});

test('integers keep their dtype', async () => {
  const x = tensor([-2, 3], { dtype: 'int32' });
  expect(x.abs().dtype).toBe('int32');
  expect(await x.square().toArray()).toEqual([4, 9]);
  expect(await x.sign().toArray()).toEqual([-1, 1]);
});

test('halves are rounded to even', async () => {
  expect(await tensor([-1.5, -0.5, 0.5, 1.5, 2.5]).round().toArray()).toEqual([-2, -0, 0, 2, 2]);
});
