/**
 * ONNX Runtime's blocked layout: [N, C/B, …S, B] with blocks of B channels, which its convolutions on the CPU are fast
 * in. Its own transformation uses it where weights are constants; these ops use it where they are computed.
 *
 * A blocked tensor has the shape [N, C, …S] all the same, with C a multiple of B: in truth it is [N, C/B, …S, B], and a
 * reshape says so.
 */
import { type GraphBuilder, int, ints, type Value } from './graph.js';

const NCHWC = 'com.microsoft.nchwc';

export const roundUp = (n: number, block: number): number => Math.ceil(n / block) * block;

/** x [N, C, H, W] in blocks; missing channels are zero. */
export function toBlocked(graph: GraphBuilder, x: Value, channels: number, block: number): Value {
  // The op adds channels itself, but takes them in fours.
  if (channels % 4 !== 0) {
    x = graph.node('Pad', [x, graph.vector([0, 0, 0, 0, 0, roundUp(channels, block) - channels, 0, 0])]);
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
