import { describe, expect, test } from 'vitest';
import { grad, manualSeed, nn, ones, randn, stats, tensor, Tensor, zeros, type Parameter } from '../index.js';

const F = nn.functional;
const { elu, gelu, hardtanh, leakyRelu, logSoftmax, logsigmoid, relu, relu6, sigmoid, silu, softmax, softplus } = F;

/** dy/dx at each x. */
async function slopes(f: (x: Tensor) => Tensor, at: number[]): Promise<number[]> {
  const x = tensor(at, { dtype: 'float64', requiresGrad: true });
  return Array.from(await grad(f(x).sum(), [x])[0]!.data());
}

describe('gradients at kinks are PyTorch’s', () => {
  test.each<[string, (x: Tensor) => Tensor, number[], number[]]>([
    ['relu', relu, [0, -0], [0, 0]],
    ['relu6', relu6, [0, 6], [0, 0]],
    ['leakyRelu', (x) => leakyRelu(x, 0.25), [0], [0.25]],
    ['prelu', (x) => F.prelu(x, tensor(0.25, { dtype: 'float64' })), [0], [0.25]],
    ['rrelu', (x) => F.rrelu(x, 0.25, 0.75), [0], [0.5]],
    ['threshold', (x) => F.threshold(x, 2, 0), [2, 3], [0, 1]],
    ['elu', (x) => elu(x, 2), [0], [2]],
    ['celu', (x) => F.celu(x, 2), [0], [1]],
    ['hardtanh', hardtanh, [-1, 1], [0, 0]],
    ['hardsigmoid', F.hardsigmoid, [-3, 3], [0, 0]],
    ['hardswish', F.hardswish, [-3, 3], [-0.5, 1.5]],
    ['hardshrink', F.hardshrink, [-0.5, 0.5, 0], [0, 0, 0]],
    ['softshrink', F.softshrink, [-0.5, 0.5, 0], [0, 0, 0]],
    ['softsign', F.softsign, [0], [1]],
    ['tanhshrink', F.tanhshrink, [0], [0]],
    ['maxout', (x) => F.maxout(x, 4, 0), [1, 2, 2, 0], [0, 0.5, 0.5, 0]],
  ])('%s', async (_, f, at, expected) => {
    expect(await slopes(f, at)).toEqual(expected);
  });
});

describe('far from 0', () => {
  test.each<[string, (x: Tensor) => Tensor, number, number]>([
    ['sigmoid', sigmoid, 0, 0],
    ['silu', silu, 0, 1],
    ['gelu', gelu, 0, 1],
    ['logsigmoid', logsigmoid, 1, 0],
    ['softplus', (x) => softplus(x), 0, 1],
    ['elu', (x) => elu(x), 0, 1],
    ['selu', F.selu, 0, 1.0507009873554805],
    ['celu', (x) => F.celu(x, 0.5), 0, 1],
    ['gelu by tanh', (x) => gelu(x, { approximate: 'tanh' }), 0, 1],
    ['mish', F.mish, 0, 1],
    ['hardswish', F.hardswish, 0, 1],
    ['softsign', (x) => F.softsign(x.mul(1e9)), 0, 0],
    ['scaledTanh', (x) => F.scaledTanh(x), 0, 0],
    ['tanhshrink', F.tanhshrink, 1, 1],
  ])('%s has finite slopes', async (_, f, below, above) => {
    const [low, high] = await slopes(f, [-1e3, 1e3]);
    expect(low).toBeCloseTo(below, 12);
    expect(high).toBeCloseTo(above, 12);
  });

  test('softmax does not overflow', async () => {
    const x = tensor([1e4, 1e4, -1e4]);
    expect(await softmax(x, 0).toArray()).toEqual([0.5, 0.5, 0]);
    expect((await logSoftmax(x, -1).data())[0]).toBeCloseTo(-Math.LN2, 6);
  });
});

describe('NaN and infinity', () => {
  const lists = (x: Tensor): Promise<number[]> => x.toArray() as Promise<number[]>;

  test('NaN passes the shrinkages, also in long tensors', async () => {
    for (const f of [F.hardshrink, F.softshrink, F.tanhshrink, (x: Tensor) => F.threshold(x, 0, 7)])
      expect(await lists(f(tensor(new Array<number>(20).fill(NaN))))).toEqual(new Array(20).fill(NaN));
  });

  test('an infinite input of prelu leaves the gradient of its slope alone where it is positive', async () => {
    const w = tensor([0], { requiresGrad: true });
    const [slope] = grad(F.prelu(tensor([Infinity, -2]), w).sum(), [w]);
    expect(await slope!.toArray()).toEqual([-2]);
  });

  test('maxout: NaN wins, −∞ may be the largest', async () => {
    expect(await lists(F.maxout(tensor([NaN, 1, -Infinity, -Infinity]), 2, 0))).toEqual([NaN, -Infinity]);
  });
});

