/**
 * Tensors in safetensors files: state dicts that PyTorch's safetensors library reads and writes too.
 */
import type { DType, TypedArray } from '../dtype.js';
import { fromHost } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { savedDType } from '../nn/state-dict.js';
import type { Module } from '../nn/module.js';
import { getDefaultDevice, type Device } from '../runtime/device.js';
import { bfloat16ToFloat32, float16ToFloat32 } from './half.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';
import { SafetensorsError, type RawTensor } from './safetensors-format.js';

/** What {@link loadSafetensors} gives: tensors by name and the file's own notes. */
export interface SafetensorsFile {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes tensors, or the state dict of a module, in the safetensors format.
 *
 * @param state a module, or tensors by name.
 * @param metadata strings by name, kept beside the tensors.
 * @returns the bytes of the file: write them with `fs.writeFile`, or offer them for download in a browser.
 * @example
 * const bytes = await saveSafetensors(new nn.Linear(2, 1), { epoch: '3' });
 */
export async function saveSafetensors(
  state: Module | ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const tensors = state instanceof Map ? (state as ReadonlyMap<string, Tensor>) : (state as Module).stateDict();
  const names = [...tensors.keys()];
  const contents = await Promise.all(names.map((name) => tensors.get(name)!.data()));
  const raw = names.map((name, i): [string, RawTensor] => {
    const { shape, dtype } = tensors.get(name)!;
    if (savedDType(tensors.get(name)!) === 'int64') {
      return [name, { dtype: 'int64', shape: [...shape], data: BigInt64Array.from(contents[i], (v) => BigInt(v)) }];
    }
    return [name, { dtype, shape: [...shape], data: contents[i] }];
  });
  return encodeSafetensors(raw, { ...metadata });
}

/**
 * Reads a safetensors file. Half precision becomes float32, small integers and int64 become int32 (an error if a value
 * does not fit).
 *
 * @throws SafetensorsError naming what is wrong with the file: truncated, overlapping, of an unknown dtype.
 * @example
 * const bytes = await saveSafetensors(new Map([['x', tensor([1, 2])]]));
 * const { tensors } = loadSafetensors(bytes);
 * await tensors.get('x')!.toArray(); // [1, 2]
 */
export function loadSafetensors(bytes: Uint8Array, options: { device?: Device } = {}): SafetensorsFile {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const device = options.device ?? getDefaultDevice();
  const found = new Map<string, Tensor>();
  for (const [name, raw] of tensors) {
    const [data, dtype] = toComputed(name, raw);
    found.set(name, fromHost(data, { shape: raw.shape, dtype }, device));
  }
  return { tensors: found, metadata: metadata ?? {} };
}

function toComputed(name: string, { dtype, data }: RawTensor): [TypedArray, DType] {
  switch (dtype) {
    case 'float32':
    case 'float64':
    case 'int32':
    case 'bool':
      // A copy: the file's bytes belong to the caller.
      return [(data as TypedArray).slice(), dtype];
    case 'float16':
      return [float16ToFloat32(data as Uint16Array), 'float32'];
    case 'bfloat16':
      return [bfloat16ToFloat32(data as Uint16Array), 'float32'];
    case 'int16':
    case 'int8':
    case 'uint8':
      return [Int32Array.from(data as Int8Array), 'int32'];
    case 'int64': {
      const wide = data as BigInt64Array;
      const narrow = new Int32Array(wide.length);
      wide.forEach((v, i) => {
        narrow[i] = Number(v);
        if (BigInt(narrow[i]) !== v) {
          throw new SafetensorsError(
            `safetensors: tensor '${name}' holds ${v}, which int32 does not hold (−2147483648 to 2147483647)`,
          );
        }
      });
      return [narrow, 'int32'];
    }
    default:
      return dtype satisfies never;
  }
}
