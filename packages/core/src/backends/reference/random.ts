/**
 * Counter-based uniform numbers: the same on every backend.
 */
import { threefryUniform } from '../../random/threefry.js';
import type { HostCall, KernelTable } from './kernel.js';

function random({ inputs: [key], outputs: [y] }: HostCall): void {
  threefryUniform(y as Float32Array | Float64Array, key[0], key[1]);
}

export const randomKernels: KernelTable = { random };
