/**
 * Making tensors: from JavaScript data, filled, counted, drawn at random. All of them are inputs of programs.
 */
import { allocate, checkDType, DTYPES, isFloat, type DType, type TypedArray } from '../dtype.js';
import { DTypeError, OutOfRangeError, ShapeError } from '../errors.js';
import { modes } from '../graph/modes.js';
import { checkTensor, describe, fromHost } from '../graph/record.js';
import { isTensor, Tensor } from '../graph/tensor.js';
import { getDefaultDevice, type Device } from '../runtime/device.js';
import { Storage } from '../runtime/storage.js';
import { checkShape, formatAval, sizeOf, type Shape } from '../shape.js';
import { composed } from './compose.js';
import { filled, iota } from './constants.js';
import { readData, type TensorData } from './data.js';
import { isOutOfInt32, outOfRange } from './host.js';

export type { TensorData } from './data.js';

/** Where and as what a tensor is made. */
export interface CreationOptions {
  /** Element type; each function says what it is by default. */
  readonly dtype?: DType;
  /** Default: {@link getDefaultDevice}. */
  readonly device?: Device;
  /** Whether gradients flow to it. Default false. */
  readonly requiresGrad?: boolean;
}

/** A shape in one array, or its sizes one by one; then the options. */
export type ShapeArguments<O = CreationOptions> =
  [shape: Shape, options?: O] | [...sizes: number[]] | [...sizes: number[], options: O];

/** The shape and the options among the arguments of `zeros(2, 3)`, `zeros([2, 3])`, `zeros(2, 3, { dtype })`. */
export function shapeAndOptions<O>(op: string, args: ShapeArguments<O>): [shape: Shape, options: Partial<O>] {
  const list: readonly unknown[] = args;
  const [first, ...rest] = list;
  const last = list.at(-1);
  const options = typeof last === 'object' && last !== null && !Array.isArray(last) ? (last as Partial<O>) : undefined;
  const shape = Array.isArray(first) ? [...(first as number[])] : options ? list.slice(0, -1) : [...list];
  if (Array.isArray(first) && rest.length > (options ? 1 : 0)) {
    throw new TypeError(`${op}: expected options after the shape, got ${describe(rest[0])}`);
  }
  if (shape.some((size) => typeof size !== 'number')) {
    throw new TypeError(`${op}: expected a shape such as [2, 3] or sizes such as 2, 3, got ${describe(first)}`);
  }
  checkShape(op, shape as number[]);
  return [shape as number[], options ?? {}];
}

/** A leaf on `data`, which is nobody else's. */
function leaf(op: string, data: TypedArray, shape: Shape, dtype: DType, options: CreationOptions): Tensor {
  const t = fromHost(data, { shape, dtype }, options.device ?? getDefaultDevice());
  return options.requiresGrad ? withGradient(op, t) : t;
}

function withGradient(op: string, t: Tensor): Tensor {
  if (!isFloat(t.dtype)) throw new DTypeError(`${op}: only float tensors have gradients, got ${formatAval(t)}`);
  return t.requiresGrad_();
}

/** Options of {@link tensor}. */
export interface TensorOptions extends CreationOptions {
  /** The shape of flat data, such as a typed array. Default: one axis, or the nesting of the arrays. */
  readonly shape?: Shape;
}

/**
 * A tensor of the given numbers, copied now: changing the array later changes nothing.
 *
 * Numbers give float32, booleans bool; `Float32Array` and `Float64Array` keep their type, integer arrays (`Uint8Array`
 * too, which PyTorch would keep) give int32.
 *
 * @param data A number, a boolean, a typed array, or nested arrays of them, all rows equally long.
 * @throws ShapeError if rows differ in length; TypeError for what is no number; OutOfRangeError for integers that int32
 *   does not hold.
 * @example
 * await tensor([[1, 2], [3, 4]]).sum().item(); // 10
 * tensor(new Int32Array(6), { shape: [2, 3] }).toString(); // 'tensor([[0, 0, 0],\n        [0, 0, 0]], dtype=int32)'
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  if (isTensor(data)) {
    throw new TypeError('tensor: the data is a tensor already. Use x.clone(), x.detach() or x.to(dtype).');
  }
  if (options.dtype !== undefined) checkDType('tensor', options.dtype);
  const read = readData(data, options.dtype);
  const shape = options.shape ?? read.shape;
  if (options.shape) {
    checkShape('tensor', options.shape);
    if (sizeOf(shape) !== read.data.length) {
      throw new ShapeError(
        `tensor: ${read.data.length} elements do not fill the shape [${shape.join(',')}], which has ${sizeOf(shape)}`,
      );
    }
  }
  return leaf('tensor', read.data, [...shape], read.dtype, options);
}

/**
 * A tensor on a typed array itself, without the copy that {@link tensor} makes: `torch.from_numpy`. The array is the
 * tensor's from then on: who writes to it changes what was computed of it, or not, depending on when it ran.
 *
 * @param data `Float32Array`, `Float64Array` and `Int32Array` give the dtype of that name, `Uint8Array` of 0 and 1 bool.
 * @param shape Default: one axis.
 * @throws ShapeError if the elements don't fill the shape; TypeError for another array.
 * @example
 * fromArray(Float32Array.of(1, 2, 3, 4), [2, 2]).shape; // [2, 2]
 */
