import { expect, test } from 'vitest';
import { defineOp, grad, record, tensor } from '../index.js';
import { throughDecomposition } from './through-decomposition.js';
import type { Tensor } from '../index.js';

// a³·b with an unused input and an unused output: derivatives of every order come from the decomposition.
const decompose = ([a, b]: readonly Tensor[]): Tensor[] => [a.mul(a).mul(a).mul(b), b.mul(2)];
const cubeTimes = defineOp({
  name: 'test.cubeTimes',
  infer: ([a]) => [a, a].map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: throughDecomposition('test.cubeTimes', decompose),
  decompose,
});

test('first, second, third and fourth derivatives', async () => {
  const a = tensor([2, 3], { dtype: 'float64', requiresGrad: true });
  const b = tensor([5, 7], { dtype: 'float64', requiresGrad: true });
  const unused = tensor([1, 1], { dtype: 'float64', requiresGrad: true });
  const [y] = record(cubeTimes, [a, b, unused], {});
  const options = { createGraph: true };
  const [da, db] = grad(y.sum(), [a, b], options) as [Tensor, Tensor];
  expect(await da.toArray()).toEqual([3 * 4 * 5, 3 * 9 * 7]);
  expect(await db.toArray()).toEqual([8, 27]);
  const [daa, dab] = grad(da.sum(), [a, b], options) as [Tensor, Tensor];
  expect(await daa.toArray()).toEqual([6 * 2 * 5, 6 * 3 * 7]);
  expect(await dab.toArray()).toEqual([3 * 4, 3 * 9]);
  const [daaa] = grad(daa.sum(), [a], options) as [Tensor];
  expect(await daaa.toArray()).toEqual([6 * 5, 6 * 7]);
  const [daaab] = grad(daaa.sum(), [b]) as [Tensor];
  expect(await daaab.toArray()).toEqual([6, 6]);
});

test('inputs that depend on each other: each has its own share of the gradient', async () => {
  const x = tensor([2], { dtype: 'float64', requiresGrad: true });
  // y = x³ · x², so dy/dx = 5x⁴ and d²y/dx² = 20x³.
  const [y] = record(cubeTimes, [x, x.mul(x), x], {});
  const [dx] = grad(y.sum(), [x], { createGraph: true }) as [Tensor];
  expect(await dx.toArray()).toEqual([80]);
  const [ddx] = grad(dx.sum(), [x]) as [Tensor];
  expect(await ddx.toArray()).toEqual([160]);
});
