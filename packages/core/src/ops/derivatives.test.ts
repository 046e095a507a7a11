/**
 * First and second derivatives of the ops of networks against central differences, in float64.
 */
import { describe, expect, test } from 'vitest';
import { arange, grad, nn, tensor, type Tensor } from '../index.js';

const F = nn.functional;

/** Numbers from −1 to 1 without a pattern, and no two alike: far from the ties of max pooling. */
const varied = (shape: number[], phase: number): Tensor =>
  arange(
    shape.reduce((p, n) => p * n, 1),
    { dtype: 'float64' },
  )
    .add(phase)
    .mul(2.399963)
    .sin()
    .reshape(shape)
    .detach();

const labels = tensor(Int32Array.of(2, 0, 3, 1));
const w = varied([4, 3, 3, 2], 0.3);

const functions: Record<string, [shape: number[], (x: Tensor) => Tensor]> = {
  'matmul with itself transposed': [[2, 3, 4], (x) => x.matmul(x.transpose(1, 2)).matmul(x)],
  'linear with a weight that depends on x': [[3, 3], (x) => F.linear(x, x.square(), x.select(0, 0))],
  'conv2d, input': [[2, 3, 5, 4], (x) => F.conv2d(x, w, null, { stride: [2, 1], padding: 1 }).pow(3)],
  'conv2d, weight': [
    [4, 1, 2, 3],
    (x) => F.conv2d(varied([2, 4, 5, 5], 9), x, null, { groups: 4, dilation: 2 }).pow(3),
  ],
  'conv2d, both': [[2, 2, 3, 3], (x) => F.conv2d(x, x, null, { padding: 'same' })],
  convTranspose2d: [
    [2, 4, 3, 3],
    (x) => F.convTranspose2d(x, w, null, { stride: 2, padding: 1, outputPadding: 1 }).pow(3),
  ],
  maxPool2d: [[2, 2, 5, 5], (x) => F.maxPool2d(x, 3, { stride: 2, padding: 1 }).pow(3)],
  avgPool2d: [
    [2, 2, 5, 6],
    (x) => F.avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }).pow(3),
  ],
  adaptiveAvgPool2d: [[2, 2, 5, 7], (x) => F.adaptiveAvgPool2d(x, 3).pow(3)],
  adaptiveMaxPool2d: [[2, 2, 5, 7], (x) => F.adaptiveMaxPool2d(x, 3).pow(3)],
  unfold: [[1, 2, 4, 5], (x) => F.unfold(x, 2, { padding: 1 }).pow(3)],
  fold: [[1, 8, 9], (x) => F.fold(x, [4, 4], 2).pow(3)],
  relu: [[9], (x) => F.relu(x).pow(3)],
  sigmoid: [[9], (x) => F.sigmoid(x)],
  silu: [[9], (x) => F.silu(x)],
  gelu: [[9], (x) => F.gelu(x)],
  logsigmoid: [[9], (x) => F.logsigmoid(x)],
  leakyRelu: [[9], (x) => F.leakyRelu(x, 0.3).pow(3)],
  elu: [[9], (x) => F.elu(x, 1.5)],
  softplus: [[9], (x) => F.softplus(x, 3, 2)],
  hardtanh: [[9], (x) => F.hardtanh(x, -0.5, 0.5).pow(3)],
  softmax: [[3, 4], (x) => F.softmax(x, 1)],
  logSoftmax: [[3, 4], (x) => F.logSoftmax(x, 0)],
  nllLoss: [[4, 5], (x) => F.nllLoss(x.pow(3), labels)],
  crossEntropy: [
    [4, 5],
    (x) => F.crossEntropy(x, labels, { weight: varied([5], 1).abs(), labelSmoothing: 0.2, ignoreIndex: 3 }),
  ],
  'crossEntropy of probabilities': [[4, 5], (x) => F.crossEntropy(x, x.square(), { labelSmoothing: 0.2 })],
  binaryCrossEntropyWithLogits: [[4, 5], (x) => F.binaryCrossEntropyWithLogits(x, x.square())],
  'batchNorm, input': [
    [4, 2, 3],
    (x) => F.batchNorm(x, null, null, varied([2], 1), varied([2], 5), { training: true }),
  ],
  'batchNorm, all': [[4, 4], (x) => F.batchNorm(x, null, null, x.select(0, 1), x.select(0, 2), { training: true })],
  'layerNorm, all': [[3, 4], (x) => F.layerNorm(x, 4, x.select(0, 1), x.select(0, 2).square())],
  groupNorm: [[2, 4, 3], (x) => F.groupNorm(x, 2, varied([4], 1), varied([4], 5))],
  instanceNorm: [[2, 3, 4], (x) => F.instanceNorm(x)],
  localResponseNorm: [[2, 5, 2], (x) => F.localResponseNorm(x, 3, { alpha: 2, k: 0.5 })],
  'localResponseNorm, an even size': [[1, 5, 2, 1], (x) => F.localResponseNorm(x, 4, { alpha: 2, beta: 0.6 })],
  'batchNorm, inference': [[4, 4], (x) => F.batchNorm(x, x.select(0, 0), x.select(0, 1).square(), x.select(0, 2))],
};

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void => {
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  Array.from(expected, (value, i) => expect(Math.abs(actual[i] - value) / scale).toBeLessThan(tolerance));
};

describe.each(Object.entries(functions))('%s', (_, [shape, f]) => {
  const at = varied(shape, 0.1);
  const direction = varied(shape, 0.7);
  /** A scalar of x, its gradient, and the derivative of that along the direction. */
  const derivatives = (x: Tensor): { value: Tensor; gradient: Tensor; along: Tensor } => {
    x = x.detach().requiresGrad_();
    const y = f(x);
    const value = y.mul(varied([...y.shape], 2)).sum();
    const [gradient] = grad(value, [x], { createGraph: true }) as [Tensor];
    if (!gradient.requiresGrad) return { value, gradient, along: x.detach().mul(0) };
    const [along] = grad(gradient.mul(direction).sum(), [x], { allowUnused: true });
    return { value, gradient, along: along ?? x.detach().mul(0) };
  };
  const step = 1e-5;
  const here = derivatives(at);
  const before = derivatives(at.sub(direction.mul(step)));
  const after = derivatives(at.add(direction.mul(step)));

  test('gradient', async () => {
    const expected = ((await after.value.item()) - (await before.value.item())) / (2 * step);
    close([await here.gradient.detach().mul(direction).sum().item()], [expected], 1e-7);
  });

  test('second derivative', async () => {
    const [low, high] = [await before.gradient.data(), await after.gradient.data()];
    close(
      await here.along.data(),
      Array.from(high, (value, i) => (value - low[i]) / (2 * step)),
      1e-6,
    );
  });
});