export function fromArray(
  data: TypedArray,
  shape: Shape = [data.length],
  options: { readonly device?: Device } = {},
): Tensor {
  const dtype = DTYPES.find((known) => data?.constructor === allocate(known, 0).constructor);
  if (!dtype) {
    throw new TypeError(
      `fromArray: expected a Float32Array, Float64Array, Int32Array, or Uint8Array for bool, got ${describe(data)}. ` +
        `tensor(data) converts other arrays.`,
    );
  }
  checkShape('fromArray', shape);
  if (sizeOf(shape) !== data.length) {
    throw new ShapeError(
      `fromArray: ${data.length} elements do not fill the shape [${shape.join(',')}], which has ${sizeOf(shape)}`,
    );
  }
  return fromHost(data, { shape: [...shape], dtype }, options.device ?? getDefaultDevice());
}

/** A tensor of equal elements. Inside rules the program fills it; elsewhere it is data that nobody has written out. */
function constant(op: string, value: number, shape: Shape, dtype: DType, options: CreationOptions): Tensor {
  checkDType(op, dtype);
  const device = options.device ?? getDefaultDevice();
  if (modes.literal > 0 && !options.requiresGrad) return filled(value, shape, { dtype, device });
  const t = new Tensor({ shape, dtype }, device);
  t._storage = Storage.filled(t, value, 'data');
  return options.requiresGrad ? withGradient(op, t) : t;
}

/**
 * Zeros. Default dtype float32.
 *
 * @example
 * await zeros(2, 3).toArray(); // [[0, 0, 0], [0, 0, 0]]
 */
export function zeros(...args: ShapeArguments): Tensor {
  const [shape, options] = shapeAndOptions('zeros', args);
  return constant('zeros', 0, shape, options.dtype ?? 'float32', options);
}

/**
 * Ones. Default dtype float32.
 *
 * @example
 * await ones([3], { dtype: 'int32' }).toArray(); // [1, 1, 1]
 */
export function ones(...args: ShapeArguments): Tensor {
  const [shape, options] = shapeAndOptions('ones', args);
  return constant('ones', 1, shape, options.dtype ?? 'float32', options);
}

/**
 * A tensor of equal elements. Default dtype float32, for a boolean bool.
 *
 * @example
 * await full([2, 2], 7).toArray(); // [[7, 7], [7, 7]]
 */
export function full(shape: Shape | number, value: number | boolean, options: CreationOptions = {}): Tensor {
  const sizes = typeof shape === 'number' ? [shape] : [...shape];
  checkShape('full', sizes);
  if (typeof value !== 'number' && typeof value !== 'boolean') {
    throw new TypeError(`full: expected a number, got ${describe(value)}. For a tensor's value, use x.expand(shape).`);
  }
  const dtype = options.dtype ?? (typeof value === 'boolean' ? 'bool' : 'float32');
  if (dtype === 'int32') checkInt32('full', value);
  const stored = dtype === 'bool' ? Number(value !== 0 && value !== false) : Number(value);
  return constant('full', dtype === 'int32' ? Math.trunc(stored) : stored, sizes, dtype, options);
}

/**
 * Zeros in the shape, dtype and device of x.
 *
 * @example
 * await zerosLike(tensor([1, 2])).toArray(); // [0, 0]
 */
export function zerosLike(x: Tensor, options: CreationOptions = {}): Tensor {
  return fullLike(x, 0, options);
}

/**
 * Ones in the shape, dtype and device of x.
 *
 * @example
 * await onesLike(tensor([3, 4])).toArray(); // [1, 1]
 */
export function onesLike(x: Tensor, options: CreationOptions = {}): Tensor {
  return fullLike(x, 1, options);
}

/**
 * Equal elements in the shape, dtype and device of x.
 *
 * @example
 * await fullLike(tensor([3, 4]), 5).toArray(); // [5, 5]
 */
export function fullLike(x: Tensor, value: number | boolean, options: CreationOptions = {}): Tensor {
  checkTensor('fullLike', x);
  return full(x.shape, value, { dtype: x.dtype, device: x.device, ...options });
}

/**
 * start, start + step, … as long as they are before `end`.
 *
 * Shape: ⌈(end − start) / step⌉. Default dtype as in PyTorch: int32 if all three are whole numbers, else float32.
 *
 * @throws OutOfRangeError unless step leads from start to end.
 * @example
 * await arange(4).toArray(); // [0, 1, 2, 3]
 * await arange(0, 1, 0.25).toArray(); // [0, 0.25, 0.5, 0.75]
 */
