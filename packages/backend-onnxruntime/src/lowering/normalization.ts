/**
 * Batch normalization, training and inference, and its gradient.
 *
 * Large tensors are bound by memory: what counts is how often they are read and written. An affine map of channels is
 * therefore a depthwise 1×1 `Conv`, one pass that ONNX Runtime fuses with an addition and a ReLU after it.
 */
import {
  type Call,
  float,
  type GraphBuilder,
  int,
  isGpu,
  type Lowering,
  NONE,
  rule,
  type Rules,
  sizeOf,
  type Value,
} from '@fakkel/onnx/lowering';
import { MICROSOFT } from './domains.js';
import { isFiniteSum } from './blocked.js';
import { batchNormGradInBlocks, batchNormInBlocks } from './normalization-blocked.js';

/** Cells of a plane from which forms by planes are worth it: below, a kernel's start is most of its work. */
const LARGE_PLANE = 16;

const axesBesideChannels = (shape: readonly number[]): number[] => shape.map((_, i) => i).filter((i) => i !== 1);

/**
 * Whether to work by planes; else, elementwise with what every provider has. On CUDA the products and convolutions that
 * this takes may run in TF32, which is not enough for statistics.
 */
function byPlanes({ target }: Lowering, shape: readonly number[]): boolean {
  return !isGpu(target) && shape.length <= 5 && sizeOf(shape.slice(2)) >= LARGE_PLANE;
}

/** A vector of channels beside x [N, C, …]. */
function beside(graph: GraphBuilder, channels: Value, shape: readonly number[]): Value {
  return graph.reshape(channels, [shape[1], ...shape.slice(2).map(() => 1)]);
}

/** x · scale + shift in one pass: all but x are [C]. */
function affine(graph: GraphBuilder, x: Value, scale: Value, shift: Value, shape: readonly number[]): Value {
  const weight = graph.reshape(scale, [shape[1], ...shape.slice(1).map(() => 1)]);
  return graph.node('Conv', [x, weight, shift], { group: int(shape[1]) });
}

function sum(graph: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return graph.node('ReduceSum', [x, graph.vector(axes)], { keepdims: int(0) });
}

/** One over the standard deviation. */
function inverseDeviation(graph: GraphBuilder, variance: Value, eps: Value): Value {
  return graph.node('Reciprocal', [graph.node('Sqrt', [graph.node('Add', [variance, eps])])]);
}

/**
 * Mean and biased variance of each channel by those of its planes, which `LayerNormalization` computes accurately in
 * one go: variance = mean over planes of (variance of the plane + (mean of the plane − mean)²).
 */
function statisticsByPlanes(graph: GraphBuilder, x: Value, shape: readonly number[]): { mean: Value; variance: Value } {
  const [batch, channels, ...size] = shape;
  const plane = sizeOf(size);
  const ones = graph.node('Expand', [graph.scalar(1), graph.vector([plane])]);
  // So little that it only keeps a constant plane from a division by zero.
  const tiny = float(1e-30);
  const [, means, inverses] = graph.nodeOutputs(
    'LayerNormalization',
    [graph.reshape(x, [batch * channels, plane]), ones],
    { axis: int(1), epsilon: tiny },
    { outputs: 3 },
  );
  const average = (rows: Value): Value => {
    const total = sum(graph, rows, [0]);
    return graph.node('Div', [total, graph.scalar(batch)]);
  };
  const square = (v: Value): Value => graph.node('Mul', [v, v]);
  const planeMeans = graph.reshape(means, [batch, channels]);
  const deviations = graph.node('Reciprocal', [graph.reshape(inverses, [batch, channels])]);
  const mean = average(planeMeans);
  const between = square(graph.node('Sub', [planeMeans, mean]));
  return { mean, variance: average(graph.node('Add', [square(deviations), between])) };
}

/**
 * y, mean, biased variance of x / s, with s its largest absolute value: no square overflows. With û = x / s
 * y = (û − mean of û) / √(variance of û + eps / s²) · weight + bias.
 */
function batchNormScaled(graph: GraphBuilder, { inputs, inputAvals }: Call): readonly Value[] {
  const [x, weight, bias, eps] = inputs;
  const { shape } = inputAvals[0];
  const axes = axesBesideChannels(shape);
  const count = graph.scalar(sizeOf(shape) / shape[1]);
  const divided = (a: Value, b: Value): Value => graph.node('Div', [a, b]);
  const largest = graph.node('ReduceMax', [graph.node('Abs', [x])], { keepdims: int(0) });
  const isPositive = graph.node('Greater', [largest, graph.scalar(0)]);
  const scale = graph.node('Where', [isPositive, largest, graph.scalar(1)]);
  const scaled = divided(x, scale);
  const mean = divided(sum(graph, scaled, axes), count);
  const centered = graph.node('Sub', [scaled, beside(graph, mean, shape)]);
  const variance = divided(sum(graph, graph.node('Mul', [centered, centered]), axes), count);
  const factor = graph.node('Mul', [weight, inverseDeviation(graph, variance, divided(divided(eps, scale), scale))]);
  const y = graph.node('Add', [
    graph.node('Mul', [centered, beside(graph, factor, shape)]),
    beside(graph, bias, shape),
  ]);
  const times = (v: Value): Value => graph.node('Mul', [v, scale]);
  return [y, times(mean), times(times(variance))];
}

