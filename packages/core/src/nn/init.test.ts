/**
 * Initialization: identities, orthogonal and sparse matrices against PyTorch, gains against their integral, and what
 * they are for: signals that keep their scale. (The distributions, Xavier's and He's are in `golden.test.ts`.)
 */
import { describe, expect, test } from 'vitest';
import { float32, float64, golden, maxDifference } from '../../test/golden.js';
import { manualSeed, nn, ones, rand, randn, tensor, zeros, type Parameter, type Tensor } from '../index.js';

const { init, functional: F } = nn;

interface Case {
  function: 'eye_' | 'dirac_' | 'orthogonal_' | 'sparse_';
  args: number[];
  value: { shape: number[]; dtype: 'float32' | 'float64'; data: string };
  after: [uniform: number, normal: number];
}

const parameter = (...shape: number[]): Parameter => new nn.Parameter(zeros(shape));

describe('PyTorch’s numbers after the same seed', () => {
  const cases = golden<Case[]>('nn/init-structured');
  test.each(
    cases.map(
      (c) => [`${c.function}(${c.value.dtype}[${String(c.value.shape)}], ${JSON.stringify(c.args)})`, c] as const,
    ),
  )('%s', async (_, { function: name, args, value: { shape, dtype, data }, after }) => {
    const p = new nn.Parameter(randn(shape, { dtype }));
    manualSeed(5);
    expect((init[name] as (p: Parameter, ...args: number[]) => Parameter)(p, ...args)).toBe(p);
    const expected = dtype === 'float64' ? float64(data) : float32(data);
    const exact = name === 'eye_' || name === 'dirac_';
    const tolerance = exact ? 0 : dtype === 'float64' ? 1e-14 : name === 'sparse_' ? 0 : 1e-6;
    expect(maxDifference(await p.data(), expected)).toBeLessThanOrEqual(tolerance);
    expect([await rand([1]).item(), await randn([1]).item()]).toEqual(after);
  });

  test('a generator of one’s own leaves the default one alone', async () => {
    const draw = async (options?: nn.init.RandomOptions): Promise<number[]> => {
      const weights = [init.orthogonal_(parameter(4, 3), 1, options), init.sparse_(parameter(4, 3), 0.5, 1, options)];
      return (await Promise.all(weights.map((w) => w.data()))).flatMap((data) => Array.from(data));
    };
    const expected = await (manualSeed(7), draw());
    const next = await (manualSeed(3), rand([1]).item());
    manualSeed(3);
    const { Generator } = await import('../random/generator.js');
    expect(await draw({ generator: new Generator(7) })).toEqual(expected);
    expect(await rand([1]).item()).toBe(next);
  });
});

describe('what structure means', () => {
  test.each([
    [20, 20],
    [7, 31],
    [31, 7],
  ])('the %i × %i matrix of orthogonal_ is orthonormal, times the gain', async (rows, columns) => {
    const w = init.orthogonal_(new nn.Parameter(zeros([rows, columns], { dtype: 'float64' })), 3);
    const gram = rows <= columns ? w.matmul(w.t()) : w.t().matmul(w);
    const size = Math.min(rows, columns);
    const identity = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 9 : 0));
    expect(maxDifference(await gram.data(), identity)).toBeLessThan(1e-13);
  });

  test('a convolution with dirac_ passes its channels', async () => {
    const conv = new nn.Conv2d(4, 4, 3, { padding: 'same', groups: 2, bias: false });
    init.dirac_(conv.weight, 2);
    const x = randn([1, 4, 5, 6]);
    expect(maxDifference(await conv(x).data(), await x.data())).toBe(0);
  });

  test('sparse_ leaves the share of each column that it should', async () => {
    const w = init.sparse_(parameter(100, 20), 0.95);
    expect(await w.eq(0).sum(0).toArray()).toEqual(new Array(20).fill(95));
  });
});

