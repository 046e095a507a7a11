import { expect, test } from 'vitest';
import { nn, tensor } from '../../index.js';

const { parametersToVector, vectorToParameters } = nn.utils;

test('one after the other, and back', async () => {
  const a = new nn.Parameter(
    tensor([
      [1, 2],
      [3, 4],
    ]),
    { name: 'a' },
  );
  const b = new nn.Parameter(tensor(5), { name: 'b' });
  const vector = parametersToVector([a, b]);
  expect(await vector.toArray()).toEqual([1, 2, 3, 4, 5]);
  vectorToParameters(vector.mul(10), [a, b]);
  expect(await a.toArray()).toEqual([
    [10, 20],
    [30, 40],
  ]);
  expect(await b.item()).toBe(50);
});

test('gradients flow through the vector', async () => {
  const a = new nn.Parameter(tensor([1, 2]));
  const b = new nn.Parameter(tensor([[3]]));
  parametersToVector([a, b]).square().sum().backward();
  expect(await a.grad!.toArray()).toEqual([2, 4]);
  expect(await b.grad!.toArray()).toEqual([[6]]);
});

test('errors', () => {
  const a = new nn.Parameter(tensor([1, 2]));
  expect(() => parametersToVector([])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: parametersToVector: expected at least one parameter, got none]`,
  );
  expect(() => vectorToParameters(tensor([1, 2, 3]), [a])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: vectorToParameters: the 1 parameters have 2 elements together, so the vector is [2]; got float32[3]]`,
  );
});
