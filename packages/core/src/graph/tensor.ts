/**
 * Tensor: an immutable handle on a value of the graph. Its operations are installed from the op families
 * (`methods.ts`); here is what every tensor is and how it is read.
 */
import type { DType, TypedArray } from '../dtype.js';
import { AutogradError, FakkelError, NotInTypeScriptError, ShapeError } from '../errors.js';
import type { Device } from '../runtime/device.js';
import type { Dependencies, Version } from '../runtime/version.js';
import type { Storage } from '../runtime/storage.js';
import { formatTensor, nest, type Nested } from './print.js';
import { teachingPrototype } from './teaching.js';
import type { Node } from './node.js';
import { formatAval, sizeOf, type Aval, type Shape } from '../shape.js';

/** What a hook on a tensor does: it is given the gradient and may return another one. */
export type TensorHook = (gradient: Tensor) => Tensor | void;

/** A handle by which a hook is taken away again. */
export interface HookHandle {
  remove(): void;
}

const BRAND = Symbol.for('@fakkel/core/tensor');
/** Set on this copy's tensors, so that another copy of core in the process is told apart. */
const COPY = Symbol('copy of @fakkel/core');

/** Looks at a value that its run has brought to the host: an error fails the run. */
export type Guard = (contents: TypedArray) => Error | null;

/**
 * An immutable handle on a value: shape, dtype, device and how it is computed. It owns no long-lived device memory;
 * nobody disposes one. Values are read with `await`: {@link Tensor.data}, {@link Tensor.item}, {@link Tensor.toArray}.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * await x.matmul(x).toArray(); // [[7, 10], [15, 22]]
 */
export class Tensor implements Aval {
  /** Sizes of the axes. */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly device: Device;

  /** @internal The recipe; null for constants and where it was given up. See {@link Tensor._recipe}. */
  _node: Node | null = null;
  /** @internal Which output of the recipe this is. */
  _index = 0;
  /** @internal The contents, once computed, scheduled or given. */
  _storage: Storage | null = null;
  /** @internal This handle stands for another value (a detached view of it, a write not yet run). */
  _alias: Tensor | null = null;
  /** @internal The version of a cell that this is. */
  _version: Version | null = null;
  /** @internal Holds the recipe once the value is computed, until a cell that it read moves on. */
  _dependencies: Dependencies | null = null;
  /** @internal A user can name it. */
  _visible = false;
  /** @internal Another recorded operation reads it. */
  _consumed = false;
  /** @internal Never dropped, only moved to the host. */
  _kept = false;
  /** @internal Looks at the contents when a run has computed them; an error fails the run before it changes a cell. */
  _guard: Guard | null = null;
  /** @internal */
  _requiresGrad = false;
  /** @internal Gradient of a leaf that is no cell. */
  _grad: Tensor | null = null;
  /** @internal Has a shape and no value: what a gradient rule gets for an input that it does not declare. */
  _shapeOnly = false;
  /** @internal `backward()` has given up the tape behind it. */
  _tapeGone = false;
  /** @internal */
  _retainsGrad = false;
  /** @internal */
  _hooks: Set<TensorHook> | null = null;

  /** @internal Use {@link tensor} and its relatives. */
  constructor(aval: Aval, device: Device) {
    this.shape = aval.shape;
    this.dtype = aval.dtype;
    this.device = device;
  }

  /** @internal */
  get [BRAND](): symbol {
    return COPY;
  }

  /** Number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  numel(): number {
    return sizeOf(this.shape);
  }

  /** Number of axes, as PyTorch's `dim()`. */
  dim(): number {
    return this.shape.length;
  }

  /** The shape, or the size of one axis, as PyTorch's `size()`. */
  size(): Shape;
  size(dim: number): number;
  size(dim?: number): Shape | number {
    if (dim === undefined) return this.shape;
    const size = this.shape.at(dim);
    if (size === undefined) throw new ShapeError(`size: axis ${dim} is out of range for ${formatAval(this)}`);
    return size;
  }

  /** Whether gradients flow to or through this tensor. */
  get requiresGrad(): boolean {
    return this._requiresGrad;
  }

  /** The same as {@link Tensor.requiresGrad_}: `p.requiresGrad = false` freezes a parameter. */
  set requiresGrad(requiresGrad: boolean) {
    this.requiresGrad_(requiresGrad);
  }

  /** Whether this tensor was given rather than computed by recorded operations that need gradients. */
  get isLeaf(): boolean {
    return !this._requiresGrad || this._recipe === null;
  }

