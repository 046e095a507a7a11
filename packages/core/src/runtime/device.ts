/**
 * A device: a backend with its queue of runs, its program cache and its memory.
 */
import type { Backend } from '../backends/backend.js';
import { createReferenceBackend } from '../backends/reference/index.js';
import { Runtime } from './runtime.js';

export class Device {
  /** @internal */
  readonly _runtime: Runtime;

  constructor(
    /** What it was asked for as: `reference`, `cpu`, `onnxruntime:cuda`. */
    readonly name: string,
    readonly backend: Backend,
  ) {
    this._runtime = new Runtime(this, backend);
  }

  toString(): string {
    return `device('${this.name}')`;
  }

  /** Frees the backend. Tensors on it can no longer be read. */
  async dispose(): Promise<void> {
    await this._runtime.dispose();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

let reference: Device | null = null;
let current: Device | null = null;

/** The reference device: plain TypeScript, always there. */
export function referenceDevice(): Device {
  return (reference ??= new Device('reference', createReferenceBackend()));
}

/** Where tensors are made when no device is named: the reference device, until {@link setDefaultDevice}. */
export function getDefaultDevice(): Device {
  return (current ??= referenceDevice());
}

/** Sets where tensors and modules are made from now on. */
export function setDefaultDevice(device: Device): void {
  current = device;
}
