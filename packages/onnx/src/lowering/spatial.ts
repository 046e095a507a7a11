/**
 * What convolution and pooling share: windows over one to three spatial axes.
 */
import { type GraphBuilder, ints, type Value } from './graph.js';

/** Cells before and after, an axis. */
export type Padding = readonly (readonly [number, number])[];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Whether as much is added before as after, on each axis. */
export const isEven = (padding: Padding): boolean => padding.every(([before, after]) => before === after);

/** Spatial axes of a tensor [N, C, …]. */
export const spatialAxes = (axes: number): number[] => Array.from({ length: axes }, (_, i) => i + 2);

/** ONNX's order: all the beginnings, then all the ends. */
export const flatPads = (padding: Padding): number[] => [...padding.map((p) => p[0]), ...padding.map((p) => p[1])];

/** `Pad` of the spatial axes of [N, C, …]; all padding is ≥ 0. Default value: 0. */
export function padSpatial(graph: GraphBuilder, x: Value, padding: Padding, value?: Value): Value {
  if (padding.every(([before, after]) => before === 0 && after === 0)) return x;
  const pads = [0, 0, ...padding.map((p) => p[0]), 0, 0, ...padding.map((p) => p[1])];
  return graph.node('Pad', value === undefined ? [x, graph.vector(pads)] : [x, graph.vector(pads), value]);
}

/**
 * x with negative padding cut off, and the padding that is left for the op to add. What the padding after cuts may
 * reach into the padding before; then all of it is done here.
 */
export function cutNegative(
  graph: GraphBuilder,
  x: Value,
  size: readonly number[],
  padding: Padding,
): { x: Value; size: readonly number[]; padding: Padding } {
  if (padding.every(([before, after]) => before >= 0 && after >= 0)) return { x, size, padding };
  const added: Padding = padding.map(([before, after]) => [Math.max(before, 0), Math.max(after, 0)]);
  const cut: Padding = padding.map(([before, after]) => [Math.max(-before, 0), Math.max(-after, 0)]);
  const emptied = size.some((n, i) => cut[i][0] + cut[i][1] >= n);
  if (emptied) {
    x = padSpatial(graph, x, added);
    size = size.map((n, i) => n + added[i][0] + added[i][1]);
  }
  const axes = cut.flatMap(([before, after], i) => (before > 0 || after > 0 ? [i] : []));
  x = graph.slice(
    x,
    axes.map((i) => i + 2),
    axes.map((i) => cut[i][0]),
    axes.map((i) => size[i] - cut[i][1]),
  );
  return {
    x,
    size: size.map((n, i) => n - cut[i][0] - cut[i][1]),
    padding: emptied ? padding.map(() => [0, 0]) : added,
  };
}

/** Every `step`-th cell of the spatial axes from `start`, `count` of them. */
export function strided(
  graph: GraphBuilder,
  x: Value,
  start: readonly number[],
  count: readonly number[],
  step: readonly number[],
): Value {
  const ends = start.map((s, i) => s + (count[i] - 1) * step[i] + 1);
  return graph.slice(x, spatialAxes(start.length), start, ends, step.every((n) => n === 1) ? undefined : step);
}

/** The index tuples below `sizes`, in row-major order. */
export function cells(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (all, n) => all.flatMap((cell) => Array.from({ length: n }, (_, i) => [...cell, i])),
    [[]],
  );
}

/** Attributes of ONNX's windowed ops. */
export const windowAttributes = (kernel: readonly number[], stride: readonly number[], padding: Padding) => ({
  kernel_shape: ints(kernel),
  strides: ints(stride),
  pads: ints(flatPads(padding)),
});
