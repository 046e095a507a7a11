import { Generator } from '@fakkel/core';
import { expect, test } from 'vitest';
import { DataLoader, digits, StackDataset, type Dataset, type SampleContext } from './index.js';

const range = (length: number) => ({ length, get: (i: number) => i });
const slow = <T>(dataset: Dataset<T>, ms: number): Dataset<T> => ({
  length: dataset.length,
  get: async (i, context) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return dataset.get(i, context);
  },
});

test('tuples of datasets give tuples, objects of them objects', async () => {
  const tuple = new StackDataset([range(3), { length: 3, get: (i: number) => `sample ${i}` }]);
  expect([tuple.length, tuple.get(1)]).toEqual([3, [1, 'sample 1']]);
  const named = new StackDataset({ x: range(3), y: slow(range(3), 1) });
  expect(await named.get(2)).toEqual({ x: 2, y: 2 });
  for await (const { x, y } of new DataLoader(named, { batchSize: 3 })) {
    expect([await x.toArray(), await y.toArray()]).toEqual([[0, 1, 2], [0, 1, 2]]); // prettier-ignore
  }
});

test('parts draw from the generator of the sample in their order, however long they take', async () => {
  const drawn = { length: 1, get: (_: number, context?: SampleContext) => context!.generator.random() };
  const expected = new Generator(5);
  const [a, b, c] = [expected.random(), expected.random(), expected.random()];
  const stacked = new StackDataset([slow(drawn, 20), drawn, slow(drawn, 1)]);
  expect(await stacked.get(0, { generator: new Generator(5) })).toEqual([a, b, c]);
});

test('recipes of the parts', () => {
  expect(new StackDataset([digits()]).recipe()).toMatchObject({ name: 'StackDataset', args: [[digits()]] });
});

test('errors', () => {
  expect(() => new StackDataset([range(3), range(4)])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: StackDataset: expected datasets of one length, got 3, 4]`,
  );
  expect(() => new StackDataset([])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: StackDataset: expected datasets of one length, got none]`,
  );
  expect(() => new StackDataset({ x: [1] as any })).toThrow('StackDataset: expected a dataset, got an array');
  expect(() => new StackDataset([range(3)]).get(3)).toThrow('StackDataset.get: index 3 is out of range');
});
