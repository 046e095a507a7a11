/**
 * Writing pickles as `torch.save` does: protocol 2, tensors as `_rebuild_tensor_v2` of a storage by persistent id.
 */
import { isTensor, nn, type Tensor } from '@fakkel/core';
import { CheckpointError } from '../errors.js';
import type { FileDType } from '../tensors.js';

/** A storage that a pickle names: one for each tensor, however often it is named. */
export interface StorageToWrite {
  readonly key: string;
  readonly tensor: Tensor;
  readonly dtype: FileDType;
}

const STORAGE_CLASS: Partial<Record<FileDType, string>> = {
  float64: 'DoubleStorage',
  float32: 'FloatStorage',
  int64: 'LongStorage',
  int32: 'IntStorage',
  bool: 'BoolStorage',
};

/** What the writer asks of a tensor: itself at the time of the call, and its type in the file. */
export interface TensorSource {
  snapshot(tensor: Tensor): { readonly tensor: Tensor; readonly dtype: FileDType };
  stateDict(module: nn.Module): ReadonlyMap<string, Tensor>;
}

/**
 * The pickle of a value. Maps are dicts (ordered ones where all their values are tensors), objects dicts, arrays lists,
 * modules their state dicts. What is there twice is written once, so cyclic values are possible.
 *
 * @throws CheckpointError for what has no counterpart in Python's plain values.
 */
export function writePickle(value: unknown, source: TensorSource): { bytes: Uint8Array; storages: StorageToWrite[] } {
  return new Pickler(source).write(value);
}

class Pickler {
  private bytes = new Uint8Array(1 << 12);
  private length = 0;
  private readonly memo = new Map<unknown, number>();
  private readonly storages = new Map<Tensor, StorageToWrite>();
  /** What is still to be written, the last first: values may be nested deeper than functions can call each other. */
  private readonly steps: (() => void)[] = [];

  constructor(private readonly source: TensorSource) {}

  write(value: unknown): { bytes: Uint8Array; storages: StorageToWrite[] } {
    this.u8(0x80, 2); // PROTO
    this.then(() => this.value(value, 'the value'));
    for (let step = this.steps.pop(); step; step = this.steps.pop()) step();
    this.op('.');
    return { bytes: this.bytes.slice(0, this.length), storages: [...this.storages.values()] };
  }

  /** Does these in their order, before what waits already. */
  private then(...steps: (() => void)[]): void {
    for (let i = steps.length - 1; i >= 0; i--) this.steps.push(steps[i]);
  }

  private value(value: unknown, path: string): void {
    switch (typeof value) {
      case 'boolean':
        return this.u8(value ? 0x88 : 0x89);
      case 'number':
        return Number.isSafeInteger(value) && !Object.is(value, -0) ? this.integer(value) : this.float(value);
      case 'bigint':
        return this.long(value);
      case 'string':
        return this.text(value);
      case 'undefined':
        return this.op('N');
      case 'object':
        return value === null ? this.op('N') : this.object(value, path);
      case 'function':
        // Modules are callable.
        if (value instanceof nn.Module) return this.object(value, path);
        return refuse(path, `a function ${value.name}`);
      case 'symbol':
        return refuse(path, 'a symbol');
    }
  }

