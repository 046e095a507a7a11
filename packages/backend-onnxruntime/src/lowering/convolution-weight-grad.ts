/**
 * The gradient of a convolution to its weight: g [N, O, …out] against the cells of x [N, C, …] that each tap of the
 * kernel reads.
 */
import {
  type Call,
  cells,
  type ConvAttrs,
  cutNegative,
  int,
  ints,
  type Lowering,
  type Padding,
  sizeOf,
  strided,
  type Value,
  windowAttributes,
} from '@fakkel/onnx/lowering';
import { MICROSOFT } from './domains.js';
import { coversInput, type Form } from './convolution.js';
import { blockedConv, blockedForm, fromBlocked, roundUp, toBlocked } from './blocked.js';

export type WeightGradAttrs = ConvAttrs & { readonly kernelSize: readonly number[] };
type WeightGradForm = Form<WeightGradAttrs>;
type WeightGradCall = Call<WeightGradAttrs>;

/** The padding with which the windows just fill the padded input: cells that no window reads are cut off. */
function tightPadding({ attrs, inputAvals: [x, g] }: WeightGradCall): Padding {
  const { stride, dilation, padding, kernelSize } = attrs;
  return padding.map(([before], i) => {
    const read = (g.shape[i + 2] - 1) * stride[i] + dilation[i] * (kernelSize[i] - 1) + 1;
    return [before, read - before - x.shape[i + 2]];
  });
}

/**
 * `Conv` of x with g as its kernel: channels take the place of the batch and the batch that of the channels, stride and
 * dilation change places. In groups: [C/groups, groups·N, …] with groups of N channels.
 */
const weightGradByConv: WeightGradForm = ({ graph }, call) => {
  const { attrs, inputs, inputAvals, outputAvals } = call;
  const [x, g] = inputAvals.map((aval) => aval.shape);
  const { groups, stride, dilation } = attrs;
  const [batch, channels] = x;
  const perGroup = channels / groups;
  const size = x.slice(2);
  const axes = size.map((_, i) => i + 2);
  const cut = cutNegative(graph, inputs[0], size, tightPadding(call));
  let data: Value = cut.x;
  if (groups === 1) {
    data = graph.transpose(data, [1, 0, ...axes]);
  } else {
    data = graph.reshape(data, [batch, groups, perGroup, ...cut.size]);
    data = graph.transpose(data, [2, 1, 0, ...axes.map((axis) => axis + 1)]);
    data = graph.reshape(data, [perGroup, groups * batch, ...cut.size]);
  }
  const kernel = graph.transpose(inputs[1], [1, 0, ...axes]);
  const dw = graph.node('Conv', [data, kernel], {
    ...windowAttributes(g.slice(2), dilation, cut.padding),
    dilations: ints(stride),
    group: int(groups),
  });
  // [C/groups, O, …kernel]
  return perGroup === 1 ? graph.reshape(dw, outputAvals[0].shape) : graph.transpose(dw, [1, 0, ...axes]);
};

/** gᵀ [O, N] · x [N, C·K]. */
const weightGradProduct: WeightGradForm = ({ graph }, { inputs, inputAvals: [x, g], outputAvals: [w] }) => {
  const operands = [
    graph.reshape(inputs[1], [g.shape[0], g.shape[1]]),
    graph.reshape(inputs[0], [x.shape[0], sizeOf(x.shape.slice(1))]),
  ];
  return graph.reshape(graph.node('Gemm', operands, { transA: int(1) }), w.shape);
};

/** Bytes of the matrix of all windows above which it is not made: it is kernel-size times the input. */
const LARGEST_MATRIX = 64 << 20;

/** x [N, …size, C] with zeros around, cut to what the windows read; and its size. */
function channelsLast({ graph }: Lowering, call: WeightGradCall): { x: Value; size: readonly number[] } {
  const size = call.inputAvals[0].shape.slice(2);
  const cut = cutNegative(graph, call.inputs[0], size, tightPadding(call));
  const blocked = cut.x === call.inputs[0] ? blockedForm(graph, cut.x) : undefined;
  let x =
    blocked === undefined
      ? graph.transpose(cut.x, [0, ...size.map((_, i) => i + 2), 1])
      : fromBlocked(graph, blocked, call.inputAvals[0].shape[1], true);
  if (cut.padding.some((pair) => pair.some((n) => n > 0))) {
    const pads = [0, ...cut.padding.map((p) => p[0]), 0, 0, ...cut.padding.map((p) => p[1]), 0];
    x = graph.node('Pad', [x, graph.vector(pads)]);
  }
  return { x, size: cut.size.map((n, i) => n + cut.padding[i][0] + cut.padding[i][1]) };
}

