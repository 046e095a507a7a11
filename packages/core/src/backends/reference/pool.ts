/**
 * Max and average pooling with their gradients, in one to three spatial axes (seen as three).
 */
import type { Attrs } from '../../program/program.js';
import { type HostCall, type KernelTable, scratch } from './kernel.js';

interface Geometry {
  /** Images times channels. */
  readonly planes: number;
  readonly inSize: readonly number[];
  readonly outSize: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly dilation: readonly number[];
}

function three(sizes: readonly number[], fill: number): number[] {
  return [...new Array<number>(3 - sizes.length).fill(fill), ...sizes];
}

function geometry(attrs: Attrs, x: readonly number[], y: readonly number[]): Geometry {
  const padding = attrs.padding as readonly (readonly number[])[];
  return {
    planes: x[0] * x[1],
    inSize: three(x.slice(2), 1),
    outSize: three(y.slice(2), 1),
    kernel: three(attrs.kernel as readonly number[], 1),
    stride: three(attrs.stride as readonly number[], 1),
    before: three(
      padding.map((p) => p[0]),
      0,
    ),
    after: three(
      padding.map((p) => p[1]),
      0,
    ),
    dilation: three((attrs.dilation as readonly number[] | undefined) ?? [], 1),
  };
}

/** The cells of an axis that each window has inside the input: the first, and one past the last. */
function windows(g: Geometry, axis: number): { first: Int32Array; end: Int32Array } {
  const count = g.outSize[axis];
  const first = new Int32Array(count);
  const end = new Int32Array(count);
  const dilation = g.dilation[axis];
  for (let i = 0; i < count; i++) {
    const start = i * g.stride[axis] - g.before[axis];
    first[i] = start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;
    end[i] = Math.min(start + (g.kernel[axis] - 1) * dilation + 1, g.inSize[axis]);
  }
  return { first, end };
}

function maxPool({ inputs: [x], inputAvals, outputs: [values, indices], outputAvals, attrs }: HostCall): void {
  const g = geometry(attrs, inputAvals[0].shape, outputAvals[0].shape);
  const [depth, height, width] = g.inSize;
  const [outDepth, outHeight, outWidth] = g.outSize;
  const [dilationD, dilationH, dilationW] = g.dilation;
  const [d, h, w] = [windows(g, 0), windows(g, 1), windows(g, 2)];
  let to = 0;
  for (let plane = 0; plane < g.planes; plane++) {
    const base = plane * depth * height * width;
    for (let od = 0; od < outDepth; od++) {
      const [firstD, endD] = [d.first[od], d.end[od]];
      for (let oh = 0; oh < outHeight; oh++) {
        const [firstH, endH] = [h.first[oh], h.end[oh]];
        for (let ow = 0; ow < outWidth; ow++, to++) {
          const firstW = w.first[ow];
          const endW = w.end[ow];
          let best = -Infinity;
          let index = -1;
          for (let id = firstD; id < endD; id += dilationD) {
            for (let ih = firstH; ih < endH; ih += dilationH) {
              const row = (id * height + ih) * width;
              for (let iw = firstW; iw < endW; iw += dilationW) {
                const value = x[base + row + iw];
                // The first cell counts even if it is −∞; of several NaN the last, as PyTorch.
                if (value > best || value !== value || index < 0) {
                  best = value;
                  index = row + iw;
                }
              }
            }
          }
          values[to] = best;
          // A window that sees padding alone: −∞ from nowhere.
          indices[to] = index < 0 ? 0 : index;
        }
      }
    }
  }
}

function maxPoolGrad({ inputs: [gradient, indices], inputAvals, outputs: [dx], attrs }: HostCall): void {
  dx.fill(0);
  const [batch, channels] = inputAvals[0].shape;
  const cells = (attrs.inputSize as readonly number[]).reduce((p, n) => p * n, 1);
  const planes = batch * channels;
  const positions = planes === 0 ? 0 : gradient.length / planes;
  for (let plane = 0, at = 0; plane < planes; plane++) {
    const base = plane * cells;
    for (let i = 0; i < positions; i++, at++) dx[base + indices[at]] += gradient[at];
  }
}

