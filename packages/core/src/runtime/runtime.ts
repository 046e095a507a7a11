/**
 * The runs of one device: what is recorded and waits, what is asked for, in which order it executes.
 */
import type { Backend } from '../backends/backend.js';
import type { TypedArray } from '../dtype.js';
import { BackendError, FakkelError, StaleTensorError } from '../errors.js';
import type { Node } from '../graph/node.js';
import { type Guard, Tensor } from '../graph/tensor.js';
import { ProgramCache, type CompiledProgram } from '../program/cache.js';
import { unreadable } from '../program/trace.js';
import { byteSize } from '../shape.js';
import type { Cell, Parameter } from './cell.js';
import { enterGroup, gather, groupOf, regroup, type Group } from './groups.js';
import type { Device } from './device.js';
import { execute, fetchResults } from './execute.js';
import { DeviceMemory } from './memory.js';
import { dependsOnFailure, planRun } from './plan.js';
import { dropRecipe, keepActivation, staysOnHost, versionsBehind } from './recipes.js';
import { Storage } from './storage.js';
import { Version, type VersionState } from './version.js';

/** A visible value above this that other operations read is no output by that alone. */
export const LARGE_VISIBLE_BYTES = 1024 * 1024;
/** Un-run work past these bounds is run. */
export const MAX_WAITING_NODES = 1 << 15;
export const MAX_WAITING_BYTES = 256 * 1024 * 1024;

interface Request {
  readonly target: Tensor;
  /** The contents are wanted on the host. */
  readonly read: boolean;
  /** Given the contents where the run has brought them to the host. */
  readonly resolve: (contents: TypedArray | null) => void;
  readonly reject: (error: unknown) => void;
}

/** A scheduled run. */
export interface Run {
  readonly program: CompiledProgram;
  readonly leaves: readonly Storage[];
  readonly outputs: readonly Storage[];
  /** Old contents that this run's writes replace: retired when it succeeds. */
  readonly retires: readonly Storage[];
  readonly writes: readonly Version[];
  /** What somebody reads: downloaded with the run, whatever its size. */
  readonly wanted: ReadonlySet<Storage>;
  /** What is looked at before the run counts as succeeded. */
  readonly guards: ReadonlyMap<Storage, Guard>;
  /** What was downloaded. */
  readonly copies: Map<Storage, TypedArray>;
  /** Why nothing could be downloaded: told to those who read, the run itself has succeeded. */
  downloadError: unknown;
  readonly done: Promise<void>;
  finish(): void;
  fail(error: unknown): void;
}

export interface RuntimeStats {
  /** Programs compiled. */
  compiles: number;
  /** Programs run. */
  runs: number;
  /** Recorded operations that those runs executed, before simplification. */
  nodes: number;
}

export class Runtime {
  readonly memory: DeviceMemory;
  readonly cache: ProgramCache;
  readonly counts: RuntimeStats = { compiles: 0, runs: 0, nodes: 0 };
  private readonly visible = new Set<Tensor>();
  private readonly writes = new Map<Cell, Version>();
  private readonly clearing = new Set<Version>();
  private requests: Request[] = [];
  private tail: Promise<void> = Promise.resolve();
  private waitingNodes = 0;
  private waitingBytes = 0;
  /** A module was called since the last run: a data loader runs it before it makes the next batch. */
  moduleCallWaits = false;
  /** Why the device is gone, once it is. */
  lost: Error | null = null;

  constructor(
    readonly device: Device,
    readonly backend: Backend,
  ) {
    this.memory = new DeviceMemory(backend, backend.capabilities.memoryBudget, (storage) => void this.spill(storage));
    this.cache = new ProgramCache(backend, this.counts, (storage) => this.memory.retire(storage));
    void backend.lost.then((error) => (this.lost = error));
  }

  // --- recording ---

  recorded(node: Node): void {
    enterGroup(node);
    this.waitingNodes++;
    for (const input of node.inputs) {
      const storage = input._storage;
      if (storage?.kind !== 'data' || storage.waits || storage.buffer) continue;
      storage.waits = true;
      this.waitingBytes += storage.bytes;
    }
  }

  /** Another operation reads `t`. */
  consumed(t: Tensor): void {
    t._consumed = true;
    if (t._visible && !t._kept && byteSize(t) > LARGE_VISIBLE_BYTES) this.hideAgain(t);
  }

