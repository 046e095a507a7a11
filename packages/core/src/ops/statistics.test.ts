import { expect, test } from 'vitest';
import { grad, tensor, zeros } from '../index.js';

test('errors', () => {
  expect(() => tensor([1, 2], { dtype: 'int32' }).var()).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: var: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
  );
  expect(() => zeros(2).std(0, true as never)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: std: options come as one object, { correction, keepdim }; got boolean true]`,
  );
  expect(() => zeros(2).var(0, { unbiased: false } as never)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: var: unknown option 'unbiased'. Known: correction, keepdim]`,
  );
  expect(() => zeros(2).norm(NaN)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: norm: expected a number p, got NaN]`,
  );
  expect(() => zeros(0).norm(Infinity)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: norm: float32[0] has no elements along axis 0, so there is no result]`,
  );
});

test('the variance of one element is NaN, its biased variance 0', async () => {
  expect(await tensor([3]).var().item()).toBeNaN();
  expect(await tensor([3]).var(0, { correction: 0 }).item()).toBe(0);
});

test('equal elements have deviation 0 with gradient 0, zeros have norm 0 with gradient 0', async () => {
  const x = tensor([2, 2, 2], { requiresGrad: true });
  expect(await grad(x.std(), [x])[0]!.toArray()).toEqual([0, 0, 0]);
  const zero = zeros(2, { requiresGrad: true });
  expect(await grad(zero.norm(), [zero])[0]!.toArray()).toEqual([0, 0]);
});
