/**
 * Random samples, larger than any golden, against the reference backend in float64: blocking, tails and long sums.
 */
import { grad, tensor, type Backend, type DType, type Tensor } from '@fakkel/core';
import { ADAPTERS } from '../cases/index.js';
import { expectClose } from '../compare.js';
import { typedArray, type FloatDType } from '../golden.js';
import type { BackendTest, SuiteContext } from '../options.js';
import { generator, seedOf, uniform } from '../random-data.js';
import { onDevice, withoutComposites } from '../session.js';
import { toleranceOf } from '../tolerance.js';
import type { TrackOptions } from '../tracking.js';
import { DECOMPOSING } from './golden.js';

interface SampleInput {
  readonly shape: readonly number[];
  /** `float` where it is left out; int32 inputs are indices or labels below `below`. */
  readonly dtype?: 'int32' | 'bool';
  readonly below?: number;
  readonly low?: number;
  readonly high?: number;
}

interface Sample {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly SampleInput[];
  readonly args?: Readonly<Record<string, unknown>>;
}

const f = (...shape: number[]): SampleInput => ({ shape });
const positive = (...shape: number[]): SampleInput => ({ shape, low: 0.1, high: 3 });
const labels = (below: number, ...shape: number[]): SampleInput => ({ shape, dtype: 'int32', below });

