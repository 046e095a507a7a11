/**
 * Recording an operation: shapes and dtypes are checked at once, the work waits.
 */
import type { DType, TypedArray } from '../dtype.js';
import { isFloat, scalarDType } from '../dtype.js';
import { DeviceError, FakkelError } from '../errors.js';
import type { Op } from '../ops/def.js';
import { NON_DIFFERENTIABLE } from '../ops/def.js';
import type { Attrs } from '../program/program.js';
import { getDefaultDevice, type Device } from '../runtime/device.js';
import { Storage, type StorageKind } from '../runtime/storage.js';
import { allocate } from '../dtype.js';
import { formatAval, sizeOf, type Aval } from '../shape.js';
import { modes } from './modes.js';
import { Node } from './node.js';
import { isTensor, Tensor } from './tensor.js';

/** What operations take: a tensor, or a number that becomes an input of the program. */
export type TensorLike = Tensor | number | boolean;

/** A tensor on given contents. The array is not copied: it must not be written to again. */
export function fromHost(data: TypedArray, aval: Aval, device: Device, kind: StorageKind = 'data'): Tensor {
  const t = new Tensor(aval, device);
  t._storage = Storage.ofHost(aval, data, kind);
  return t;
}

/** A number as a scalar tensor: an input of the program, or its constant inside rules and decompositions. */
export function scalar(value: number | boolean, dtype: DType, device: Device): Tensor {
  const data = allocate(dtype, 1);
  data[0] = Number(value);
  return fromHost(data, { shape: [], dtype }, device, modes.literal > 0 ? 'literal' : 'scalar');
}

/** A number that enters the program as an input even inside rules. */
export function scalarInput(value: number, dtype: DType, device: Device): Tensor {
  const data = allocate(dtype, 1);
  data[0] = value;
  return fromHost(data, { shape: [], dtype }, device, 'scalar');
}

/** Makes the numbers among operands scalars, beside the first tensor among them. */
export function operands(op: string, values: readonly TensorLike[]): Tensor[] {
  const like = values.find((v): v is Tensor => isTensor(v));
  return values.map((v) => {
    if (isTensor(v)) return v;
    if (typeof v !== 'number' && typeof v !== 'boolean') {
      throw new TypeError(`${op}: expected a tensor or a number, got ${describe(v)}`);
    }
    return scalar(
      v,
      like ? scalarDType(v, like.dtype) : typeof v === 'boolean' ? 'bool' : 'float32',
      like?.device ?? getDefaultDevice(),
    );
  });
}

/** How an unexpected argument is called in an error. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array (wrap it in tensor(…))';
  if (typeof value === 'object') return `an object of class ${value.constructor?.name ?? 'Object'}`;
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- objects were dealt with above
  return value === undefined ? 'undefined' : `${typeof value} ${String(value)}`;
}

/** Throws unless `value` is a tensor; for the first argument of functions. */
export function checkTensor(op: string, value: unknown): asserts value is Tensor {
  if (!isTensor(value)) throw new TypeError(`${op}: expected a tensor, got ${describe(value)}`);
}

/** Records `op` on `inputs` and returns its outputs. */
export function record<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor[] {
  const values = new Array<Tensor>(inputs.length);
  let device: Device | undefined;
  let requiresGrad = false;
  const save = modes.hidden === 0 || modes.training;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    checkTensor(op.name, input);
    if (input._shapeOnly) undeclared(op.name, i);
    const value = input._current();
    values[i] = value;
    if (device === undefined || (value.ndim > 0 && device !== value.device)) {
      if (device !== undefined && sizeOf(inputs[0].shape) > 1) deviceMismatch(op.name, inputs);
      device = value.device;
    }
    requiresGrad ||= input._requiresGrad;
  }
  device ??= getDefaultDevice();
  for (let i = 0; i < values.length; i++) {
    if (values[i].device !== device) values[i] = moveScalar(op.name, inputs, values[i], device);
  }
  const avals = op.infer(values, attrs);
  requiresGrad &&= modes.noGrad === 0 && op.vjp !== NON_DIFFERENTIABLE;
  const node = new Node(op, values, attrs, requiresGrad, requiresGrad && save);
  if (modes.checking) {
    node.site = { modulePath: modes.modulePath.join('.'), stack: new Error().stack ?? '' };
  }
  const runtime = device._runtime;
  const outputs = avals.map((aval, index) => {
    const t = new Tensor(aval, device);
    t._node = node;
    t._index = index;
    t._requiresGrad = requiresGrad && isFloat(aval.dtype);
    // Tensors without elements never reach a backend: their contents are known.
    if (sizeOf(aval.shape) === 0) t._storage = Storage.ofHost(aval, allocate(aval.dtype, 0), 'data');
    return t;
  });
  node.outputs = outputs;
  for (const value of values) runtime.consumed(value);
  runtime.recorded(node);
  if (modes.hidden === 0) {
    for (const t of outputs) runtime.markVisible(t);
    runtime.settle();
  }
  return outputs;
}

/** Records an op with one output. */
export function record1<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  return record(op, inputs, attrs)[0];
}

function deviceMismatch(op: string, inputs: readonly Tensor[]): never {
  const list = inputs.map((t) => `${formatAval(t)} on ${t.device.name}`).join(', ');
  throw new DeviceError(`${op}: all tensors must be on one device, got ${list}. Move them with x.to(device).`);
}

/** Scalars that are constants may be used beside tensors of any device, as in PyTorch. */
function moveScalar(op: string, inputs: readonly Tensor[], value: Tensor, device: Device): Tensor {
  // A cell's number is on the host only sometimes, and a gradient does not pass through a copy.
  const constant = value.ndim === 0 && value._version === null && !value._requiresGrad;
  const host = constant ? value._storage?.hostData() : null;
  if (!host) deviceMismatch(op, inputs);
  return fromHost(host, value, device, value._storage!.kind);
}

/** A rule looked at a value that it does not declare: see `VjpRule.reads`. */
function undeclared(op: string, input: number): never {
  throw new FakkelError(
    `a gradient rule gave ${op} (input ${input}) a value that the rule's definition does not declare in 'reads'`,
  );
}
