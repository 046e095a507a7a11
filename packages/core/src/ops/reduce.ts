/**
 * What reductions share: their attributes, shapes, and the calls with all axes or some.
 */
import { ShapeError } from '../errors.js';
import { describe, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, normalizeDims, sizeOf, type Aval, type Shape } from '../shape.js';
import { composed } from './compose.js';
import { filled } from './constants.js';
import { defineOp, type Op, type OpDef } from './def.js';
import { cat } from './joining.js';

/** Which axes: one, several, or all where left out, null or empty. */
export type Dims = number | readonly number[] | null;

export type ReductionAttrs = { readonly dims: readonly number[]; readonly keepdim: boolean };

/** The shape with size 1 along `dims`. */
export function keptShape(shape: Shape, dims: readonly number[]): number[] {
  return shape.map((size, axis) => (dims.includes(axis) ? 1 : size));
}

/** The shape without the axes `dims`, or with size 1 there. */
export function reducedShape(shape: Shape, { dims, keepdim }: ReductionAttrs): number[] {
  return keepdim ? keptShape(shape, dims) : shape.filter((_, axis) => !dims.includes(axis));
}

/** How many elements make one of the result. */
export function reducedSize(shape: Shape, dims: readonly number[]): number {
  return sizeOf(dims.map((axis) => shape[axis]));
}

/** Something in the shape of a reduction's result, so that it broadcasts with its input. */
export function kept(result: Tensor, x: Aval, { dims }: ReductionAttrs): Tensor {
  return result.reshape(keptShape(x.shape, dims));
}

/** A reduction: its result has the dtype of its input. */
export function defineReduction<A extends ReductionAttrs = ReductionAttrs>(
  definition: Omit<OpDef<A>, 'infer'> & { check?: (x: Aval, attrs: A) => void },
): Op<A> {
  const { check, ...rest } = definition;
  return defineOp<A>({
    ...rest,
    infer([x], attrs) {
      check?.(x, attrs);
      return [{ shape: reducedShape(x.shape, attrs), dtype: x.dtype }];
    },
  });
}

/** Throws where a reduction that has no neutral element would reduce nothing. */
export function checkNotEmpty(op: string, x: Aval, dims: readonly number[]): void {
  if (reducedSize(x.shape, dims) > 0) return;
  throw new ShapeError(
    `${op}: ${formatAval(x)} has no elements along ${dims.length === 1 ? `axis ${dims[0]}` : `axes ${dims.join(', ')}`}, so there is no result`,
  );
}

/** Records a reduction; a scalar counts as one element. */
export function reduce<E extends object>(
  op: Op<ReductionAttrs & E>,
  x: Tensor,
  dims: Dims | undefined,
  keepdim: boolean,
  extra: E,
): Tensor {
  if (typeof keepdim !== 'boolean') {
    const remedy = typeof keepdim === 'number' ? 'Several axes go in an array: [0, 1].' : 'Write true or false.';
    throw new TypeError(`${op.name}: expected keepdim, true or false, got ${describe(keepdim)}. ${remedy}`);
  }
  const list = normalizeDims(op.name, Array.isArray(dims) && dims.length === 0 ? null : dims, x.ndim);
  if (x.ndim > 0) return record1(op, [x], { dims: list, keepdim, ...extra });
  return composed(() => record1(op, [x.reshape([1])], { dims: [0], keepdim: false, ...extra }));
}

/**
 * For each element the product of the others along `dims`: the gradient of a product, right where elements are zero.
 * By products before and after each element, in ⌈log₂ n⌉ steps each.
 */
export function productOfOthers(x: Tensor, dims: readonly number[]): Tensor {
  const order = [...x.shape.keys()].filter((axis) => !dims.includes(axis)).concat(dims);
  const moved = x.permute(order);
  const n = reducedSize(x.shape, dims);
  const rows = moved.reshape([sizeOf(x.shape) / n, n]);
  const products = productOfEarlier(rows, n).mul(productOfEarlier(rows.flip(1), n).flip(1));
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return products.reshape(moved.shape).permute(inverse);
}

function productOfEarlier(rows: Tensor, n: number): Tensor {
  const ones = (count: number): Tensor => filled(1, [rows.shape[0], count], rows);
  const shift = (t: Tensor, by: number): Tensor => (by < n ? cat([ones(by), t.narrow(1, 0, n - by)], 1) : ones(n));
  let products = shift(rows, 1);
  for (let by = 1; by < n; by *= 2) products = products.mul(shift(products, by));
  return products;
}
