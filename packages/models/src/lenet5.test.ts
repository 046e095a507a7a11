import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { manualSeed, nn, randn, stats, tensor, type Tensor } from '@fakkel/core';
import { C3_CONNECTIONS, DIGIT_BITMAPS, digitCodes, lenet5, lenet5Original, SparseConv2d, Subsample } from './index.js';

interface Golden {
  input: number[];
  logits: number[][];
  loss: number;
  parameters: Record<string, { shape: number[]; initial: number[]; gradient: number[] }>;
}
const golden = (name: string): Golden =>
  JSON.parse(readFileSync(new URL(`../test/goldens/${name}.json`, import.meta.url), 'utf8')) as Golden;

/** As in tools/goldens/models.py: sum, sum of squares, dot product with linspace(-1, 1). */
async function digest(t: Tensor): Promise<number[]> {
  const data = await t.data();
  const sums = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    sums[0] += data[i];
    sums[1] += data[i] ** 2;
    sums[2] += data[i] * (data.length === 1 ? -1 : (2 * i) / (data.length - 1) - 1);
  }
  return sums;
}

/** Digests of n elements that differ by at most `tolerance` each, relative to the largest sums that they could have. */
function expectDigest(actual: number[], expected: number[], n: number, tolerance: number, what: string): void {
  const norm = Math.sqrt(expected[1] * n);
  for (const [i, scale] of [norm, 2 * expected[1], norm].entries()) {
    expect(Math.abs(actual[i] - expected[i]), `${what}, sum ${i}`).toBeLessThanOrEqual(tolerance * scale + 1e-9);
  }
}

describe.each([
  ['lenet5', () => lenet5()],
  ['lenet5-original', () => lenet5Original()],
] as const)('%s is the PyTorch model', (name, make) => {
  const expected = golden(name);

  test('initial weights after manualSeed(0), logits, loss and gradients', async () => {
    manualSeed(0);
    const net: nn.Module = make();
    manualSeed(1);
    const x = randn([4, 1, 32, 32]);
    expectDigest(await digest(x), expected.input, x.numel(), 1e-6, 'input');
    const parameters = new Map(net.namedParameters());
    expect([...parameters.keys()]).toEqual(Object.keys(expected.parameters));
    for (const [key, p] of parameters) {
      const { shape, initial } = expected.parameters[key];
      expect(p.shape).toEqual(shape);
      expectDigest(await digest(p), initial, p.numel(), 2e-6, key);
    }
    const logits = (net as unknown as (x: Tensor) => Tensor)(x);
    const loss = nn.functional.crossEntropy(logits, tensor([3, 1, 4, 1], { dtype: 'int32' }));
    loss.backward();
    expect(await loss.item()).toBeCloseTo(expected.loss, 5);
    const rows = (await logits.toArray()) as number[][];
    for (const [i, row] of rows.entries()) {
      for (const [j, value] of row.entries()) expect(value).toBeCloseTo(expected.logits[i][j], 5);
    }
    for (const [key, p] of parameters) {
      expectDigest(await digest(p.grad!), expected.parameters[key].gradient, p.numel(), 1e-4, `gradient of ${key}`);
    }
  });
});

const count = (module: nn.Module): number => module.parameters().reduce((n, p) => n + p.numel(), 0);

describe('lenet5', () => {
  test('has 61,706 parameters; channels and classes are options', () => {
    const net = lenet5();
    expect(count(net)).toBe(61_706);
    expect([...net.stateDict().keys()]).toEqual(
      ['conv1', 'conv2', 'conv3', 'fc1', 'fc2'].flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]),
    );
    expect(lenet5({ inChannels: 3, numClasses: 26 })(randn([2, 3, 32, 32])).shape).toEqual([2, 26]);
    expect(lenet5({ dtype: 'float64' }).fc2.weight.dtype).toBe('float64');
  });

  test.each([[[1, 1, 28, 28]], [[1, 3, 32, 32]], [[8, 32, 32]]])('images that it is not made for: %j', (shape) => {
    expect(() => lenet5()(randn(shape))).toThrowErrorMatchingSnapshot();
  });

  test('summary', () => {
    expect(nn.summary(lenet5(), [1, 1, 32, 32]).toString()).toMatchInlineSnapshot(`
      "Layer               Output shape  Parameters     MACs
      -----------------------------------------------------
      LeNet5              [1,10]
        conv1: Conv2d     [1,6,28,28]          156  117,600
        relu1: ReLU       [1,6,28,28]
        pool1: MaxPool2d  [1,6,14,14]
        conv2: Conv2d     [1,16,10,10]       2,416  240,000
        relu2: ReLU       [1,16,10,10]
        pool2: MaxPool2d  [1,16,5,5]
        conv3: Conv2d     [1,120,1,1]       48,120   48,000
        relu3: ReLU       [1,120,1,1]
        flatten: Flatten  [1,120]
        fc1: Linear       [1,84]            10,164   10,080
        relu4: ReLU       [1,84]
        fc2: Linear       [1,10]               850      840
      -----------------------------------------------------
      Total                                 61,706  416,520
      Memory: parameters 241 KiB, activations 38.2 KiB in training, 36.8 KiB in inference"
    `);
  });
});

