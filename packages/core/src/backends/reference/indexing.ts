/**
 * Ops that pick and place elements by index. An index outside its axis throws.
 */
import { OutOfRangeError } from '../../errors.js';
import { stridesOf } from '../../shape.js';
import { type HostCall, type KernelTable, splitAt } from './kernel.js';
import { collapse, eachRow } from './strided.js';

function checkIndex(op: string, index: number, size: number, dim: number): void {
  if (index < 0 || index >= size) {
    throw new OutOfRangeError(`${op}: index ${index} is out of range for axis ${dim} of size ${size}`);
  }
}

/** For each element of `index`: its own position, and the one that it names in the array of `shape`. */
function eachIndexed(
  op: string,
  index: HostCall['inputs'][number],
  indexShape: readonly number[],
  shape: readonly number[],
  dim: number,
  visit: (position: number, named: number) => void,
): void {
  const own = stridesOf(indexShape);
  const strides = stridesOf(shape);
  const along = strides[dim];
  const size = shape[dim];
  const walk = collapse(indexShape, [own, strides.map((stride, axis) => (axis === dim ? 0 : stride))]);
  const last = walk.shape.length - 1;
  const n = walk.shape[last];
  const step = walk.strides[1][last];
  eachRow(walk, [0, 0], ([position, base]) => {
    for (let i = 0; i < n; i++) {
      const k = index[position + i];
      checkIndex(op, k, size, dim);
      visit(position + i, base + i * step + k * along);
    }
  });
}

function gather({ inputs: [x, index], inputAvals, outputs: [y], attrs }: HostCall): void {
  const dim = attrs.dim as number;
  eachIndexed('gather', index, inputAvals[1].shape, inputAvals[0].shape, dim, (position, named) => {
    y[position] = x[named];
  });
}

function scatterAdd({ inputs: [base, index, source], inputAvals, outputs: [y], attrs }: HostCall): void {
  y.set(base);
  const sourceShape = inputAvals[2].shape;
  const indexShape = inputAvals[1].shape;
  const shape = inputAvals[0].shape;
  if (indexShape.some((n, axis) => n !== sourceShape[axis])) {
    // PyTorch lets `src` be larger than `index`: then its own positions are needed too.
    const strides = stridesOf(sourceShape);
    const own = stridesOf(indexShape);
    eachIndexed('scatterAdd', index, indexShape, shape, attrs.dim as number, (position, named) => {
      let from = 0;
      for (let axis = 0, rest = position; axis < own.length; axis++) {
        from += Math.floor(rest / own[axis]) * strides[axis];
        rest %= own[axis];
      }
      y[named] += source[from];
    });
    return;
  }
  eachIndexed('scatterAdd', index, indexShape, shape, attrs.dim as number, (position, named) => {
    y[named] += source[position];
  });
}

function indexSelect({ inputs: [x, index], inputAvals, outputs: [y], attrs }: HostCall): void {
  const dim = attrs.dim as number;
  const { outer, size, inner } = splitAt(inputAvals[0].shape, dim);
  const n = index.length;
  for (let k = 0; k < n; k++) {
    checkIndex('indexSelect', index[k], size, dim);
    for (let o = 0; o < outer; o++) {
      const from = (o * size + index[k]) * inner;
      const to = (o * n + k) * inner;
      for (let i = 0; i < inner; i++) y[to + i] = x[from + i];
    }
  }
}

function indexAdd({ inputs: [base, index, source], inputAvals, outputs: [y], attrs }: HostCall): void {
  y.set(base);
  const dim = attrs.dim as number;
  const { outer, size, inner } = splitAt(inputAvals[0].shape, dim);
  const n = index.length;
  for (let k = 0; k < n; k++) {
    checkIndex('indexAdd', index[k], size, dim);
    for (let o = 0; o < outer; o++) {
      const to = (o * size + index[k]) * inner;
      const from = (o * n + k) * inner;
      for (let i = 0; i < inner; i++) y[to + i] += source[from + i];
    }
  }
}

function sort({ inputs: [x], inputAvals, outputs: [values, indices], attrs }: HostCall): void {
  const { outer, size, inner } = splitAt(inputAvals[0].shape, attrs.dim as number);
  const lane = new Float64Array(size);
  const order = new Int32Array(size);
  const direction = attrs.descending ? -1 : 1;
  // NaN is the largest. Equal ones compare as 0: the sort of the language is stable.
  const compare = (i: number, j: number): number => {
    const a = lane[i];
    const b = lane[j];
    if (a < b) return -direction;
    if (a > b) return direction;
    return a === b ? 0 : (Number(a !== a) - Number(b !== b)) * direction;
  };
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const start = o * size * inner + i;
      for (let k = 0; k < size; k++) {
        lane[k] = x[start + k * inner];
        order[k] = k;
      }
      order.sort(compare);
      for (let k = 0; k < size; k++) {
        values[start + k * inner] = lane[order[k]];
        indices[start + k * inner] = order[k];
      }
    }
  }
}

export const indexingKernels: KernelTable = { gather, scatterAdd, indexSelect, indexAdd, sort };
