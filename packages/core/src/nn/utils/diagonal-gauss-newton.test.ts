/** Second derivatives propagated back, against squared Jacobians taken element by element. */
import { describe, expect, test } from 'vitest';
import {
  cat,
  defineFunction,
  flush,
  grad,
  manualSeed,
  nn,
  noGrad,
  rand,
  randn,
  stats,
  tensor,
  where,
  type Tensor,
} from '../../index.js';

const { diagonalGaussNewton } = nn.utils;
const F = nn.functional;
const f64 = { dtype: 'float64' } as const;

/** Σ over outputs o of (∂y_o/∂x)² h_o, with one backward pass an output. */
async function squaredJacobian(y: Tensor, h: Tensor, inputs: Tensor[]): Promise<number[][]> {
  const weights = await h.data();
  const flat = y.reshape([-1]);
  const sums = inputs.map((x) => new Array<number>(x.numel()).fill(0));
  for (let o = 0; o < flat.numel(); o++) {
    const rows = grad(flat.select(0, o), inputs, { retainGraph: true, allowUnused: true });
    for (const [i, row] of rows.entries()) {
      if (!row) continue;
      (await row.data()).forEach((d, k) => (sums[i][k] += d * d * weights[o]));
    }
  }
  return sums;
}

const close = (lists: readonly number[][]): unknown[] =>
  lists.map((list) => list.map((v) => expect.closeTo(v, 10 - Math.ceil(Math.log10(1 + Math.abs(v))))));

async function numbers(tensors: readonly Tensor[]): Promise<number[][]> {
  return Promise.all(tensors.map(async (t) => Array.from(await t.data())));
}

/** One operation: what comes back is exact. */
const operations: Record<string, [shapes: number[][], fn: (...x: Tensor[]) => Tensor]> = {
  'matrix product': [
    [
      [3, 4],
      [4, 2],
    ],
    (x, w) => x.matmul(w),
  ],
  'linear layer': [[[3, 4], [2, 4], [2]], (x, w, b) => F.linear(x, w, b)],
  'batched matrix product': [
    [
      [2, 3, 4],
      [2, 4, 2],
    ],
    (x, w) => x.matmul(w),
  ],
  'convolution with stride, padding and groups': [
    [[2, 4, 5, 5], [6, 2, 3, 3], [6]],
    (x, w, b) => x.conv2d(w, b, { stride: 2, padding: 1, groups: 2 }),
  ],
  'transposed convolution': [
    [
      [2, 3, 3, 3],
      [3, 2, 3, 3],
    ],
    (x, w) => F.convTranspose2d(x, w, null, { stride: 2 }),
  ],
  'convolution along one axis': [
    [
      [2, 3, 7],
      [4, 3, 3],
    ],
    (x, w) => F.conv1d(x, w),
  ],
  'max pooling': [[[1, 2, 5, 5]], (x) => x.maxPool2d(3, { stride: 2 })],
  'average pooling': [[[1, 2, 5, 5]], (x) => x.avgPool2d(3, { stride: 2, padding: 1 })],
  'average pooling that does not count its padding': [
    [[1, 2, 5, 5]],
    (x) => x.avgPool2d(3, { stride: 2, padding: 1, countIncludePad: false, ceilMode: true }),
  ],
  'average pooling with a divisor': [[[1, 2, 4, 4]], (x) => x.avgPool2d(2, { divisorOverride: 3 })],
  'adaptive pooling': [[[1, 2, 5, 5]], (x) => F.adaptiveAvgPool2d(x, [2, 3])],
  mean: [[[3, 4]], (x) => x.mean(1)],
  'sums and movement': [[[3, 4]], (x) => x.reshape([2, 6]).transpose(0, 1).flip(0).sum(1).cumsum(0)],
  'padding and slices': [[[3, 4]], (x) => x.pad([1, 1]).slice(1, 1, 5, 2)],
  'rows by number': [[[4, 3]], (x) => x.indexSelect(0, tensor([0, 2, 2], { dtype: 'int32' }))],
  embedding: [[[4, 3]], (x) => F.embedding(tensor([0, 2, 2], { dtype: 'int32' }), x)],
  'sums of elements with broadcasting': [[[3, 1], [4]], (a, b) => a.add(b)],
  differences: [[[3, 4], [4]], (a, b) => a.sub(b)],
  'products with broadcasting': [[[3, 4], [4], []], (a, b, c) => a.mul(b).mul(tensor(2)).mul(c)],
  'a product with itself': [[[3, 4]], (a) => a.mul(a)],
  quotients: [[[3, 4], [4]], (a, b) => a.div(b)],
  powers: [[[3, 4]], (a) => a.pow(3)],
  'a power of tensors': [
    [
      [3, 4],
      [3, 4],
    ],
    (a, b) => a.abs().add(1).pow(b),
  ],
  maximum: [[[3, 4], [4]], (a, b) => a.maximum(b)],
  'a choice': [[[3, 4], [4]], (a, b) => where(tensor([true, false, true, true]), a, b)],
  joining: [
    [
      [3, 4],
      [2, 4],
    ],
    (a, b) => cat([a, b], 0),
  ],
  sorting: [[[3, 4]], (a) => a.sort(1).values],
  tanh: [[[3, 4]], (a) => a.tanh()],
  'scaled tanh': [
    [[3, 4]],
    (a) =>
      a
        .mul(2 / 3)
        .tanh()
        .mul(1.7159),
  ],
  relu: [[[3, 4]], (a) => a.relu()],
  'leaky relu': [[[3, 4]], (a) => a.leakyRelu(0.1)],
  prelu: [[[3, 4], [4]], (a, w) => F.prelu(a, w)],
  gelu: [[[3, 4]], (a) => a.gelu()],
  silu: [[[3, 4]], (a) => a.silu()],
  elu: [[[3, 4]], (a) => F.elu(a, 0.7)],
  softplus: [[[3, 4]], (a) => F.softplus(a)],
  clamp: [[[3, 4]], (a) => a.clamp(-0.5, 0.5)],
  'batch normalization at test time': [
    [[2, 3, 2, 2], [3], [3]],
    (x, weight, bias) => F.batchNorm(x, tensor([0.1, -0.2, 0.3], f64), tensor([1, 2, 0.5], f64), weight, bias),
  ],
};

