/**
 * Cells: the named, long-lived values. All long-lived device memory is in them.
 */
import type { Device } from './device.js';
import { AutogradError, DTypeError, DeviceError, ShapeError } from '../errors.js';
import { describe } from '../graph/record.js';
import { hide, modes, noGrad } from '../graph/modes.js';
import { isTensor, Tensor, type HookHandle, type TensorHook } from '../graph/tensor.js';
import { formatAval, sameShape, type Aval } from '../shape.js';
import { type Storage, type MemoryRole } from './storage.js';
import { Version } from './version.js';

export interface CellOptions {
  /** How errors and `memory()` call it. */
  name?: string;
  role?: MemoryRole;
  requiresGrad?: boolean;
}

/**
 * A named value with one live version: parameters, running statistics, optimizer state, accumulators. Use it as a
 * tensor; {@link Cell.assign} moves it on.
 *
 * @example
 * const total = new Cell(tensor(0), { name: 'total' });
 * for (const x of [tensor([1, 2]), tensor([3])]) total.assign(total.add(x.sum()));
 * await total.item(); // 6
 */
export class Cell extends Tensor {
  readonly role: MemoryRole;
  /** How errors call it: a parameter gets its dotted path when a module is named, an optimizer's state its key. */
  label: string;
  /** @internal */
  _head: Version;
  /** @internal The device that the cell lives on now; `device` follows it. */
  _home: Device;
  /** @internal Called when a run that would have made the cell's current version has failed. */
  _onDiscard: ((error: unknown) => void) | null = null;
  /** @internal What the finalizer releases when a whole model is dropped, and where. */
  readonly _held: { storage: Storage | null; device: Device };

  constructor(initial: Tensor | { aval: Aval; device: Device }, options: CellOptions = {}) {
    const aval = isTensor(initial) ? initial : initial.aval;
    super({ shape: aval.shape, dtype: aval.dtype }, initial.device);
    this._home = initial.device;
    Object.defineProperty(this, 'device', { get: () => this._home, enumerable: true });
    this.role = options.role ?? 'state';
    this.label = options.name ?? this.role;
    const tensor = new Tensor(this, this._home);
    this._head = new Version(this, tensor);
    this._head.state = 'spent';
    this._held = { storage: null, device: this._home };
    finalizer?.register(this, this._held);
    if (isTensor(initial)) this.write(initial);
    this.requiresGrad_(options.requiresGrad ?? false);
  }

  override _current(): Tensor {
    return this._head.tensor;
  }

  override get isLeaf(): boolean {
    return true;
  }

  /** As {@link Tensor.registerHook}: for the gradients of every version that the cell will have. */
  override registerHook(hook: TensorHook): HookHandle {
    return this._addHook(hook);
  }

  override requiresGrad_(requiresGrad = true): this {
    super.requiresGrad_(requiresGrad);
    this._head.tensor._requiresGrad = requiresGrad;
    return this;
  }

  /**
   * A pending write: reads recorded after it see `value`, reads recorded before it the old version. It is computed
   * with the next run that it shares work with, or by `flush()`. Assigning a value that is there already (a loaded
   * state dict) swaps the contents and compiles nothing.
   *
   * @throws ShapeError, DTypeError, DeviceError unless `value` has this cell's shape, dtype and device.
   */
  assign(value: Tensor): void {
    if (!isTensor(value)) throw new TypeError(`assign to ${this.label}: expected a tensor, got ${describe(value)}`);
    if (!sameShape(value.shape, this.shape)) {
      throw new ShapeError(`assign to ${this.label}: expected ${formatAval(this)}, got ${formatAval(value)}`);
    }
    if (value.dtype !== this.dtype) {
      throw new DTypeError(
        `assign to ${this.label}: expected ${formatAval(this)}, got ${formatAval(value)}. Convert it with value.to('${this.dtype}').`,
      );
    }
    if (value.device !== this._home) {
      throw new DeviceError(
        `assign to ${this.label}: it is on ${this._home.name}, the value on ${value.device.name}. Move one with to(device).`,
      );
    }
    if (!modes.dry) this.write(value);
  }

