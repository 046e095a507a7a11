import { type GraphBuilder, int, ints, string, type Value } from '@fakkel/onnx/lowering';
/**
 * ONNX Runtime's blocked layout: [N, C/B, …S, B] with blocks of B channels, which its convolutions on the CPU are fast
 * in. Its own transformation uses it where weights are constants; these ops use it where they are computed.
 *
 * A blocked tensor has the shape [N, C, …S] all the same, with C a multiple of B: in truth it is [N, C/B, …S, B], and a
 * reshape says so.
 */

const NCHWC = 'com.microsoft.nchwc';

export const roundUp = (n: number, block: number): number => Math.ceil(n / block) * block;

/** Every block size divides it. */
const LARGEST_BLOCK = 16;

/** What x was in blocks, with the channels that fill up a block: they may hold 0 · ∞, so it is for epilogues alone. */
export function paddedBlockedForm(graph: GraphBuilder, x: Value): Value | undefined {
  const made = graph.producer(x);
  const isPlainAgain = made?.opType === 'ReorderOutput' && made.attributes?.['channels_last']?.value === 0;
  return isPlainAgain ? made.inputs[0] : undefined;
}

/** x in blocks, if that is how it was computed, and its channels fill them. */
export function blockedForm(graph: GraphBuilder, x: Value): Value | undefined {
  const channels = graph.producer(x)?.attributes?.['channels']?.value as number | undefined;
  return channels !== undefined && channels % LARGEST_BLOCK === 0 ? paddedBlockedForm(graph, x) : undefined;
}

/** x [N, C, H, W] in blocks; missing channels are zero. */
export function toBlocked(graph: GraphBuilder, x: Value, channels: number): Value {
  const known = blockedForm(graph, x);
  if (known !== undefined) return known;
  // The op adds channels itself, but takes them in fours.
  if (channels % 4 !== 0) {
    x = graph.node('Pad', [x, graph.vector([0, 0, 0, 0, 0, roundUp(channels, 4) - channels, 0, 0])]);
  }
  return graph.node('ReorderInput', [x], {}, { domain: NCHWC });
}

/** Back to [N, C, H, W], without the channels that were added; or to [N, H, W, C]. */
export function fromBlocked(graph: GraphBuilder, x: Value, channels: number, channelsLast = false): Value {
  return graph.node(
    'ReorderOutput',
    [x],
    { channels: int(channels), channels_last: int(channelsLast ? 1 : 0) },
    { domain: NCHWC },
  );
}

export interface BlockedConvOptions {
  readonly kernel: readonly number[];
  readonly stride?: readonly number[];
  /** Before, then after. */
  readonly pads?: readonly number[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
}

/**
 * A convolution whose output is blocked. With fewer than B input channels a group, x is plain and the weight
 * [O/B, I, …K, B]; else x is blocked too and the weight [O/B, I/B, …K, B (of I), B (of O)]. `sum` is added.
 */
export function blockedConv(
  graph: GraphBuilder,
  x: Value,
  w: Value,
  { kernel, stride = [1, 1], pads = [0, 0, 0, 0], dilation = [1, 1], groups = 1 }: BlockedConvOptions,
  sum?: Value,
): Value {
  const inputs = sum === undefined ? [x, w] : [x, w, '', sum];
  const attributes = {
    kernel_shape: ints(kernel),
    strides: ints(stride),
    pads: ints(pads),
    dilations: ints(dilation),
    group: int(groups),
  };
  return graph.node('Conv', inputs, attributes, { domain: NCHWC });
}

/** What may be put into a blocked convolution after it is there. */
export interface Epilogue {
  /** [O], with zeros up to whole blocks. */
  readonly bias?: Value;
  /** A blocked tensor like the output, added. */
  readonly sum?: Value;
  readonly relu?: true;
}

/**
 * A blocked convolution again, with more put into it: one pass over memory where an op of its own would be another. The
 * first one goes away if nothing else reads it. Undefined if y is no such convolution, or has what comes later in it.
 */
export function withEpilogue(graph: GraphBuilder, y: Value, { bias, sum, relu }: Epilogue): Value | undefined {
  const made = graph.producer(y);
  if (made?.opType !== 'Conv' || made.domain !== NCHWC || made.attributes!['activation']) return undefined;
  const [x, w, oldBias = '', oldSum = ''] = made.inputs;
  if (bias !== undefined && (oldBias !== '' || oldSum !== '')) return undefined;
  if (sum !== undefined && oldSum !== '') return undefined;
  const inputs = [x, w, bias ?? oldBias, sum ?? oldSum];
  while (inputs.at(-1) === '') inputs.pop();
  const attributes = relu ? { ...made.attributes, activation: string('Relu') } : made.attributes;
  return graph.node('Conv', inputs, attributes, { domain: NCHWC });
}

/** The mean of each plane of a blocked tensor: [N, C, 1, 1], in which blocked and plain are the same. */
export function planeMeans(graph: GraphBuilder, x: Value): Value {
  return graph.node('GlobalAveragePool', [x], {}, { domain: NCHWC });
}

/** x · scale + shift + sum of a blocked tensor in one pass: a depthwise 1×1 convolution. Scale and shift are [C]. */
export function blockedAffine(
  graph: GraphBuilder,
  x: Value,
  channels: number,
  scale: Value,
  shift?: Value,
  sum?: Value,
): Value {
  const weight = graph.reshape(scale, [channels, 1, 1, 1]);
  const inputs = [x, weight, shift ?? '', sum ?? ''];
  while (inputs.at(-1) === '') inputs.pop();
  return graph.node('Conv', inputs, { kernel_shape: ints([1, 1]), group: int(channels) }, { domain: NCHWC });
}

/**
 * Whether all of x [N, C, …] is finite: a bool. Means of planes cost one reading of it, and nothing where its sums are
 * wanted too; they are finite unless x is not, or its sums overflow.
 */
export function allFinite(graph: GraphBuilder, x: Value): Value {
  const blocked = blockedForm(graph, x);
  const means = blocked === undefined ? graph.node('GlobalAveragePool', [x]) : planeMeans(graph, blocked);
  return isFiniteSum(graph, means);
}

/** Whether the sum of x, and so all of x, is finite. */
export function isFiniteSum(graph: GraphBuilder, x: Value): Value {
  const total = graph.node('ReduceSum', [x], { keepdims: int(0) });
  return graph.node('Less', [graph.node('Abs', [total]), graph.scalar(Infinity)]);
}
