/**
 * Convolution and its two gradients, in one to three spatial axes.
 *
 * The input is unfolded block by block (im2col): a column for each output position, a row for each (channel, kernel
 * cell), so that all three are matrix products. With W the weights as a matrix [O, C·K], X the columns, G the gradient:
 *
 *     y = W·X        gradient to W = G·Xᵀ        gradient to X = Wᵀ·G, folded back by adding (col2im)
 *
 * A block spans images where they have few positions (a 5×5 kernel on a 5×5 map has one).
 */
import type { TypedArray } from '../../dtype.js';
import { blockStride, evenRows, multiplyBlock, multiplyBlockTransposed, packRowPairs, wholeTiles } from './gemm.js';
import { type HostCall, type KernelTable, scratch } from './kernel.js';

/** One convolution, with one and two spatial axes seen as three. */
interface Geometry {
  readonly batch: number;
  /** Per group. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly inSize: readonly number[];
  readonly outSize: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Before; what is after only shapes the output. */
  readonly padding: readonly number[];
  /** Input cells, output positions and kernel cells of a channel. */
  readonly inCells: number;
  readonly positions: number;
  readonly kernelCells: number;
  /** Rows of the unfolded input. */
  readonly rows: number;
}

const product = (sizes: readonly number[]): number => sizes.reduce((p, n) => p * n, 1);
const three = (sizes: readonly number[], fill: number): number[] => [
  ...new Array<number>(3 - sizes.length).fill(fill),
  ...sizes,
];

function geometry(
  attrs: HostCall['attrs'],
  x: readonly number[],
  w: readonly number[],
  y: readonly number[],
): Geometry {
  const groups = attrs.groups as number;
  const inSize = three(x.slice(2), 1);
  const outSize = three(y.slice(2), 1);
  const kernel = three(w.slice(2), 1);
  const kernelCells = product(kernel);
  return {
    batch: x[0],
    inChannels: w[1],
    outChannels: w[0] / groups,
    groups,
    inSize,
    outSize,
    kernel,
    stride: three(attrs.stride as readonly number[], 1),
    dilation: three(attrs.dilation as readonly number[], 1),
    padding: three(
      (attrs.padding as readonly (readonly number[])[]).map((p) => p[0]),
      0,
    ),
    inCells: product(inSize),
    positions: product(outSize),
    kernelCells,
    rows: w[1] * kernelCells,
  };
}

// 32,768 doubles: an unfolded block stays in the second-level cache.
const BLOCK = 32768;

/** Columns a block: what fits the cache, in equal parts. */
function blockColumns(total: number, rows: number): number {
  const most = Math.min(256, Math.max(32, Math.floor(BLOCK / rows)));
  return wholeTiles(Math.ceil(total / Math.ceil(total / most)));
}

/** A piece of a block: `length` neighbouring output positions of one image. */
interface Piece {
  image: number;
  od: number;
  oh: number;
  ow: number;
  /** Flat, in the output plane. */
  position: number;
  length: number;
}

/** The piece at `start` (numbered through the batch) that ends with its output row, its image, or after `most`. */
function pieceAt(g: Geometry, start: number, most: number, within: 'row' | 'image'): Piece {
  const [, height, width] = g.outSize;
  const position = start % g.positions;
  const ow = position % width;
  const row = (position - ow) / width;
  const left = within === 'row' ? width - ow : g.positions - position;
  return {
    image: (start - position) / g.positions,
    od: Math.floor(row / height),
    oh: row % height,
    ow,
    position,
    length: Math.min(left, most),
  };
}

/**
 * im2col: fills `block` with the cells of group `group` that each output position sees, from `start` on; padding
 * reads 0.
 */
function unfold(
  g: Geometry,
  group: number,
  x: TypedArray,
  start: number,
  count: number,
  block: Float64Array,
  ld: number,
): void {
  const [inDepth, inHeight, inWidth] = g.inSize;
  const [kernelDepth, kernelHeight, kernelWidth] = g.kernel;
  const [strideD, strideH, strideW] = g.stride;
  const [dilationD, dilationH, dilationW] = g.dilation;
  const [padD, padH, padW] = g.padding;
  for (let column = 0; column < count;) {
    const { image, od, oh, ow, length } = pieceAt(g, start + column, count - column, 'row');
    const first = ow * strideW - padW;
    let channel = (image * g.groups + group) * g.inChannels * g.inCells;
    let to = column;
    for (let c = 0; c < g.inChannels; c++, channel += g.inCells) {
      for (let kd = 0; kd < kernelDepth; kd++) {
        const id = od * strideD - padD + kd * dilationD;
        for (let kh = 0; kh < kernelHeight; kh++) {
          const ih = oh * strideH - padH + kh * dilationH;
          const inside = id >= 0 && id < inDepth && ih >= 0 && ih < inHeight;
          const row = channel + (id * inHeight + ih) * inWidth;
          for (let kw = 0; kw < kernelWidth; kw++, to += ld) {
            const iw = first + kw * dilationW;
            if (!inside) block.fill(0, to, to + length);
            else if (iw >= 0 && iw + (length - 1) * strideW < inWidth) {
              readSpan(block, to, x, row + iw, strideW, length);
            } else {
              for (let i = 0, at = iw; i < length; i++, at += strideW) {
                block[to + i] = at >= 0 && at < inWidth ? x[row + at] : 0;
              }
            }
          }
        }
      }
    }
    column += length;
  }
}

