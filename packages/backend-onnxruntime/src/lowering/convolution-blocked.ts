/**
 * Convolution and its input gradient in ONNX Runtime's blocked layout: faster than its plain kernels even with the
 * reordering of their operands. Two axes, not in groups.
 */
import {
  type ConvAttrs,
  cutNegative,
  flatPads,
  type GraphBuilder,
  type InputGradAttrs,
  int,
  sizeOf,
  type Value,
} from '@fakkel/onnx/lowering';
import { blockedConv, fromBlocked, roundUp, toBlocked } from './blocked.js';
import type { Form } from './convolution.js';

/** [O, I, …taps] with zeros up to whole blocks. */
function padChannels(graph: GraphBuilder, w: Value, from: readonly number[], to: readonly number[]): Value {
  if (from[0] === to[0] && from[1] === to[1]) return w;
  return graph.node('Pad', [w, graph.vector([0, 0, 0, 0, to[0] - from[0], to[1] - from[1], 0, 0])]);
}

/** w [O, I, …kernel] as a blocked convolution takes it: [O/B, I/B, taps, B (of I), B (of O)], or [O/B, I, taps, B]. */
function blockedWeight(graph: GraphBuilder, w: Value, shape: readonly number[], block: number): Value {
  const [out, channels, ...kernel] = shape;
  const taps = sizeOf(kernel);
  const outs = roundUp(out, block);
  const ins = channels < block ? channels : roundUp(channels, block);
  const padded = padChannels(graph, w, shape, [outs, ins]);
  let blocked = toBlocked(graph, graph.reshape(padded, [1, outs, ins, taps]), outs);
  if (channels >= block && taps > 1) {
    blocked = graph.reshape(blocked, [outs / block, ins / block, block, taps, block]);
    blocked = graph.transpose(blocked, [0, 1, 3, 2, 4]);
  }
  return graph.reshape(blocked, [outs, ins, ...kernel]);
}

/** The weight of the input gradient: input and output channels change places, and the taps are picked by `taps`. */
function blockedTransposedWeight(
  graph: GraphBuilder,
  w: Value,
  shape: readonly number[],
  taps: readonly number[],
  kernel: readonly number[],
  block: number,
): Value {
  const [out, channels, ...whole] = shape;
  const outs = out < block ? out : roundUp(out, block);
  const ins = roundUp(channels, block);
  const all = sizeOf(whole);
  const padded = padChannels(graph, w, shape, [outs, ins]);
  let blocked = toBlocked(graph, graph.reshape(padded, [outs, ins, all, 1]), ins);
  if (all > 1) {
    blocked = graph.reshape(blocked, [(outs * ins) / block, all, block]);
    blocked = graph.node('Gather', [blocked, graph.vector(taps)], { axis: int(1) });
  }
  const count = taps.length;
  if (outs < block) {
    blocked = graph.transpose(graph.reshape(blocked, [outs, ins / block, count * block]), [1, 0, 2]);
  } else {
    blocked = graph.reshape(blocked, [outs / block, block, ins / block, count, block]);
    blocked = graph.transpose(blocked, [2, 0, 3, 1, 4]);
  }
  return graph.reshape(blocked, [ins, outs, ...kernel]);
}

export function canBeBlocked({ groups, stride }: ConvAttrs): boolean {
  return groups === 1 && stride.length === 2;
}

export const forwardBlocked: Form = ({ graph, target }, { attrs, inputs, inputAvals: [x, w] }) => {
  const block = target.blockSize;
  const channels = x.shape[1];
  const { x: cut, padding } = cutNegative(graph, inputs[0], x.shape.slice(2), attrs.padding);
  const data = channels < block ? cut : toBlocked(graph, cut, channels);
  const y = blockedConv(graph, data, blockedWeight(graph, inputs[1], w.shape, block), {
    kernel: w.shape.slice(2),
    stride: attrs.stride,
    dilation: attrs.dilation,
    pads: flatPads(padding),
  });
  return fromBlocked(graph, y, w.shape[0]);
};

/** The gradient in blocks; fewer channels than a block stay as they are. */
function blockedGradient(graph: GraphBuilder, g: Value, channels: number, block: number): Value {
  return channels < block ? g : toBlocked(graph, g, channels);
}

