/**
 * Tensors in host memory, pooled by size: a fresh array costs as much as the work on it (page faults).
 */
import { type Aval, formatAval, BackendError, type TypedArray } from '@fakkel/core';
import type { Tensor, TensorConstructor } from 'onnxruntime-common';
import type { TensorMemory } from './engine.js';

/** Bytes kept for reuse. */
const POOL_BYTES = 1 << 30;

export class HostMemory implements TensorMemory {
  /** Free tensors by shape, the shape used least recently first. */
  private readonly pool = new Map<string, Tensor[]>();
  /**
   * What was made here. Only that comes back to the pool: arrays that were handed over, such as the batches of a loader,
   * arrive with every step, are drawn from no pool, and would pile up in it.
   */
  private readonly made = new WeakSet<Tensor>();
  private pooled = 0;
  liveBytes = 0;
  peakBytes = 0;

  /**
   * @param make The `Tensor` of the build that runs the sessions: another copy's are taken for options, and the
   *   results written elsewhere.
   * @param poolBytes Past them, the shapes used least recently go to the collector.
   */
  constructor(
    private readonly make: TensorConstructor,
    private readonly poolBytes = POOL_BYTES,
  ) {}

  /** Bytes of tensors kept for reuse. */
  get pooledBytes(): number {
    return this.pooled;
  }

  allocate(aval: Aval, data?: TypedArray): Tensor {
    const tensor = this.reuse(formatAval(aval)) ?? make(this.make, aval, hostArray(aval));
    this.made.add(tensor);
    if (data) (tensor.data as TypedArray).set(data);
    return this.counted(tensor);
  }

  adopt(aval: Aval, data: TypedArray): Tensor {
    return this.counted(make(this.make, aval, data));
  }

  release(tensor: Tensor, aval: Aval, reuse = false): void {
    const bytes = bytesOf(tensor);
    this.liveBytes -= bytes;
    if (reuse) this.made.add(tensor);
    if (bytes > this.poolBytes || !this.made.has(tensor)) return;
    const key = formatAval(aval);
    const free = this.pool.get(key) ?? [];
    free.push(tensor);
    this.pooled += bytes;
    this.touch(key, free);
    this.trim();
  }

  private counted(tensor: Tensor): Tensor {
    this.liveBytes += bytesOf(tensor);
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes);
    return tensor;
  }

  private reuse(key: string): Tensor | undefined {
    const free = this.pool.get(key);
    const tensor = free?.pop();
    if (!free || !tensor) return undefined;
    this.pooled -= bytesOf(tensor);
    this.touch(key, free);
    return tensor;
  }

  /** Makes the shape the one used last. */
  private touch(key: string, free: Tensor[]): void {
    this.pool.delete(key);
    if (free.length > 0) this.pool.set(key, free);
  }

  private trim(): void {
    for (const [key, free] of this.pool) {
      while (this.pooled > this.poolBytes && free.length > 0) this.pooled -= bytesOf(free.pop()!);
      if (free.length > 0) return;
      this.pool.delete(key);
    }
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
