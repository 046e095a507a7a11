/**
 * Printing tensors as PyTorch does (4 digits, summaries past 1,000 elements) and nesting flat arrays.
 */
import type { TypedArray } from '../dtype.js';
import { formatAval, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from './tensor.js';

export type Nested = number | boolean | Nested[];

/** A flat row-major array as nested arrays. */
export function nest(data: ArrayLike<number>, shape: Shape, asBoolean = false): Nested {
  let offset = 0;
  const build = (axis: number): Nested => {
    if (axis === shape.length) return asBoolean ? data[offset++] !== 0 : data[offset++]!;
    return Array.from({ length: shape[axis]! }, () => build(axis + 1));
  };
  return build(0);
}

const EDGE = 3;
const THRESHOLD = 1000;

/** Element indices along an axis that are printed; -1 stands for the dots. */
function shown(length: number, summarize: boolean): number[] {
  if (!summarize || length <= 2 * EDGE) return Array.from({ length }, (_, i) => i);
  return [0, 1, 2, -1, length - 3, length - 2, length - 1];
}

function formatter(values: readonly number[], tensor: Tensor): (v: number) => string {
  if (tensor.dtype === 'bool') return (v) => (v ? ' True' : 'False');
  if (tensor.dtype === 'int32') {
    const width = Math.max(...values.map((v) => String(v).length), 1);
    return (v) => String(v).padStart(width);
  }
  const finite = values.filter((v) => Number.isFinite(v));
  const nonzero = finite.map(Math.abs).filter((v) => v > 0);
  const special = (v: number): string => (Number.isNaN(v) ? 'nan' : v > 0 ? 'inf' : '-inf');
  const max = Math.max(...nonzero, 0);
  const min = Math.min(...nonzero, Infinity);
  const whole = finite.every((v) => v === Math.ceil(v));
  let one: (v: number) => string;
  if (
    nonzero.length > 0 &&
    (max / min > 1000 || max > 1e8 || min < 1e-4) &&
    !(whole && max <= 1e8 && max / min <= 1000)
  ) {
    one = (v) => v.toExponential(4).replace(/e([+-])(\d)$/, 'e$10$2');
  } else if (whole) {
    one = (v) => `${v.toFixed(0)}.`;
  } else {
    one = (v) => v.toFixed(4);
  }
  const print = (v: number): string => (Number.isFinite(v) ? one(v) : special(v));
  const width = Math.max(...values.map((v) => print(v).length), 1);
  return (v) => print(v).padStart(width);
}

/** The numbers of a tensor, as PyTorch prints them. */
export function formatData(tensor: Tensor, data: TypedArray): string {
  const { shape } = tensor;
  const summarize = sizeOf(shape) > THRESHOLD;
  const visible: number[] = [];
  const gather = (axis: number, offset: number): void => {
    if (axis === shape.length) {
      visible.push(data[offset]!);
      return;
    }
    const step = sizeOf(shape.slice(axis + 1));
    for (const i of shown(shape[axis]!, summarize)) if (i >= 0) gather(axis + 1, offset + i * step);
  };
  gather(0, 0);
  const format = formatter(visible, tensor);
  const render = (axis: number, offset: number, indent: number): string => {
    if (axis === shape.length) return shape.length === 0 ? format(data[offset]!).trim() : format(data[offset]!);
    const step = sizeOf(shape.slice(axis + 1));
    const parts = shown(shape[axis]!, summarize).map((i) =>
      i < 0 ? '...' : render(axis + 1, offset + i * step, indent + 1),
    );
    const inner = shape.length - axis - 1;
    const separator = inner === 0 ? ', ' : `,${'\n'.repeat(inner)}${' '.repeat(indent + 1)}`;
    return `[${parts.join(separator)}]`;
  };
  return render(0, 0, 'tensor('.length - 0);
}

/** `tensor([...])` when the numbers are on the host, else what is known. */
export function formatTensor(tensor: Tensor): string {
  const value = tensor._resolve();
  const data = value._storage?.hostData() ?? null;
  const notes: string[] = [];
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'bool') notes.push(`dtype=${tensor.dtype}`);
  const recipe = tensor._requiresGrad ? tensor._recipe : null;
  if (recipe) notes.push(`gradFn=<${recipe.op.name}>`);
  else if (tensor._requiresGrad) notes.push('requiresGrad=true');
  if (data === null) {
    const how = value._recipe ? ` = ${value._recipe.op.name}(…)` : '';
    return `tensor(${[formatAval(tensor) + how, 'not on the host: read it with await', ...notes].join(', ')})`;
  }
  return `tensor(${[formatData(tensor, data), ...notes].join(', ')})`;
}