/** y, mean, biased variance. */
function batchNorm(lowering: Lowering, call: Call): readonly Value[] {
  const { graph, target, assume } = lowering;
  // Nothing is assumed on WebGPU, and such numbers are the user's there.
  if (!assume && target.provider !== 'webgpu') return batchNormScaled(graph, call);
  const [x, weight, bias, eps] = call.inputs;
  const { shape } = call.inputAvals[0];
  if (byPlanes(lowering, shape)) {
    const { mean, variance } = statisticsByPlanes(graph, x, shape);
    assume?.(isFiniteSum(graph, variance));
    const scale = graph.node('Mul', [weight, inverseDeviation(graph, variance, eps)]);
    const shift = graph.node('Sub', [bias, graph.node('Mul', [mean, scale])]);
    return [affine(graph, x, scale, shift, shape), mean, variance];
  }
  const axes = axesBesideChannels(shape);
  const count = graph.scalar(sizeOf(shape) / shape[1]);
  const mean = graph.node('Div', [sum(graph, x, axes), count]);
  const centered = graph.node('Sub', [x, beside(graph, mean, shape)]);
  const variance = graph.node('Div', [sum(graph, graph.node('Mul', [centered, centered]), axes), count]);
  assume?.(isFiniteSum(graph, variance));
  const scale = graph.node('Mul', [weight, inverseDeviation(graph, variance, eps)]);
  const scaled = graph.node('Mul', [centered, beside(graph, scale, shape)]);
  return [graph.node('Add', [scaled, beside(graph, bias, shape)]), mean, variance];
}

/** With constants this op of ONNX becomes part of the convolution before it, which no arithmetic would. */
function batchNormInference({ graph }: Lowering, { inputs }: Call): Value {
  const [x, weight, bias, mean, variance, eps] = inputs;
  const widened = graph.node('Add', [variance, eps]);
  return graph.node('BatchNormalization', [x, weight, bias, mean, widened], { epsilon: float(0) });
}

/** Σ g·x of each channel. */
function dotOfChannels(lowering: Lowering, g: Value, x: Value, shape: readonly number[]): Value {
  const { graph } = lowering;
  if (!byPlanes(lowering, shape)) return sum(graph, graph.node('Mul', [g, x]), axesBesideChannels(shape));
  const rows = [shape[0], shape[1], 1, sizeOf(shape.slice(2))];
  const planes = graph.node(
    'FusedMatMul',
    [graph.reshape(g, rows), graph.reshape(x, rows)],
    { transB: int(1) },
    { domain: MICROSOFT },
  );
  return sum(graph, planes, [0, 2, 3]);
}

/**
 * With x̂ = (x − mean) / σ and m elements a channel:
 * dx = weight/σ · (g − Σg/m − x̂ · Σ(g x̂)/m), dweight = Σ(g x̂), dbias = Σg.
 */
function batchNormGrad(lowering: Lowering, { inputs, inputAvals, isRead }: Call): readonly Value[] {
  const { graph } = lowering;
  const [g, x, weight, mean, variance, eps] = inputs;
  const { shape } = inputAvals[1];
  const inverse = inverseDeviation(graph, variance, eps);
  const dbias = sum(graph, g, axesBesideChannels(shape));
  const large = byPlanes(lowering, shape);
  const centered = (): Value => graph.node('Sub', [x, beside(graph, mean, shape)]);
  // Σ g·(x − mean) = Σ g·x − mean · Σg
  const dot = large
    ? graph.node('Sub', [dotOfChannels(lowering, g, x, shape), graph.node('Mul', [mean, dbias])])
    : dotOfChannels(lowering, g, centered(), shape);
  const dweight = graph.node('Mul', [dot, inverse]);
  if (!isRead(0)) return [NONE, dweight, dbias];

  // dx = scale · (g − slope · (x − mean) − offset)
  const count = graph.scalar(sizeOf(shape) / shape[1]);
  const scale = graph.node('Mul', [weight, inverse]);
  const slope = graph.node('Div', [graph.node('Mul', [dweight, inverse]), count]);
  const offset = graph.node('Div', [dbias, count]);
  let inner: Value;
  if (large) {
    const shift = graph.node('Sub', [graph.node('Mul', [slope, mean]), offset]);
    inner = graph.node('Add', [affine(graph, x, graph.node('Neg', [slope]), shift, shape), g]);
  } else {
    const sloped = graph.node('Mul', [centered(), beside(graph, slope, shape)]);
    inner = graph.node('Sub', [graph.node('Sub', [g, sloped]), beside(graph, offset, shape)]);
  }
  return [graph.node('Mul', [inner, beside(graph, scale, shape)]), dweight, dbias];
}

export const normalization: Rules = {
  batchNorm: rule((lowering, call) => batchNormInBlocks(lowering, call) ?? batchNorm(lowering, call)),
  batchNormInference: rule((lowering, call) => [batchNormInference(lowering, call)]),
  batchNormGrad: rule((lowering, call) => batchNormGradInBlocks(lowering, call) ?? batchNormGrad(lowering, call)),
};
