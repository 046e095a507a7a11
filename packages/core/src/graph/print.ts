/**
 * Printing tensors as PyTorch does (4 digits, summaries past 1,000 elements) and nesting flat arrays.
 */
import type { DType } from '../dtype.js';
import { formatAval, sizeOf, stridesOf, type Aval, type Shape } from '../shape.js';
import type { Tensor } from './tensor.js';

export type Nested = number | boolean | Nested[];

/** A flat row-major array as nested arrays. */
export function nest(data: ArrayLike<number>, shape: Shape, asBoolean = false): Nested {
  let offset = 0;
  const build = (axis: number): Nested => {
    if (axis === shape.length) return asBoolean ? data[offset++] !== 0 : data[offset++];
    return Array.from({ length: shape[axis] }, () => build(axis + 1));
  };
  return build(0);
}

// PyTorch's defaults: torch.set_printoptions.
const PRECISION = 4;
const EDGE_ITEMS = 3;
const THRESHOLD = 1000;
const LINE_WIDTH = 80;

interface Formatter {
  readonly width: number;
  format(value: number): string;
}

/** `1.0e-05`, as C prints it: at least two digits of exponent. */
function scientific(value: number): string {
  return value.toExponential(PRECISION).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** One way of writing for all numbers that are shown: whole, with decimals, or scientific where the range is wide. */
function formatterOf(values: readonly number[], dtype: DType): Formatter {
  const padded = (width: number, text: (v: number) => string): Formatter => ({
    width,
    format: (v) => text(v).padStart(width),
  });
  const widest = (list: readonly number[], text: (v: number) => string): number =>
    list.reduce((width, v) => Math.max(width, text(v).length), 1);
  if (dtype === 'bool') return padded(widest(values, boolText), boolText);
  if (dtype === 'int32') return padded(widest(values, String), String);
  const nonzero = values.filter((v) => Number.isFinite(v) && v !== 0);
  const max = nonzero.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const min = nonzero.reduce((m, v) => Math.min(m, Math.abs(v)), Infinity);
  const whole = nonzero.every((v) => v === Math.ceil(v));
  const wide = nonzero.length > 0 && (max / min > 1000 || max > 1e8 || (!whole && min < 1e-4));
  const finite = wide ? scientific : whole ? (v: number) => `${fixed(v, 0)}.` : (v: number) => fixed(v, PRECISION);
  const text = (v: number): string =>
    Number.isNaN(v) ? 'nan' : Number.isFinite(v) ? finite(v) : v > 0 ? 'inf' : '-inf';
  return padded(widest(nonzero, finite), text);
}

const boolText = (v: number): string => (v ? 'True' : 'False');

/** `toFixed`, which loses the sign of −0. */
function fixed(v: number, digits: number): string {
  const text = v.toFixed(digits);
  return Object.is(v, -0) && !text.startsWith('-') ? `-${text}` : text;
}

/** Indices along an axis that are shown; −1 stands for the dots. */
function shown(length: number, summarize: boolean): number[] {
  const all = Array.from({ length }, (_, i) => i);
  return summarize && length > 2 * EDGE_ITEMS ? [...all.slice(0, EDGE_ITEMS), -1, ...all.slice(-EDGE_ITEMS)] : all;
}

/** The numbers of a tensor, as PyTorch 1.13 prints them after `prefix`. */
export function formatData({ shape, dtype }: Aval, data: ArrayLike<number>, prefix = 'tensor('): string {
  if (sizeOf(shape) === 0) return '[]';
  const summarize = sizeOf(shape) > THRESHOLD;
  const strides = stridesOf(shape);
  const visible: number[] = [];
  const gather = (axis: number, offset: number): void => {
    if (axis === shape.length) visible.push(data[offset]);
    else for (const i of shown(shape[axis], summarize)) if (i >= 0) gather(axis + 1, offset + i * strides[axis]);
  };
  gather(0, 0);
  const formatter = formatterOf(visible, dtype);
  const vector = (offset: number, indent: number): string => {
    const items = shown(shape.at(-1)!, summarize).map((i) => (i < 0 ? ' ...' : formatter.format(data[offset + i])));
    const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent) / (formatter.width + 2)));
    const lines: string[] = [];
    for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(', '));
    return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`;
  };
  const render = (axis: number, offset: number, indent: number): string => {
    if (axis === shape.length - 1) return vector(offset, indent);
    const parts = shown(shape[axis], summarize).map((i) =>
      i < 0 ? '...' : render(axis + 1, offset + i * strides[axis], indent + 1),
    );
    return `[${parts.join(`,${'\n'.repeat(shape.length - axis - 1)}${' '.repeat(indent + 1)}`)}]`;
  };
  return shape.length === 0 ? formatter.format(data[0]) : render(0, 0, prefix.length);
}

/** `tensor([...])` when the numbers are on the host, else what is known. */
export function formatTensor(tensor: Tensor): string {
  const value = tensor._resolve();
  const data = value._storage?.hostData() ?? null;
  const notes: string[] = [];
  if (tensor.numel() === 0 && tensor.ndim > 1) notes.push(`size=(${tensor.shape.join(', ')})`);
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