  private object(value: object, path: string): void {
    const known = this.memo.get(value);
    if (known !== undefined) return this.get(known);
    if (isTensor(value)) return this.tensor(value);
    if (value instanceof nn.Module) return this.dict(value, [...this.source.stateDict(value)], path, true);
    if (value instanceof Map) {
      const entries = [...value] as [unknown, unknown][];
      return this.dict(value, entries, path, entries.length > 0 && entries.every(([, item]) => isTensor(item)));
    }
    if (value instanceof Uint8Array) return this.byteString(value);
    if (Array.isArray(value)) return this.list(value, path);
    if (value instanceof Set) return this.set(value, path);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) {
      const name = value.constructor?.name ?? 'Object';
      return refuse(path, ArrayBuffer.isView(value) ? `a ${name}: wrap it in tensor(…)` : `an object of class ${name}`);
    }
    // Objects have no whole numbers for keys; an optimizer's state, by parameter number, is meant to.
    const entries = Object.entries(value).map(([key, item]): [unknown, unknown] => [
      /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : key,
      item,
    ]);
    return this.dict(value, entries, path, false);
  }

  private dict(
    identity: object,
    entries: readonly (readonly [unknown, unknown])[],
    path: string,
    ordered: boolean,
  ): void {
    if (ordered) {
      this.global('collections', 'OrderedDict');
      this.op(')');
      this.op('R');
    } else this.op('}');
    this.remember(identity);
    if (entries.length === 0) return;
    this.op('(');
    this.then(
      ...entries.flatMap(([key, item]) => [
        () => this.value(key, `a key of ${path}`),
        () => this.value(item, `${path}[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`),
      ]),
      () => this.op('u'),
    );
  }

  private list(items: readonly unknown[], path: string): void {
    this.op(']');
    this.remember(items);
    if (items.length === 0) return;
    this.op('(');
    this.then(...Array.from(items, (item, i) => () => this.value(item, `${path}[${i}]`)), () => this.op('e'));
  }

  private set(items: ReadonlySet<unknown>, path: string): void {
    this.global('__builtin__', 'set');
    this.then(
      () => this.list([...items], path),
      () => {
        this.u8(0x85); // TUPLE1
        this.op('R');
        this.remember(items);
      },
    );
  }

  /** As protocol 2 has it: text of the same codes, encoded. */
  private byteString(value: Uint8Array): void {
    this.global('_codecs', 'encode');
    this.text(Array.from(value, (byte) => String.fromCharCode(byte)).join(''));
    this.text('latin1');
    this.u8(0x86); // TUPLE2
    this.op('R');
    this.remember(value);
  }

  private tensor(value: Tensor): void {
    const { tensor, dtype } = this.source.snapshot(value);
    const storage = this.storages.get(value) ?? { key: String(this.storages.size), tensor, dtype };
    this.storages.set(value, storage);
    const { shape } = tensor;
    this.global('torch._utils', '_rebuild_tensor_v2');
    this.op('(');
    this.op('(');
    this.text('storage');
    this.global('torch', STORAGE_CLASS[dtype]!);
    this.text(storage.key);
    this.text('cpu');
    this.integer(tensor.numel());
    this.op('t');
    this.op('Q');
    this.integer(0); // the storage's element that is the first
    this.tuple(shape);
    this.tuple(shape.map((_, axis) => shape.slice(axis + 1).reduce((n, size) => n * Math.max(size, 1), 1)));
    this.u8(0x89); // requires_grad
    this.global('collections', 'OrderedDict'); // hooks
    this.op(')');
    this.op('R');
    this.op('t');
    this.op('R');
    this.remember(value);
  }

  private tuple(items: readonly number[]): void {
    this.op('(');
    for (const item of items) this.integer(item);
    this.op('t');
  }

  private global(module: string, name: string): void {
    const key = `${module}.${name}`;
    const known = this.memo.get(key);
    if (known !== undefined) return this.get(known);
    this.op('c');
    this.raw(new TextEncoder().encode(`${module}\n${name}\n`));
    this.remember(key);
  }

  private integer(value: number): void {
    if (value >= 0 && value < 0x100) this.u8(0x4b, value);
    else if (value >= -0x80000000 && value <= 0x7fffffff) {
      this.op('J');
      this.fixed(4, (view) => view.setInt32(0, value, true));
    } else this.long(BigInt(value));
  }

  private long(value: bigint): void {
    let size = 1;
    while (BigInt.asIntN(8 * size, value) !== value) size++;
    if (size > 255) throw new CheckpointError(`save: a whole number of ${size} bytes is too large for a pickle`);
    this.u8(0x8a, size, ...Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)));
  }

  private float(value: number): void {
    this.op('G');
    this.fixed(8, (view) => view.setFloat64(0, value));
  }

  private text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.op('X');
    this.fixed(4, (view) => view.setUint32(0, bytes.length, true));
    this.raw(bytes);
  }

  /** LONG_BINPUT: so that it is written once. */
  private remember(value: unknown): void {
    const index = this.memo.size;
    this.memo.set(value, index);
    if (index < 0x100) return this.u8(0x71, index);
    this.op('r');
    this.fixed(4, (view) => view.setUint32(0, index, true));
  }

  private get(index: number): void {
    if (index < 0x100) return this.u8(0x68, index);
    this.op('j');
    this.fixed(4, (view) => view.setUint32(0, index, true));
  }

  private op(code: string): void {
    this.u8(code.charCodeAt(0));
  }

  private fixed(size: number, set: (view: DataView) => void): void {
    const bytes = new Uint8Array(size);
    set(new DataView(bytes.buffer));
    this.raw(bytes);
  }

  private u8(...bytes: number[]): void {
    this.raw(bytes);
  }

  private raw(bytes: ArrayLike<number>): void {
    if (this.length + bytes.length > this.bytes.length) {
      const larger = new Uint8Array(2 * (this.length + bytes.length));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}

function refuse(path: string, what: string): never {
  throw new CheckpointError(
    `save: ${path} is ${what}; a checkpoint holds tensors, modules (their state dicts), Maps, Sets, arrays, plain objects, ` +
      `numbers, bigints, strings, booleans, bytes and null`,
  );
}