/** √E[f(z)²]⁻¹, z ~ N(0, 1), by Gauss' rule of three points on cells of 1/32, between which all kinks lie. */
async function formula(f: (x: Tensor) => Tensor): Promise<number> {
  const cells = 24 * 32;
  const nodes = Array.from({ length: cells }, (_, i) => -12 + (i + 0.5) / 32).flatMap((middle) =>
    [-Math.sqrt(0.6), 0, Math.sqrt(0.6)].map((x) => middle + x / 64),
  );
  const y = await f(tensor(Float64Array.from(nodes))).data();
  const moment = nodes.reduce((sum, z, i) => {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    return sum + ([5, 8, 5][i % 3] / 18 / 32) * density * Number(y[i]) ** 2;
  }, 0);
  return 1 / Math.sqrt(moment);
}

/** Activations whose gain is the formula's. */
const BY_FORMULA: [nonlinearity: nn.init.Nonlinearity, f: (x: Tensor) => Tensor, param?: number][] = [
  ['linear', (x) => x],
  ['relu', F.relu],
  ['leakyRelu', (x) => F.leakyRelu(x)],
  ['leakyRelu', (x) => F.leakyRelu(x, 0.2), 0.2],
  ['prelu', (x) => F.leakyRelu(x, 0.25)],
  ['prelu', (x) => F.leakyRelu(x, -0.5), -0.5],
  ['relu6', F.relu6],
  ['elu', (x) => F.elu(x)],
  ['elu', (x) => F.elu(x, 2.5), 2.5],
  ['celu', (x) => F.celu(x)],
  ['softplus', (x) => F.softplus(x)],
  ['logsigmoid', F.logsigmoid],
  ['hardsigmoid', F.hardsigmoid],
  ['hardtanh', (x) => F.hardtanh(x)],
  ['scaledTanh', (x) => F.scaledTanh(x)],
  ['softsign', F.softsign],
  ['gelu', (x) => F.gelu(x)],
  ['silu', F.silu],
  ['mish', F.mish],
  ['hardswish', F.hardswish],
  ['glu', F.sigmoid],
  ['hardshrink', (x) => F.hardshrink(x)],
  ['softshrink', (x) => F.softshrink(x)],
  ['tanhshrink', F.tanhshrink],
];

/** Of a signal that is a little too large these make one that is larger still: their balance does not last. */
const BENDS_UPWARDS = new Set(['gelu', 'silu', 'mish', 'hardswish', 'glu', 'hardshrink', 'softshrink', 'tanhshrink']);

describe('calculateGain', () => {
  test.each(BY_FORMULA)('%s: the integral of the activation, to the digits given', async (name, f, param) => {
    expect(Math.abs(init.calculateGain(name, param) - (await formula(f)))).toBeLessThan(6e-10);
  });

  test('where PyTorch’s is another', async () => {
    const difference = async (name: 'sigmoid' | 'tanh' | 'selu'): Promise<number[]> =>
      [init.calculateGain(name), await formula(F[name])].map((gain) => Number(gain.toFixed(4)));
    expect(await difference('sigmoid')).toEqual([1, 1.8462]);
    expect(await difference('tanh')).toEqual([1.6667, 1.5925]);
    expect(await difference('selu')).toEqual([0.75, 1]);
  });

  test('rrelu: the mean over its slopes', async () => {
    manualSeed(0);
    const y = F.rrelu(randn([200_000], { dtype: 'float64' }), 1 / 8, 1 / 3, true);
    expect(1 / Math.sqrt(await y.square().mean().item())).toBeCloseTo(init.calculateGain('rrelu'), 2);
  });

  test('maxout: closed forms of the moment for 1 to 4 pieces', () => {
    const moments = [1, 1, 1 + Math.sqrt(3) / (2 * Math.PI), 1 + Math.sqrt(3) / Math.PI];
    moments.forEach((moment, i) => expect(init.calculateGain('maxout', i + 1)).toBeCloseTo(1 / Math.sqrt(moment), 12));
    expect(init.calculateGain('maxout')).toBeCloseTo(1, 12);
  });

  test('errors', () => {
    expect(() => init.calculateGain('leaky_relu' as 'leakyRelu')).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: calculateGain: unknown nonlinearity 'leaky_relu'. Known: linear, conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d, sigmoid, tanh, relu, selu, relu6, celu, softplus, logsigmoid, hardsigmoid, hardtanh, scaledTanh, softsign, gelu, silu, mish, hardswish, glu, hardshrink, softshrink, tanhshrink, leakyRelu, prelu, rrelu, elu, maxout]`,
    );
    expect(() => init.calculateGain('maxout', 2.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: calculateGain: maxout has a whole number of pieces from 1 up, got 2.5]`,
    );
  });
});