function readSpan(block: Float64Array, to: number, x: TypedArray, from: number, stride: number, length: number): void {
  for (let i = 0; i < length; i++, from += stride) block[to + i] = x[from];
}

/** col2im: adds each cell of `block` to the input cell it was read from, of images counted from `firstImage`. */
function fold(
  g: Geometry,
  block: Float64Array,
  ld: number,
  start: number,
  count: number,
  images: Float64Array,
  firstImage: number,
): void {
  const [inDepth, inHeight, inWidth] = g.inSize;
  const [kernelDepth, kernelHeight, kernelWidth] = g.kernel;
  const [strideD, strideH, strideW] = g.stride;
  const [dilationD, dilationH, dilationW] = g.dilation;
  const [padD, padH, padW] = g.padding;
  for (let column = 0; column < count;) {
    const { image, od, oh, ow, length } = pieceAt(g, start + column, count - column, 'row');
    const first = ow * strideW - padW;
    let channel = (image - firstImage) * g.inChannels * g.inCells;
    let from = column;
    for (let c = 0; c < g.inChannels; c++, channel += g.inCells) {
      for (let kd = 0; kd < kernelDepth; kd++) {
        const id = od * strideD - padD + kd * dilationD;
        for (let kh = 0; kh < kernelHeight; kh++) {
          const ih = oh * strideH - padH + kh * dilationH;
          const inside = id >= 0 && id < inDepth && ih >= 0 && ih < inHeight;
          const row = channel + (id * inHeight + ih) * inWidth;
          for (let kw = 0; kw < kernelWidth; kw++, from += ld) {
            if (!inside) continue;
            const iw = first + kw * dilationW;
            if (iw >= 0 && iw + (length - 1) * strideW < inWidth) {
              addSpan(images, row + iw, strideW, block, from, length);
            } else {
              for (let i = 0, at = iw; i < length; i++, at += strideW) {
                if (at >= 0 && at < inWidth) images[row + at] += block[from + i];
              }
            }
          }
        }
      }
    }
    column += length;
  }
}

function addSpan(
  images: Float64Array,
  to: number,
  stride: number,
  block: Float64Array,
  from: number,
  length: number,
): void {
  for (let i = 0; i < length; i++, to += stride) images[to] += block[from + i];
}

/** Copies the positions of a block of an output-shaped array: a row for each output channel of the group. */
function readOutput(
  g: Geometry,
  group: number,
  y: TypedArray,
  start: number,
  count: number,
  block: Float64Array,
  ld: number,
): void {
  for (let column = 0; column < count;) {
    const { image, position, length } = pieceAt(g, start + column, count - column, 'image');
    let from = (image * g.groups + group) * g.outChannels * g.positions + position;
    for (let o = 0; o < g.outChannels; o++, from += g.positions) {
      const to = o * ld + column;
      for (let i = 0; i < length; i++) block[to + i] = y[from + i];
    }
    column += length;
  }
}

function writeOutput(
  g: Geometry,
  group: number,
  y: TypedArray,
  start: number,
  count: number,
  block: Float64Array,
  ld: number,
): void {
  for (let column = 0; column < count;) {
    const { image, position, length } = pieceAt(g, start + column, count - column, 'image');
    let to = (image * g.groups + group) * g.outChannels * g.positions + position;
    for (let o = 0; o < g.outChannels; o++, to += g.positions) {
      const from = o * ld + column;
      for (let i = 0; i < length; i++) y[to + i] = block[from + i];
    }
    column += length;
  }
}

