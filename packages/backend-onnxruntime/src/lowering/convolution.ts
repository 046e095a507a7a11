/**
 * Convolution and its gradients.
 *
 * Each has several forms, equal in what they compute; a chooser picks the one that is fastest for the shape.
 */
import { canBeBlocked, forwardBlocked, inputGradBlocked, inputGradByPhases } from './convolution-blocked.js';
import { chooseWeightGrad, type WeightGradAttrs } from './convolution-weight-grad.js';
import { flippedConvolution } from './flipped-convolution.js';
import { type GraphBuilder, int, ints, type Value } from './graph.js';
import { type Call, type Lowering, rule, type Rules } from './rule.js';
import { cutNegative, isEven, type Padding, padSpatial, sizeOf, windowAttributes } from './spatial.js';

export type ConvAttrs = {
  readonly stride: readonly number[];
  /** Before and after, an axis. Negative only in gradients. */
  readonly padding: Padding;
  readonly dilation: readonly number[];
  readonly groups: number;
};

/** A way to compute a convolution or one of its gradients. */
export type Form<A extends ConvAttrs = ConvAttrs> = (lowering: Lowering, call: Call<A>) => Value;

/** Whether the one window of the convolution is its whole input [N, C, …size]: then it is a matrix product. */
export function coversInput(
  { padding, dilation, groups }: ConvAttrs,
  size: readonly number[],
  kernel: readonly number[],
): boolean {
  return (
    groups === 1 &&
    size.every((n, i) => n === kernel[i] && (dilation[i] === 1 || n === 1) && padding[i].every((p) => p === 0))
  );
}

/** x [a, …] as [a, rest]. */
function asMatrix(graph: GraphBuilder, x: Value, shape: readonly number[]): Value {
  return shape.length === 2 ? x : graph.reshape(x, [shape[0], sizeOf(shape.slice(1))]);
}

/** `Conv`, for which the weight is [O, C/groups, …K]. */
const forward: Form = ({ graph }, { attrs, inputs, inputAvals: [x, w] }) => {
  const kernel = w.shape.slice(2);
  const { x: cut, padding } = cutNegative(graph, inputs[0], x.shape.slice(2), attrs.padding);
  return graph.node('Conv', [cut, inputs[1]], {
    ...windowAttributes(kernel, attrs.stride, padding),
    dilations: ints(attrs.dilation),
    group: int(attrs.groups),
  });
};

/** x [N, C·K] · wᵀ. */
const forwardProduct: Form = ({ graph }, { inputs, inputAvals: [x, w], outputAvals: [y] }) => {
  const operands = [asMatrix(graph, inputs[0], x.shape), asMatrix(graph, inputs[1], w.shape)];
  return graph.reshape(graph.node('Gemm', operands, { transB: int(1) }), y.shape);
};

function chooseForward({ graph, target }: Lowering, { attrs, inputs, inputAvals: [x, w] }: Call<ConvAttrs>): Form {
  if (coversInput(attrs, x.shape.slice(2), w.shape.slice(2))) return forwardProduct;
  // Around constant weights ONNX Runtime uses its blocked layout by itself, from one convolution to the next; without
  // weights of several taps its plain kernel is a matrix product as it is.
  const isWorthIt = !graph.isConstant(inputs[1]) && sizeOf(w.shape.slice(2)) > 1;
  return target.blockSize > 1 && canBeBlocked(attrs) && isWorthIt ? forwardBlocked : forward;
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

const inputGradTransposed: Form<InputGradAttrs> = (lowering, { attrs, inputs: [g, w], inputAvals }) => {
  const [out, kernel] = inputAvals.map((aval) => aval.shape.slice(2));
  return scatteredWindows(lowering, [g, w], out, kernel, attrs);
};

/** g [N, O] · w. */
const inputGradProduct: Form<InputGradAttrs> = ({ graph }, { inputs, inputAvals: [g, w], outputAvals: [x] }) => {
  const operands = [asMatrix(graph, inputs[0], g.shape), asMatrix(graph, inputs[1], w.shape)];
  return graph.reshape(graph.node('Gemm', operands), x.shape);
};

function chooseInputGrad(
  { target }: Lowering,
  { attrs, inputAvals: [, w] }: Call<InputGradAttrs>,
): Form<InputGradAttrs> {
  const [, channels, ...kernel] = w.shape;
  if (coversInput(attrs, attrs.inputSize, kernel)) return inputGradProduct;
  // Channels that only fill up a block are work for nothing; but for very few it is less than ConvTranspose's overhead.
  if (target.blockSize > 1 && canBeBlocked(attrs)) {
    const isUnit = attrs.stride.every((n) => n === 1);
    if (isUnit && channels >= 4) return inputGradBlocked;
    if (!isUnit && channels >= target.blockSize && sizeOf(kernel) > 1 && attrs.dilation.every((n) => n === 1))
      return inputGradByPhases;
  }
  return inputGradTransposed;
}

export const convolution: Rules = {
  conv: rule<ConvAttrs>((lowering, call) => [chooseForward(lowering, call)(lowering, call)]),
  convInputGrad: rule<InputGradAttrs>((lowering, call) => [chooseInputGrad(lowering, call)(lowering, call)]),
  convWeightGrad: rule<WeightGradAttrs>((lowering, call) => [chooseWeightGrad(lowering, call)(lowering, call)]),
};
