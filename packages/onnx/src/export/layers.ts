/**
 * Layers by the operators that ONNX has for them: convolution and linear layers with their bias, normalization, pooling,
 * embedding, flattening.
 */
import type { OpSignature, Unsupported } from '@fakkel/core';
import {
  avgPool,
  type AvgPoolAttrs,
  byMaxPool,
  type Call,
  type ConvAttrs,
  convolved,
  elementwise,
  flatPads,
  float,
  type GraphBuilder,
  type InputGradAttrs,
  int,
  ints,
  type MaxPoolAttrs,
  movement,
  rule,
  type Rules,
  scatteredWindows,
  type Value,
} from '../lowering/index.js';
import { type ExportLowering, exportRule, statisticsOf } from './rule.js';

// --- biases ---

/** [1, C, 1, …] or [C, 1, …] as the vector that it was made of. */
function channelVector({ graph, avalOf }: ExportLowering, x: Value, channels: number): Value {
  const made = graph.producer(x);
  const from = made?.opType === 'Reshape' ? made.inputs[0] : x;
  return avalOf(from)?.shape.join() === String(channels) ? from : graph.reshape(x, [channels]);
}

/** Whether `bias` is a number for each element along axis `axis` of `like`. */
function isAlong(bias: readonly number[], like: readonly number[], axis: number): boolean {
  const padded = [...like.map(() => 1), ...bias].slice(-like.length);
  return bias.length <= like.length && padded.every((n, i) => n === (i === axis ? like[i] : 1));
}

const BIASED: Readonly<Record<string, number>> = { Conv: 1, ConvTranspose: 1, Gemm: 1 };

/** A sum with what a convolution or a product of matrices gives becomes its bias. */
const add = exportRule((lowering, call) => {
  const { graph } = lowering;
  const { shape } = call.outputAvals[0];
  for (const [at, input] of call.inputs.entries()) {
    const made = graph.producer(input);
    const isBare = made && made.opType in BIASED && made.inputs.length === 2;
    const other = call.inputAvals[1 - at].shape;
    if (!isBare || !call.isOnlyReader(at) || call.inputAvals[at].shape.join() !== shape.join()) continue;
    if (!isAlong(other, shape, BIASED[made.opType])) continue;
    const bias = channelVector(lowering, call.inputs[1 - at], shape[1]);
    return [graph.node(made.opType, [...made.inputs, bias], made.attributes)];
  }
  return elementwise.add(lowering, call);
});

// --- normalization ---

/** A vector of equal constants, written out: runtimes want to see a scale, not compute it. */
function writtenOut(graph: GraphBuilder, x: Value, channels: number): Value {
  const fill = graph.fillOf(x);
  return fill === undefined ? x : graph.constant(graph.float, [channels], new Array<number>(channels).fill(fill));
}

const batchNormInference = exportRule(({ graph }, { inputs, inputAvals }) => {
  const [x, ...vectors] = inputs.slice(0, 5);
  const channels = inputAvals[0].shape[1];
  const epsilon = float(graph.valuesOf(inputs[5])![0]);
  return [graph.node('BatchNormalization', [x, ...vectors.map((v) => writtenOut(graph, v, channels))], { epsilon })];
});

/**
 * In training mode: with the batch's statistics. The running ones are those of the layer; where there are none the operator
 * wants some all the same.
 */
const batchNorm = exportRule((lowering, { inputs, inputAvals, isRead }) => {
  const { graph, module } = lowering;
  const [x, weight, bias, eps] = inputs;
  const { shape } = inputAvals[0];
  const channels = shape[1];
  const layer = statisticsOf(module);
  const vector = (value: number): Value =>
    graph.constant(graph.float, [channels], new Array<number>(channels).fill(value));
  const mean = (layer?.runningMean && lowering.state(layer.runningMean)) ?? vector(0);
  const variance = (layer?.runningVar && lowering.state(layer.runningVar)) ?? vector(1);
  const [y] = graph.nodeOutputs(
    'BatchNormalization',
    [x, writtenOut(graph, weight, channels), writtenOut(graph, bias, channels), mean, variance],
    {
      epsilon: float(graph.valuesOf(eps)![0]),
      // How much the old statistics weigh; PyTorch's says it of the new ones.
      momentum: float(1 - (layer?.momentum ?? 0.1)),
      training_mode: int(1),
    },
    { outputs: 3 },
  );
  if (!isRead(1) && !isRead(2)) return [y, y, y];
  const axes = ints([...shape.keys()].filter((axis) => axis !== 1));
  const batchMean = graph.node('ReduceMean', [x], { axes, keepdims: int(1) });
  const centered = graph.node('Sub', [x, batchMean]);
  const square = graph.node('Mul', [centered, centered]);
  return [y, graph.reshape(batchMean, [channels]), graph.node('ReduceMean', [square], { axes, keepdims: int(0) })];
});

const localResponseNorm = rule<{ size: number; beta: number }>(({ graph }, { inputs: [x, alpha, k], attrs }) => [
  graph.node('LRN', [x], {
    size: int(attrs.size),
    alpha: float(graph.valuesOf(alpha)![0]),
    beta: float(attrs.beta),
    bias: float(graph.valuesOf(k)![0]),
  }),
]);

