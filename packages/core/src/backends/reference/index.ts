/**
 * The reference backend: plain loops over typed arrays. It is the definition of every op, the oracle of the
 * conformance kit, and the fallback that always works, in Node and in browsers.
 */
import { DTYPES, type TypedArray } from '../../dtype.js';
import { BackendError } from '../../errors.js';
import { BARRIER } from '../../program/barriers.js';
import { type Aval, formatAval, sizeOf } from '../../shape.js';
import {
  type Backend,
  type BackendCapabilities,
  type BackendDefinition,
  type BackendStats,
  defineBackend,
  type DeviceBuffer,
} from '../backend.js';
import { interpretProgram, type Kernel } from '../interpret.js';
import { BufferPool } from './buffer-pool.js';
import type { HostKernel } from './kernel.js';
import { hasKernel, referenceKernels } from './run-kernel.js';

export { runKernel } from './run-kernel.js';

const MIB = 1 << 20;

/** What the reference backend counts beside what every backend does. */
export interface ReferenceStats extends BackendStats {
  /** Host arrays made so far; constant over the steps of a training loop once the first is done. */
  readonly allocations: number;
  /** Bytes kept for reuse. */
  readonly pooledBytes: number;
}

export interface ReferenceBackend extends Backend {
  stats(): ReferenceStats;
}

class HostBuffer implements DeviceBuffer {
  released = false;
  constructor(
    readonly id: number,
    readonly aval: Aval,
    readonly data: TypedArray,
    readonly owner: object,
    /** Constants belong to their executable, not to the user of the backend: they are in no count. */
    readonly constant = false,
  ) {}
}

const CAPABILITIES: BackendCapabilities = {
  dtypes: DTYPES,
  deterministic: true,
  resident: false,
  memoryBudget: 256 * MIB,
  blocking: true,
};

/** Makes an instance: what `referenceBackend.create()` resolves to. */
export function createReferenceBackend(): ReferenceBackend {
  const pool = new BufferPool(256 * MIB);
  const owner = {};
  const kernelCounts: Record<string, number> = {};
  let nextId = 1;
  let liveBuffers = 0;
  let runs = 0;
  let disposed = false;

  function check(op: string, buffer: DeviceBuffer): HostBuffer {
    checkAlive(op);
    const name = formatAval(buffer.aval);
    if (!(buffer instanceof HostBuffer) || buffer.owner !== owner) {
      throw new BackendError(`${op}: the buffer ${name} belongs to another backend`);
    }
    if (buffer.released) throw new BackendError(`${op}: buffer ${buffer.id}, ${name}, is released already`);
    return buffer;
  }

  function checkAlive(op: string): void {
    if (disposed) throw new BackendError(`${op}: this reference backend is disposed; create another`);
  }

  function acquire(aval: Aval): HostBuffer {
    const data = pool.acquire(aval.dtype, sizeOf(aval.shape));
    liveBuffers++;
    return new HostBuffer(nextId++, aval, data, owner);
  }

  function release(buffer: DeviceBuffer): void {
    if (disposed) return;
    const host = check('release', buffer);
    host.released = true;
    if (host.constant) return;
    liveBuffers--;
    pool.release(host.aval.dtype, host.data);
  }

  const onDevice =
    (kernel: HostKernel): Kernel<HostBuffer> =>
    ({ op, inputs, inputAvals, outputAvals, attrs }) => {
      const made = outputAvals.map(acquire);
      try {
        kernel({ inputs: inputs.map(dataOf), inputAvals, outputs: made.map(dataOf), outputAvals, attrs });
      } catch (error) {
        made.forEach(release);
        throw error;
      }
      kernelCounts[op] = (kernelCounts[op] ?? 0) + 1;
      return made;
    };

  const compile = interpretProgram<HostBuffer>({
    kernels: Object.fromEntries(Object.entries(referenceKernels).map(([op, kernel]) => [op, onDevice(kernel)])),
    constant: (data, aval) => new HostBuffer(nextId++, aval, data.slice(), owner, true),
    release,
    onRun: () => runs++,
  });

  return {
    name: 'reference',
    apiVersion: 1,
    capabilities: CAPABILITIES,
    supports: (op) => hasKernel(op) || op === BARRIER || { reason: `the reference backend has no kernel for '${op}'` },
    upload: (data, aval) => {
      checkAlive('upload');
      checkLength('upload', data, aval);
      const buffer = acquire(aval);
      buffer.data.set(data);
      return buffer;
    },
    adopt: (data, aval) => {
      checkAlive('adopt');
      checkLength('adopt', data, aval);
      pool.adopt(data);
      liveBuffers++;
      return new HostBuffer(nextId++, aval, data, owner);
    },
    download: async (buffers) => buffers.map((buffer) => check('download', buffer).data.slice()),
    release,
    compile: async (program) => {
      checkAlive('compile');
      const executable = await compile(program);
      return {
        run: async (inputs, donated) => {
          for (const input of inputs) check('run', input);
          return executable.run(inputs, donated);
        },
        dispose: () => executable.dispose(),
      };
    },
    // Nothing can take host memory away.
    lost: new Promise(() => {}),
    stats: () => ({
      liveBuffers,
      liveBytes: pool.liveBytes,
      peakBytes: pool.peakBytes,
      runs,
      kernels: { ...kernelCounts },
      allocations: pool.allocations,
      pooledBytes: pool.freeBytes,
    }),
    dispose: async () => {
      disposed = true;
      pool.clear();
    },
  };
}

function checkLength(op: string, data: TypedArray, aval: Aval): void {
  if (data.length !== sizeOf(aval.shape)) {
    throw new BackendError(`${op}: ${formatAval(aval)} does not hold ${data.length} elements`);
  }
}

const dataOf = (buffer: HostBuffer): TypedArray => buffer.data;

/** `device('reference')`: always there, in Node and in browsers. */
export const referenceBackend: BackendDefinition = defineBackend({
  name: 'reference',
  create: async () => createReferenceBackend(),
});
