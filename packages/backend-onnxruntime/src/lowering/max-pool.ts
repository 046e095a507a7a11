/**
 * Max pooling, with the indices of the maxima.
 */
import {
  byMaxPool,
  type Call,
  cells,
  type Lowering,
  type MaxPoolAttrs,
  paddedByLowest,
  sizeOf,
  strided,
  type Value,
} from '@fakkel/onnx/lowering';
import { allFinite } from './blocked.js';

type MaxPoolCall = Call<MaxPoolAttrs>;
/** Values and, if they are read, indices. */
type MaxPoolForm = (lowering: Lowering, call: MaxPoolCall) => readonly Value[];

/** The first cell of a window from `start` on that is not in the padding before. */
const firstInside = (start: number, dilation: number): number =>
  start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;

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
  const x = paddedByLowest(
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
