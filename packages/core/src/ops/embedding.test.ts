import { describe, expect, test } from 'vitest';
import { messagesOf } from '../../test/messages.js';
import { evaluate, manualSeed, nn, ones, stats, tensor, zeros, type Tensor } from '../index.js';

const F = nn.functional;
const words = (...data: number[]): Tensor => tensor(Int32Array.from(data));

test('the rows that are looked up and too long are made shorter in the table, and a new bound compiles nothing', async () => {
  const layer = new nn.Embedding(4, 2, { maxNorm: 5 });
  layer.weight.assign(
    tensor([
      [3, 4],
      [6, 8],
      [30, 40],
      [1, 0],
    ]),
  );
  const compiles: number[] = [];
  for (const bound of [5, 4, 3]) {
    Object.assign(layer, { maxNorm: bound });
    layer.zeroGrad();
    const y = layer(words(1, 0, 1));
    y.sum().backward();
    await evaluate(y, layer.weight.grad!);
    const [first] = (await y.toArray()) as number[][];
    expect(Math.hypot(...first)).toBeCloseTo(bound, 5);
    compiles.push(stats().compiles);
  }
  expect(new Set(compiles).size).toBe(1);
  const table = (await layer.weight.toArray()) as number[][];
  expect(table.slice(2)).toEqual([
    [30, 40],
    [1, 0],
  ]);
});

test('with maxNorm a second look-up before backward is an error that says so', () => {
  const layer = new nn.Embedding(4, 2, { maxNorm: 1 });
  const both = layer(words(0)).add(layer(words(1)));
  expect(() => both.sum().backward()).toThrow(/has been replaced since the forward pass/);
});

test('without it a table is shared: gradients of both look-ups add up', async () => {
  const layer = new nn.Embedding(2, 1);
  layer(words(0, 1))
    .add(layer(words(1, 1)))
    .sum()
    .backward();
  expect(await layer.weight.grad!.toArray()).toEqual([[1], [3]]);
});

test('nothing to look up', async () => {
  const table = ones([3, 4], { requiresGrad: true });
  const y = F.embedding(zeros([0, 2], { dtype: 'int32' }), table);
  expect(y.shape).toEqual([0, 2, 4]);
  y.sum().backward();
  expect(await table.grad!.sum().item()).toBe(0);
});

test('a frozen table has no gradient, a thawed one has', () => {
  const table = ones([2, 2]);
  expect(nn.Embedding.fromPretrained(table).weight.requiresGrad).toBe(false);
  expect(nn.Embedding.fromPretrained(table, { freeze: false })(words(1)).requiresGrad).toBe(true);
});

test('fromPretrained draws no numbers', async () => {
  manualSeed(1);
  nn.Embedding.fromPretrained(ones([30, 30]));
  const after = new nn.Embedding(2, 2);
  manualSeed(1);
  expect(await after.weight.toArray()).toEqual(await new nn.Embedding(2, 2).weight.toArray());
});

describe('errors', () => {
  const table = ones([3, 2]);
  const errors: [name: string, run: () => unknown][] = [
    ['the table first', () => F.embedding(table, words(1))],
    ['a row that is not there', () => F.embedding(words(0, 3), table)],
    ['a vector for a table', () => F.embedding(words(0), ones([3]))],
    ['a bound for a table that is immutable', () => F.embedding(words(0), table, { maxNorm: 1 })],
    ['a padding row that is not there', () => new nn.Embedding(3, 2, { paddingIdx: 3 })],
    ['sparse gradients', () => new nn.Embedding(3, 2, { sparse: true } as never)],
    ['a fraction of rows', () => new nn.Embedding(3.5, 2)],
    ['a negative bound', () => new nn.Embedding(3, 2, { maxNorm: -1 })],
    ['a vector as pretrained table', () => nn.Embedding.fromPretrained(ones([3]))],
  ];
  test('say what to do', () => {
    expect(messagesOf(errors)).toMatchInlineSnapshot(`
      [
        "the table first: DTypeError: embedding: expected int32 numbers of rows, got float32[3,2] for a table int32[1]. Convert them with index.to('int32'); the index comes first, the table second.",
        "a row that is not there: OutOfRangeError: embedding: row 3 at [1] is out of range: expected 0 to 2 (the table is float32[3,2])",
        "a vector for a table: ShapeError: embedding: expected a table [rows, D], got float32[3]",
        "a bound for a table that is immutable: FakkelError: embedding: maxNorm writes to the table, and a tensor float32[3,2] is immutable. Wrap it: new nn.Parameter(x).",
        "a padding row that is not there: OutOfRangeError: Embedding: paddingIdx is a row of the table, from -3 to 2, got 3",
        "sparse gradients: NotInTypeScriptError: Embedding: there are no sparse gradients; the gradient of the table has its shape. Leave out 'sparse'.",
        "a fraction of rows: OutOfRangeError: Embedding: numEmbeddings is a whole number of at least 0, got 3.5",
        "a negative bound: OutOfRangeError: Embedding: maxNorm is a number of at least 0, got -1",
        "a vector as pretrained table: ShapeError: Embedding.fromPretrained: expected a table [numEmbeddings, embeddingDim], got float32[3]",
      ]
    `);
  });

  test('a row that is computed and not there: the run fails', async () => {
    await expect(F.embedding(words(2).add(1), table).toArray()).rejects.toThrow(/out of range/);
  });
});