  private write(value: Tensor): void {
    const tensor = new Tensor(this, this._home);
    tensor._requiresGrad = this._requiresGrad;
    const version = new Version(this, tensor);
    const source = value._resolve();
    // A value in flight may still fail, and then the cell must keep what it has: its copy is a write like any other.
    const inFlight = source._storage?.pending && this._head.tensor._storage;
    const settled = inFlight ? noGrad(() => hide(() => source.reshape([...this.shape]))) : source;
    this._home._runtime.write(this, version, settled);
  }

  /**
   * A snapshot: it keeps its value when the cell moves on.
   */
  override detach(): Tensor {
    const version = this._head;
    const handle = new Tensor(this, this._home);
    const storage = version.tensor._storage;
    if (storage) {
      storage.shared = true;
      handle._storage = storage;
    } else {
      const value = version.tensor._resolve();
      value._kept = true;
      this._home._runtime.markVisible(value);
      handle._alias = value;
    }
    return handle;
  }

  /** Frees the device memory now. The cell can't be used afterwards. */
  dispose(): void {
    this._home._runtime.clear(this, 'discarded');
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal Puts contents that are its own in the place of those it has. */
  _replaceContents(contents: Storage): void {
    const tensor = new Tensor(this, this._home);
    tensor._requiresGrad = this._requiresGrad;
    this._home._runtime.swapIn(this, new Version(this, tensor), contents);
  }

  /** @internal A cell of its own on the same value. */
  _copy(): this {
    const options = { name: this.label, role: this.role, requiresGrad: this._requiresGrad };
    return new (this.constructor as new (value: Tensor, options: CellOptions) => this)(this.detach(), {
      ...options,
      ...this._extraOptions(),
    });
  }

  /** @internal What a subclass's constructor takes beside {@link CellOptions}. */
  _extraOptions(): object {
    return {};
  }

  /** @internal Moves the cell to another device; its value follows when it is next needed. */
  _moveTo(device: Device): void {
    if (device === this._home) return;
    const value = noGrad(() => hide(() => this.detach().to(device)));
    this._home._runtime.clear(this, 'replaced');
    this._home = device;
    this._held.device = device;
    const tensor = new Tensor(this, device);
    this._head = new Version(this, tensor);
    this._head.state = 'spent';
    this.assign(value);
  }
}

// A model that is dropped without dispose(): its cells' memory is found again when the collector runs. A net below
// the design's promise, not the promise: in a loop of microtasks finalizers never run.
const finalizer =
  typeof FinalizationRegistry === 'undefined'
    ? null
    : new FinalizationRegistry<Cell['_held']>(({ storage, device }) => {
        if (storage) device._runtime.memory.retire(storage);
      });

/** What a gradient is to its parameter: see {@link Parameter.grad}. */
export type GradientState = 'none' | 'pending' | 'spent' | 'mixed';

/**
 * A cell that optimizers train.
 *
 * @example
 * class Scale extends nn.Module {
 *   weight = new Parameter(ones([1]));
 *   forward(x: Tensor) { return x.mul(this.weight); }
 * }
 */
export class Parameter extends Cell {
  /** @internal */
  _gradient: Cell | null = null;
  /** @internal */
  _gradientState: GradientState = 'none';
  /** The run that failed and took the gradient, or a part of it, with it. */
  private lost: { readonly cause: unknown } | null = null;

  constructor(initial: Tensor, options: CellOptions = {}) {
    super(initial, { role: 'parameter', requiresGrad: true, ...options });
  }

  /**
   * What `backward()` has accumulated and no step has used, or null. Reading a gradient that a `step()` has used
   * throws `StaleTensorError` unless {@link Parameter.retainGrad} asked for it.
   */
  override get grad(): Tensor | null {
    return this._gradientState === 'none' || !this._gradient ? null : this._gradient;
  }