/** `LRN` centers its window otherwise if it is even, and engines have it for images alone. */
function hasLRN({ inputs: [x], attrs }: OpSignature): true | Unsupported {
  return ((attrs.size as number) % 2 === 1 && x.shape.length === 4) || { reason: 'LRN means another window' };
}

// --- pooling ---

interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** Before and after alike. */
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** How the size of the output is rounded where it is that of plain windows: down, up, or neither way. */
function roundingOf(window: Window, size: readonly number[], out: readonly number[]): 'floor' | 'ceil' | null {
  const { kernel, stride, padding, dilation } = window;
  const steps = size.map((n, i) => (n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]);
  if (out.every((n, i) => n === Math.floor(steps[i]) + 1)) return 'floor';
  return out.every((n, i) => n === Math.ceil(steps[i]) + 1) ? 'ceil' : null;
}

const attributesOf = ({ kernel, stride, padding }: Window) => ({
  kernel_shape: ints(kernel),
  strides: ints(stride),
  pads: ints(flatPads(padding.map((n) => [n, n]))),
});

const maxPool = rule<MaxPoolAttrs>((lowering, call) => {
  const { kernel, stride, dilation, padding: pairs } = call.attrs;
  const window: Window = { kernel, stride, dilation, padding: pairs.map(([before]) => before) };
  const [size, out] = [call.inputAvals[0], call.outputAvals[0]].map(({ shape }) => shape.slice(2));
  const rounding = roundingOf(window, size, out);
  const isNarrow = window.padding.every((n, i) => n < kernel[i]);
  if (call.isRead(1) || rounding === null || !isNarrow) return byMaxPool(lowering, call);
  const attributes = {
    ...attributesOf(window),
    ...(dilation.some((n) => n > 1) && { dilations: ints(dilation) }),
    ...(rounding === 'ceil' && { ceil_mode: int(1) }),
  };
  const y = lowering.graph.node('MaxPool', call.inputs, attributes);
  return [y, y];
});

const avgPoolRule = rule<AvgPoolAttrs>((lowering, call) => {
  const { graph } = lowering;
  const { kernel, stride, divisor, countIncludePad, ceilExtra, padding: pairs } = call.attrs;
  const [size, out] = [call.inputAvals[0], call.outputAvals[0]].map(({ shape }) => shape.slice(2));
  const padding = pairs.map(([before]) => before);
  const isUnpadded = padding.every((n) => n === 0);
  if (divisor !== null) return [avgPool(lowering, call)];
  if (isUnpadded && kernel.every((n, i) => n === size[i])) return [graph.node('GlobalAveragePool', call.inputs)];
  const window: Window = { kernel, stride, padding, dilation: kernel.map(() => 1) };
  const attributes = { ...attributesOf(window), count_include_pad: int(Number(countIncludePad)) };
  const rounding = roundingOf(window, size, out);
  if (ceilExtra.every((n) => n === 0) && rounding === 'floor') {
    return [graph.node('AveragePool', call.inputs, attributes)];
  }
  // Cells past the end don't count, as in PyTorch; with padding, engines disagree on which do.
  if (isUnpadded && rounding === 'ceil') {
    const rounded = { ...attributes, count_include_pad: int(0), ceil_mode: int(1) };
    return [graph.node('AveragePool', call.inputs, rounded)];
  }
  return [avgPool(lowering, call)];
});

// --- the rest ---

/** [N, C, …] as [N, …] of one axis is `Flatten`, whatever the batch is. */
const reshape = exportRule((lowering, call) => {
  const [from, to] = [call.inputAvals[0].shape, call.outputAvals[0].shape];
  if (to.length === 2 && from.length > 2 && from[0] === to[0]) {
    return [lowering.graph.node('Flatten', call.inputs, { axis: int(1) })];
  }
  return movement.reshape(lowering, call);
});

const embedding = rule<{ paddingIdx: number | null }>(({ graph }, { inputs: [weight, index] }) => [
  graph.node('Gather', [weight, index], { axis: int(0) }),
]);

const convInputGrad = rule<InputGradAttrs>((lowering, { attrs, inputs: [g, w], inputAvals }) => {
  const [out, kernel] = inputAvals.map((aval) => aval.shape.slice(2));
  return [scatteredWindows(lowering, [g, w], out, kernel, attrs)];
});

export const layers: Rules = {
  add,
  conv: rule<ConvAttrs>((lowering, call) => [convolved(lowering, call)]),
  convInputGrad,
  batchNormInference,
  batchNorm,
  localResponseNorm,
  maxPool,
  avgPool: avgPoolRule,
  reshape,
  embedding,
  // One after the other is what a graph is anyway.
  optimizationBarrier: rule<{ values: number }>((_, { inputs, attrs }: Call<{ values: number }>) =>
    inputs.slice(0, attrs.values),
  ),
};

export const layerConditions: Readonly<Record<string, (signature: OpSignature) => true | Unsupported>> = {
  localResponseNorm: hasLRN,
};
