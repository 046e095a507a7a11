/**
 * Max pooling, with the indices of the maxima.
 */
import { type GraphBuilder, ints, type Value } from './graph.js';
import type { Call, Lowering } from './rule.js';
import { cells, isEven, type Padding, padSpatial, sizeOf, windowAttributes } from './spatial.js';

export type MaxPoolAttrs = {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** Before and after; ceil mode is in the padding after. */
  readonly padding: Padding;
  readonly dilation: readonly number[];
};

/** Where each plane of [N, C, …] begins in the whole tensor: int64 [N, C, 1, …], which ONNX Runtime folds. */
export function planeStarts(graph: GraphBuilder, shape: readonly number[]): Value {
  const [batch, channels, ...size] = shape;
  const plane = sizeOf(size);
  const starts = graph.node(
    'Range',
    [0, batch * channels * plane, plane].map((n) => graph.scalar(n, 'int64')),
  );
  return graph.reshape(starts, [batch, channels, ...size.map(() => 1)]);
}

/** −∞ in the padding. */
export function paddedByLowest(graph: GraphBuilder, x: Value, padding: Padding): Value {
  return padSpatial(graph, x, padding, graph.scalar(-Infinity));
}

/**
 * `MaxPool`. It passes over NaN, and a window of −∞ alone gives the lowest finite number, so this is for finite x.
 */
export function byMaxPool(
  { graph, target }: Lowering,
  { attrs, inputs, inputAvals, outputAvals, isRead }: Call<MaxPoolAttrs>,
): readonly Value[] {
  const { kernel, stride, padding, dilation } = attrs;
  const [batch, channels, ...size] = inputAvals[0].shape;
  // MaxPool refuses padding as wide as its kernel; on CUDA cuDNN takes the padding before for that after.
  const isWide = padding.some((pair, i) => pair.some((n) => n >= kernel[i]));
  const isOwn = isWide || (target.provider === 'cuda' && !isEven(padding));
  const x = isOwn ? paddedByLowest(graph, inputs[0], padding) : inputs[0];
  const attributes = {
    ...windowAttributes(kernel, stride, isOwn ? padding.map(() => [0, 0]) : padding),
    dilations: ints(dilation),
  };
  if (!isRead(1)) return [graph.node('MaxPool', [x], attributes)];
  const [values, flat] = graph.nodeOutputs('MaxPool', [x], attributes, { outputs: 2 });
  // Indices count through the whole tensor: without the beginning of their plane they are those of the plane.
  const paddedSize = isOwn ? size.map((n, i) => n + padding[i][0] + padding[i][1]) : size;
  const cellsOfPlane = sizeOf(paddedSize);
  const starts = planeStarts(graph, [batch, channels, ...paddedSize]);
  let index = graph.cast(graph.node('Sub', [flat, starts]), 'int32');
  if (isOwn) {
    // From the padded plane to the plane: the number of each of its cells, which is constant.
    const strides = size.map((_, i) => sizeOf(size.slice(i + 1)));
    const numbers = cells(paddedSize).map((cell) =>
      cell.reduce((sum, n, i) => sum + Math.min(Math.max(n - padding[i][0], 0), size[i] - 1) * strides[i], 0),
    );
    index = graph.node('Gather', [graph.constant('int32', [cellsOfPlane], numbers), index]);
  }
  return [values, graph.reshape(index, outputAvals[1].shape)];
}