  override set grad(gradient: Tensor | null) {
    if (gradient === null) {
      this.zeroGrad();
      return;
    }
    this.zeroGrad();
    this._accumulate(gradient);
  }

  /** Keeps the gradient readable after the step that uses it. */
  override retainGrad(): void {
    this._retainsGrad = true;
  }

  /** Sets the gradient to null, as `zero_grad(set_to_none=True)`. */
  zeroGrad(): void {
    if (this._gradient && this._gradientState !== 'none') this._home._runtime.clear(this._gradient, 'replaced');
    this._gradientState = 'none';
    this.lost = null;
  }

  /** @internal Adds `gradient` to what is there. */
  _accumulate(gradient: Tensor): void {
    if (this._gradient && this._gradient._home !== this._home) this._gradient = null;
    if (!this._gradient) {
      this._gradient = new Cell({ aval: this, device: this._home }, { role: 'gradient' });
      this._gradient._onDiscard = (cause) => {
        this.zeroGrad();
        this.lost = { cause };
      };
    }
    this._gradient.label = `gradient of ${this.label}`;
    const spent = this._gradientState === 'spent' || this._gradientState === 'mixed';
    const there = this._gradientState === 'pending' || this._gradientState === 'mixed' || (spent && this._retainsGrad);
    this._gradient.assign(there ? this._gradient.add(gradient) : gradient);
    this._gradientState = spent ? 'mixed' : 'pending';
  }

  /** @internal Puts another value, made of the gradient, in its place: clipping. */
  _replaceGradient(gradient: Tensor): void {
    this._gradient!.assign(gradient);
  }

  /**
   * The gradient for an optimizer's update, or null where there is none; the step's run spends it.
   *
   * @param op What takes it, for the error.
   * @throws AutogradError if it was made partly before and partly after the last step, or lost with a run that failed.
   */
  _takeGradient(op = 'step'): Tensor | null {
    if (this.lost) {
      const { cause } = this.lost;
      throw new AutogradError(
        `${op}: the gradient of ${this.label}, or the part of an earlier backward(), was lost with a run that failed ` +
          `(${cause instanceof Error ? cause.message : String(cause)}). Begin again with zeroGrad().`,
        { cause },
      );
    }
    if (this._gradientState === 'none' || !this._gradient) return null;
    if (this._gradientState === 'mixed' || this._gradientState === 'spent') {
      const what =
        this._gradientState === 'mixed'
          ? 'was made partly before and partly after the last step()'
          : 'was used by a step() already';
      throw new AutogradError(
        `${op}: the gradient of ${this.label} ${what}. Call optimizer.zeroGrad() before backward(): PyTorch would ` +
          `silently add the new gradient to the old one here.`,
      );
    }
    return this._gradient._head.tensor;
  }

  /** For optimizers: the step that has used the gradient calls it, after recording its update. */
  _spendGradient(): void {
    if (this._gradientState !== 'pending') return;
    this._gradientState = 'spent';
    if (!this._retainsGrad && this._gradient) this._home._runtime.spend(this._gradient);
  }

  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }

  override dispose(): void {
    this.zeroGrad();
    super.dispose();
  }

  override _moveTo(device: Device): void {
    // A gradient that no step has used moves along; a spent one is gone.
    if (this._gradientState === 'pending') this._gradient?._moveTo(device);
    else if (device !== this._home) this.zeroGrad();
    super._moveTo(device);
  }
}

/** A cell that is saved with a module but not trained: running statistics. */
export class Buffer extends Cell {
  /** The dtype in state dicts, where it is another one: PyTorch counts batches in int64. */
  readonly savedDtype: 'int64' | undefined;

  constructor(initial: Tensor, options: CellOptions & { savedDtype?: 'int64' } = {}) {
    super(initial, { role: 'buffer', ...options });
    this.savedDtype = options.savedDtype;
  }

  override _extraOptions(): object {
    return { savedDtype: this.savedDtype };
  }
}
