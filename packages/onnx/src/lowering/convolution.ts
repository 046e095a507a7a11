/**
 * Convolution and transposed convolution.
 */
import { flippedConvolution } from './flipped-convolution.js';
import { int, ints, type Value } from './graph.js';
import type { Call, Lowering } from './rule.js';
import { cutNegative, isEven, type Padding, padSpatial, windowAttributes } from './spatial.js';

export type ConvAttrs = {
  readonly stride: readonly number[];
  /** Before and after, an axis. Negative only in gradients. */
  readonly padding: Padding;
  readonly dilation: readonly number[];
  readonly groups: number;
};

/** `Conv`, for which the weight is [O, C/groups, …K]. */
export function convolved({ graph }: Lowering, { attrs, inputs, inputAvals: [x, w] }: Call<ConvAttrs>): Value {
  const kernel = w.shape.slice(2);
  const { x: cut, padding } = cutNegative(graph, inputs[0], x.shape.slice(2), attrs.padding);
  return graph.node('Conv', [cut, inputs[1]], {
    ...windowAttributes(kernel, attrs.stride, padding),
    dilations: ints(attrs.dilation),
    group: int(attrs.groups),
  });
}

export type InputGradAttrs = ConvAttrs & { readonly inputSize: readonly number[] };

/**
 * `ConvTranspose` of g [N, O, …out]: the scattered windows, cut to the input's size; where they don't reach, zeros.
 */
export function scatteredWindows(
  { graph, target }: Lowering,
  inputs: readonly [g: Value, w: Value],
  out: readonly number[],
  kernel: readonly number[],
  attrs: InputGradAttrs,
): Value {
  const { stride, dilation, groups, inputSize } = attrs;
  // WebGPU's ConvTranspose has at most two axes.
  if (target.provider === 'webgpu' && kernel.length > 2) return flippedConvolution(graph, inputs, out, kernel, attrs);
  const reach = out.map((n, i) => (n - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1);
  const transposed = (cut: Padding, extra: readonly number[]): Value =>
    graph.node('ConvTranspose', inputs, {
      ...windowAttributes(kernel, stride, cut),
      dilations: ints(dilation),
      group: int(groups),
      output_padding: ints(extra),
    });
  // What to add to the windows' reach before and after; negative: to cut off.
  const fit = reach.map((n, i) => [-attrs.padding[i][0], inputSize[i] + attrs.padding[i][0] - n] as const);
  const cut: Padding = fit.map(([before, after]) => [Math.max(-before, 0), Math.max(-after, 0)]);
  // Windows in the padding alone: ConvTranspose refuses to cut all of its output.
  const isEmpty = cut.some(([before, after], i) => reach[i] - before - after <= 0);
  if (target.provider === 'cuda' && !isEmpty && !isEven(cut)) {
    // cuDNN cuts as much before as after; what that is too much after is put back as padding of the output.
    const extra = fit.map(([, after], i) => cut[i][0] + after);
    if (extra.every((n, i) => n >= 0 && n < stride[i])) {
      const dx = transposed(
        cut.map(([before]) => [before, before]),
        extra,
      );
      return padSpatial(
        graph,
        dx,
        fit.map(([before]) => [Math.max(before, 0), 0]),
      );
    }
  }
  if (isEmpty || (target.provider === 'cuda' && !isEven(cut))) {
    const none: Padding = fit.map(() => [0, 0]);
    const { x, padding } = cutNegative(
      graph,
      transposed(
        none,
        reach.map(() => 0),
      ),
      reach,
      fit,
    );
    return padSpatial(graph, x, padding);
  }
  // ConvTranspose itself adds fewer cells than a stride, after.
  const extra = fit.map(([, after], i) => (after > 0 && after < stride[i] ? after : 0));
  const dx = transposed(cut, extra);
  return padSpatial(
    graph,
    dx,
    fit.map(([before, after], i) => [Math.max(before, 0), Math.max(after, 0) - extra[i]]),
  );
}
