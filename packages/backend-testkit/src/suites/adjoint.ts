/**
 * Linear functions against their own gradients: ⟨f(x), g⟩ = ⟨x, f*(g)⟩, and for convolution also = ⟨w, …⟩. It needs no
 * golden, so it covers many shapes.
 */
import {
  avgPool2d,
  conv1d,
  conv2d,
  conv3d,
  convTranspose2d,
  fold,
  grad,
  tensor,
  unfold,
  type Tensor,
} from '@fakkel/core';
import type { FloatDType } from '../golden.js';
import type { BackendTest, SuiteContext } from '../options.js';
import { generator, seedOf, uniform } from '../random-data.js';
import { onDevice } from '../session.js';
import { toleranceOf } from '../tolerance.js';

interface Linear {
  readonly op: string;
  readonly name: string;
  /** Shapes of the inputs in each of which the function is linear. */
  readonly shapes: readonly (readonly number[])[];
  readonly run: (...inputs: Tensor[]) => Tensor;
}

type Conv = (x: Tensor, w: Tensor, bias: null, options: Parameters<typeof conv2d>[3]) => Tensor;
type Shape = readonly number[];

const conv = (op: string, run: Conv, x: Shape, w: Shape, options: Parameters<typeof conv2d>[3] = {}): Linear => ({
  op,
  name: `${x.join('×')} by ${w.join('×')} ${JSON.stringify(options).replace(/["{}]/g, '')}`.trim(),
  shapes: [x, w],
  run: (a, b) => run(a, b, null, options),
});

const CASES: readonly Linear[] = [
  conv('conv1d', conv1d, [2, 3, 17], [4, 3, 5], { stride: 2, padding: 2 }),
  conv('conv1d', conv1d, [1, 4, 16], [6, 2, 3], { groups: 2, dilation: 3 }),
  conv('conv2d', conv2d, [2, 3, 11, 11], [4, 3, 3, 3]),
  conv('conv2d', conv2d, [2, 3, 11, 11], [4, 3, 3, 3], { padding: 1 }),
  conv('conv2d', conv2d, [2, 3, 11, 12], [4, 3, 3, 3], { stride: 2 }),
  conv('conv2d', conv2d, [2, 3, 12, 11], [4, 3, 3, 3], { stride: 2, padding: 1 }),
  conv('conv2d', conv2d, [1, 3, 14, 13], [4, 3, 3, 3], { stride: 3, padding: 1 }),
  conv('conv2d', conv2d, [1, 3, 15, 15], [5, 3, 7, 7], { stride: 2, padding: 3 }),
  conv('conv2d', conv2d, [1, 3, 15, 14], [5, 3, 5, 3], { stride: [4, 1], padding: [2, 0] }),
  conv('conv2d', conv2d, [1, 2, 12, 12], [3, 2, 3, 3], { dilation: 2 }),
  conv('conv2d', conv2d, [1, 2, 13, 12], [3, 2, 3, 2], { dilation: [3, 2], stride: 2, padding: [3, 1] }),
  conv('conv2d', conv2d, [2, 2, 9, 9], [3, 2, 4, 4], { padding: 'same' }),
  conv('conv2d', conv2d, [2, 2, 9, 8], [3, 2, 2, 3], { padding: 'same', dilation: 2 }),
  conv('conv2d', conv2d, [2, 8, 7, 7], [8, 1, 3, 3], { groups: 8, padding: 1 }),
  conv('conv2d', conv2d, [2, 4, 7, 7], [12, 1, 3, 3], { groups: 4, stride: 2 }),
  conv('conv2d', conv2d, [2, 6, 8, 8], [4, 3, 3, 3], { groups: 2, stride: 2, dilation: 2, padding: 2 }),
  conv('conv2d', conv2d, [3, 8, 6, 6], [16, 8, 1, 1]),
  conv('conv2d', conv2d, [3, 8, 7, 7], [16, 8, 1, 1], { stride: 2 }),
  conv('conv2d', conv2d, [3, 5, 4, 4], [7, 5, 4, 4]),
  conv('conv2d', conv2d, [1, 1, 3, 3], [2, 1, 3, 3], { padding: 4 }),
  conv('conv2d', conv2d, [1, 1, 10, 10], [2, 1, 2, 2], { stride: 4 }),
  conv('conv2d', conv2d, [2, 6, 14, 14], [16, 6, 5, 5]),
  conv('conv3d', conv3d, [1, 2, 5, 6, 7], [3, 2, 3, 2, 3], { stride: [1, 2, 2], padding: [1, 0, 1] }),
  {
    op: 'convTranspose2d',
    name: 'stride 2, padding 1, output padding 1',
    shapes: [
      [2, 4, 6, 6],
      [4, 3, 3, 3],
    ],
    run: (x, w) => convTranspose2d(x, w, null, { stride: 2, padding: 1, outputPadding: 1 }),
  },
  {
    op: 'convTranspose2d',
    name: 'groups, dilation',
    shapes: [
      [1, 4, 5, 6],
      [4, 2, 3, 2],
    ],
    run: (x, w) => convTranspose2d(x, w, null, { groups: 2, dilation: 2 }),
  },
  {
    op: 'avgPool2d',
    name: 'padding does not count, ceil mode',
    shapes: [[2, 3, 10, 11]],
    run: (x) => avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
  },
  {
    op: 'unfold',
    name: 'stride, padding',
    shapes: [[2, 3, 9, 8]],
    run: (x) => unfold(x, 3, { stride: 2, padding: 1 }),
  },
  {
    op: 'fold',
    name: 'stride, padding',
    shapes: [[2, 27, 20]],
    run: (x) => fold(x, [9, 8], 3, { stride: 2, padding: 1 }),
  },
];