describe('rrelu in training', () => {
  test('draws a slope for each element, the same in the gradient', async () => {
    manualSeed(0);
    const x = tensor(new Float32Array(4000).fill(-1), { requiresGrad: true });
    const y = F.rrelu(x, 0.2, 0.6, true);
    const [gradient] = grad(y.sum(), [x]);
    const slopes = await gradient!.data();
    expect(await y.neg().data()).toEqual(slopes);
    expect(Math.min(...slopes)).toBeGreaterThanOrEqual(Math.fround(0.2));
    expect(Math.max(...slopes)).toBeLessThan(0.6);
    expect(await gradient!.mean().item()).toBeCloseTo(0.4, 2);
    expect(await gradient!.std().item()).toBeCloseTo(0.4 / Math.sqrt(12), 2);
    expect(await F.rrelu(tensor([3, 0]), 0.2, 0.6, true).toArray()).toEqual([3, 0]);
  });

  test('manualSeed repeats the slopes and drawing moves no other number; the mode of the layer decides', async () => {
    const layer = new nn.RReLU();
    const x = tensor(new Float32Array(50).fill(-1));
    const draw = async (): Promise<unknown> => (manualSeed(1), layer(x).toArray());
    const first = await draw();
    expect(await draw()).toEqual(first);
    const next = await randn([1]).item();
    manualSeed(1);
    expect(await randn([1]).item()).toBe(next);
    expect(new Set(first as number[]).size).toBeGreaterThan(40);
    expect(
      await layer
        .eval()(tensor([-48]))
        .toArray(),
    ).toEqual([-11]);
  });
});

test('the scaled tanh maps ±1 to ±1, with the constants of 1998 and not with those of the lecture', async () => {
  expect(await F.scaledTanh(tensor(1, { dtype: 'float64' })).item()).toBeCloseTo(1, 4);
  expect(await F.scaledTanh(tensor(-1, { dtype: 'float64' })).item()).toBeCloseTo(-1, 4);
  expect(await F.scaledTanh(tensor(1, { dtype: 'float64' }), 1.7259).item()).toBeCloseTo(1.0058, 4);
});

test('a convolution, then maxout over its channels; relu is maxout beside 0', async () => {
  const x = randn([2, 3, 5, 5]);
  const conv = new nn.Conv2d(3, 8, 3);
  expect(conv(x).maxout(4).shape).toEqual([2, 2, 3, 3]);
  const row = tensor([[-1, 0, 2, 0]]);
  expect(await F.maxout(row, 2).toArray()).toEqual(await relu(tensor([[-1, 2]])).toArray());
});

test('a layer of prelu learns its slope, and its state has PyTorch’s key', async () => {
  const layer = new nn.PReLU(2);
  expect([...layer.stateDict().keys()]).toEqual(['weight']);
  layer(tensor([[-2, 3], [-1, -5]])).sum().backward(); // prettier-ignore
  expect(await layer.weight.grad!.toArray()).toEqual([-3, -5]);
});

test('numbers are inputs of the program: changing them compiles nothing', async () => {
  const x = randn([4, 6], { requiresGrad: true });
  const step = async (n: number): Promise<void> => {
    let y = F.rrelu(
      x
        .leakyRelu(n)
        .elu(n)
        .celu(n)
        .softplus(n, 20 + n),
      n / 2,
      n,
      true,
    );
    y = y
      .hardtanh(-n, n)
      .threshold(n / 4, n)
      .hardshrink(n / 9)
      .softshrink(n / 8)
      .scaledTanh(n, n);
    await grad(y.sum(), [x])[0]!.data();
  };
  await step(0.5);
  const { compiles } = stats();
  for (const n of [0.6, 0.7, 0.8]) await step(n);
  expect(stats().compiles).toBe(compiles);
});

/** The list, and what a user of PyTorch expects beside it: a layer, a function and a method each. */
const EVERYWHERE: Record<string, keyof typeof F> = {
  ...{ Sigmoid: 'sigmoid', LogSigmoid: 'logsigmoid', Tanh: 'tanh', ScaledTanh: 'scaledTanh', Hardtanh: 'hardtanh' },
  ...{ ReLU: 'relu', ReLU6: 'relu6', LeakyReLU: 'leakyRelu', PReLU: 'prelu', RReLU: 'rrelu', ELU: 'elu' },
  ...{ SELU: 'selu', CELU: 'celu', GELU: 'gelu', SiLU: 'silu', Softplus: 'softplus', Softmax: 'softmax' },
  ...{ LogSoftmax: 'logSoftmax', Maxout: 'maxout', Hardsigmoid: 'hardsigmoid', Hardswish: 'hardswish', Mish: 'mish' },
  ...{ Softsign: 'softsign', Tanhshrink: 'tanhshrink', Softshrink: 'softshrink', Hardshrink: 'hardshrink' },
  ...{ Threshold: 'threshold', GLU: 'glu', Softmin: 'softmin' },
};

test.each(Object.entries(EVERYWHERE))('nn.%s, nn.functional.%s and the method', (layer, name) => {
  expect(nn[layer as keyof typeof nn]).toBeTypeOf('function');
  expect(F[name]).toBeTypeOf('function');
  expect(Tensor.prototype).toHaveProperty(name);
});