  /** Turns gradients on or off for a leaf, as PyTorch's `requires_grad_()`. Returns this tensor. */
  requiresGrad_(requiresGrad = true): this {
    if (this.dtype !== 'float32' && this.dtype !== 'float64' && requiresGrad) {
      throw new AutogradError(`requiresGrad_: only float tensors have gradients, got ${formatAval(this)}`);
    }
    if (this._requiresGrad && this._recipe !== null && !requiresGrad) {
      throw new AutogradError('requiresGrad_: only leaves can be changed; use detach() for a computed value');
    }
    this._requiresGrad = requiresGrad;
    return this;
  }

  /** @internal The recorded operation that computes this value, if it is still known. */
  get _recipe(): Node | null {
    return this._node ?? this._dependencies?.recipes?.get(this) ?? null;
  }

  /** @internal What an operation reads when it is given this handle now: cells give their current version. */
  _current(): Tensor {
    return this;
  }

  /** @internal The value that this handle stands for. */
  _resolve(): Tensor {
    let t: Tensor = this._current();
    while (t._alias !== null) t = t._alias;
    return t;
  }

  /**
   * The contents as a flat array in row-major order: `Float32Array`, `Float64Array`, `Int32Array`, or `Uint8Array`
   * for bool. A copy: writing to it changes nothing.
   *
   * @throws StaleTensorError if the value was not kept and a cell that it depends on has changed.
   */
  async data(): Promise<TypedArray> {
    return (await this.device._runtime.read([this]))[0];
  }

  /**
   * The one element as a number (bool gives 0 or 1).
   *
   * @throws ShapeError if there is not exactly one element.
   */
  async item(): Promise<number> {
    if (this.numel() !== 1) {
      throw new ShapeError(
        `item: expected a tensor with one element, got ${formatAval(this)}. Use toArray() or data() for all of them.`,
      );
    }
    return (await this.data())[0];
  }

  /** The contents as nested arrays; a scalar gives a number, bool gives booleans. */
  async toArray(): Promise<Nested> {
    return nest(await this.data(), this.shape, this.dtype === 'bool');
  }

  /**
   * Keeps the value: it is computed with the next run that touches it, and is never dropped, only moved to the host
   * when the device needs room. Returns this tensor.
   */
  keep(): this {
    const value = this._resolve();
    value._kept = true;
    if (value._storage) value._storage.shared = true;
    this.device._runtime.markVisible(value);
    return this;
  }

  /** A handle on the same value through which no gradient flows. On a cell: a snapshot of its current version. */
  detach(): Tensor {
    const handle = new Tensor(this, this.device);
    handle._alias = this._current();
    return handle;
  }

  /**
   * Calls `hook` with the gradient of this tensor whenever one is computed; what it returns, if anything, is used
   * instead. Returns a handle that takes it away.
   */
  registerHook(hook: TensorHook): HookHandle {
    return this._current()._addHook(hook);
  }

  /** @internal */
  _addHook(hook: TensorHook): HookHandle {
    if (!this._requiresGrad) throw new AutogradError(`registerHook: ${formatAval(this)} does not require gradients`);
    (this._hooks ??= new Set()).add(hook);
    return { remove: () => void this._hooks?.delete(hook) };
  }

  /** Keeps the gradient of a computed tensor in `grad`, as PyTorch's `retain_grad()`. */
  retainGrad(): void {
    this._current()._retainsGrad = true;
  }

  /** The gradient that `backward()` has accumulated here, or null. */
  get grad(): Tensor | null {
    return this._grad;
  }

  set grad(gradient: Tensor | null) {
    this._grad = gradient;
  }

  /** As PyTorch prints it, once computed; before that, what is known. */
  toString(): string {
    return formatTensor(this);
  }

  /** What JSON holds is the printed tensor; write numbers with `JSON.stringify(await x.toArray())`. */
  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    throw new NotInTypeScriptError(
      `a tensor is no JavaScript number: write a.add(b), a.mul(2), a.gt(0), or read it with await a.item() (got ${formatAval(this)})`,
    );
  }

  [Symbol.iterator](): Iterator<Tensor> {
    throw new NotInTypeScriptError(
      'a tensor is not iterable: use x.unbind(0) for the tensors along an axis, or await x.toArray() for the numbers',
    );
  }
}

Object.setPrototypeOf(Tensor.prototype, teachingPrototype());

/** Whether `value` is a tensor of this copy of core; a tensor of another copy is an error that says so. */
export function isTensor(value: unknown): value is Tensor {
  if (value instanceof Tensor) return true;
  if (typeof value === 'object' && value !== null && BRAND in value) {
    throw new FakkelError(
      'this tensor comes from a second copy of @fakkel/core in this process. Install one version: `npm ls @fakkel/core` ' +
        'shows who brings the other, `npm dedupe` usually mends it (backends and plugins name core as a peer dependency).',
    );
  }
  return false;
}
