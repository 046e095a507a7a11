/**
 * Convolution and its gradients.
 *
 * Each has several forms, equal in what they compute; a chooser picks the one that is fastest for the shape.
 */
import {
  convolved,
  type Call,
  type ConvAttrs,
  type GraphBuilder,
  type InputGradAttrs,
  int,
  type Lowering,
  rule,
  type Rules,
  scatteredWindows,
  sizeOf,
  type Value,
} from '@fakkel/onnx/lowering';
import { canBeBlocked, forwardBlocked, inputGradBlocked, inputGradByPhases } from './convolution-blocked.js';
import { chooseWeightGrad, type WeightGradAttrs } from './convolution-weight-grad.js';

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
  return target.blockSize > 1 && canBeBlocked(attrs) && isWorthIt ? forwardBlocked : convolved;
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