/** Stride 1: a convolution with the kernel flipped. */
export const inputGradBlocked: Form<InputGradAttrs> = ({ graph, target }, { attrs, inputs, inputAvals: [g, w] }) => {
  const block = target.blockSize;
  const kernel = w.shape.slice(2);
  const out = g.shape.slice(2);
  const padding = out.map((n, i): [number, number] => {
    const reach = attrs.dilation[i] * (kernel[i] - 1);
    const before = reach - attrs.padding[i][0];
    return [before, attrs.inputSize[i] - n + reach - before];
  });
  const cut = cutNegative(graph, inputs[0], out, padding);
  const all = sizeOf(kernel);
  const flipped = Array.from({ length: all }, (_, i) => all - 1 - i);
  const dx = blockedConv(
    graph,
    blockedGradient(graph, cut.x, g.shape[1], block),
    blockedTransposedWeight(graph, inputs[1], w.shape, flipped, kernel, block),
    { kernel, dilation: attrs.dilation, pads: flatPads(cut.padding) },
  );
  return fromBlocked(graph, dx, w.shape[1]);
};

/** The cells q·stride + phase of the input along an axis: which taps reach them, and from which output. */
interface Phase {
  /** Descending, so that the outputs ascend. */
  readonly taps: readonly number[];
  /** The first of the taps reads output q + offset, the next q + offset + 1, … */
  readonly offset: number;
}

function phasesOf(stride: number, before: number, kernel: number): Phase[] {
  return Array.from({ length: stride }, (_, phase) => {
    const taps = Array.from({ length: kernel }, (_, i) => kernel - 1 - i).filter(
      (tap) => (phase + before - tap) % stride === 0,
    );
    return { taps, offset: taps.length > 0 ? (phase + before - taps[0]) / stride : 0 };
  });
}

/**
 * A stride above 1: for each phase of the input's cells a convolution of g with the taps that reach it; the phases are
 * then woven together. No dilation.
 */
export const inputGradByPhases: Form<InputGradAttrs> = ({ graph, target }, { attrs, inputs, inputAvals: [g, w] }) => {
  const block = target.blockSize;
  const { stride, inputSize } = attrs;
  const kernel = w.shape.slice(2);
  const [batch, outChannels, ...out] = g.shape;
  const ins = roundUp(w.shape[1], block);
  const planes = (batch * ins) / block;
  const cellsOfPhase = inputSize.map((n, i) => Math.ceil(n / stride[i]));
  const [rows, columns] = stride.map((s, i) => phasesOf(s, attrs.padding[i][0], kernel[i]));
  const spread = [planes, cellsOfPhase[0], 1, cellsOfPhase[1], 1, block];
  const gradient = blockedGradient(graph, inputs[0], outChannels, block);

  const phase = (row: Phase, column: Phase): Value => {
    const axes = [row, column];
    if (axes.some(({ taps }) => taps.length === 0)) return graph.node('ConstantOfShape', [graph.vector(spread)]);
    const size = axes.map(({ taps }) => taps.length);
    const pads = axes.map(({ offset }, i): [number, number] => [
      -offset,
      cellsOfPhase[i] - out[i] + offset + size[i] - 1,
    ]);
    const isCut = pads.some((pair) => pair.some((n) => n < 0));
    const cut = isCut ? cutNegative(graph, inputs[0], out, pads) : { x: gradient, padding: pads };
    const dx = blockedConv(
      graph,
      isCut ? blockedGradient(graph, cut.x, outChannels, block) : gradient,
      blockedTransposedWeight(
        graph,
        inputs[1],
        w.shape,
        row.taps.flatMap((r) => column.taps.map((c) => r * kernel[1] + c)),
        size,
        block,
      ),
      { kernel: size, pads: flatPads(cut.padding) },
    );
    return graph.reshape(dx, spread);
  };
  const concat = (parts: readonly Value[], axis: number): Value =>
    parts.length === 1 ? parts[0] : graph.node('Concat', parts, { axis: int(axis) });
  const woven = concat(
    rows.map((row) =>
      concat(
        columns.map((column) => phase(row, column)),
        4,
      ),
    ),
    2,
  );
  const whole = cellsOfPhase.map((n, i) => n * stride[i]);
  let dx = graph.reshape(woven, [planes, ...whole, block]);
  if (whole.some((n, i) => n !== inputSize[i])) dx = graph.slice(dx, [1, 2], [0, 0], inputSize);
  return fromBlocked(graph, graph.reshape(dx, [batch, ins, ...inputSize]), w.shape[1]);
};
