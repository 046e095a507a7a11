/**
 * The classes and functions that a pickle may name. Nothing of Python is imported or called: each is a function here that
 * gives plain values, and any other name is an error.
 */
import { CheckpointError, show } from '../errors.js';
import type { FileDType, TensorEntry } from '../tensors.js';

/** What a pickle can hold. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickled[]
  | Map<Pickled, Pickled>
  | Set<Pickled>
  | TensorEntry
  | StorageRef
  | PickledClass
  | Instance;

/** A storage by its persistent id. */
export class StorageRef {
  constructor(
    readonly key: string,
    /** null: bytes without a type. */
    readonly dtype: FileDType | null,
    /** In elements of `dtype`, or bytes. */
    readonly elements: number,
    /** Where a view of another storage begins, in elements: the legacy format has such. */
    readonly viewOffset = 0,
  ) {}
}

/** An object under construction whose state is still to come. */
export class Instance {
  constructor(
    readonly value: Pickled,
    readonly setState: (state: Pickled) => Pickled,
  ) {}
}

/** A name that a pickle may use: what calling it with arguments gives. */
export class PickledClass {
  constructor(
    readonly name: string,
    readonly call: (args: Pickled[], context: PickleContext) => Pickled,
    /** What the name itself is, where the file holds it as a value: a dtype, a storage type. */
    readonly value?: { readonly dtype?: FileDType | null; readonly text?: string },
  ) {}
}

/** What reading tensors takes: given by the format. */
export interface PickleContext {
  readonly file: string;
  tensor(
    storage: StorageRef,
    dtype: FileDType,
    view: { readonly shape: unknown; readonly strides: unknown; readonly offset: unknown },
  ): TensorEntry;
}

const DTYPES: Readonly<Record<string, FileDType>> = {
  double: 'float64',
  float64: 'float64',
  float: 'float32',
  float32: 'float32',
  half: 'float16',
  float16: 'float16',
  bfloat16: 'bfloat16',
  long: 'int64',
  int64: 'int64',
  int: 'int32',
  int32: 'int32',
  short: 'int16',
  int16: 'int16',
  int8: 'int8',
  uint8: 'uint8',
  bool: 'bool',
};

const STORAGES: Readonly<Record<string, FileDType | null>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  UntypedStorage: null,
};