/** g [O, N·positions] · the windows as a matrix [N·positions, kernel·C]. Not in groups. */
const weightGradByWindows: WeightGradForm = (lowering, call) => {
  const { graph } = lowering;
  const { attrs, inputs, inputAvals, outputAvals } = call;
  const { stride, dilation, kernelSize } = attrs;
  const [batch, outChannels, ...out] = inputAvals[1].shape;
  const channels = inputAvals[0].shape[1];
  const positions = sizeOf(out);
  const { x } = channelsLast(lowering, call);
  const axes = out.map((_, i) => i + 1);
  const columns = cells(kernelSize).map((tap) => {
    const start = tap.map((n, i) => n * dilation[i]);
    const ends = start.map((n, i) => n + (out[i] - 1) * stride[i] + 1);
    return graph.reshape(graph.slice(x, axes, start, ends, stride), [batch * positions, channels]);
  });
  const windows = columns.length === 1 ? columns[0] : graph.node('Concat', columns, { axis: int(1) });
  const g = graph.transpose(graph.reshape(inputs[1], [batch, outChannels, positions]), [1, 0, 2]);
  const dw = graph.node('MatMul', [graph.reshape(g, [outChannels, batch * positions]), windows]);
  const last = kernelSize.length + 1;
  return graph.reshape(
    graph.transpose(graph.reshape(dw, [outChannels, ...kernelSize, channels]), [0, last, ...axes]),
    outputAvals[0].shape,
  );
};

/** A 1×1 kernel: Σ over images of g [O, positions] · xᵀ [positions, C]. Not in groups, without padding. */
const weightGradByImage: WeightGradForm = ({ graph }, { attrs, inputs, inputAvals, outputAvals }) => {
  const [batch, outChannels, ...out] = inputAvals[1].shape;
  const [, channels, ...size] = inputAvals[0].shape;
  const isWhole = sizeOf(size) === sizeOf(out);
  const x = isWhole
    ? inputs[0]
    : strided(
        graph,
        inputs[0],
        out.map(() => 0),
        out,
        attrs.stride,
      );
  const positions = sizeOf(out);
  const products = graph.node(
    'FusedMatMul',
    [graph.reshape(inputs[1], [batch, outChannels, positions]), graph.reshape(x, [batch, channels, positions])],
    { transB: int(1) },
    { domain: MICROSOFT },
  );
  const dw = graph.node('ReduceSum', [products, graph.vector([0])], { keepdims: int(0) });
  return graph.reshape(dw, outputAvals[0].shape);
};

/** Bytes of the part of a kernel that a blocked convolution works with at a time: they stay in the cache. */
const CACHED_KERNEL = 800 << 10;

/** Bytes of the sums of all groups: they go through memory once more. */
const GROUP_SUMS = 2.5 * (1 << 20);

/** How many images the convolution sums. With a block of them or more it would take its input in blocks. */
function imagesTogether(batch: number, weightSize: number, block: number): number {
  const divisors = Array.from({ length: Math.min(batch, block / 2) }, (_, i) => i + 1).filter((n) => batch % n === 0);
  return divisors.find((n) => (batch / n) * weightSize * 4 <= GROUP_SUMS) ?? divisors[divisors.length - 1];
}

/**
 * A blocked convolution: images are its channels, g, as it is in blocks, its kernel, and the columns of x with their
 * channels side by side its width. `together` images are summed by the convolution itself, in groups; the sums of
 * groups are added. Two axes, no dilation, not in groups.
 */