const SAMPLES: readonly Sample[] = [
  ...['exp', 'tanh', 'sigmoid', 'relu', 'erf', 'gelu', 'sin', 'abs', 'square', 'expm1'].map((op) => ({
    op,
    name: '1,003 elements',
    inputs: [f(17, 59)],
  })),
  ...['log', 'sqrt', 'rsqrt', 'reciprocal'].map((op) => ({ op, name: '1,003 elements', inputs: [positive(17, 59)] })),
  ...['add', 'sub', 'mul', 'maximum'].map((op) => ({
    op,
    name: 'images and channels',
    inputs: [f(3, 13, 9, 11), f(13, 1, 1)],
  })),
  { op: 'div', name: 'rows with columns', inputs: [f(37, 1), positive(41)] },
  { op: 'pow', name: 'rows with columns', inputs: [positive(37, 1), f(41)] },
  { op: 'where', name: 'three shapes', inputs: [{ shape: [19, 1, 7], dtype: 'bool' }, f(23, 7), f(19, 23, 1)] },
  { op: 'sum', name: 'outer axes of images', inputs: [f(4, 13, 17, 19)], args: { dim: [0, 2, 3] } },
  { op: 'sum', name: 'a long row', inputs: [f(3, 5000)], args: { dim: 1 } },
  { op: 'mean', name: 'everything', inputs: [f(7, 11, 131)] },
  { op: 'amax', name: 'inner axes', inputs: [f(13, 29, 31)], args: { dim: [1, 2] } },
  { op: 'var', name: 'outer axes of images', inputs: [f(4, 13, 17, 19)], args: { dim: [0, 2, 3] } },
  { op: 'argmax', name: 'rows', inputs: [f(37, 101)], args: { dim: 1 } },
  { op: 'logsumexp', name: 'rows', inputs: [f(37, 101)], args: { dim: 1 } },
  { op: 'cumsum', name: 'a middle axis', inputs: [f(5, 129, 7)], args: { dim: 1 } },
  { op: 'softmax', name: '1,000 classes', inputs: [f(9, 1000)], args: { dim: 1 } },
  { op: 'logSoftmax', name: 'channels of images', inputs: [f(3, 21, 9, 8)], args: { dim: 1 } },
  { op: 'sort', name: 'rows', inputs: [f(11, 257)] },
  { op: 'topk', name: 'rows', inputs: [f(11, 257)], args: { k: 7 } },
  { op: 'permute', name: 'channels last', inputs: [f(5, 17, 11, 13)], args: { dims: [0, 2, 3, 1] } },
  { op: 'transpose', name: 'a matrix', inputs: [f(67, 93)], args: { dim0: 0, dim1: 1 } },
  { op: 'expand', name: 'a middle axis', inputs: [f(17, 1, 19)], args: { shape: [3, 17, 23, 19] } },
  { op: 'pad', name: 'images', inputs: [f(3, 5, 13, 11)], args: { pad: [2, 3, 1, 0], value: 0.5 } },
  { op: 'cat', name: 'channels', inputs: [f(3, 5, 7, 9), f(3, 11, 7, 9), f(3, 1, 7, 9)], args: { dim: 1 } },
  { op: 'slice', name: 'every third column', inputs: [f(31, 97)], args: { dim: 1, start: 2, step: 3 } },
  { op: 'flip', name: 'images', inputs: [f(3, 5, 13, 11)], args: { dims: [2, 3] } },
  { op: 'indexSelect', name: 'rows', inputs: [f(53, 17), labels(53, 71)], args: { dim: 0 } },
  { op: 'gather', name: 'classes', inputs: [f(67, 31), labels(31, 67, 3)], args: { dim: 1 } },
  { op: 'scatterAdd', name: 'collisions', inputs: [f(13, 17), labels(13, 89, 17), f(89, 17)], args: { dim: 0 } },
  { op: 'indexAdd', name: 'collisions', inputs: [f(13, 17), labels(13, 89), f(89, 17)], args: { dim: 0 } },
  { op: 'matmul', name: '67×129 by 129×71', inputs: [f(67, 129), f(129, 71)] },
  { op: 'matmul', name: '1×400 by 400×120', inputs: [f(1, 400), f(400, 120)] },
  { op: 'matmul', name: 'batches broadcast', inputs: [f(3, 1, 17, 33), f(5, 33, 19)] },
  { op: 'transposedMatmul', name: 'both', inputs: [f(65, 34), f(18, 65)], args: { left: true, right: true } },
  { op: 'linear', name: 'LeNet', inputs: [f(16, 400), f(120, 400), f(120)] },
  { op: 'einsum', name: 'attention', inputs: [f(2, 3, 17, 9), f(2, 3, 19, 9)], args: { equation: 'bhid,bhjd->bhij' } },
  { op: 'conv2d', name: 'LeNet, first layer', inputs: [f(2, 1, 32, 32), f(6, 1, 5, 5), f(6)] },
  { op: 'conv2d', name: 'LeNet, second layer', inputs: [f(2, 6, 14, 14), f(16, 6, 5, 5), f(16)] },
  { op: 'conv2d', name: '3×3, 19 to 21 channels', inputs: [f(2, 19, 13, 11), f(21, 19, 3, 3)], args: { padding: 1 } },
  { op: 'conv2d', name: '3×3, stride 2', inputs: [f(2, 16, 11, 11), f(24, 16, 3, 3)], args: { padding: 1, stride: 2 } },
  { op: 'conv2d', name: '7×7, stride 2', inputs: [f(1, 3, 25, 23), f(16, 3, 7, 7)], args: { padding: 3, stride: 2 } },
  { op: 'conv2d', name: '1×1', inputs: [f(2, 33, 9, 9), f(17, 33, 1, 1), f(17)] },
  { op: 'conv2d', name: '1×1, stride 2', inputs: [f(2, 16, 9, 9), f(32, 16, 1, 1)], args: { stride: 2 } },
  { op: 'conv2d', name: 'depthwise', inputs: [f(2, 24, 11, 11), f(24, 1, 3, 3)], args: { groups: 24, padding: 1 } },
  { op: 'conv2d', name: 'groups', inputs: [f(2, 12, 11, 11), f(18, 4, 3, 3)], args: { groups: 3, stride: 2 } },
  { op: 'conv2d', name: 'dilation', inputs: [f(2, 7, 17, 17), f(9, 7, 3, 3)], args: { dilation: 3, padding: 3 } },
  {
    op: 'convTranspose2d',
    name: 'twice the size',
    inputs: [f(2, 12, 9, 9), f(12, 7, 4, 4), f(7)],
    args: { stride: 2, padding: 1 },
  },
  { op: 'maxPool2d', name: 'overlapping', inputs: [f(3, 7, 21, 19)], args: { kernel: 3, stride: 2, padding: 1 } },
  { op: 'avgPool2d', name: 'overlapping', inputs: [f(3, 7, 21, 19)], args: { kernel: 3, stride: 2, padding: 1 } },
  { op: 'adaptiveAvgPool2d', name: '7×7', inputs: [f(2, 9, 13, 17)], args: { outputSize: 7 } },
  { op: 'batchNorm', name: 'images', inputs: [f(5, 13, 11, 7), positive(13), f(13)] },
  { op: 'layerNorm', name: 'features', inputs: [f(17, 259), positive(259), f(259)], args: { normalizedShape: [259] } },
  { op: 'groupNorm', name: 'images', inputs: [f(3, 12, 11, 7), positive(12), f(12)], args: { groups: 4 } },
  {
    op: 'localResponseNorm',
    name: 'AlexNet, a small image',
    inputs: [f(2, 33, 9, 7)],
    args: { size: 5, alpha: 0.5, beta: 0.75, k: 2 },
  },
  { op: 'crossEntropy', name: '100 classes', inputs: [f(33, 100), labels(100, 33)], args: { labelSmoothing: 0.1 } },
];