/** Why a class of PyTorch that holds tensors is none that can be read. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  ComplexDoubleStorage: 'complex tensors have no counterpart here: save x.real and x.imag, or torch.view_as_real(x)',
  ComplexFloatStorage: 'complex tensors have no counterpart here: save x.real and x.imag, or torch.view_as_real(x)',
  QInt8Storage: 'quantized tensors have no counterpart here: save x.dequantize()',
  QUInt8Storage: 'quantized tensors have no counterpart here: save x.dequantize()',
  QInt32Storage: 'quantized tensors have no counterpart here: save x.dequantize()',
  QUInt4x2Storage: 'quantized tensors have no counterpart here: save x.dequantize()',
  QUInt2x4Storage: 'quantized tensors have no counterpart here: save x.dequantize()',
  _rebuild_qtensor: 'quantized tensors have no counterpart here: save x.dequantize()',
  _rebuild_sparse_tensor: 'sparse tensors have no counterpart here: save x.to_dense()',
  _rebuild_sparse_csr_tensor: 'sparse tensors have no counterpart here: save x.to_dense()',
  _rebuild_nested_tensor: 'nested tensors have no counterpart here: save x.to_padded_tensor(0)',
  _load_from_bytes: 'written by pickle.dump, which packs each tensor anew: write the file with torch.save',
  _rebuild_meta_tensor_no_storage: 'a tensor on the meta device has no elements: save the weights themselves',
};

function bad(context: PickleContext, what: string): never {
  throw new CheckpointError(`${context.file}: ${what}; the file is damaged, or made by something else than torch.save`);
}

function rebuildTensor(name: string) {
  return (args: Pickled[], context: PickleContext): Pickled => {
    const [storage, offset, shape, strides] = args;
    if (!(storage instanceof StorageRef)) return bad(context, `${name} expects a storage first`);
    let { dtype } = storage;
    if (name === 'torch._utils._rebuild_tensor_v3') {
      const given = args[6];
      dtype = given instanceof PickledClass ? (given.value?.dtype ?? null) : null;
    }
    if (!dtype) return bad(context, `${name} has a storage without a type`);
    // Metadata of PyTorch 2: the elements are stored with the other sign.
    const metadata = args.at(-1);
    if (args.length === (name.endsWith('v3') ? 8 : 7) && metadata instanceof Map && metadata.get('neg') === true) {
      throw new CheckpointError(`${context.file}: it holds a lazily negated tensor: save x.resolve_neg()`);
    }
    return context.tensor(storage, dtype, { shape, strides, offset });
  };
}

const dict = (args: Pickled[]): Pickled => {
  const [entries] = args;
  if (entries instanceof Map) return new Map(entries);
  return new Map(pairs(entries));
};

/** A string or number as text; '' for what has none. */
const text = (value: Pickled | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

/** The entries of `[[key, value], …]`. */
function pairs(value: Pickled | undefined): [Pickled, Pickled][] {
  if (!Array.isArray(value)) return [];
  return value.filter((pair): pair is [Pickled, Pickled] => Array.isArray(pair) && pair.length === 2);
}

const items = (value: Pickled | undefined): Pickled[] =>
  Array.isArray(value) ? value : value instanceof Set || value instanceof Map ? [...value.keys()] : [];

/** An array of bytes that came as latin-1 text, which is how protocol 2 writes bytes. */
function encode([chars, encoding]: Pickled[], context: PickleContext): Pickled {
  if (typeof chars !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) {
    if (typeof chars === 'string' && (encoding === 'utf-8' || encoding === 'utf8'))
      return new TextEncoder().encode(chars);
    return bad(context, `_codecs.encode with encoding ${show(encoding)}`);
  }
  return Uint8Array.from(chars, (char) => char.charCodeAt(0));
}

/** The element types of NumPy scalars and arrays. */
interface NumpyType {
  readonly kind: string;
  readonly size: number;
  littleEndian: boolean;
}

const numpyTypes = new WeakMap<Map<Pickled, Pickled>, NumpyType>();

function numpyDtype([code]: Pickled[], context: PickleContext): Pickled {
  const match = /^[<>|=]?([fiub?])(\d*)$/.exec(text(code));
  if (!match) return bad(context, `a NumPy element type ${show(code)}`);
  const handle = new Map<Pickled, Pickled>([['numpy.dtype', text(code)]]);
  const type: NumpyType = {
    kind: match[1] === '?' ? 'b' : match[1],
    size: Number(match[2] || 1),
    littleEndian: true,
  };
  numpyTypes.set(handle, type);
  return new Instance(handle, (state) => {
    if (Array.isArray(state)) type.littleEndian = state[1] !== '>';
    return handle;
  });
}

function numpyValues(
  type: NumpyType | undefined,
  bytes: Pickled,
  context: PickleContext,
): (number | bigint | boolean)[] {
  if (!type || !(bytes instanceof Uint8Array) || bytes.length % type.size !== 0) return bad(context, 'a NumPy value');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = type.littleEndian;
  const at = (i: number): number | bigint | boolean => {
    switch (`${type.kind}${type.size}`) {
      case 'f8':
        return view.getFloat64(i, little);
      case 'f4':
        return view.getFloat32(i, little);
      case 'i8':
        return narrow(view.getBigInt64(i, little));
      case 'u8':
        return narrow(view.getBigUint64(i, little));
      case 'i4':
        return view.getInt32(i, little);
      case 'u4':
        return view.getUint32(i, little);
      case 'i2':
        return view.getInt16(i, little);
      case 'u2':
        return view.getUint16(i, little);
      case 'i1':
        return view.getInt8(i);
      case 'u1':
        return view.getUint8(i);
      case 'b1':
        return view.getUint8(i) !== 0;
      default:
        return bad(context, `NumPy values of type ${type.kind}${type.size}`);
    }
  };
  return Array.from({ length: bytes.length / type.size }, (_, i) => at(i * type.size));
}

/** A number where it is exact, else a bigint. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const typeOf = (value: Pickled | undefined): NumpyType | undefined => {
  const handle = value instanceof Instance ? value.value : value;
  return handle instanceof Map ? numpyTypes.get(handle) : undefined;
};

/** `numpy.ndarray`: nested arrays of numbers, filled in when its state comes. */
function numpyArray(_args: Pickled[], context: PickleContext): Pickled {
  const out: Pickled[] = [];
  return new Instance(out, (state) => {
    const [, shape, dtype, fortran, bytes] = Array.isArray(state) ? state : [];
    for (const value of numpyNested(bytes, dtype, shape, fortran === true, context)) out.push(value);
    return out;
  });
}

/** Nested arrays of the elements that `bytes` has. */
function numpyNested(
  bytes: Pickled,
  dtype: Pickled | undefined,
  shape: Pickled | undefined,
  fortran: boolean,
  context: PickleContext,
): Pickled[] {
  if (!Array.isArray(shape)) return bad(context, 'a NumPy array without a shape');
  if (shape.length === 0 || (fortran && shape.length > 1)) {
    throw new CheckpointError(
      `${context.file}: it holds a NumPy array ${fortran ? 'in column-major order' : 'of no axes'}, which has no counterpart ` +
        `here: save torch.from_numpy(a), or a.${fortran ? 'copy()' : 'item()'}`,
    );
  }
  let values: Pickled[] = numpyValues(typeOf(dtype), bytes, context);
  if (shape.reduce<number>((n, size) => n * Number(size), 1) !== values.length) return bad(context, 'a NumPy array');
  for (let axis = shape.length - 1; axis > 0; axis--) {
    const size = Number(shape[axis]);
    if (size === 0) break;
    values = Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
  }
  return values;
}

const known = new Map<string, PickledClass>();

function define(names: string, call: PickledClass['call'], value?: PickledClass['value']): void {
  for (const name of names.split(' ')) known.set(name, new PickledClass(name, call, value));
}

const refuse =
  (name: string): PickledClass['call'] =>
  (_args, context) =>
    bad(context, `${name} is called`);

/** `dict.__setstate__` of an ordered dict carries attributes (`_metadata` of a state dict), which have no place here. */
const withIgnoredState = (make: PickledClass['call']): PickledClass['call'] => {
  return (args, context) => {
    const value = make(args, context);
    return new Instance(value, () => value);
  };
};

define('collections.OrderedDict collections.Counter builtins.dict __builtin__.dict', withIgnoredState(dict));
define('collections.defaultdict', (args) => dict(args.slice(1)));
define('builtins.set __builtin__.set builtins.frozenset __builtin__.frozenset', ([values]) => new Set(items(values)));
define('builtins.list __builtin__.list builtins.tuple __builtin__.tuple torch.Size', ([values]) => [...items(values)]);
define('builtins.int __builtin__.int __builtin__.long', ([value]) => value ?? 0);
define('builtins.float __builtin__.float', ([value]) => value ?? 0);
define('builtins.bytearray __builtin__.bytearray', ([value, encoding], context) =>
  value instanceof Uint8Array ? value : value === undefined ? new Uint8Array() : encode([value, encoding], context),
);
define('builtins.bytes __builtin__.bytes', ([value]) => (value instanceof Uint8Array ? value : new Uint8Array()));
define('_codecs.encode', encode);
define('torch.device', ([type, index]) => (index === undefined ? type : `${text(type)}:${text(index)}`));
define('pathlib.PosixPath pathlib.WindowsPath pathlib.PurePosixPath pathlib.Path', (args) =>
  args
    .map((part) => text(part))
    .join('/')
    .replace(/^\/\//, '/'),
);
define('argparse.Namespace', () => {
  const fields = new Map<Pickled, Pickled>();
  return new Instance(fields, (state) => {
    if (state instanceof Map) for (const [key, value] of state) fields.set(key, value);
    return fields;
  });
});
define('torch._utils._rebuild_tensor', rebuildTensor('torch._utils._rebuild_tensor'));
define('torch._utils._rebuild_tensor_v2', rebuildTensor('torch._utils._rebuild_tensor_v2'));
define('torch._utils._rebuild_tensor_v3', rebuildTensor('torch._utils._rebuild_tensor_v3'));
define('torch._utils._rebuild_parameter torch._utils._rebuild_parameter_with_state', ([data]) => data);
// A tensor with attributes, or of a subclass: what the function rebuilds, for tensors and parameters.
define('torch._tensor._rebuild_from_type_v2 torch._tensor._rebuild_from_type', ([make, type, args], context) => {
  if (!(make instanceof PickledClass) || !Array.isArray(args)) return bad(context, '_rebuild_from_type_v2');
  const name = type instanceof PickledClass ? type.name : '';
  if (!/^torch(\._tensor)?\.Tensor$|^torch\.nn\.parameter\.(Parameter|Buffer)$/.test(name)) {
    return bad(context, `a tensor of class ${name}`);
  }
  return make.call(args, context);
});
define('torch.Tensor torch._tensor.Tensor torch.nn.parameter.Parameter torch.nn.parameter.Buffer', ([data], context) =>
  data === undefined ? bad(context, 'a tensor without data') : data,
);
define('numpy.dtype', numpyDtype);
for (const numpy of ['numpy.core', 'numpy._core']) {
  define(`${numpy}.multiarray.scalar`, ([dtype, bytes], context) => {
    const [value] = numpyValues(typeOf(dtype), bytes, context);
    return value;
  });
  define(`${numpy}.multiarray._reconstruct`, numpyArray);
  // Of protocol 5.
  define(`${numpy}.numeric._frombuffer`, ([bytes, dtype, shape, order], context) =>
    numpyNested(bytes, dtype, shape, order === 'F', context),
  );
}
define('numpy.ndarray', refuse('numpy.ndarray'));
for (const [name, dtype] of Object.entries(DTYPES))
  define(`torch.${name}`, refuse(`torch.${name}`), { dtype, text: dtype });
for (const name of ['strided', 'contiguous_format', 'channels_last', 'preserve_format'])
  define(`torch.${name}`, refuse(`torch.${name}`), { text: name });
for (const [name, dtype] of Object.entries(STORAGES)) {
  for (const module of ['torch', 'torch.storage', 'torch.cuda']) {
    define(`${module}.${name}`, refuse(name), { dtype });
  }
}
// `getattr(torch, 'strided')`-like helpers of PyTorch's own pickles.
define('torch.serialization._get_layout', ([name]) => text(name).replace(/^torch\./, ''));

/**
 * The class or function of that name.
 *
 * @throws CheckpointError for any other than the known ones, saying what to do in Python.
 */
export function findClass(file: string, module: string, name: string): PickledClass {
  const found = known.get(`${module}.${name}`);
  if (found) return found;
  const what = `${module}.${name}`;
  const reason = UNSUPPORTED[name];
  if (reason && module.startsWith('torch')) throw new CheckpointError(`${file}: it holds ${what}: ${reason}`);
  if (/^(__builtin__|builtins)\.getattr$/.test(what)) {
    throw new CheckpointError(
      `${file}: it holds a method of an object (${what}), as the state of OneCycleLR does, and nothing of a file is executed. ` +
        `Save it without: in Python, torch.save(checkpoint['model'], 'model.pth'), or take 'anneal_func' out of the scheduler's state`,
    );
  }
  if (
    /^(os|posix|nt|subprocess|sys|shutil|socket|runpy|importlib)(\.|$)/.test(module) ||
    /^(eval|exec|compile|open|__import__)$/.test(name)
  ) {
    throw new CheckpointError(
      `${file}: it names ${what}, which no checkpoint needs: loaded in Python, the file may run a program. Nothing was run here; don't load it there`,
    );
  }
  throw new CheckpointError(
    `${file}: it holds an object of class ${what}, and only tensors, numbers, strings and their containers are read ` +
      `(nothing of a file is executed). If it is a whole model, save its weights instead: in Python, ` +
      `torch.save(model.state_dict(), 'model.pth'); for other objects, save plain values, as in vars(args)`,
  );
}