describe('errors', () => {
  test('axis', () => {
    expect(() => softmax(ones([2, 3]), 2)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: softmax: axis 2 is out of range for 2 axes (expected -2 to 1)]`,
    );
    expect(() => softmax(ones([2, 3]), undefined as any)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: softmax: expected an axis (a whole number), got undefined. Say which; -1 is the last one.]`,
    );
  });
  test('integers', () => {
    expect(() => relu(ones([2], { dtype: 'int32' }))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: relu: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
    expect(() => leakyRelu(ones([2], { dtype: 'int32' }))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: leakyRelu: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
    expect(() => softmax(ones([2], { dtype: 'int32' }), 0)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: softmax: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
  });
  test('numbers', () => {
    const x = ones([2]);
    expect(() => x.celu(0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: celu: alpha must not be 0. For α → 0 celu is relu: use that.]`,
    );
    expect(() => x.softshrink(-1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: softshrink: lambda is at least 0, got -1]`,
    );
    expect(() => x.rrelu(0.5, 0.25)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: rrelu: expected lower ≤ upper, got 0.5 and 0.25]`,
    );
    expect(() => x.leakyRelu('0.1' as any)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: leakyRelu: expected a number beside x, got string 0.1]`,
    );
    expect(() => (x as any).threshold(1)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: threshold: expected a number beside x, got undefined]`,
    );
    expect(() => x.gelu({ approximate: 'fast' as 'tanh' })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: gelu: approximate is 'none' or 'tanh', got 'fast']`,
    );
    expect(() => x.gelu('tanh' as any)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: gelu: options come as one object, { approximate }; got string tanh]`,
    );
  });
  test('shapes', () => {
    expect(() => ones([2, 3]).prelu(ones([2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: prelu: expected a weight with 1 element or 3, one for each channel (axis 1), for x float32[2,3]; got float32[2]]`,
    );
    expect(() => ones([2, 3]).prelu(ones([3, 1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: prelu: expected a weight with 1 element or 3, one for each channel (axis 1), for x float32[2,3]; got float32[3,1]]`,
    );
    expect(() => ones([3]).prelu(ones([3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: prelu: expected a weight with 1 element, for x float32[3]; got float32[3]]`,
    );
    expect(() => ones([2, 3]).prelu(ones([3], { dtype: 'float64' }))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: prelu: x is float32[2,3] and the weight float64[3]. Convert one with to(dtype).]`,
    );
    expect(() => ones([2, 3]).glu()).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: glu: expected an axis of even size, to halve it; axis -1 of float32[2,3] has size 3]`,
    );
    expect(() => ones([]).glu()).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: glu: expected an axis of even size, to halve it; axis -1 of float32[] has size 1]`,
    );
    expect(() => ones([2, 5]).maxout(2)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: maxout: axis 1 of float32[2,5] can't be cut into groups of 2. A layer before it has pieces × outputs channels.]`,
    );
    expect(() => ones([4]).maxout(2)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: maxout: axis 1 is out of range for 1 axes (expected -1 to 0)]`,
    );
    expect(() => ones([2, 4]).maxout(0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: maxout: pieces is a whole number of at least 1, got 0]`,
    );
    expect(() => new nn.Softmax2d()(ones([2, 4]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: Softmax2d: expected images [N, C, H, W] or [C, H, W], got float32[2,4]]`,
    );
  });
  test('layers', () => {
    expect(() => new nn.PReLU(0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: PReLU: numParameters is a whole number of at least 1, got 0]`,
    );
    expect(() => new nn.PReLU(1, 0.25 as any)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: PReLU: options come as one object, { init, dtype, device }; got 0.25]`,
    );
    expect(() => new nn.RReLU(1, 0.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: RReLU: expected lower ≤ upper, got 1 and 0.5]`,
    );
    expect(() => new nn.CELU(0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: CELU: alpha must not be 0. For alpha → 0 CELU is ReLU: use that.]`,
    );
    expect(() => new nn.GELU({ approximate: 'quick' as 'tanh' })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: GELU: approximate is 'none' or 'tanh', got 'quick']`,
    );
    expect(() => new nn.Softshrink(-0.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Softshrink: lambda is a number of at least 0, got -0.5]`,
    );
    expect(() => new (nn.Threshold as any)(1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Threshold: value is a number, got undefined]`,
    );
    expect(() => new nn.Maxout(3, 4, 1.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Maxout: pieces is a whole number of at least 1, got 1.5]`,
    );
  });
});

test('no elements, no axes', async () => {
  const empty = zeros([0, 4]);
  for (const y of [empty.selu(), empty.mish(), empty.prelu(ones([4])), empty.threshold(0, 1), empty.softmin(1)])
    expect(y.shape).toEqual([0, 4]);
  expect(empty.glu().shape).toEqual([0, 2]);
  expect(empty.maxout(2).shape).toEqual([0, 2]);
  expect(await tensor(2).maxout(1, 0).item()).toBe(2);
  expect(
    await tensor(-2)
      .prelu(tensor([0.5]))
      .item(),
  ).toBe(-1);
  expect(await tensor(-2).softmin(0).item()).toBe(1);
  const layer: { weight: Parameter } = new nn.Maxout(0, 2, 3);
  expect(layer.weight.shape).toEqual([6, 0]);
});