  /** A user can name `t`: it is computed with the run that it shares work with. */
  markVisible(t: Tensor): void {
    t = t._resolve();
    if (t._version && !t._kept) return;
    t._visible = true;
    if (t._storage?.present || t.device !== this.device) return;
    if (!t._kept && t._consumed && byteSize(t) > LARGE_VISIBLE_BYTES) return;
    this.visible.add(t);
    regroup(t)?.visible.add(t);
  }

  private hideAgain(t: Tensor): void {
    if (this.visible.delete(t)) groupOf(t)?.visible.delete(t);
  }

  /** At top level, where everything that is needed later is visible, too much waiting work is run. */
  settle(): void {
    if (this.waitingNodes > MAX_WAITING_NODES || this.waitingBytes > MAX_WAITING_BYTES) {
      // Errors stay on the values: whoever reads one is told.
      this.flush().catch(() => undefined);
      this.startTick();
    }
  }

  /** A pending write of `cell`; a value that is there already is swapped in at once. */
  write(cell: Cell, version: Version, value: Tensor): void {
    const target = value._resolve();
    const storage = target._storage;
    const previous = cell._head;
    if (storage?.present) {
      this.swapIn(cell, version, this.adopt(cell, target, storage));
      return;
    }
    version.state = 'pending';
    version.tensor._alias = value;
    // A pending version that nobody has run is only an intermediate: the cell moves on from the one before.
    version.previous = previous.state === 'pending' ? previous.previous : previous;
    cell._head = version;
    this.dropWrite(cell);
    this.writes.set(cell, version);
    version.group = regroup(target);
    version.group?.writes.add(version);
  }

  /** `version`, whose contents are there, is what the cell has from now on. */
  swapIn(cell: Cell, version: Version, contents: Storage): void {
    const previous = cell._head;
    version.state = 'current';
    version.tensor._storage = contents;
    this.dropWrite(cell);
    cell._head = version;
    cell._held.storage = contents;
    this.replace(previous);
  }

  /** The pending write of `cell` is not made for its own sake any more. */
  private dropWrite(cell: Cell): void {
    const write = this.writes.get(cell);
    if (!write) return;
    this.writes.delete(cell);
    write.group?.root().writes.delete(write);
  }

  /** Contents for a cell of its own: host data is shared with whoever gave it (it never changes), the rest is copied. */
  private adopt(cell: Cell, from: Tensor, storage: Storage): Storage {
    const own = new Storage(cell, 'cell', cell.role);
    own.host = storage.host;
    own.fill = storage.fill;
    own.draw = storage.draw;
    if (!own.onHost) own.pending = this.copyInto(own, from);
    return own;
  }

  private async copyInto(own: Storage, from: Tensor): Promise<void> {
    try {
      own.host = await from.device._runtime.readNow(from);
    } catch (error) {
      own.error = error;
    }
    own.pending = null;
  }

  /** `version` is no longer its cell's: what was recorded on it runs now, then its contents go. */
  private replace(version: Version): void {
    const storage = version.tensor._storage;
    // A version that never had contents: what it would have replaced goes too.
    if (!storage && version.previous) this.replace(version.previous);
    if (storage) this.runReaders(version);
    if (version.state !== 'spent' && version.state !== 'spending') version.state = 'replaced';
    this.letGo(version);
    if (!storage) return;
    storage.leaving = true;
    this.memory.retire(storage);
  }

  /** Runs what was recorded on `version` while its contents are there. */
  private runReaders(version: Version): void {
    if (this.requests.length > 0) this.startTick();
    const waiting = [...version.readers].flatMap((group) => [
      ...group.visible,
      ...[...group.writes].map((w) => w.tensor),
    ]);
    if (waiting.length === 0) return;
    for (const tensor of waiting) this.request(tensor).catch(() => undefined);
    this.startTick();
  }

  private letGo(version: Version): void {
    for (const dependencies of version.dependencies?.values() ?? []) {
      dependencies.recipes = null;
      for (const storage of dependencies.activations) this.memory.retire(storage);
      dependencies.activations.clear();
      // The others may stay for ever, as those of a frozen layer do: they are not to hold on to the ones that go.
      for (const other of dependencies.versions) if (other !== version) other.dependencies?.delete(dependencies.key);
    }
    version.dependencies = null;
  }