/**
 * One over the divisor of each output position. PyTorch's rule: padding counts if `countIncludePad`, cells that only
 * ceil mode reaches (`ceilExtra`, beyond the padding) never do; a fixed `divisor` overrides.
 */
function averageScale(g: Geometry, attrs: Attrs): Float64Array {
  const [outDepth, outHeight, outWidth] = g.outSize;
  const scale = new Float64Array(outDepth * outHeight * outWidth);
  const divisor = attrs.divisor as number | null;
  const counted = [0, 1, 2].map((axis) => {
    const { first, end } = windows(g, axis);
    return Array.from(first, (from, i) => {
      if (!attrs.countIncludePad) return Math.max(0, end[i] - from);
      const start = i * g.stride[axis] - g.before[axis];
      return Math.min(start + g.kernel[axis], g.inSize[axis] + g.after[axis]) - start;
    });
  });
  let at = 0;
  for (let od = 0; od < outDepth; od++) {
    for (let oh = 0; oh < outHeight; oh++) {
      for (let ow = 0; ow < outWidth; ow++) {
        const count = divisor ?? counted[0][od] * counted[1][oh] * counted[2][ow];
        scale[at++] = count === 0 ? 0 : 1 / count;
      }
    }
  }
  return scale;
}

function avgPool({ inputs: [x], inputAvals, outputs: [y], outputAvals, attrs }: HostCall): void {
  const g = geometry(attrs, inputAvals[0].shape, outputAvals[0].shape);
  const [depth, height, width] = g.inSize;
  const [outDepth, outHeight, outWidth] = g.outSize;
  const [d, h, w] = [windows(g, 0), windows(g, 1), windows(g, 2)];
  const scale = averageScale(g, attrs);
  let to = 0;
  for (let plane = 0; plane < g.planes; plane++) {
    const base = plane * depth * height * width;
    let position = 0;
    for (let od = 0; od < outDepth; od++) {
      for (let oh = 0; oh < outHeight; oh++) {
        for (let ow = 0; ow < outWidth; ow++) {
          let total = 0;
          for (let id = d.first[od]; id < d.end[od]; id++) {
            for (let ih = h.first[oh]; ih < h.end[oh]; ih++) {
              const row = base + (id * height + ih) * width;
              for (let iw = w.first[ow]; iw < w.end[ow]; iw++) total += x[row + iw];
            }
          }
          y[to++] = total * scale[position++];
        }
      }
    }
  }
}

function avgPoolGrad({ inputs: [gradient], inputAvals, outputs: [dx], outputAvals, attrs }: HostCall): void {
  const g = geometry(attrs, outputAvals[0].shape, inputAvals[0].shape);
  const [depth, height, width] = g.inSize;
  const [outDepth, outHeight, outWidth] = g.outSize;
  const [d, h, w] = [windows(g, 0), windows(g, 1), windows(g, 2)];
  const scale = averageScale(g, attrs);
  const cells = depth * height * width;
  const sums = scratch('pool', cells); // overlapping windows add in double precision
  let from = 0;
  for (let plane = 0; plane < g.planes; plane++) {
    sums.fill(0, 0, cells);
    let position = 0;
    for (let od = 0; od < outDepth; od++) {
      for (let oh = 0; oh < outHeight; oh++) {
        for (let ow = 0; ow < outWidth; ow++) {
          const share = gradient[from++] * scale[position++];
          for (let id = d.first[od]; id < d.end[od]; id++) {
            for (let ih = h.first[oh]; ih < h.end[oh]; ih++) {
              const row = (id * height + ih) * width;
              for (let iw = w.first[ow]; iw < w.end[ow]; iw++) sums[row + iw] += share;
            }
          }
        }
      }
    }
    const base = plane * cells;
    for (let i = 0; i < cells; i++) dx[base + i] = sums[i];
  }
}

export const poolKernels: KernelTable = { maxPool, maxPoolGrad, avgPool, avgPoolGrad };
