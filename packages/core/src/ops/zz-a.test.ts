import { expect, test } from 'vitest';
import { tensor, add, einsum, arange } from '../index.js';
test('x', async () => {
  const x = tensor([[1, 2], [3, 4]]);
  expect(await x.add(1).toArray()).toEqual([[2, 3], [4, 5]]);
  expect(await einsum('ij,jk->ik', x, x).toArray()).toEqual([[7,10],[15,22]]);
  expect(await x.max(1).values.toArray()).toEqual([2,4]);
});