  /** The cell has no value from now on: a gradient is zeroed, a cell disposed of. */
  clear(cell: Cell, state: VersionState): void {
    const version = cell._head;
    this.dropWrite(cell);
    cell._held.storage = null;
    cell._head = new Version(cell, new Tensor(cell, this.device));
    cell._head.state = state;
    this.replace(version);
  }

  /** A gradient that the step recorded just now has used: never computed for its own sake, gone with the step's run. */
  spend(cell: Cell): void {
    const version = cell._head;
    this.dropWrite(cell);
    this.clearing.add(version);
    version.state = 'spending';
  }

  // --- asking ---

  /** Contents of tensors on the host, in copies; one run at most. */
  async read(tensors: readonly Tensor[]): Promise<TypedArray[]> {
    return Promise.all(tensors.map((t) => this.readOne(t._resolve())));
  }

  /**
   * As {@link read}, but the run is scheduled before this returns: what is recorded afterwards, on this device or
   * another, finds it in the queue. A move between devices must not share a run with work that waits for it.
   */
  readNow(t: Tensor): Promise<TypedArray> {
    const contents = this.readOne(t._resolve());
    this.startTick();
    return contents;
  }

  private async readOne(target: Tensor): Promise<TypedArray> {
    const cause = this.lost ?? unreadable(target);
    if (cause) throw cause;
    let storage = target._storage;
    if (!storage?.present) {
      const contents = await this.request(target, true);
      if (contents) return contents.slice();
      storage = target._storage!;
      if (storage.error !== undefined) throw storage.error as Error;
    }
    const host = storage.hostData();
    if (host) return host.slice();
    return this.download(storage);
  }

  private download(storage: Storage): Promise<TypedArray> {
    this.memory.pin(storage);
    return this.enqueue(async () => {
      try {
        if (storage.pending && !storage.buffer) await storage.pending;
        if (storage.error !== undefined) throw storage.error as Error;
        const host = storage.hostData();
        if (host) return host.slice();
        return (await this.backend.download([storage.buffer!]))[0];
      } finally {
        this.memory.unpin(storage);
      }
    });
  }

  /** A snapshot moves to the host. */
  private spill(storage: Storage): Promise<void> {
    this.memory.pin(storage);
    return this.enqueue(async () => {
      if (storage.buffer && !storage.host) storage.host = (await this.backend.download([storage.buffer]))[0]!;
      storage.pins--;
      this.memory.release(storage);
    }).catch((error: unknown) => void (storage.error = error));
  }

  /** Asks for a value to be computed; requests of one tick share a run. */
  request(target: Tensor, read = false): Promise<TypedArray | null> {
    return new Promise((resolve, reject) => {
      if (this.requests.length === 0) queueMicrotask(() => this.startTick());
      this.requests.push({ target: target._resolve(), read, resolve, reject });
    });
  }

  /** Computes the pending writes of `cells` and what goes with them: an optimizer's step. */
  async commit(cells: readonly Cell[]): Promise<void> {
    const pending = cells.filter((cell) => cell._head.state === 'pending').map((cell) => cell._head.tensor._resolve());
    await Promise.all(pending.map((t) => this.request(t)));
  }

  /**
   * Runs what waits for the gradients of `parameters()`. A forward pass that begins before a step has used them is that
   * of the next micro-batch: it is not to pile up on this one, nor does its memory.
   */
  runGradients(parameters: () => readonly Parameter[]): void {
    if (![...this.writes.keys()].some((cell) => cell.role === 'gradient')) return;
    for (const { _gradient: gradient } of parameters()) {
      // Errors stay on the gradients: the step that would use them is told.
      if (gradient && this.writes.has(gradient)) this.request(gradient._head.tensor).catch(() => undefined);
    }
    if (this.requests.length > 0) this.startTick();
  }

  /** Runs everything that waits. */
  async flush(): Promise<void> {
    this.moduleCallWaits = false;
    this.waitingNodes = 0;
    this.waitingBytes = 0;
    const waiting = [...this.visible, ...[...this.writes.values()].map((write) => write.tensor)];
    const notStale = (error: unknown): void => {
      // What nobody asked for and can't be computed any more is no error here; reading it is.
      if (!(error instanceof StaleTensorError)) throw error;
    };
    await Promise.all(waiting.map((t) => this.request(t).catch(notStale)));
    await this.tail;
  }

