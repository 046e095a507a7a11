/**
 * The reference backend: plain loops over typed arrays. It is the definition of every op, the oracle of the
 * conformance kit, and the fallback that always works, in Node and in browsers.
 */
import type { TypedArray } from '../../dtype.js';
import { BackendError, FakkelError } from '../../errors.js';
import { type Aval, formatAval, sizeOf } from '../../shape.js';
import { type Backend, type BackendStats, defineBackend, type DeviceBuffer } from '../backend.js';
import { interpretProgram, type Kernel } from '../interpret.js';
import { BufferPool } from './buffer-pool.js';
import type { HostKernel } from './kernel.js';
import { hasKernel, referenceKernels } from './run-kernel.js';

export { hasKernel, referenceKernels, runKernel } from './run-kernel.js';
export type { HostCall, HostKernel, KernelTable } from './kernel.js';

const MIB = 1 << 20;

/** What the reference backend counts beside what every backend does. */
export interface ReferenceStats extends BackendStats {
  /** Host arrays made so far; constant over the steps of a training loop once the first is done. */
  readonly allocations: number;
  /** Bytes kept for reuse. */
  readonly pooledBytes: number;
}

class HostBuffer implements DeviceBuffer {
  released = false;
  constructor(
    readonly id: number,
    readonly aval: Aval,
    readonly data: TypedArray,
    readonly owner: object,
  ) {}
}

/** Makes an instance; `referenceBackend.create` without the promise. */
export function createReferenceBackend(): Backend & { stats(): ReferenceStats } {
  const pool = new BufferPool(256 * MIB);
  const owner = {};
  const kernelCounts: Record<string, number> = {};
  let nextId = 1;
  let liveBuffers = 0;
  let runs = 0;
  let disposed = false;

  function acquire(aval: Aval): HostBuffer {
    liveBuffers++;
    return new HostBuffer(nextId++, aval, pool.acquire(aval.dtype, sizeOf(aval.shape)), owner);
  }

  function own(op: string, buffer: DeviceBuffer): HostBuffer {
    const name = formatAval(buffer.aval);
    if (disposed) throw new BackendError(`${op}: this reference backend is disposed`);
    if (!(buffer instanceof HostBuffer) || buffer.owner !== owner) {
      throw new BackendError(`${op}: the buffer ${name} belongs to another backend`);
    }
    if (buffer.released) throw new BackendError(`${op}: the buffer ${buffer.id}, ${name}, is released`);
    return buffer;
  }

  function release(buffer: DeviceBuffer): void {
    if (disposed) return;
    const { aval, data } = own('release', buffer);
    (buffer as HostBuffer).released = true;
    liveBuffers--;
    pool.release(aval.dtype, data);
  }

  const onDevice =
    (kernel: HostKernel): Kernel<HostBuffer> =>
    ({ op, inputs, inputAvals, outputAvals, attrs }) => {
      const outputs = outputAvals.map(acquire);
      try {
        kernel({ inputs: inputs.map((b) => b.data), inputAvals, outputs: outputs.map((b) => b.data), outputAvals, attrs });
      } catch (error) {
        outputs.forEach(release);
        throw error;
      }
      kernelCounts[op] = (kernelCounts[op] ?? 0) + 1;
      return outputs;
    };

  const compile = interpretProgram<HostBuffer>({
    kernels: Object.fromEntries(Object.entries(referenceKernels).map(([op, kernel]) => [op, onDevice(kernel)])),
    // Constants belong to the executable, not to the program's user: they are in no count.
    constant: (data, aval) => new HostBuffer(nextId++, aval, data.slice(), owner),
    release,
    onRun: () => runs++,
  });
  return undefined as never;
}