export function arange(end: number, options?: CreationOptions): Tensor;
export function arange(start: number, end: number, options?: CreationOptions): Tensor;
export function arange(start: number, end: number, step: number, options?: CreationOptions): Tensor;
export function arange(...args: readonly (number | CreationOptions | undefined)[]): Tensor {
  const numbers = args.filter((a) => typeof a === 'number');
  const options = args.find((a) => typeof a === 'object') ?? {};
  const [start, end, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  const length = Math.ceil((end - start) / step);
  if (!Number.isFinite(start) || !Number.isFinite(end) || !(length >= 0) || step === 0) {
    throw new OutOfRangeError(`arange: no finite number of steps of ${step} leads from ${start} to ${end}`);
  }
  const dtype = options.dtype ?? ([start, end, step].every(Number.isInteger) ? 'int32' : 'float32');
  checkDType('arange', dtype);
  if (dtype === 'int32') checkInt32('arange', Math.abs(start) > Math.abs(end) ? start : end);
  const data = allocate(dtype, length).map((_, i) => cell(dtype, start + i * step));
  return leaf('arange', data, [length], dtype, options);
}

const cell = (dtype: DType, value: number): number => (dtype === 'bool' ? Number(value !== 0) : value);

/**
 * `steps` numbers from `start` to `end`, both included, evenly spaced. Default dtype float32.
 *
 * Shape: `steps`.
 *
 * @throws OutOfRangeError if `steps` is no whole number from 0 up.
 * @example
 * await linspace(0, 1, 5).toArray(); // [0, 0.25, 0.5, 0.75, 1]
 */
export function linspace(start: number, end: number, steps: number, options: CreationOptions = {}): Tensor {
  if (!Number.isInteger(steps) || steps < 0) {
    throw new OutOfRangeError(`linspace: expected a whole number of steps from 0 up, got ${steps}`);
  }
  const dtype = options.dtype ?? 'float32';
  checkDType('linspace', dtype);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // From both ends, as PyTorch: the last is exactly `end`.
  const at = (i: number): number => (i < steps / 2 || steps === 1 ? start + i * step : end - (steps - 1 - i) * step);
  const data = allocate(dtype, steps).map((_, i) => cell(dtype, at(i)));
  return leaf('linspace', data, [steps], dtype, options);
}

/**
 * Ones on the diagonal, zeros elsewhere. Default dtype float32.
 *
 * Shape: `(rows, columns)`.
 *
 * @example
 * await eye(2).toArray(); // [[1, 0], [0, 1]]
 */
export function eye(rows: number, options?: CreationOptions): Tensor;
/** As many columns as are given, instead of as many as rows. */
export function eye(rows: number, columns: number, options?: CreationOptions): Tensor;
export function eye(rows: number, second: number | CreationOptions = rows, third: CreationOptions = {}): Tensor {
  const [columns, options] = typeof second === 'number' ? [second, third] : [rows, second];
  const shape = [rows, columns];
  checkShape('eye', shape);
  const dtype = options.dtype ?? 'float32';
  checkDType('eye', dtype);
  const data = allocate(dtype, rows * columns);
  for (let i = 0; i < Math.min(rows, columns); i++) data[i * columns + i] = 1;
  return leaf('eye', data, shape, dtype, options);
}

/**
 * For each label a row with a one at the label: `torch.nn.functional.one_hot`.
 *
 * Shape: labels `(…)`, output `(…, numClasses)` in int32.
 *
 * @param labels int32, from 0 to numClasses − 1; other labels give a row of zeros unless they are on the host.
 * @throws DTypeError unless the labels are int32; OutOfRangeError for a label out of range, if the labels are on the host.
 * @example
 * await oneHot(tensor([0, 2], { dtype: 'int32' }), 3).toArray(); // [[1, 0, 0], [0, 0, 1]]
 */
export function oneHot(labels: Tensor, numClasses: number): Tensor {
  checkTensor('oneHot', labels);
  if (labels.dtype !== 'int32') {
    throw new DTypeError(`oneHot: expected int32 labels, got ${formatAval(labels)}. Convert them with x.to('int32').`);
  }
  if (!Number.isInteger(numClasses) || numClasses < 1) {
    throw new OutOfRangeError(
      `oneHot: expected the number of classes, got ${describe(numClasses)}. It can't follow from labels that are not computed yet.`,
    );
  }
  const bad = outOfRange(labels, numClasses);
  if (bad) throw new OutOfRangeError(`oneHot: label ${bad}`);
  return composed(() => labels.unsqueeze(-1).eq(iota(numClasses, labels.device)).to('int32'));
}

function checkInt32(op: string, value: number | boolean): void {
  if (isOutOfInt32(Number(value))) {
    throw new OutOfRangeError(`${op}: int32 holds −2147483648 to 2147483647, got ${value}. Use float32 or float64.`);
  }
}