describe('one operation gives the squared Jacobian', () => {
  for (const [name, [shapes, fn]] of Object.entries(operations)) {
    test(name, async () => {
      manualSeed(1);
      const inputs = shapes.map((shape) => randn(shape, f64).requiresGrad_());
      const y = fn(...inputs);
      const h = rand([...y.shape], f64);
      const expected = await squaredJacobian(y, h, inputs);
      expect(await numbers(diagonalGaussNewton(y, inputs, { curvature: h }))).toEqual(close(expected));
    });
  }
});

test('a linear classifier: exactly the diagonal of the Gauss–Newton matrix JᵀHJ', async () => {
  manualSeed(2);
  const [n, classes] = [5, 3];
  const net = new nn.Linear(4, classes, f64);
  const outputs = net(randn([n, 4], f64));
  const loss = F.crossEntropy(outputs, tensor([0, 2, 1, 1, 0], { dtype: 'int32' }));
  // J by one backward pass an output, H = (diag(p) − p pᵀ) / N of each sample.
  const p = (await outputs.detach().softmax(1).toArray()) as number[][];
  const parameters = net.parameters();
  const jacobian: number[][] = [];
  const flat = outputs.reshape([-1]);
  for (let o = 0; o < n * classes; o++) {
    const rows = await numbers(grad(flat.select(0, o), parameters, { retainGraph: true }) as Tensor[]);
    jacobian.push(rows.flat());
  }
  const diagonal = jacobian[0].map((_, k) => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      for (let a = 0; a < classes; a++) {
        for (let b = 0; b < classes; b++) {
          const H = ((a === b ? p[i][a] : 0) - p[i][a] * p[i][b]) / n;
          sum += jacobian[i * classes + a][k] * H * jacobian[i * classes + b][k];
        }
      }
    }
    return sum;
  });
  const found = (await numbers(diagonalGaussNewton(outputs, parameters, { loss }))).flat();
  expect(found).toEqual(close([diagonal])[0]);
  // The tape is still there.
  loss.backward();
  expect((await parameters[0].grad!.data()).length).toBe(12);
});