/** The root of the second moment before and after the activation of eight layers, as the lecture's histograms show it. */
async function scales(
  initialize: (weight: Parameter) => void,
  activation: (x: Tensor) => Tensor,
  { rows = 256, input = (x: Tensor): Tensor => x } = {},
): Promise<{ before: number[]; after: number[] }> {
  manualSeed(0);
  let x = input(randn([128, rows]));
  const [before, after]: Tensor[][] = [[], []];
  for (let i = 0; i < 8; i++) {
    const layer = new nn.Linear(256, rows);
    initialize(layer.weight);
    init.zeros_(layer.bias!);
    before.push(layer(x));
    after.push((x = activation(before[i])));
  }
  const read = (list: Tensor[]): Promise<number[]> => Promise.all(list.map((a) => a.square().mean().sqrt().item()));
  return { before: await read(before), after: await read(after) };
}

describe('eight layers', () => {
  const spread = (values: number[]): number => Math.max(...values) / Math.min(...values);

  test('Xavier and tanh: activations stay in a range where backpropagation works', async () => {
    const plain = await scales((w) => init.xavierNormal_(w), F.tanh);
    expect(spread(plain.after)).toBeLessThan(3);
    expect(Math.min(...plain.after)).toBeGreaterThan(0.2);
    const withGain = await scales((w) => init.xavierNormal_(w, init.calculateGain('tanh')), F.tanh);
    expect(spread(withGain.after)).toBeLessThan(1.25);
  });

  // The second moment of one draw of 256 units varies by √(5/256) a layer: by 0.4 in eight, and its root by 0.2.
  test('He and relu: activations keep their scale', async () => {
    for (const initialize of [init.kaimingNormal_, init.kaimingUniform_]) {
      const { after } = await scales((w) => initialize(w, { nonlinearity: 'relu' }), F.relu);
      expect(spread([1, ...after])).toBeLessThan(1.5);
    }
  });

  test('Xavier and relu: the variance halves at every layer', async () => {
    const { after } = await scales((w) => init.xavierNormal_(w), F.relu);
    expect(after.at(-1)! / 2 ** -4).toBeGreaterThan(0.7);
    expect(after.at(-1)! / 2 ** -4).toBeLessThan(1.4);
  });

  test('weights too small: they die; too large: tanh saturates, relu explodes', async () => {
    expect((await scales((w) => init.normal_(w, 0, 0.01), F.tanh)).after.at(-1)).toBeLessThan(1e-6);
    expect((await scales((w) => init.normal_(w, 0, 1), F.tanh)).after.at(-1)).toBeGreaterThan(0.95);
    expect((await scales((w) => init.normal_(w, 0, 1), F.relu)).after.at(-1)).toBeGreaterThan(1e6);
  });

  test.each(BY_FORMULA)(
    '%s with its gain: one layer keeps the scale; eight do, unless it bends upwards',
    async (...args) => {
      const [nonlinearity, f, a] = args;
      const activation = nonlinearity === 'glu' ? (x: Tensor) => F.glu(x) : f;
      const { before } = await scales((w) => init.kaimingNormal_(w, { nonlinearity, a }), activation, {
        rows: nonlinearity === 'glu' ? 512 : 256,
        input: activation,
      });
      expect(Math.abs(before[0] - 1)).toBeLessThan(0.05);
      if (!BENDS_UPWARDS.has(nonlinearity)) expect(spread(before)).toBeLessThan(1.5);
    },
  );

  test('maxout with its gain', async () => {
    const maxout = (x: Tensor): Tensor => F.maxout(x, 3);
    const std = init.calculateGain('maxout', 3) / Math.sqrt(256);
    const { before } = await scales((w) => init.normal_(w, 0, std), maxout, { rows: 3 * 256, input: maxout });
    expect(Math.abs(before[0] - 1)).toBeLessThan(0.05);
    expect(spread(before)).toBeLessThan(1.5);
  });
});

