/**
 * Average pooling.
 */
import { type GraphBuilder, int, type Value } from './graph.js';
import type { Call, Lowering } from './rule.js';
import { cells, isEven, type Padding, padSpatial, sizeOf, windowAttributes } from './spatial.js';

export type AvgPoolAttrs = {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: Padding;
  readonly countIncludePad: boolean;
  /** Cells that ceil mode adds after: never counted in the divisor. */
  readonly ceilExtra: readonly number[];
  readonly divisor: number | null;
};

/**
 * One over the divisor of each window: a number if all are equal, else a plane [1, 1, …out].
 *
 * PyTorch's rule: padding counts if `countIncludePad`, cells that only ceil mode reaches never do.
 */
export function reciprocalCounts(
  attrs: AvgPoolAttrs,
  size: readonly number[],
  out: readonly number[],
): number[] | number {
  if (attrs.divisor !== null) return 1 / attrs.divisor;
  const counts = out.map((n, i) =>
    Array.from({ length: n }, (_, position) => {
      const [before, after] = attrs.countIncludePad ? attrs.padding[i] : [0, 0];
      const start = position * attrs.stride[i] - attrs.padding[i][0];
      return Math.max(0, Math.min(start + attrs.kernel[i], size[i] + after) - Math.max(start, -before));
    }),
  );
  const all = cells(out).map((position) => {
    const count = position.reduce((product, n, i) => product * counts[i][n], 1);
    return count === 0 ? 0 : 1 / count;
  });
  return all.every((n) => n === all[0]) ? all[0] : all;
}

export function scaledWindows(graph: GraphBuilder, x: Value, by: number[] | number, out: readonly number[]): Value {
  if (by === 1) return x;
  const factor = typeof by === 'number' ? graph.scalar(by) : graph.constant(graph.float, [1, 1, ...out], by);
  return graph.node('Mul', [x, factor]);
}

/**
 * The padding that windows reach: what is beyond is left out, for AveragePool refuses padding as wide as its kernel.
 * No window lies in the padding alone, so this is narrower.
 */
export function reachedPadding(
  { kernel, stride, padding }: AvgPoolAttrs,
  size: readonly number[],
  out: readonly number[],
): Padding {
  return padding.map(([before], i) => {
    const reach = (out[i] - 1) * stride[i] + kernel[i];
    return [before, Math.max(0, reach - before - size[i])];
  });
}

/** `AveragePool` divides by the cells of a whole window; where that is not the divisor, a product sets it right. */
export function avgPool(
  { graph, target }: Lowering,
  { attrs, inputs, inputAvals, outputAvals }: Call<AvgPoolAttrs>,
): Value {
  const { kernel, stride } = attrs;
  const out = outputAvals[0].shape.slice(2);
  const scale = reciprocalCounts(attrs, inputAvals[0].shape.slice(2), out);
  const padding = reachedPadding(attrs, inputAvals[0].shape.slice(2), out);
  // On CUDA cuDNN takes the padding before for that after.
  const isOwn = target.provider === 'cuda' && !isEven(padding);
  const x = isOwn ? padSpatial(graph, inputs[0], padding) : inputs[0];
  const mean = graph.node('AveragePool', [x], {
    ...windowAttributes(kernel, stride, isOwn ? padding.map(() => [0, 0]) : padding),
    count_include_pad: int(1),
  });
  const window = sizeOf(kernel);
  const whole = typeof scale === 'number' ? scale * window : scale.map((n) => n * window);
  return scaledWindows(graph, mean, whole, out);
}