  // --- running ---

  /** Schedules one run for everything that this tick asked for. */
  private startTick(): void {
    const requests = this.requests;
    this.requests = [];
    const open: Request[] = [];
    for (const request of requests) {
      const storage = request.target._storage;
      if (!storage?.present) open.push(request);
      else if (storage.pending) {
        void storage.pending.then(() =>
          storage.error === undefined ? request.resolve(null) : request.reject(storage.error),
        );
      } else if (storage.error !== undefined) request.reject(storage.error);
      else request.resolve(null);
    }
    if (open.length > 0) this.schedule(open);
  }

  private schedule(requests: readonly Request[]): void {
    if (this.lost) {
      for (const request of requests) request.reject(this.lost);
      return;
    }
    const group = gather(
      requests.map(({ target }) => target),
      this.clearing,
    );
    let open = requests;
    let run: Run;
    try {
      try {
        run = this.launch(open, group);
      } catch (error) {
        if (!(error instanceof StaleTensorError)) throw error;
        // What can't be computed any more is left out; whoever asked for it is told why.
        this.prune(group);
        open = requests.filter(({ target, reject }) => {
          const cause = unreadable(target);
          if (cause) reject(cause);
          return !cause;
        });
        if (open.length === 0) return;
        run = this.launch(open, group);
      }
    } catch (error) {
      for (const write of [...group.writes]) this.discard(write, error);
      this.dissolve(group);
      for (const request of open) request.reject(error);
      return;
    }
    this.dissolve(group);
    const storages = open.map(({ target }) => target._storage!);
    run.done.then(
      () =>
        open.forEach((request, i) => {
          if (request.read && run.downloadError !== undefined) request.reject(run.downloadError);
          else request.resolve(run.copies.get(storages[i]) ?? null);
        }),
      (error: unknown) => open.forEach((request) => request.reject(error)),
    );
  }

  private dissolve(group: Group): void {
    for (const t of group.visible) this.visible.delete(t);
    group.dissolve();
  }

  private prune(group: Group): void {
    for (const t of [...group.visible]) {
      if (!unreadable(t)) continue;
      group.visible.delete(t);
      this.visible.delete(t);
    }
    for (const write of [...group.writes]) {
      const cause = unreadable(write.tensor);
      if (cause) this.discard(write, cause);
    }
  }