export function adjointTests(context: SuiteContext): BackendTest[] {
  return context.dtypes.flatMap((float) =>
    CASES.map((linear) => ({
      id: `${linear.op}/${linear.name}/adjoint/${float}`,
      run: () => checkAdjoint(linear, float, context),
    })),
  );
}

async function checkAdjoint(linear: Linear, float: FloatDType, context: SuiteContext): Promise<void> {
  const random = generator(seedOf(`${linear.op} ${linear.name}`));
  const count = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);
  const data = linear.shapes.map((shape) => uniform(random, count(shape)));
  await onDevice(context.backend, async ({ device }) => {
    const inputs = linear.shapes.map((shape, i) =>
      tensor(data[i], { shape, dtype: float, device, requiresGrad: true }),
    );
    const output = linear.run(...inputs);
    const cotangent = uniform(random, output.numel());
    const gradOutputs = [tensor(cotangent, { shape: output.shape, dtype: float, device })];
    const gradients = grad(output, inputs, { gradOutputs });
    const [result, ...adjoints] = await Promise.all([output, ...gradients].map((t) => t!.data()));
    const forward = dot(result, cotangent);
    adjoints.forEach((adjoint, i) => {
      const back = dot(adjoint, data[i]);
      const allowed = toleranceOf(linear.op, float, context.tolerance).relative * forward.magnitude;
      if (Math.abs(back.value - forward.value) <= allowed) return;
      throw new Error(
        `${linear.op}/${linear.name}: ⟨f(x), g⟩ is ${forward.value}, but ⟨input ${i}, its gradient⟩ is ${back.value} ` +
          `(allowed difference ${allowed.toPrecision(3)})`,
      );
    });
  });
}

/** Σ a·b, and the size that its rounding error is relative to. */
function dot(a: ArrayLike<number>, b: ArrayLike<number>): { value: number; magnitude: number } {
  let value = 0;
  let magnitude = 0;
  for (let i = 0; i < a.length; i++) {
    value += a[i] * b[i];
    magnitude += Math.abs(a[i] * b[i]);
  }
  return { value, magnitude };
}