describe('the curvature of the loss', () => {
  const seedOf = async (outputs: Tensor, loss: Tensor): Promise<number[]> => {
    const [h] = diagonalGaussNewton(outputs, [outputs], { loss });
    return Array.from(await h.data());
  };

  test('cross-entropy: p (1 − p) / N', async () => {
    const outputs = randn([4, 3], f64).requiresGrad_();
    const p = await outputs.softmax(1).data();
    const loss = F.crossEntropy(outputs, tensor([0, 2, 1, 1], { dtype: 'int32' }));
    expect(await seedOf(outputs, loss)).toEqual(close([Array.from(p, (v) => (v * (1 - v)) / 4)])[0]);
  });

  test('mean squared error: 2 / numel', async () => {
    const outputs = randn([4, 3], f64).requiresGrad_();
    expect(await seedOf(outputs, F.mseLoss(outputs, randn([4, 3], f64)))).toEqual(
      close([new Array<number>(12).fill(2 / 12)])[0],
    );
  });

  test('of images', async () => {
    const outputs = randn([2, 2, 2, 2], f64).requiresGrad_();
    expect(await seedOf(outputs, outputs.pow(4).sum())).toEqual(
      close([Array.from(await outputs.pow(2).mul(12).data())])[0],
    );
  });

  test('of a linear loss is zero', async () => {
    const outputs = randn([4, 3], f64).requiresGrad_();
    expect(await seedOf(outputs, outputs.sum())).toEqual(new Array(12).fill(0));
  });

  test('of one output a sample', async () => {
    const outputs = randn([4], f64).requiresGrad_();
    expect(await seedOf(outputs, outputs.square().sum())).toEqual([2, 2, 2, 2]);
  });
});

test('with a mean loss, a batch gives the mean of its samples', async () => {
  manualSeed(3);
  const net = new nn.Sequential(
    new nn.Conv2d(1, 3, 3, f64),
    new nn.Tanh(),
    new nn.AvgPool2d(2),
    new nn.Flatten(),
    new nn.Linear(12, 4, f64),
  );
  const x = randn([3, 1, 6, 6], f64);
  const y = tensor([1, 0, 3], { dtype: 'int32' });
  const curvature = (images: Tensor, labels: Tensor): Promise<number[][]> => {
    const outputs = net(images);
    return numbers(diagonalGaussNewton(outputs, net.parameters(), { loss: F.crossEntropy(outputs, labels) }));
  };
  const single = await Promise.all([0, 1, 2].map((i) => curvature(x.narrow(0, i, 1), y.narrow(0, i, 1))));
  const mean = single[0].map((list, k) =>
    list.map((_, j) => (single[0][k][j] + single[1][k][j] + single[2][k][j]) / 3),
  );
  expect(await curvature(x, y)).toEqual(close(mean));
});

test('dropout: the mask of the pass, squared', async () => {
  const x = randn([1000]).requiresGrad_();
  const y = F.dropout(x, 0.5);
  const h = await diagonalGaussNewton(y, [x], { curvature: y.detach().mul(0).add(1) })[0].data();
  expect(new Set(h)).toEqual(new Set([0, 4]));
});

test('through modules with backward hooks, and to a parameter that is not there: zeros', async () => {
  const [net, other] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
  net.registerFullBackwardHook(() => undefined);
  const y = net(tensor([[1, 2]]));
  const found = diagonalGaussNewton(y, [net.weight, other.weight], { curvature: tensor([[1, 3]]) });
  expect(await numbers(found)).toEqual([
    [1, 4, 3, 12],
    [0, 0, 0, 0],
  ]);
  expect(found[0].requiresGrad).toBe(false);
});

test('is one run', async () => {
  const net = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3));
  const outputs = net(randn([16, 4]));
  const loss = F.crossEntropy(outputs, tensor(Int32Array.from({ length: 16 }, (_, i) => i % 3)));
  const { runs } = stats();
  const found = diagonalGaussNewton(outputs, net.parameters(), { loss });
  await numbers(found);
  expect(stats().runs).toBe(runs + 1);
});