function conv({ inputs: [x, w], inputAvals, outputs: [y], outputAvals, attrs }: HostCall): void {
  const g = geometry(attrs, inputAvals[0].shape, inputAvals[1].shape, outputAvals[0].shape);
  if (y.length === 0) return;
  const total = g.batch * g.positions;
  const columns = blockColumns(total, g.rows);
  const ld = blockStride(columns);
  const weights = scratch('conv.weights', evenRows(g.outChannels) * g.rows);
  const unfolded = scratch('conv.unfolded', g.rows * ld);
  const result = scratch('conv.output', evenRows(g.outChannels) * ld);
  for (let group = 0; group < g.groups; group++) {
    packRowPairs(weights, g.outChannels, g.rows, w, group * g.outChannels * g.rows, g.rows, 1);
    for (let start = 0; start < total; start += columns) {
      const count = Math.min(columns, total - start);
      unfold(g, group, x, start, count, unfolded, ld);
      result.fill(0, 0, evenRows(g.outChannels) * ld);
      multiplyBlock(g.outChannels, count, g.rows, weights, unfolded, ld, result, ld);
      writeOutput(g, group, y, start, count, result, ld);
    }
  }
}

function convWeightGrad({ inputs: [x, gradient], inputAvals, outputs: [dw], outputAvals, attrs }: HostCall): void {
  const g = geometry(attrs, inputAvals[0].shape, outputAvals[0].shape, inputAvals[1].shape);
  const total = g.batch * g.positions;
  const columns = blockColumns(Math.max(1, total), g.rows);
  const ld = blockStride(columns);
  // The tiles of the product may read, never use, up to three rows past the end.
  const unfolded = scratch('conv.unfolded', wholeTiles(g.rows) * ld);
  const outputs = scratch('conv.output', evenRows(g.outChannels) * ld);
  const ldw = wholeTiles(g.rows);
  const sums = scratch('conv.weights', evenRows(g.outChannels) * ldw);
  for (let group = 0; group < g.groups; group++) {
    sums.fill(0, 0, evenRows(g.outChannels) * ldw);
    for (let start = 0; start < total; start += columns) {
      const count = Math.min(columns, total - start);
      unfold(g, group, x, start, count, unfolded, ld);
      readOutput(g, group, gradient, start, count, outputs, ld);
      multiplyBlockTransposed(g.outChannels, g.rows, count, outputs, ld, unfolded, ld, sums, ldw);
    }
    for (let o = 0; o < g.outChannels; o++) {
      const to = (group * g.outChannels + o) * g.rows;
      for (let r = 0; r < g.rows; r++) dw[to + r] = sums[o * ldw + r];
    }
  }
}

function convInputGrad({ inputs: [gradient, w], inputAvals, outputs: [dx], outputAvals, attrs }: HostCall): void {
  const g = geometry(attrs, outputAvals[0].shape, inputAvals[1].shape, inputAvals[0].shape);
  if (gradient.length === 0 || dx.length === 0) {
    dx.fill(0);
    return;
  }
  // Whole images at a time: their cells are summed in double precision before they are written.
  const most = blockColumns(g.positions, g.rows);
  const perChunk = Math.min(g.batch, Math.max(1, Math.floor(64 / g.positions)));
  const columns = perChunk === 1 ? most : wholeTiles(perChunk * g.positions);
  const ld = blockStride(columns);
  const imageCells = g.inChannels * g.inCells;
  const transposed = scratch('conv.weights', evenRows(g.rows) * g.outChannels);
  const outputs = scratch('conv.output', g.outChannels * ld);
  const unfolded = scratch('conv.unfolded', evenRows(g.rows) * ld);
  const images = scratch('conv.images', perChunk * imageCells);
  for (let group = 0; group < g.groups; group++) {
    packRowPairs(transposed, g.rows, g.outChannels, w, group * g.outChannels * g.rows, 1, g.rows);
    for (let first = 0; first < g.batch; first += perChunk) {
      const chunk = Math.min(perChunk, g.batch - first);
      const end = (first + chunk) * g.positions;
      images.fill(0, 0, chunk * imageCells);
      for (let start = first * g.positions; start < end; start += columns) {
        const count = Math.min(columns, end - start);
        readOutput(g, group, gradient, start, count, outputs, ld);
        unfolded.fill(0, 0, evenRows(g.rows) * ld);
        multiplyBlock(g.rows, count, g.outChannels, transposed, outputs, ld, unfolded, ld);
        fold(g, unfolded, ld, start, count, images, first);
      }
      for (let n = 0; n < chunk; n++) {
        const to = ((first + n) * g.groups + group) * imageCells;
        const from = n * imageCells;
        for (let i = 0; i < imageCells; i++) dx[to + i] = images[from + i];
      }
    }
  }
}

export const convKernels: KernelTable = { conv, convInputGrad, convWeightGrad };