describe('lenet5Original', () => {
  test('60,850 parameters, layer by layer as the lecture counts them', () => {
    const net = lenet5Original();
    expect(net.namedChildren().map(([name, layer]) => [name, count(layer)])).toEqual([
      ['c1', 156],
      ['s2', 12],
      ['c3', 1516],
      ['s4', 32],
      ['c5', 48120],
      ['f6', 10164],
      ['output', 850],
      ['act', 0],
    ]);
    expect(count(net)).toBe(60_850);
  });

  test("C3 sees what Table I of the paper says: 60 connections, every map of S2 in ten of C3's", () => {
    expect(C3_CONNECTIONS.map((maps) => maps.length)).toEqual([3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6]);
    for (let map = 0; map < 6; map++) expect(C3_CONNECTIONS.filter((maps) => maps.includes(map))).toHaveLength(10);
  });

  test('forward and backward compile once', async () => {
    const net = lenet5Original();
    const target = tensor([0, 1], { dtype: 'int32' });
    const compiles: number[] = [];
    for (let i = 0; i < 4; i++) {
      net.zeroGrad();
      const loss = nn.functional.crossEntropy(net(randn([2, 1, 32, 32])), target);
      loss.backward();
      await loss.item();
      compiles.push(stats().compiles);
    }
    expect(new Set(compiles).size).toBe(1);
  });

  test('prints its layers', () => {
    expect(lenet5Original().toString()).toMatchInlineSnapshot(`
      "LeNet5Original(
        (c1): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))
        (s2): Subsample(6)
        (c3): SparseConv2d(6, 16, kernel_size=(5, 5), connections=60)
        (s4): Subsample(16)
        (c5): Conv2d(16, 120, kernel_size=(5, 5), stride=(1, 1))
        (f6): Linear(in_features=120, out_features=84, bias=True)
        (output): Linear(in_features=84, out_features=10, bias=True)
        (act): ScaledTanh(amplitude=1.7159, slope=0.6666666666666666)
      )"
    `);
  });
});

test('Subsample: the sum of four, one weight and one bias a map', async () => {
  const layer = new Subsample(2);
  layer.weight.assign(tensor([1, 10]));
  layer.bias.assign(tensor([0.5, -1]));
  const x = tensor([
    [
      [
        [1, 2, 0],
        [3, 4, 0],
      ],
      [
        [1, 1, 9],
        [1, 1, 9],
      ],
    ],
  ]);
  expect(await layer(x).toArray()).toEqual([[[[10.5]], [[39]]]]);
});

describe('SparseConv2d', () => {
  test('an output map does not depend on maps that it does not see', async () => {
    const layer = new SparseConv2d(3, [[2, 0], [1]], 2);
    expect(layer.weight.shape).toEqual([3, 2, 2]);
    const x = randn([1, 3, 4, 4], { requiresGrad: true });
    layer(x).select(1, 1).sum().backward();
    const gradient = await x.grad!.abs().sum([0, 2, 3]).data();
    expect([gradient[0], gradient[2]]).toEqual([0, 0]);
    expect(gradient[1]).toBeGreaterThan(0);
  });

  test.each([[[[0, 3]]], [[[0, 0]]], [[[]]]])('a table that does not fit: %j', (table) => {
    expect(() => new SparseConv2d(3, table, 5)).toThrowErrorMatchingSnapshot();
  });
});

describe("lenet5Original({ output: 'rbf' })", () => {
  test('60,000 parameters: the bitmaps are a buffer', () => {
    const net = lenet5Original({ output: 'rbf' });
    expect(count(net)).toBe(60_000);
    expect(net.namedBuffers().map(([name, { shape }]) => [name, shape])).toEqual([['output.weight', [10, 84]]]);
    expect(String(net.output)).toBe('RBF(in_features=84, out_features=10, trainable=False)');
    expect(lenet5Original({ output: 'rbf', dtype: 'float64' }).output.weight.dtype).toBe('float64');
  });

  test('what lies on a bitmap is at distance 0 of it, and far from the others', async () => {
    const output = new nn.RBF(digitCodes());
    const distances = (await output(digitCodes()).toArray()) as number[][];
    for (const [digit, row] of distances.entries()) {
      expect(row[digit]).toBe(0);
      // Cells that differ count four each; 5 and 6 are the closest, in nine.
      for (const [other, distance] of row.entries()) if (other !== digit) expect(distance).toBeGreaterThanOrEqual(36);
    }
  });

  test('an unknown output', () => {
    expect(() => lenet5Original({ output: 'softmax' as 'rbf' })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: LeNet5Original: output is 'linear' or 'rbf', got 'softmax']`,
    );
  });
});

test('the bitmaps are pictures of 7 × 12 cells', () => {
  for (const rows of DIGIT_BITMAPS) {
    expect(rows).toHaveLength(12);
    for (const row of rows) expect(row).toMatch(/^[#.]{7}$/);
  }
  expect(DIGIT_BITMAPS[2]).toEqual([
    '.#####.',
    '#######',
    '##...##',
    '.....##',
    '.....##',
    '....##.',
    '...##..',
    '..##...',
    '.##....',
    '##.....',
    '#######',
    '#######',
  ]);
});
