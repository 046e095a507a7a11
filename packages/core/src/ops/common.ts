/**
 * What op families share: factories for elementwise ops, broadcasting of gradients, argument checks.
 */
import { isFloat, promote, type DType } from '../dtype.js';
import { DTypeError } from '../errors.js';
import { checkTensor, describe, operands, record1, scalarInput, type TensorLike } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { broadcastShapes, formatAval, sameShape, type Aval, type Shape } from '../shape.js';
import { defineOp, type NON_DIFFERENTIABLE, type Op, type VjpRule } from './def.js';

export type NoAttrs = Record<string, never>;
export const NO_ATTRS: NoAttrs = {};

/** Throws unless every input is a float tensor. */
export function checkFloat(op: string, inputs: readonly Aval[], remedy = "Convert it with x.to('float32')."): void {
  for (const input of inputs) {
    if (!isFloat(input.dtype))
      throw new DTypeError(`${op}: expected a float tensor, got ${formatAval(input)}. ${remedy}`);
  }
}

/** Throws unless all inputs have one dtype. */
export function checkSameDType(op: string, inputs: readonly Aval[]): DType {
  const dtype = inputs[0].dtype;
  if (inputs.some((input) => input.dtype !== dtype)) {
    throw new DTypeError(
      `${op}: expected tensors of one dtype, got ${inputs.map(formatAval).join(' and ')}. Convert with x.to(dtype).`,
    );
  }
  return dtype;
}

/** Sums a gradient over the axes along which its input was broadcast. */
export function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = gradient.ndim - shape.length;
  const dims: number[] = [];
  for (let i = 0; i < gradient.ndim; i++)
    if (i < extra || (shape[i - extra] === 1 && gradient.shape[i] !== 1)) dims.push(i);
  const summed = dims.length > 0 ? gradient.sum(dims, true) : gradient;
  return summed.reshape(shape);
}

/** A function of one tensor that knows its op. */
export type UnaryFunction = ((x: Tensor) => Tensor) & { readonly op: Op<NoAttrs> };

/** An elementwise op of one input. Float results keep the dtype; `result` says another one. */
export function elementwise(
  name: string,
  definition: {
    /** Which inputs it takes: 'float' (integers are an error that teaches), 'number' (not bool), 'bool', 'any'. */
    takes?: 'float' | 'number' | 'bool' | 'any';
    result?: DType;
    vjp: VjpRule<NoAttrs> | typeof NON_DIFFERENTIABLE;
    decompose?: (x: Tensor) => Tensor;
  },
): UnaryFunction {
  const { takes = 'float', result, vjp, decompose } = definition;
  const op = defineOp<NoAttrs>({
    name,
    infer([x]) {
      if (takes === 'float') checkFloat(name, [x]);
      if (takes === 'bool' && x.dtype !== 'bool')
        throw new DTypeError(`${name}: expected a bool tensor, got ${formatAval(x)}`);
      if (takes === 'number' && x.dtype === 'bool') {
        throw new DTypeError(
          `${name}: expected a tensor of numbers, got ${formatAval(x)}. Convert it with x.to('int32').`,
        );
      }
      return [{ shape: x.shape, dtype: result ?? x.dtype }];
    },
    vjp,
    jacobian: 'elementwise',
    ...(decompose ? { decompose: ([x]: readonly Tensor[]) => [decompose(x)] } : {}),
  });
  return Object.assign((x: Tensor) => record1(op, operands(name, [x]), NO_ATTRS), { op });
}

/** An elementwise function of one float tensor and some numbers, which enter the program as inputs. */
export function withNumbers(
  name: string,
  definition: {
    decompose: (x: Tensor, ...numbers: Tensor[]) => Tensor;
    /** The gradient of x. */
    backward: (gradient: Tensor, x: Tensor, ...numbers: Tensor[]) => Tensor;
  },
): (x: Tensor, ...numbers: number[]) => Tensor {
  const op = defineOp<NoAttrs>({
    name,
    infer([x]) {
      checkFloat(name, [x]);
      return [{ shape: x.shape, dtype: x.dtype }];
    },
    vjp: {
      reads: { inputs: 'all' },
      backward: ({ gradient, inputs: [x, ...numbers] }) => [definition.backward(gradient, x, ...numbers)],
    },
    jacobian: 'elementwise',
    decompose: ([x, ...numbers]) => [definition.decompose(x, ...numbers)],
  });
  return (x, ...numbers) => {
    checkTensor(name, x);
    checkFloat(name, [x]);
    const scalars = numbers.map((n) => {
      if (typeof n !== 'number') throw new TypeError(`${name}: expected a number beside x, got ${describe(n)}`);
      return scalarInput(n, x.dtype, x.device);
    });
    return record1(op, [x, ...scalars], NO_ATTRS);
  };
}

/** A function of two tensors or numbers that knows its op. */
export type BinaryFunction = ((a: TensorLike, b: TensorLike) => Tensor) & { readonly op: Op<NoAttrs> };

/** An elementwise op of two inputs that broadcasts and promotes as PyTorch does. */
export function binary(
  name: string,
  definition: {
    /** 'float': integers become float32 first (division). 'number': bool becomes int32. 'any': bool stays. */
    computesIn?: 'float' | 'number' | 'any' | 'bool';
    /** Two bools give bool (for sum and product: or, and) where it computes in numbers. Default false: int32. */
    keepsBool?: boolean;
    result?: DType;
    vjp: VjpRule<NoAttrs> | typeof NON_DIFFERENTIABLE;
  },
): BinaryFunction {
  const { computesIn = 'number', keepsBool = false, result, vjp } = definition;
  const op = defineOp<NoAttrs>({
    name,
    infer(inputs) {
      const dtype = checkSameDType(name, inputs);
      if (computesIn === 'float') checkFloat(name, inputs);
      return [{ shape: broadcastShapes(name, inputs), dtype: result ?? dtype }];
    },
    vjp,
    jacobian: 'elementwise',
  });
  const apply = (a: TensorLike, b: TensorLike): Tensor => {
    const [x, y] = operands(name, [a, b]) as [Tensor, Tensor];
    let dtype = resultType(x, y);
    const bools = computesIn === 'number' && dtype === 'bool';
    if (bools) dtype = 'int32';
    if (computesIn === 'float' && !isFloat(dtype)) dtype = 'float32';
    if (computesIn === 'bool') dtype = 'bool';
    const out = record1(op, [castTo(x, dtype), castTo(y, dtype)], NO_ATTRS);
    return bools && keepsBool ? out.to('bool') : out;
  };
  return Object.assign(apply, { op });
}

/**
 * The dtype in which two tensors meet, as `torch.result_type`: a tensor without axes does not widen one with axes
 * within its category (`float32[3] + float64[]` is float32).
 */
export function resultType(a: Aval, b: Aval): DType {
  if (a.shape.length === 0 && b.shape.length > 0) return beside(b.dtype, a.dtype);
  if (b.shape.length === 0 && a.shape.length > 0) return beside(a.dtype, b.dtype);
  return promote(a.dtype, b.dtype);
}

function beside(dtype: DType, zeroDim: DType): DType {
  const sameCategory = isFloat(dtype) === isFloat(zeroDim) && (dtype === 'bool') === (zeroDim === 'bool');
  return sameCategory ? dtype : promote(dtype, zeroDim);
}

/** x in another dtype: itself where it has that one. A host scalar is converted at once, so it stays an input. */
export function castTo(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : x.to(dtype);
}
