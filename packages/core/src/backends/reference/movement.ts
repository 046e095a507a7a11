/**
 * Ops that only move elements: all are copies from one strided layout to another.
 */
import type { TypedArray } from '../../dtype.js';
import { OutOfRangeError } from '../../errors.js';
import { type Shape, sizeOf, stridesOf } from '../../shape.js';
import { type HostCall, type KernelTable, splitAt } from './kernel.js';
import { broadcastStrides, collapse, eachRow } from './strided.js';

/** `y[yi + i·ys] = x[xi + i·xs]` over `shape`, with a stride for each axis. */
function copyStrided(
  shape: Shape,
  y: TypedArray,
  yStart: number,
  yStrides: readonly number[],
  x: TypedArray,
  xStart: number,
  xStrides: readonly number[],
): void {
  const walk = collapse(shape, [yStrides, xStrides]);
  const last = walk.shape.length - 1;
  const n = walk.shape[last];
  const [ys, xs] = walk.strides.map((s) => s[last]);
  const contiguous = ys === 1 && xs === 1 && n >= 32;
  eachRow(walk, [yStart, xStart], (at) => {
    if (contiguous) y.set(x.subarray(at[1], at[1] + n), at[0]);
    else copyRow(n, y, at[0], ys, x, at[1], xs);
  });
}

function copyRow(n: number, y: TypedArray, yi: number, ys: number, x: TypedArray, xi: number, xs: number): void {
  for (let i = 0; i < n; i++, yi += ys, xi += xs) y[yi] = x[xi];
}

function permute({ inputs: [x], inputAvals, outputs: [y], outputAvals, attrs }: HostCall): void {
  const strides = stridesOf(inputAvals[0].shape);
  const shape = outputAvals[0].shape;
  const xStrides = (attrs.dims as readonly number[]).map((d) => strides[d]);
  copyStrided(shape, y, 0, stridesOf(shape), x, 0, xStrides);
}

function expand({ inputs: [x], inputAvals, outputs: [y], outputAvals }: HostCall): void {
  const shape = outputAvals[0].shape;
  copyStrided(shape, y, 0, stridesOf(shape), x, 0, broadcastStrides(inputAvals[0].shape, shape));
}

function pad({ inputs: [x, value], inputAvals, outputs: [y], outputAvals, attrs }: HostCall): void {
  y.fill(value[0]);
  const strides = stridesOf(outputAvals[0].shape);
  const pads = attrs.pads as readonly (readonly number[])[];
  const start = pads.reduce((offset, [before], axis) => offset + before * strides[axis], 0);
  const shape = inputAvals[0].shape;
  copyStrided(shape, y, start, strides, x, 0, stridesOf(shape));
}

function flip({ inputs: [x], inputAvals, outputs: [y], attrs }: HostCall): void {
  const shape = inputAvals[0].shape;
  const strides = stridesOf(shape);
  const from = [...strides];
  let start = 0;
  for (const d of attrs.dims as readonly number[]) {
    start += (shape[d] - 1) * strides[d];
    from[d] = -strides[d];
  }
  copyStrided(shape, y, 0, strides, x, start, from);
}

/** Where a slice starts in an array of `shape`; throws where it leaves the axis. */
function sliceStart(op: string, shape: Shape, start: number, length: number, attrs: HostCall['attrs']): number {
  const dim = attrs.dim as number;
  const step = attrs.step as number;
  const size = shape[dim];
  if (start < 0 || (length > 0 && start + (length - 1) * step >= size)) {
    throw new OutOfRangeError(
      `${op}: start ${start} with ${length} elements, ${step} apart, leaves axis ${dim} of size ${size}`,
    );
  }
  return start * stridesOf(shape)[dim];
}

const slicedStrides = (shape: Shape, attrs: HostCall['attrs']): number[] =>
  stridesOf(shape).map((stride, axis) => (axis === attrs.dim ? stride * (attrs.step as number) : stride));

function narrow({ inputs: [x, start], inputAvals, outputs: [y], outputAvals, attrs }: HostCall): void {
  const shape = outputAvals[0].shape;
  const from = inputAvals[0].shape;
  const offset = sliceStart('narrow', from, start[0], shape[attrs.dim as number], attrs);
  copyStrided(shape, y, 0, stridesOf(shape), x, offset, slicedStrides(from, attrs));
}

function sliceScatter({ inputs: [base, source, start], inputAvals, outputs: [y], outputAvals, attrs }: HostCall): void {
  const shape = inputAvals[1].shape;
  const to = outputAvals[0].shape;
  const offset = sliceStart('sliceScatter', to, start[0], shape[attrs.dim as number], attrs);
  y.set(base);
  copyStrided(shape, y, offset, slicedStrides(to, attrs), source, 0, stridesOf(shape));
}

function cat({ inputs, inputAvals, outputs: [y], outputAvals, attrs }: HostCall): void {
  const dim = attrs.dim as number;
  const { inner } = splitAt(outputAvals[0].shape, dim);
  const strides = stridesOf(outputAvals[0].shape);
  let start = 0;
  inputs.forEach((x, i) => {
    const shape = inputAvals[i].shape;
    if (sizeOf(shape) > 0) copyStrided(shape, y, start, strides, x, 0, stridesOf(shape));
    start += shape[dim] * inner;
  });
}

export const movementKernels: KernelTable = {
  reshape: ({ inputs, outputs }) => outputs[0].set(inputs[0]),
  permute,
  expand,
  pad,
  flip,
  narrow,
  sliceScatter,
  cat,
};
