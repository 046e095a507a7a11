/**
 * Counter-based random numbers, the same on every backend.
 */
import type { DType } from '../dtype.js';
import { ShapeError } from '../errors.js';
import { fromHost, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { dropoutKeys } from '../random/dropout-keys.js';
import type { Device } from '../runtime/device.js';
import { formatAval, type Shape } from '../shape.js';
import { defineOp, NON_DIFFERENTIABLE } from './def.js';

const randomOp = defineOp<{ readonly shape: Shape; readonly dtype: DType }>({
  name: 'random',
  infer([key], { shape, dtype }) {
    if (key.dtype !== 'int32' || key.shape.length !== 1 || key.shape[0] !== 2) {
      throw new ShapeError(`random: expected a key int32[2], got ${formatAval(key)}`);
    }
    return [{ shape, dtype }];
  },
  vjp: NON_DIFFERENTIABLE,
});

/**
 * Uniform numbers in [0, 1): element i is a function of the key and i alone (Threefry-2x32, `random/threefry.ts`).
 *
 * @param key int32[2].
 */
export function random(key: Tensor, shape: Shape, dtype: DType): Tensor {
  return record1(randomOp, [key], { shape: [...shape], dtype });
}

/** The next key of dropout masks and random slopes, which `manualSeed` restarts: int32[2], an input of the program. */
export function nextKey(device: Device): Tensor {
  const words = Int32Array.from(dropoutKeys.nextKey(), (word) => word | 0);
  return fromHost(words, { shape: [2], dtype: 'int32' }, device, 'random');
}
