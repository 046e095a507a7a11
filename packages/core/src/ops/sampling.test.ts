import { expect, test } from 'vitest';
import {
  bernoulli,
  Generator,
  manualSeed,
  normal,
  rand,
  randint,
  randLike,
  randn,
  randperm,
  tensor,
} from '../index.js';

test('the same seed gives the same numbers, from the default generator and from one’s own', async () => {
  manualSeed(7);
  const first = await randn(3, 4).data();
  manualSeed(7);
  expect(await randn([3, 4]).data()).toEqual(first);
  expect(await randn(3, 4, { generator: new Generator(7) }).data()).toEqual(first);
});

test('dtypes', () => {
  expect(rand(2, { dtype: 'float64' }).dtype).toBe('float64');
  expect(randint(5, [2]).dtype).toBe('int32');
  expect(randperm(3).dtype).toBe('int32');
  expect(bernoulli(0.5, [2], { dtype: 'bool' }).dtype).toBe('bool');
  expect(randLike(tensor([1, 2]).double()).dtype).toBe('float64');
});

test('errors', () => {
  expect(() => rand(2, { dtype: 'int32' })).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: rand: expected dtype float32 or float64, got int32]`,
  );
  expect(() => randint(3, 3, [2])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: randint: expected low < high (high is exclusive), got low=3, high=3]`,
  );
  expect(() => (randint as (high: number) => unknown)(3)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: randint: expected randint(high, shape) or randint(low, high, shape)]`,
  );
  expect(() => randperm(-1)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: randperm: expected a whole number from 0 up, got -1]`,
  );
  expect(() => bernoulli(2, [2])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: bernoulli: expected a probability from 0 to 1, got p=2]`,
  );
  expect(() => normal(0, -1, [2])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: normal: expected std ≥ 0, got std=-1]`,
  );
});
