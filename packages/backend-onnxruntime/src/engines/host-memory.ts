/**
 * Tensors in host memory, pooled by size: a fresh array costs as much as the work on it (page faults).
 */
import { type Aval, formatAval, BackendError, type TypedArray } from '@fakkel/core';
import type { Tensor, TensorConstructor } from 'onnxruntime-common';
import type { TensorMemory } from './engine.js';

/** Bytes kept for reuse; past them, released arrays go to the collector. */
const POOL_BYTES = 1 << 30;

export class HostMemory implements TensorMemory {
  private readonly pool = new Map<string, Tensor[]>();
  private pooled = 0;
  liveBytes = 0;
  peakBytes = 0;

  /**
   * @param make The `Tensor` of the build that runs the sessions: another copy's are taken for options, and the
   *   results written elsewhere.
   */
  constructor(private readonly make: TensorConstructor) {}

  allocate(aval: Aval, data?: TypedArray): Tensor {
    const key = formatAval(aval);
    const free = this.pool.get(key)?.pop();
    const tensor = free ?? make(this.make, aval, hostArray(aval));
    if (free) this.pooled -= bytesOf(tensor);
    if (data) (tensor.data as TypedArray).set(data);
    return this.counted(tensor);
  }

  adopt(aval: Aval, data: TypedArray): Tensor {
    return this.counted(make(this.make, aval, data));
  }

  private counted(tensor: Tensor): Tensor {
    this.liveBytes += bytesOf(tensor);
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes);
    return tensor;
  }

  release(tensor: Tensor, aval: Aval): void {
    const bytes = bytesOf(tensor);
    this.liveBytes -= bytes;
    if (this.pooled + bytes > POOL_BYTES) return;
    const key = formatAval(aval);
    const free = this.pool.get(key);
    if (free) free.push(tensor);
    else this.pool.set(key, [tensor]);
    this.pooled += bytes;
  }

  async read(tensors: readonly Tensor[]): Promise<readonly TypedArray[]> {
    return tensors.map((tensor) => (tensor.data as TypedArray).slice());
  }

  dispose(): void {
    this.pool.clear();
    this.pooled = 0;
  }
}

const bytesOf = (tensor: Tensor): number => (tensor.data as TypedArray).byteLength;

/** Zeros. */
export function hostArray({ shape, dtype }: Aval): TypedArray {
  const size = shape.reduce((n, d) => n * d, 1);
  switch (dtype) {
    case 'float32':
      return new Float32Array(size);
    case 'int32':
      return new Int32Array(size);
    case 'bool':
      return new Uint8Array(size);
    case 'float64':
      throw new BackendError(`onnxruntime computes in float32; for float64 use device('reference')`);
    default:
      return dtype satisfies never;
  }
}

function make(Tensor: TensorConstructor, { shape, dtype }: Aval, data: TypedArray): Tensor {
  return new Tensor(dtype as 'float32', data as Float32Array, shape);
}