  private launch(requests: readonly Request[], group: Group): Run {
    const writes = [...group.writes];
    const cleared = [...this.clearing].filter((version) => {
      const making = version.tensor._storage ? null : groupOf(version.tensor);
      return making ? making === group : group.versions.has(version) || version.readers.size === 0;
    });
    const { outputs, trace } = planRun(
      requests.map(({ target }) => target),
      group.visible,
      writes,
    );
    const program = this.cache.get(trace);
    const wanted = new Set<Storage>();
    let finish!: () => void;
    let fail!: (error: unknown) => void;
    const done = new Promise<void>((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
    const settled = done.then(
      () => undefined,
      () => undefined,
    );
    for (const { target, read } of requests) if (read) wanted.add(outputs.get(target)!.storage);

    // From here on nothing throws: the graph moves on.
    const leaves = [...trace.leaves, ...program.captured];
    this.cache.retain(program);
    for (const leaf of leaves) this.memory.pin(leaf);
    const written = new Set(writes);
    const versionsOf = versionsBehind(trace.nodes, written, (t) => t._resolve()._kept);
    // What is computed again starts from the outputs of this run that never go.
    const lasts = (t: Tensor): boolean => (t._storage ?? outputs.get(t._resolve())?.storage)?.lasts ?? false;
    const versionsToRepeat = versionsBehind(trace.nodes, written, lasts);
    const guards = new Map<Storage, Guard>();
    for (const node of trace.nodes) node.group = null;
    for (const [t, { storage }] of outputs) {
      if (t._guard) guards.set(storage, t._guard);
      storage.pending = settled;
      this.memory.pin(storage);
      t._storage = storage;
      this.visible.delete(t);
      if (storage.kind === 'activation') {
        // One that depends on no cell (a one-hot target) goes with those that its run has read; it can be computed again.
        const versions = versionsToRepeat(t);
        keepActivation(t, storage, versions.length > 0 ? versions : [...group.versions]);
      } else dropRecipe(t, staysOnHost(t) ? versionsOf : versionsToRepeat);
    }
    const retires: Storage[] = [];
    const move = (version: Version): void => {
      const storage = version.tensor._storage;
      this.letGo(version);
      if (!storage || retires.includes(storage)) return;
      storage.leaving = true;
      retires.push(storage);
    };
    for (const write of writes) {
      const { cell } = write;
      if (this.writes.get(cell) === write) this.writes.delete(cell);
      write.state = 'scheduled';
      write.tensor._storage = outputs.get(write.tensor._resolve())!.storage;
      write.tensor._alias = null;
      if (write.previous) {
        if (write.previous.state !== 'spent' && write.previous.state !== 'spending') write.previous.state = 'replaced';
        move(write.previous);
      }
    }
    for (const version of cleared) {
      this.clearing.delete(version);
      version.state = 'spent';
      version.tensor._alias = null;
      // Where the gradient was never computed for its own sake, the one that it would have replaced is spent with it.
      for (let spent: Version | null = version; spent; spent = spent.previous) move(spent);
    }
    this.waitingNodes = Math.max(0, this.waitingNodes - trace.nodes.length);
    this.waitingBytes = 0;
    this.moduleCallWaits = false;
    const run: Run = {
      program,
      leaves,
      outputs: [...outputs.values()].map((o) => o.storage),
      retires,
      writes,
      wanted,
      guards,
      copies: new Map(),
      downloadError: undefined,
      done,
      finish,
      fail,
    };
    this.counts.runs++;
    this.counts.nodes += trace.nodes.length;
    void this.enqueue(async () => {
      try {
        await execute(this, run);
      } catch (error) {
        this.failed(run, error);
        return;
      } finally {
        this.cache.release(program);
      }
      for (const write of run.writes) this.committed(write);
      await fetchResults(this, run);
      run.finish();
    });
    return run;
  }

  private committed(write: Version): void {
    if (write.state === 'scheduled') write.state = 'current';
    // Where a run between the two has failed, `previous` is older than what this run was to retire.
    const old = write.previous?.tensor._storage;
    if (old) this.memory.retire(old);
    write.previous = null;
    if (write.cell._head === write) write.cell._held.storage = write.tensor._storage;
  }

  /** A failed run changes no cell; what was recorded on its values has the same cause. */
  private failed(run: Run, cause: unknown): void {
    const error =
      cause instanceof FakkelError
        ? cause
        : new BackendError(
            `${this.device.name}: a run failed: ${cause instanceof Error ? cause.message : String(cause)}`,
            { cause },
          );
    for (const storage of run.outputs) {
      storage.error = error;
      storage.pending = null;
      this.memory.unpin(storage);
    }
    for (const storage of run.retires) storage.leaving = storage.retired;
    for (const write of run.writes) this.discard(write, error);
    for (const write of [...this.writes.values()]) {
      if (dependsOnFailure(write.tensor)) this.discard(write, error);
    }
    // Nobody asked for them: whoever reads one is told, a later flush() is not.
    for (const t of [...this.visible]) if (dependsOnFailure(t)) this.hideAgain(t);
    run.fail(error);
    run.done.catch(() => undefined);
  }

  private discard(version: Version, error: unknown): void {
    const { cell, tensor } = version;
    version.state = 'discarded';
    if (this.writes.get(cell) === version) this.dropWrite(cell);
    if (!tensor._storage) {
      tensor._storage = new Storage(tensor, 'result');
      tensor._alias = null;
    }
    tensor._storage.error ??= error;
    const { previous } = version;
    const last = cell._head === version;
    if (last && previous) {
      cell._head = previous;
      if (previous.state === 'replaced') previous.state = 'current';
    } else if (previous) {
      // A later write goes back further if it fails too. Without one, nobody needs what was there before.
      let later: Version | null = cell._head;
      while (later && later.previous !== version) later = later.previous;
      if (later) later.previous = previous;
      else if (previous.tensor._storage) this.memory.retire(previous.tensor._storage);
    }
    if (last) cell._onDiscard?.(error);
  }

  /** Tasks of the device one after the other, in the order of the calls. */
  private enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task);
    this.tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async dispose(): Promise<void> {
    await this.tail;
    this.cache.dispose();
    await this.backend.dispose();
    this.lost ??= new BackendError(`${this.device.name} was disposed of`);
  }
}