test('kaiming’s slope is leakyRelu’s; others have the default of their own', async () => {
  const std = async (options: nn.init.KaimingOptions): Promise<number> =>
    init.kaimingUniform_(parameter(2, 3), options).abs().max().item();
  const bound = async (options: nn.init.KaimingOptions): Promise<number> => (manualSeed(0), std(options));
  const unit = await bound({ nonlinearity: 'linear' });
  expect((await bound({})) / unit).toBeCloseTo(Math.SQRT2, 6);
  expect((await bound({ nonlinearity: 'prelu' })) / unit).toBeCloseTo(init.calculateGain('prelu'), 6);
  expect((await bound({ nonlinearity: 'elu' })) / unit).toBeCloseTo(init.calculateGain('elu'), 6);
  expect((await bound({ nonlinearity: 'elu', a: 2 })) / unit).toBeCloseTo(init.calculateGain('elu', 2), 6);
});

test('a whole model by apply: He’s weights, and 0.01 for all biases', async () => {
  const net = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.Flatten(), new nn.Linear(24, 10));
  net.apply((layer) => {
    if (!(layer instanceof nn.Conv2d || layer instanceof nn.Linear)) return;
    init.kaimingNormal_(layer.weight, { nonlinearity: 'relu' });
    if (layer.bias) init.constant_(layer.bias, 0.01);
  });
  for (const [name, p] of net.namedParameters()) {
    if (name.endsWith('bias')) expect(new Set(await p.data())).toEqual(new Set([Math.fround(0.01)]));
    else expect(await p.std().item()).toBeCloseTo(Math.sqrt(2 / (name.startsWith('0') ? 25 : 24)), 1);
  }
});

describe('errors', () => {
  test('shapes', () => {
    expect(() => init.eye_(parameter(2, 3, 1))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: init.eye_: expected a matrix [out, in], got float32[2,3,1]]`,
    );
    expect(() => init.dirac_(parameter(2, 3))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: init.dirac_: expected the weight of a convolution, [out, in, …kernel] with 1 to 3 kernel axes, got float32[2,3]]`,
    );
    expect(() => init.orthogonal_(parameter(2))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: init.orthogonal_: a weight has at least two axes, [out, in, …], got float32[2]. Use zeros_ or constant_ for biases.]`,
    );
    expect(() => init.sparse_(parameter(2), 0.5)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: init.sparse_: expected a matrix [out, in], got float32[2]]`,
    );
  });
  test('numbers', () => {
    expect(() => init.dirac_(parameter(4, 3, 3), 3)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: init.dirac_: groups is a whole number that divides the output channels, got 3 for float32[4,3,3]]`,
    );
    expect(() => init.sparse_(parameter(2, 3), 1.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: init.sparse_: sparsity is a share from 0 to 1, got 1.5]`,
    );
    expect(() =>
      init.kaimingNormal_(parameter(2, 3), { mode: 'fan_in' as 'fanIn' }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: init.kaimingNormal_: mode is 'fanIn' or 'fanOut', got 'fan_in']`,
    );
  });
  test('what is no cell, or holds no floats', () => {
    expect(() => init.orthogonal_(ones([2, 2]) as Parameter)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: init.orthogonal_: expected a Parameter or Buffer, got a tensor float32[2,2], which is immutable. Wrap it: new nn.Parameter(x).]`,
    );
    expect(() => init.eye_(new nn.Buffer(zeros([2, 2], { dtype: 'int32' })))).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: init.eye_: expected a float parameter or buffer, got int32[2,2]]`,
    );
  });
});
