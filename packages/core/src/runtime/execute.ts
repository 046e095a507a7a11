/**
 * Executing a scheduled run: upload, run, let go of what is done with; then copy small results to the host.
 */
import type { Backend, DeviceBuffer } from '../backends/backend.js';
import type { TypedArray } from '../dtype.js';
import { BackendError } from '../errors.js';
import { modes } from '../graph/modes.js';
import type { Aval } from '../shape.js';
import { runChecked } from './checking.js';
import { formatMemory } from './memory.js';
import type { Run, Runtime } from './runtime.js';
import { HOST_RESULT_BYTES, type Storage } from './storage.js';

/** Uploads what is not on the device yet. */
function buffersOf(runtime: Runtime, storages: readonly Storage[]): DeviceBuffer[] {
  return storages.map((storage) => {
    if (!storage.buffer) {
      storage.buffer = upload(runtime.backend, storage);
      arrived(runtime, storage);
    }
    return storage.buffer;
  });
}

function arrived(runtime: Runtime, storage: Storage): void {
  storage.uploads++;
  runtime.memory.arrived(storage);
  if (storage.kind !== 'cell' || storage.shared) return;
  // A cell lives on the device; its first contents may belong to a user's tensor, which keeps its own.
  storage.host = null;
  storage.fill = null;
  storage.draw = null;
}

/** Uploads what nobody else has an array of, without a second copy where the backend can do that. */
export function uploadOwned(runtime: Runtime, storage: Storage): void {
  const { backend } = runtime;
  storage.buffer = giveAway(backend, storage.hostData()!, storage.aval);
  arrived(runtime, storage);
}

function giveAway(backend: Backend, data: TypedArray, aval: Aval): DeviceBuffer {
  return backend.adopt ? backend.adopt(data, aval) : backend.upload(data, aval);
}

function upload(backend: Backend, storage: Storage): DeviceBuffer {
  if (backend.fill && storage.host === null && storage.fill !== null) return backend.fill(storage.fill, storage.aval);
  if (storage.host === null && storage.draw) return giveAway(backend, storage.draw(), storage.aval);
  const host = storage.hostData();
  if (!host) throw new BackendError(`an input of a run has no contents (${storage.kind})`);
  return backend.upload(host, storage.aval);
}

export async function execute(runtime: Runtime, run: Run): Promise<void> {
  const { backend, memory } = runtime;
  const { checking } = modes;
  try {
    for (const leaf of run.leaves) {
      if (leaf.pending && !leaf.buffer && leaf.error === undefined) await leaf.pending;
      if (leaf.error !== undefined) throw leaf.error as Error;
    }
    const executable = await run.program.executable;
    const { used, outputs: slots } = run.program;
    const inputs = used.map((i) => run.leaves[i]);
    const buffers = buffersOf(runtime, inputs);
    const retires = new Set(run.retires);
    // Where a guard may still fail the run, the cells keep what they have until it has passed.
    const donated = inputs.map((s) => run.guards.size === 0 && retires.has(s) && s.pins === 1 && !s.shared);
    const results = checking
      ? await runChecked(backend, run.program, buffers, inputs)
      : await executable.run(buffers, donated);
    if (run.guards.size > 0) await passGuards(backend, run, results);
    if (!checking) inputs.forEach((s, i) => donated[i] && memory.donated(s));
    run.outputs.forEach((storage, i) => {
      storage.buffer = results[slots[i]]!;
      storage.pending = null;
      memory.arrived(storage);
    });
  } catch (error) {
    throw explain(runtime, error);
  } finally {
    for (const leaf of run.leaves) memory.unpin(leaf);
  }
  for (const storage of run.retires) memory.retire(storage);
}

/** Looks at what is guarded; an error lets go of all that the run has made. */
async function passGuards(backend: Backend, run: Run, results: readonly DeviceBuffer[]): Promise<void> {
  const guarded = run.outputs.flatMap((storage, i) => {
    const guard = run.guards.get(storage);
    return guard ? [{ guard, buffer: results[run.program.outputs[i]] }] : [];
  });
  try {
    const contents = await backend.download(guarded.map(({ buffer }) => buffer));
    guarded.forEach(({ guard }, i) => {
      const error = guard(contents[i]);
      if (error) throw error;
    });
  } catch (error) {
    for (const buffer of new Set(results)) backend.release(buffer);
    throw error;
  }
}

/**
 * Small results, and those that were asked for, go to the host with the run; large ones stay, under the budget. What
 * can't be downloaded stays as well: the run has succeeded, those who read are told.
 */
export async function fetchResults(runtime: Runtime, run: Run): Promise<void> {
  const { memory } = runtime;
  const small = (s: Storage): boolean => s.bytes <= HOST_RESULT_BYTES && (s.kind === 'result' || s.shared);
  const fetched = run.outputs.filter((s) => run.wanted.has(s) || small(s));
  try {
    const copies = fetched.length > 0 ? await runtime.backend.download(fetched.map((s) => s.buffer!)) : [];
    fetched.forEach((storage, i) => {
      run.copies.set(storage, copies[i]);
      if (small(storage)) storage.host = copies[i]!;
    });
  } catch (error) {
    run.downloadError = error;
  }
  for (const storage of run.outputs) memory.unpin(storage);
}

/** An allocation that failed is explained by what is on the device. */
function explain(runtime: Runtime, error: unknown): unknown {
  if (error instanceof Error && /out of memory|allocation|invalid (typed )?array length/i.test(error.message)) {
    return new BackendError(`${runtime.device.name}: ${error.message}\n${formatMemory(runtime.memory.report())}`, {
      cause: error,
    });
  }
  return error;
}