const weightGradBlocked: WeightGradForm = (lowering, call) => {
  const { graph } = lowering;
  const block = lowering.target.blockSize;
  const { attrs, inputs, inputAvals, outputAvals } = call;
  const [batch, outChannels, height, width] = inputAvals[1].shape;
  const channels = inputAvals[0].shape[1];
  const [kernelHeight, kernelWidth] = attrs.kernelSize;
  const [strideH, strideW] = attrs.stride;
  // Images are the convolution's channels, which come in whole blocks or are fewer than one.
  const images = batch < block ? batch : roundUp(batch, block);
  const withMore = (t: Value): Value =>
    images === batch ? t : graph.node('Pad', [t, graph.vector([0, 0, 0, 0, images - batch, 0, 0, 0])]);
  const { x, size } = channelsLast(lowering, call);
  const image = graph.reshape(withMore(x), [1, images, size[0], size[1] * channels]);

  const padded = roundUp(outChannels, block);
  const blocks = padded / block;
  const together = imagesTogether(images, sizeOf(outputAvals[0].shape), block);
  const groups = images / together;
  let g = withMore(toBlocked(graph, inputs[1], outChannels));
  if (together > 1 && blocks > 1) {
    g = graph.reshape(g, [groups, together, blocks, height * width * block]);
    g = graph.transpose(g, [0, 2, 1, 3]);
  }
  const rowBytes = 4 * width * Math.min(padded, 4 * block);
  const parts = Math.min(height, Math.ceil((height * rowBytes) / CACHED_KERNEL));
  const rows = Math.ceil(height / parts);
  let dw: Value | undefined;
  for (let from = 0; from < height; from += rows) {
    const count = Math.min(rows, height - from);
    let kernel = g;
    let data = image;
    if (count < height) {
      const flat = graph.reshape(g, [groups * blocks * together, height, width * block]);
      kernel = graph.slice(flat, [1], [from], [from + count]);
      const top = from * strideH;
      data = graph.slice(image, [2], [top], [top + (count - 1) * strideH + kernelHeight]);
    }
    dw = blockedConv(
      graph,
      data,
      graph.reshape(kernel, [groups * padded, together, count, width]),
      { kernel: [count, width], dilation: [strideH, strideW * channels], groups },
      dw,
    );
  }
  // [groups, O/B, kernel, C, B]
  const taps = kernelHeight * kernelWidth;
  let sum = graph.reshape(dw!, [groups, padded * taps * channels]);
  if (groups > 1) sum = graph.node('ReduceSum', [sum, graph.vector([0])], { keepdims: int(0) });
  sum = graph.transpose(graph.reshape(sum, [blocks, taps, channels, block]), [0, 2, 1, 3]);
  return graph.reshape(
    fromBlocked(graph, graph.reshape(sum, [1, padded, channels, taps]), outChannels),
    outputAvals[0].shape,
  );
};

export function chooseWeightGrad({ target }: Lowering, call: WeightGradCall): WeightGradForm {
  const { attrs, inputAvals } = call;
  const [x, g] = inputAvals.map((aval) => aval.shape);
  const { groups, dilation, stride, kernelSize } = attrs;
  if (coversInput(attrs, x.slice(2), kernelSize)) return weightGradProduct;
  if (groups > 1) return weightGradByConv;
  const isPoint = kernelSize.every((n) => n === 1) && attrs.padding.every((pair) => pair.every((n) => n === 0));
  if (isPoint) return target.provider === 'webgpu' ? weightGradByWindows : weightGradByImage;
  const out = g.slice(2);
  const isSparse = stride.some((n) => n > 1) && sizeOf(out) <= 14 * 14 && x[1] >= 128;
  // Images are the channels of the blocked convolution, which takes fewer than a block, or whole blocks.
  const isWhole = x[0] < target.blockSize || x[0] % target.blockSize === 0;
  if (target.blockSize > 1 && isWhole && kernelSize.length === 2 && dilation.every((n) => n === 1) && !isSparse) {
    return weightGradBlocked;
  }
  // A matrix with few columns is slow to make, a large one takes memory.
  const isLarge = 4 * x[0] * sizeOf(out) * x[1] * sizeOf(kernelSize) > LARGEST_MATRIX;
  return x[1] < 16 || isLarge ? weightGradByConv : weightGradByWindows;
}
