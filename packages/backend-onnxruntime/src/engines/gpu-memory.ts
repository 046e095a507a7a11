/// <reference types="@webgpu/types" />
/**
 * Tensors in GPU buffers, pooled by size.
 */
import { type Aval, BackendError, type TypedArray } from '@fakkel/core';
import type { Tensor, TensorConstructor } from 'onnxruntime-common';
import type { TensorMemory } from './engine.js';

/** Bytes kept for reuse; past them, released buffers are destroyed. */
const POOL_BYTES = 1 << 30;
/** ONNX Runtime binds and copies its buffers in units of 16 bytes. */
const UNIT = 16;

/** Integers up to this many stay on the host: bounds of slices are read there, and keys of random numbers. */
const HOST_ELEMENTS = 2;

export class GpuMemory implements TensorMemory {
  private readonly pool = new Map<number, GPUBuffer[]>();
  private pooled = 0;
  /** What went wrong on the device, after the call that caused it. */
  private failure: Error | null = null;
  liveBytes = 0;
  peakBytes = 0;

  constructor(
    private readonly make: TensorConstructor,
    private readonly device: GPUDevice,
  ) {}

  allocate(aval: Aval, data?: TypedArray): Tensor {
    const { shape, dtype } = aval;
    if (dtype === 'float64') {
      throw new BackendError(`onnxruntime computes in float32; for float64 use device('reference')`);
    }
    if (dtype === 'int32' && data && data.length <= HOST_ELEMENTS) {
      this.count(data.byteLength);
      return new this.make('int32', data.slice() as Int32Array, shape);
    }
    const size = sizeOf(aval);
    const free = this.pool.get(size)?.pop();
    const buffer =
      free ??
      this.device.createBuffer({
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
    if (free) this.pooled -= size;
    this.count(size);
    if (data) this.write(buffer, data);
    return this.make.fromGpuBuffer(buffer, { dataType: dtype, dims: shape });
  }

  release(tensor: Tensor, aval: Aval): void {
    if (tensor.location === 'cpu') {
      this.liveBytes -= (tensor.data as TypedArray).byteLength;
      return;
    }
    const buffer = tensor.gpuBuffer;
    const size = sizeOf(aval);
    this.liveBytes -= size;
    if (this.pooled + size > POOL_BYTES) {
      buffer.destroy();
      return;
    }
    const free = this.pool.get(size);
    if (free) free.push(buffer);
    else this.pool.set(size, [buffer]);
    this.pooled += size;
  }

  /** All at once: one submission, one mapping. */
  async read(tensors: readonly Tensor[], avals: readonly Aval[]): Promise<readonly TypedArray[]> {
    this.check();
    const offsets: number[] = [];
    let bytes = 0;
    tensors.forEach((tensor, i) => {
      offsets.push(bytes);
      if (tensor.location !== 'cpu') bytes += sizeOf(avals[i]);
    });
    const host = bytes > 0 ? await this.readBytes(tensors, avals, offsets, bytes) : new ArrayBuffer(0);
    return tensors.map((tensor, i) =>
      tensor.location === 'cpu' ? (tensor.data as TypedArray).slice() : arrayOf(avals[i], host, offsets[i]),
    );
  }

  /** Reads fail from here on: what the device holds can't be trusted. */
  fail(error: Error): void {
    this.failure ??= error;
  }

  dispose(): void {
    for (const buffers of this.pool.values()) for (const buffer of buffers) buffer.destroy();
    this.pool.clear();
    this.pooled = 0;
  }

  private async readBytes(
    tensors: readonly Tensor[],
    avals: readonly Aval[],
    offsets: readonly number[],
    bytes: number,
  ): Promise<ArrayBuffer> {
    const { device } = this;
    const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    try {
      const encoder = device.createCommandEncoder();
      tensors.forEach((tensor, i) => {
        if (tensor.location === 'cpu') return;
        encoder.copyBufferToBuffer(tensor.gpuBuffer, 0, staging, offsets[i], sizeOf(avals[i]));
      });
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      return staging.getMappedRange().slice(0);
    } catch (error) {
      throw this.failure ?? error;
    } finally {
      staging.destroy();
      // Errors of the work before arrive with the mapping, or earlier.
      this.check();
    }
  }

  private write(buffer: GPUBuffer, data: TypedArray): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const whole = bytes.length % 4 === 0;
    const padded = whole ? bytes : new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    if (!whole) padded.set(bytes);
    this.device.queue.writeBuffer(buffer, 0, padded as Uint8Array<ArrayBuffer>);
  }

  private count(bytes: number): void {
    this.liveBytes += bytes;
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes);
  }

  private check(): void {
    if (this.failure) throw this.failure;
  }
}

const elementsOf = ({ shape }: Aval): number => shape.reduce((n, d) => n * d, 1);

const sizeOf = (aval: Aval): number => Math.ceil((elementsOf(aval) * (aval.dtype === 'bool' ? 1 : 4)) / UNIT) * UNIT;

function arrayOf(aval: Aval, host: ArrayBuffer, offset: number): TypedArray {
  const count = elementsOf(aval);
  switch (aval.dtype) {
    case 'float32':
      return new Float32Array(host, offset, count).slice();
    case 'int32':
      return new Int32Array(host, offset, count).slice();
    case 'bool':
      return new Uint8Array(host, offset, count).slice();
    case 'float64':
      throw new BackendError('onnxruntime holds no float64');
    default:
      return aval.dtype satisfies never;
  }
}
