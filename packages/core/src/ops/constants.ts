/**
 * Constants of programs: numbers that belong to an op's definition, and tensors made of them without an upload.
 */
import type { DType } from '../dtype.js';
import { asRule } from '../graph/modes.js';
import { scalar } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import type { Device } from '../runtime/device.js';
import type { Attrs } from '../program/program.js';
import type { Aval, Shape } from '../shape.js';
import type { VjpRule } from './def.js';

interface Like {
  readonly dtype: DType;
  readonly device: Device;
}

/** A number that is part of what an op means, and so of the program's structure: no input. */
export function literal(value: number, like: Like): Tensor {
  return asRule(() => scalar(value, like.dtype, like.device));
}

/** A tensor of equal elements that the program fills itself. */
export function filled(value: number, shape: Shape, like: Like): Tensor {
  return asRule(() => {
    const one = literal(value, like);
    return shape.length === 0 ? one : one.expand(shape);
  });
}

/** Zeros like `x`. */
export function zerosOf(x: Aval & Like): Tensor {
  return filled(0, x.shape, x);
}

/** 0, 1, …, n − 1 in int32, computed by the program: no upload however long. */
export function iota(n: number, device: Device): Tensor {
  return asRule(() => filled(1, [n], { dtype: 'int32', device }).cumsum(0).sub(1));
}

/** The rule of ops that are piecewise constant: the gradient is zero, as in PyTorch. */
export const zeroGradient: VjpRule<Attrs> = { reads: {}, backward: ({ inputs }) => inputs.map(zerosOf) };
