/**
 * Running, counting and looking at a device: the functions around its runtime.
 */
import type { BackendStats } from '../backends/backend.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { hide, modes } from '../graph/modes.js';
import type { Cell } from './cell.js';
import { getDefaultDevice, type Device } from './device.js';
import { type MemoryReport } from './memory.js';
import type { RuntimeStats } from './runtime.js';

/**
 * Computes tensors now, in one run. Large ones stay on the device, small ones are copied to the host.
 *
 * @example
 * const x = tensor([1, 2, 3]);
 * const mean = x.mean();
 * const largest = x.max();
 * await evaluate(mean, largest); // one run
 * await mean.item(); // already computed
 */
export async function evaluate(...tensors: Tensor[]): Promise<void> {
  await Promise.all(
    tensors.map((t) => {
      const value = t._resolve();
      return value._storage?.present ? (value._storage.pending ?? Promise.resolve()) : t.device._runtime.request(value);
    }),
  );
  for (const t of tensors) {
    const error = t._resolve()._storage?.error;
    if (error !== undefined) throw error as Error;
  }
}

/** Runs everything that was recorded on `device` and waits: visible values and pending writes. */
export async function flush(device: Device = getDefaultDevice()): Promise<void> {
  await device._runtime.flush();
}

/**
 * As {@link flush}, if a module was called since the last run: what a data loader does before it hands out the next
 * batch, so that a loop which reads nothing does not pile up work.
 */
export async function flushWaiting(device: Device = getDefaultDevice()): Promise<void> {
  if (device._runtime.moduleCallWaits) await device._runtime.flush();
}

/**
 * Computes the pending writes of `cells` in one run, with the visible values that share work with them: how an
 * optimizer ends its step.
 */
export async function commit(cells: readonly Cell[], device: Device): Promise<void> {
  await device._runtime.commit(cells);
}

/** Bytes and buffers on the device by role: parameters, gradients, optimizer state, results, activations, data. */
export function memory(device: Device = getDefaultDevice()): MemoryReport {
  return device._runtime.memory.report();
}

/** What {@link stats} counts. */
export interface Stats extends RuntimeStats {
  /** The backend's own counts. */
  readonly backend: BackendStats;
  /** Compiled programs kept for reuse. */
  readonly cachedPrograms: number;
}

/** Counts since the device was made: compiles, runs, recorded operations run, and the backend's own. */
export function stats(device: Device = getDefaultDevice()): Stats {
  const { counts, backend, cache } = device._runtime;
  return { ...counts, backend: backend.stats(), cachedPrograms: cache.size };
}

/** Sets how many bytes results and activations may keep on the device, beside cells. */
export function setMemoryBudget(bytes: number, device: Device = getDefaultDevice()): void {
  device._runtime.memory.budget = bytes;
}

/**
 * Runs `fn` as a module does: what it makes inside lives and dies in the program; what it returns is visible.
 *
 * @example
 * const x = tensor([1, 2, 3]);
 * const y = tensor([1, 1, 1]);
 * const loss = scope(() => x.sub(y).square().mean());
 * await loss.item(); // 1.6667
 */
export function scope<T>(fn: () => T): T {
  const result = hide(fn);
  if (modes.hidden === 0) markVisible(result);
  return result;
}

/** Makes every tensor in `value` visible: nested in arrays, collections and objects too, of whatever class. */
export function markVisible(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > 8 || ArrayBuffer.isView(value)) return;
  if (isTensor(value)) {
    value.device._runtime.markVisible(value);
    return;
  }
  const collection = Array.isArray(value) || value instanceof Map || value instanceof Set;
  for (const item of collection ? value.values() : Object.values(value)) markVisible(item, depth + 1);
}
