/**
 * To another dtype, to another device, to a buffer of its own.
 */
import { checkDType, DTYPES, isFloat, type DType } from '../dtype.js';
import { DTypeError } from '../errors.js';
import { allocate } from '../dtype.js';
import { modes } from '../graph/modes.js';
import { Node } from '../graph/node.js';
import { checkTensor, describe, fromHost, record1 } from '../graph/record.js';
import { Tensor } from '../graph/tensor.js';
import { Device } from '../runtime/device.js';
import { Storage } from '../runtime/storage.js';
import { NO_ATTRS, type NoAttrs } from './common.js';
import { defineOp } from './def.js';

const castOp = defineOp<{ dtype: DType }>({
  name: 'cast',
  jacobian: 'elementwise',
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  vjp: {
    reads: {},
    backward: ({ inputs: [x], gradient }) => [isFloat(x.dtype) ? cast(gradient, x.dtype) : null],
  },
});

function cast(x: Tensor, dtype: DType): Tensor {
  checkDType('to', dtype);
  return x.dtype === dtype ? x : (castScalar(x, dtype) ?? record1(castOp, [x], { dtype }));
}

/** A number is converted at once, so that it stays the same kind of input of a program. */
function castScalar(x: Tensor, dtype: DType): Tensor | null {
  const storage = x._storage;
  if (x.ndim > 0 || !storage?.host || (storage.kind !== 'scalar' && storage.kind !== 'literal')) return null;
  const [value] = storage.host;
  const data = allocate(dtype, 1);
  // Int32Array wraps and turns NaN to 0, which is what `cast` does.
  data[0] = dtype === 'bool' ? Number(value !== 0) : value;
  return fromHost(data, { shape: [], dtype }, x.device, storage.kind);
}

const toDevice = defineOp<NoAttrs>({
  name: 'toDevice',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: { reads: {}, backward: ({ inputs: [x], gradient }) => [move(gradient, x.device)] },
});

/** The contents travel through the host; on the target they are data that arrives, here they are a tape's node. */
function move(x: Tensor, device: Device): Tensor {
  if (x.device === device) return x;
  const source = x._current();
  const value = source._resolve();
  const moved = new Tensor({ shape: x.shape, dtype: x.dtype }, device);
  const host = value._version === null || value._version.state === 'current' ? value._storage?.hostData() : null;
  if (host) {
    const { kind } = value._storage!;
    moved._storage = Storage.ofHost(moved, host, kind === 'scalar' || kind === 'literal' ? kind : 'data');
  } else {
    moved._storage = new Storage(moved, 'data');
    moved._storage.pending = receive(moved._storage, source);
  }
  if (x._requiresGrad && modes.noGrad === 0) {
    moved._node = new Node(toDevice, [source], NO_ATTRS, true, false);
    moved._node.outputs = [moved];
    moved._requiresGrad = true;
  }
  return moved;
}

async function receive(storage: Storage, source: Tensor): Promise<void> {
  try {
    storage.host = await source.device._runtime.readNow(source);
  } catch (error) {
    storage.error = error;
  }
  storage.pending = null;
}

/** Names of dtypes, also of those that are not here. */
const LIKE_A_DTYPE = /^(b?float|u?int|bool|double|half|long|short|complex)/;

/**
 * x in another dtype or on another device; x itself where nothing changes. Gradients are converted, or moved, back.
 *
 * From float to int32 the fraction is cut off; to bool, what is not zero is true.
 *
 * @throws DTypeError for a dtype that programs do not compute with.
 * @example
 * await tensor([1.7, -1.7, 0]).to('int32').toArray(); // [1, -1, 0]
 * await tensor([1.7, -1.7, 0]).to('bool').toArray(); // [true, true, false]
 */
export function to(x: Tensor, target: DType | Device): Tensor {
  checkTensor('to', x);
  if (typeof target === 'string') {
    if (!(DTYPES as readonly string[]).includes(target) && !LIKE_A_DTYPE.test(target)) {
      throw new DTypeError(
        `to: unknown dtype '${target as string}'. Known: ${DTYPES.join(', ')}. ` +
          `A device is opened first: const d = await device('${target as string}'), then x.to(d).`,
      );
    }
    return cast(x, target);
  }
  if (target instanceof Device) return move(x, target);
  const hint = (target as unknown) instanceof Promise ? '. device(…) is asynchronous: await it first' : '';
  throw new TypeError(`to: expected a dtype or a device, got ${describe(target)}${hint}`);
}

/**
 * x as float32.
 *
 * @example
 * tensor([true, false]).float().dtype; // 'float32'
 */
export function float(x: Tensor): Tensor {
  return to(x, 'float32');
}

/**
 * x as float64.
 *
 * @example
 * tensor([1, 2]).double().dtype; // 'float64'
 */
export function double(x: Tensor): Tensor {
  return to(x, 'float64');
}

/**
 * x as int32; the fraction is cut off.
 *
 * @example
 * await tensor([1.7, -1.7]).int().toArray(); // [1, -1]
 */
export function int(x: Tensor): Tensor {
  return to(x, 'int32');
}

/**
 * x as bool: whether it is not zero.
 *
 * @example
 * await tensor([0, 0.5]).bool().toArray(); // [false, true]
 */
export function bool(x: Tensor): Tensor {
  return to(x, 'bool');
}

const copy = defineOp<NoAttrs>({
  name: 'copy',
  jacobian: 'elementwise',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: { reads: {}, backward: ({ gradient }) => [gradient] },
});

/**
 * A copy of x that gradients flow through. The copy of a parameter is a snapshot: it keeps its value when the
 * parameter is trained on.
 *
 * @example
 * const weight = new Parameter(tensor([1, 2]));
 * const before = weight.clone();
 * weight.assign(tensor([3, 4]));
 * await before.toArray(); // [1, 2]
 */
export function clone(x: Tensor): Tensor {
  checkTensor('clone', x);
  return record1(copy, [x], NO_ATTRS).keep();
}
