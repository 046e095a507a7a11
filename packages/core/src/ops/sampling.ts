/**
 * Random tensors, drawn at the call from PyTorch's CPU generator: after the same seed, the same numbers.
 */
import { allocate, checkDType, isFloat, type DType, type TypedArray } from '../dtype.js';
import { DTypeError, OutOfRangeError } from '../errors.js';
import { checkTensor, fromHost } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { defaultGenerator, type Generator } from '../random/generator.js';
import { getDefaultDevice } from '../runtime/device.js';
import { checkShape, formatAval, sizeOf, type Shape } from '../shape.js';
import { composed } from './compose.js';
import { shapeAndOptions, type CreationOptions, type ShapeArguments } from './creation.js';

/** Where, as what and from which generator a tensor is drawn. */
export interface RandomOptions extends CreationOptions {
  /** Default: the one that `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** A leaf whose contents `draw` fills. */
function drawn<T extends TypedArray>(
  shape: Shape,
  dtype: DType,
  options: RandomOptions,
  draw: (generator: Generator, out: T) => void,
): Tensor {
  const data = allocate(dtype, sizeOf(shape));
  draw(options.generator ?? defaultGenerator, data as T);
  const t = fromHost(data, { shape: [...shape], dtype }, options.device ?? getDefaultDevice());
  return options.requiresGrad ? t.requiresGrad_() : t;
}

type Floats = Float32Array | Float64Array;

function floatDType(op: string, dtype: DType = 'float32'): DType {
  checkDType(op, dtype);
  if (!isFloat(dtype)) throw new DTypeError(`${op}: expected dtype float32 or float64, got ${dtype}`);
  return dtype;
}

/**
 * Uniform numbers in [0, 1): `torch.rand`. Default dtype float32.
 *
 * @example
 * manualSeed(0);
 * await rand(2).toArray(); // [0.49625658988952637, 0.7682217955589294]
 */
export function rand(...args: ShapeArguments<RandomOptions>): Tensor {
  const [shape, options] = shapeAndOptions('rand', args);
  const dtype = floatDType('rand', options.dtype);
  return drawn<Floats>(shape, dtype, options, (generator, out) => generator.uniform(out));
}

/**
 * Normal numbers of mean 0 and standard deviation 1: `torch.randn`. Default dtype float32.
 *
 * @example
 * manualSeed(0);
 * randn(2, 3).shape; // [2, 3]
 */
export function randn(...args: ShapeArguments<RandomOptions>): Tensor {
  const [shape, options] = shapeAndOptions('randn', args);
  const dtype = floatDType('randn', options.dtype);
  return drawn<Floats>(shape, dtype, options, (generator, out) => generator.normal(out));
}

/**
 * Normal numbers: `torch.normal`. Default dtype float32.
 *
 * @param std Standard deviation, ≥ 0.
 * @throws OutOfRangeError for a negative standard deviation.
 * @example
 * normal(0, 0.02, [2, 3]).shape; // [2, 3]
 */
export function normal(mean: number, std: number, shape: Shape, options: RandomOptions = {}): Tensor {
  checkShape('normal', shape);
  const dtype = floatDType('normal', options.dtype);
  return drawn<Floats>(shape, dtype, options, (generator, out) => generator.normal(out, mean, std));
}

/**
 * Whole numbers from low (default 0) to high − 1, each as likely: `torch.randint`. Default dtype int32.
 *
 * @throws OutOfRangeError unless low < high.
 * @example
 * manualSeed(0);
 * await randint(10, [4]).toArray(); // [4, 9, 3, 0]
 * randint(-5, 5, [2]).dtype; // 'int32'
 */
export function randint(high: number, shape: Shape, options?: RandomOptions): Tensor;
export function randint(low: number, high: number, shape: Shape, options?: RandomOptions): Tensor;
export function randint(...args: readonly (number | Shape | RandomOptions | undefined)[]): Tensor {
  const at = args.findIndex((a) => Array.isArray(a));
  if (at < 1) throw new TypeError('randint: expected randint(high, shape) or randint(low, high, shape)');
  const [low, high] = (at === 1 ? [0, args[0]] : args) as [number, number];
  const shape = args[at] as Shape;
  const options = (args[at + 1] ?? {}) as RandomOptions;
  checkShape('randint', shape);
  const dtype = options.dtype ?? 'int32';
  checkDType('randint', dtype);
  if (dtype === 'bool') {
    throw new DTypeError(
      "randint: expected a dtype of numbers, got bool. Use bernoulli(0.5, shape, { dtype: 'bool' }).",
    );
  }
  return drawn<Floats | Int32Array>(shape, dtype, options, (generator, out) => generator.randint(out, low, high));
}

/**
 * 0 to n − 1 in random order: `torch.randperm`, in int32.
 *
 * @throws OutOfRangeError unless n is a whole number from 0 up.
 * @example
 * manualSeed(0);
 * await randperm(4).toArray(); // [0, 1, 3, 2]
 */
export function randperm(n: number, options: Omit<RandomOptions, 'requiresGrad' | 'dtype'> = {}): Tensor {
  if (!Number.isInteger(n) || n < 0) throw new OutOfRangeError(`randperm: expected a whole number from 0 up, got ${n}`);
  return drawn<Int32Array>([n], 'int32', options, (generator, out) => out.set(generator.randperm(n)));
}

/**
 * 1 with probability p, else 0: `torch.bernoulli`.
 *
 * @param p A number, with the shape after it (default dtype float32), or a float tensor of probabilities.
 * @throws OutOfRangeError for a number outside [0, 1].
 * @example
 * bernoulli(0.5, [2, 3]).shape; // [2, 3]
 * await bernoulli(tensor([0, 1])).toArray(); // [0, 1]
 */
export function bernoulli(p: number, shape: Shape, options?: RandomOptions): Tensor;
export function bernoulli(p: Tensor, options?: Pick<RandomOptions, 'generator'>): Tensor;
export function bernoulli(p: number | Tensor, ...rest: readonly [(Shape | RandomOptions)?, RandomOptions?]): Tensor {
  if (typeof p === 'number') {
    const [shape, options = {}] = rest as [Shape, RandomOptions?];
    checkShape('bernoulli', shape);
    const dtype = options.dtype ?? 'float32';
    checkDType('bernoulli', dtype);
    return drawn(shape, dtype, options, (generator, out) => generator.bernoulli(out, p));
  }
  checkTensor('bernoulli', p);
  if (!isFloat(p.dtype)) throw new DTypeError(`bernoulli: expected float probabilities, got ${formatAval(p)}`);
  // PyTorch draws a uniform number of the same precision for each element.
  return composed(() =>
    randLike(p, rest[0] as RandomOptions)
      .lt(p)
      .to(p.dtype),
  );
}

/**
 * Uniform numbers in [0, 1) in the shape, dtype and device of x.
 *
 * @example
 * randLike(zeros(2, 3)).shape; // [2, 3]
 */
export function randLike(x: Tensor, options: RandomOptions = {}): Tensor {
  checkTensor('randLike', x);
  return rand(x.shape, { dtype: x.dtype, device: x.device, ...options });
}

/**
 * Normal numbers of mean 0 and standard deviation 1 in the shape, dtype and device of x.
 *
 * @example
 * randnLike(zeros(2, 3)).shape; // [2, 3]
 */
export function randnLike(x: Tensor, options: RandomOptions = {}): Tensor {
  checkTensor('randnLike', x);
  return randn(x.shape, { dtype: x.dtype, device: x.device, ...options });
}
