/**
 * Max pooling, with the indices of the maxima.
 */
import { allFinite } from './blocked.js';
import { type GraphBuilder, ints, type Value } from './graph.js';
import type { Call, Lowering } from './rule.js';
import { cells, isEven, type Padding, padSpatial, sizeOf, strided, windowAttributes } from './spatial.js';

export type MaxPoolAttrs = {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** Before and after; ceil mode is in the padding after. */
  readonly padding: Padding;
  readonly dilation: readonly number[];
};

type MaxPoolCall = Call<MaxPoolAttrs>;
/** Values and, if they are read, indices. */
type MaxPoolForm = (lowering: Lowering, call: MaxPoolCall) => readonly Value[];

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

/** The first cell of a window from `start` on that is not in the padding before. */
const firstInside = (start: number, dilation: number): number =>
  start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;

/** −∞ in the padding. */
function padded(graph: GraphBuilder, x: Value, padding: Padding): Value {
  return padSpatial(graph, x, padding, graph.scalar(-Infinity));
}

/**
 * `MaxPool`. It passes over NaN, and a window of −∞ alone gives the lowest finite number, so this is for finite x.
 */
const byMaxPool: MaxPoolForm = ({ graph, target }, { attrs, inputs, inputAvals, outputAvals, isRead }) => {
  const { kernel, stride, padding, dilation } = attrs;
  const [batch, channels, ...size] = inputAvals[0].shape;
  // MaxPool refuses padding as wide as its kernel; on CUDA cuDNN takes the padding before for that after.
  const isWide = padding.some((pair, i) => pair.some((n) => n >= kernel[i]));
  const isOwn = isWide || (target.provider === 'cuda' && !isEven(padding));
  const x = isOwn ? padded(graph, inputs[0], padding) : inputs[0];
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
};

/**
 * The definition, a cell of the window after the other: a cell that is greater takes over, and so does NaN.
 */
const byCells: MaxPoolForm = ({ graph }, { attrs, inputs, inputAvals, outputAvals, isRead }) => {
  const { kernel, stride, padding, dilation } = attrs;
  const size = inputAvals[0].shape.slice(2);
  const out = outputAvals[0].shape.slice(2);
  const strides = size.map((_, i) => sizeOf(size.slice(i + 1)));
  const number = (cell: readonly number[]): number => cell.reduce((sum, n, i) => sum + n * strides[i], 0);
  // Padding may be negative after: cells that no window reaches.
  const reach = out.map((n, i) => (n - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1);
  const x = padded(
    graph,
    inputs[0],
    padding.map(([before], i) => [before, Math.max(0, reach[i] - before - size[i])]),
  );
  const at = (tap: readonly number[]): Value =>
    strided(
      graph,
      x,
      tap.map((n, i) => n * dilation[i]),
      out,
      stride,
    );

  const taps = cells(kernel);
  if (!isRead(1)) return [graph.node('Max', taps.map(at))];

  // Indices as what is to be added to the number of the window's first cell, which may lie in the padding.
  const offset = (tap: readonly number[]): number => number(tap.map((n, i) => n * dilation[i]));
  const starts = cells(out).map((position) => position.map((n, i) => n * stride[i] - padding[i][0]));
  // The first cell inside counts even if it is −∞; a window in the padding alone has the index 0.
  const first = starts.map((start) => {
    const inside = start.map((n, i) => firstInside(n, dilation[i]));
    return inside.every((n, i) => n < size[i] && n - start[i] < dilation[i] * kernel[i]) ? number(inside) : 0;
  });
  const plane = [1, 1, ...out];
  const start = graph.constant('int32', plane, starts.map(number));
  let best = graph.node('Expand', [graph.scalar(-Infinity), graph.vector(outputAvals[0].shape)]);
  let index = graph.constant(
    'int32',
    plane,
    first.map((n, i) => n - number(starts[i])),
  );
  for (const tap of taps) {
    const value = at(tap);
    const takes = graph.node('Or', [graph.node('Greater', [value, best]), graph.node('IsNaN', [value])]);
    best = graph.node('Where', [takes, value, best]);
    index = graph.node('Where', [takes, graph.scalar(offset(tap), 'int32'), index]);
  }
  return [best, graph.node('Add', [index, start])];
};

/** ONNX Runtime's kernel where it agrees with PyTorch's, which is where x is finite. */
const byMaxPoolOfFinite: MaxPoolForm = (lowering, call) => {
  lowering.assume!(allFinite(lowering.graph, call.inputs[0]));
  return byMaxPool(lowering, call);
};

/** Whether a window has no cell of x: with dilation it may step over a narrow one. */
function hasEmptyWindow({ attrs, inputAvals, outputAvals }: MaxPoolCall): boolean {
  const { kernel, stride, padding, dilation } = attrs;
  return outputAvals[0].shape.slice(2).some((count, i) =>
    Array.from({ length: count }, (_, position) => {
      const start = position * stride[i] - padding[i][0];
      return firstInside(start, dilation[i]) >= Math.min(inputAvals[0].shape[i + 2], start + dilation[i] * kernel[i]);
    }).some((isEmpty) => isEmpty),
  );
}

export function chooseMaxPool({ assume }: Lowering, call: MaxPoolCall): MaxPoolForm {
  // Of a window without cells MaxPool says nothing that is of use. (With indices it fails on WebGPU, which can't assume.)
  return assume && !hasEmptyWindow(call) ? byMaxPoolOfFinite : byCells;
}