export function sampleTests(context: SuiteContext): BackendTest[] {
  const tests: BackendTest[] = [];
  for (const float of context.dtypes) {
    for (const sample of SAMPLES) {
      const id = `${sample.op}/${sample.name}`;
      const compare = (options?: TrackOptions) => () => compareWithReference(sample, float, context, options);
      tests.push({ id: `${id}/sample/${float}`, run: compare() });
      if (DECOMPOSING.has(sample.op)) {
        tests.push({ id: `${id}/sample decomposed/${float}`, run: compare(withoutComposites) });
      }
    }
  }
  return tests;
}

/** The outputs, then the gradients of their projection on random cotangents. */
async function results(
  sample: Sample,
  data: readonly (readonly number[])[],
  backend: Backend,
  float: FloatDType,
  options?: TrackOptions,
): Promise<{ what: string; data: ArrayLike<number>; shape: readonly number[]; dtype: DType }[]> {
  return onDevice(
    backend,
    async ({ device }) => {
      const inputs = sample.inputs.map(({ shape, dtype = float }, i) =>
        tensor(typedArray(dtype, data[i]), { shape, dtype, device, requiresGrad: dtype === float }),
      );
      const made = ADAPTERS[sample.op](inputs, sample.args ?? {}, float, device);
      const outputs = Array.isArray(made) ? (made as readonly Tensor[]) : [made as Tensor];
      const roots = outputs.filter((output) => output.requiresGrad);
      const random = generator(seedOf(`cotangents of ${sample.op} ${sample.name}`));
      const gradOutputs = roots.map((root) =>
        tensor(uniform(random, root.numel(), -1, 1), { shape: root.shape, dtype: float, device }),
      );
      const wanted = inputs.filter((input) => input.requiresGrad);
      const gradients = roots.length > 0 ? grad(roots, wanted, { gradOutputs }) : [];
      const named = [
        ...outputs.map((t, i) => [`output ${i}`, t] as const),
        ...gradients.map((t, i) => [`gradient ${i}`, t!] as const),
      ];
      return Promise.all(
        named.map(async ([what, t]) => ({ what, data: await t.data(), shape: t.shape, dtype: t.dtype })),
      );
    },
    options,
  );
}

async function compareWithReference(
  sample: Sample,
  float: FloatDType,
  context: SuiteContext,
  options?: TrackOptions,
): Promise<void> {
  const random = generator(seedOf(`${sample.op} ${sample.name}`));
  const data = sample.inputs.map(({ shape, dtype, below = 2, low, high }) => {
    const count = shape.reduce((n, d) => n * d, 1);
    return dtype ? uniform(random, count, 0, below).map(Math.floor) : uniform(random, count, low, high);
  });
  const expected = await results(sample, data, context.reference, 'float64');
  const actual = await results(sample, data, context.backend, float, options);
  const tolerance = toleranceOf(sample.op, float, context.tolerance);
  const exact = { relative: 0, absolute: 0 };
  expected.forEach((e, i) => {
    const a = actual[i];
    expectClose(
      `${sample.op}/${sample.name}: ${e.what}`,
      a.data,
      e.data,
      e.shape,
      e.dtype === 'float64' ? tolerance : exact,
    );
  });
}