test('a backward pass may follow, unless the tape was given up; neither leaves anything on the device', async () => {
  const net = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3));
  const live: number[] = [];
  for (let i = 0; i < 6; i++) {
    net.zeroGrad();
    const retainGraph = i % 2 === 0;
    const outputs = net(randn([16, 4]));
    const loss = F.crossEntropy(outputs, tensor(Int32Array.from({ length: 16 }, (_, k) => k % 3)));
    const [h] = diagonalGaussNewton(outputs, net.parameters(), { loss, retainGraph });
    await h.data();
    if (retainGraph) {
      loss.backward();
      await net.parameters()[0].grad!.data();
    } else {
      expect(() => loss.backward()).toThrow(/given up/);
    }
    net.zeroGrad();
    net.parameters().forEach((p) => p.assign(p.detach())); // as a step does: what was kept for it goes
    await flush();
    live.push(stats().backend.liveBuffers);
  }
  expect(new Set(live.slice(2)).size).toBe(1);
});

describe('errors', () => {
  const layer = new nn.Linear(3, 3);
  const x = randn([2, 3]);
  const run = (y: Tensor) => () => diagonalGaussNewton(y, [layer.weight], { curvature: y.detach() });

  test('name the operation and what to do', () => {
    expect(run(layer(x).softmax(1))).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: second derivatives do not pass through softmax(float32[2,3]). Take the logits for outputs; the loss may go on from there.]`,
    );
    expect(run(new nn.BatchNorm1d(3)(layer(x)))).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: second derivatives do not pass through batchNorm(float32[2,3], float32[3], float32[3], float32[]). It mixes the samples of a batch: call eval() on the network, so that it uses its running statistics.]`,
    );
    expect(run(new nn.LayerNorm([3])(layer(x)))).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: second derivatives do not pass through standardize(float32[2,3], float32[]). Its definition has no 'jacobian': the derivative has none of the forms that are known, which are those of convolutions, linear layers, pooling, elementwise functions, and batch normalization with running statistics.]`,
    );
    expect(run(F.crossEntropy(layer(x), tensor([0, 1], { dtype: 'int32' })))).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: second derivatives do not pass through crossEntropy(float32[2,3], int32[2], float32[3], int32[], float32[]). That is a loss: give the output of the network, and the loss as { loss }.]`,
    );
    expect(run(nn.utils.checkpoint(layer, x))).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: second derivatives do not pass through checkpoint(float32[2,3], float32[2,3], float32[3,3], float32[3]). Call the function without checkpointing here.]`,
    );
    const odd = defineFunction({ name: 'odd', forward: (t) => t.mul(2), backward: (_, g) => g.mul(2) });
    expect(run(odd(layer(x)))).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: second derivatives do not pass through odd(float32[2,3], float32[2,3]). Its definition has no 'jacobian': the derivative has none of the forms that are known, which are those of convolutions, linear layers, pooling, elementwise functions, and batch normalization with running statistics.]`,
    );
  });

  test('of arguments', () => {
    const y = layer(x);
    const loss = y.square().sum();
    expect(() => diagonalGaussNewton(y, [layer.weight], {})).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: diagonalGaussNewton: give the { loss } that is made of the outputs, or their { curvature }: one of them]`,
    );
    expect(() =>
      diagonalGaussNewton(y, [layer.weight], { curvature: x.narrow(0, 0, 1) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: diagonalGaussNewton: the curvature has the shape of the outputs, float32[2,3]; got float32[1,3]]`,
    );
    expect(() => diagonalGaussNewton(y, [layer.weight], { loss: y })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: diagonalGaussNewton: the loss is a scalar, got float32[2,3]. Reduce it (.sum(), .mean()).]`,
    );
    expect(() =>
      diagonalGaussNewton(
        noGrad(() => layer(x)),
        [layer.weight],
        { loss },
      ),
    ).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: the outputs float32[2,3] do not depend on anything that requires gradients. Were they recorded inside noGrad, or detached?]`,
    );
    expect(() => diagonalGaussNewton(layer(x), [layer.weight], { loss })).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: the loss does not depend on these outputs, float32[2,3]. Make it of the very tensor that is given, not of another call of the network.]`,
    );
    const wide = randn([1, 2000]).requiresGrad_();
    expect(() => diagonalGaussNewton(wide, [wide], { loss: wide.square().sum() })).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: diagonalGaussNewton: the outputs float32[1,2000] have 2000 elements a sample, and the second derivative of the loss is taken along each; at most 1024 are. Give it as { curvature }.]`,
    );
  });
});
