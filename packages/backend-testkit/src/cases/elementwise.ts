/**
 * Adapters of elementwise functions, comparison, selection and conversion.
 */
import * as fk from '@fakkel/core';
import type { Tensor, TensorLike } from '@fakkel/core';
import { adapter, type Adapter } from './adapter.js';

const unary = (run: (x: Tensor) => Tensor): Adapter => adapter(([x]) => run(x));

/** Two tensors, or a tensor and the number `other`. */
const binary = (run: (a: Tensor, b: TensorLike) => Tensor): Adapter =>
  adapter<{ other?: number }>(([a, b], { other }) => run(a, other ?? b));

export const elementwiseAdapters: Readonly<Record<string, Adapter>> = {
  neg: unary(fk.neg),
  abs: unary(fk.abs),
  sign: unary(fk.sign),
  exp: unary(fk.exp),
  expm1: unary(fk.expm1),
  log: unary(fk.log),
  log1p: unary(fk.log1p),
  sqrt: unary(fk.sqrt),
  rsqrt: unary(fk.rsqrt),
  reciprocal: unary(fk.reciprocal),
  square: unary(fk.square),
  sin: unary(fk.sin),
  cos: unary(fk.cos),
  tanh: unary(fk.tanh),
  erf: unary(fk.erf),
  sigmoid: unary(fk.sigmoid),
  relu: unary(fk.relu),
  floor: unary(fk.floor),
  ceil: unary(fk.ceil),
  round: unary(fk.round),
  trunc: unary(fk.trunc),
  isfinite: unary(fk.isfinite),
  isnan: unary(fk.isnan),
  isinf: unary(fk.isinf),
  powScalar: adapter<{ exponent: number }>(([x], { exponent }) => x.pow(exponent)),
  composition: unary((x) => x.neg().mul(x).exp().add(x.sin().div(3)).tanh()),
  zeroSize: unary((x) => x.exp().mul(2).add(1)),
  integerSquare: unary((x) => x.mul(x).sub(x)),

  add: binary((a, b) => a.add(b)),
  sub: binary((a, b) => a.sub(b)),
  mul: binary((a, b) => a.mul(b)),
  div: binary((a, b) => a.div(b)),
  maximum: binary((a, b) => a.maximum(b)),
  minimum: binary((a, b) => a.minimum(b)),
  remainder: binary((a, b) => a.remainder(b)),
  floorDivide: binary((a, b) => a.floorDivide(b)),
  pow: binary((a, b) => a.pow(b)),
  numberFirst: adapter<{ fn: 'sub' | 'div'; left: number }>(([x], { fn, left }) => fk[fn](left, x)),
  addAlpha: adapter<{ alpha: number }>(([a, b], { alpha }) => a.add(b, { alpha })),
  subAlpha: adapter<{ alpha: number }>(([a, b], { alpha }) => a.sub(b, { alpha })),
  lerp: adapter<{ weight?: number }>(([x, end, weight], args) => x.lerp(end, args.weight ?? weight)),
  promotion: binary((a, b) => a.mul(b)),
  promotionNumber: binary((a, b) => a.add(b)),
  sharedOperand: adapter(([x, y]) => x.mul(x).add(x.div(x.mul(y).add(3)))),

  eq: binary((a, b) => a.eq(b)),
  ne: binary((a, b) => a.ne(b)),
  lt: binary((a, b) => a.lt(b)),
  le: binary((a, b) => a.le(b)),
  gt: binary((a, b) => a.gt(b)),
  ge: binary((a, b) => a.ge(b)),
  logicalAnd: binary((a, b) => a.logicalAnd(b)),
  logicalOr: binary((a, b) => a.logicalOr(b)),
  logicalXor: binary((a, b) => a.logicalXor(b)),
  logicalNot: unary(fk.logicalNot),
  where: adapter(([condition, a, b]) => fk.where(condition, a, b)),
  maskedFill: adapter<{ value: number }>(([x, mask], { value }) => x.maskedFill(mask, value)),
  clamp: adapter<{ min?: number; max?: number }>(([x], { min, max }) => x.clamp(min, max)),
  clampMin: adapter<{ min: number }>(([x], { min }) => x.clampMin(min)),
  clampMax: adapter<{ max: number }>(([x], { max }) => x.clampMax(max)),
  clampTensors: adapter(([x, low, high]) => x.clamp(low, high)),
  to: adapter<{ dtype: 'float' | 'int32' | 'bool' }>(([x], { dtype }, float) =>
    x.to(dtype === 'float' ? float : dtype),
  ),
  oneHot: adapter<{ numClasses: number }>(([labels], { numClasses }) => fk.oneHot(labels, numClasses)),
};
