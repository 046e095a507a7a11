import { DTYPES, dtypeOfCode, elementCount, nameOfCode } from './dtypes.js';
import { OnnxError } from './errors.js';
import { TensorProto_DataLocation, type TensorProto } from './generated/onnx-ml.js';
import type { OnnxDType, OnnxTensor } from './model.js';

/**
 * Reads what a model keeps in files beside it: `length` bytes at `offset` of the file `location`, a path relative to the
 * model's. The path comes from the model: whoever opens files must see to it that it stays below the model's folder.
 */
export type ReadExternal = (location: string, offset: number, length: number) => Uint8Array;

/** An OnnxTensor from its message, wherever in it the data is. */
export function decodeTensor(message: TensorProto, where: string, external: ReadExternal | undefined): OnnxTensor {
  const code = message.dataType ?? 0;
  const dtype = dtypeOfCode(code);
  if (dtype === undefined) {
    const dtypes = Object.keys(DTYPES).join(', ');
    throw new OnnxError(`decodeModel: ${where} has element type ${nameOfCode(code)}; read are ${dtypes}.`);
  }
  if (message.segment !== undefined) {
    throw new OnnxError(`decodeModel: ${where} is one segment of a larger tensor, which is not supported.`);
  }
  const shape = (message.dims ?? []).map((size) => {
    if (size < 0n || size > Number.MAX_SAFE_INTEGER) {
      throw new OnnxError(`decodeModel: ${where} has size ${size} in its shape.`);
    }
    return Number(size);
  });
  const name = message.name ? { name: message.name } : {};
  const count = elementCount(shape);
  if (dtype === 'string') {
    const strings = (message.stringData ?? []).map((bytes) => decodeText(bytes, where));
    if (strings.length !== count) throw misfit(where, dtype, shape, `${strings.length} strings`);
    return { ...name, dtype, shape, data: new Uint8Array(0), strings };
  }
  const bytes = count * DTYPES[dtype].itemSize;
  const data =
    message.dataLocation === TensorProto_DataLocation.EXTERNAL
      ? readExternal(message, bytes, where, external)
      : (message.rawData ?? fromFields(message, dtype));
  if (data.byteLength !== bytes) throw misfit(where, dtype, shape, `${data.byteLength} bytes`);
  return { ...name, dtype, shape, data };
}

/** Data that is not in `raw_data`: a field of a wider type, by the rules in onnx.proto. */
function fromFields(message: TensorProto, dtype: Exclude<OnnxDType, 'string'>): Uint8Array {
  const { floatData = [], doubleData = [], int32Data = [], int64Data = [], uint64Data = [] } = message;
  switch (dtype) {
    case 'float32':
      return bytesOf(Float32Array.from(floatData));
    case 'float64':
      return bytesOf(Float64Array.from(doubleData));
    case 'int32':
      return bytesOf(Int32Array.from(int32Data));
    case 'int16':
      return bytesOf(Int16Array.from(int32Data));
    case 'int8':
      return bytesOf(Int8Array.from(int32Data));
    case 'uint16':
    case 'float16': // its bits
    case 'bfloat16':
      return bytesOf(Uint16Array.from(int32Data));
    case 'uint8':
    case 'bool':
      return Uint8Array.from(int32Data);
    case 'int64':
      return bytesOf(BigInt64Array.from(int64Data));
    case 'uint32':
      return bytesOf(Uint32Array.from(uint64Data, Number));
    case 'uint64':
      return bytesOf(BigUint64Array.from(uint64Data));
    default:
      return dtype satisfies never;
  }
}

const bytesOf = ({ buffer }: { readonly buffer: ArrayBuffer }) => new Uint8Array(buffer);

function readExternal(
  message: TensorProto,
  bytes: number,
  where: string,
  external: ReadExternal | undefined,
): Uint8Array {
  const entries = new Map((message.externalData ?? []).map(({ key = '', value = '' }) => [key, value]));
  const location = entries.get('location');
  if (!location) throw new OnnxError(`decodeModel: ${where} has its data outside the file, and does not say where.`);
  if (!external) {
    throw new OnnxError(
      `decodeModel: ${where} has its data in the file '${location}', beside the model's. Pass { external: (location, offset, length) => bytes } to read it.`,
    );
  }
  const number = (key: string) => {
    const text = entries.get(key);
    if (text === undefined || /^\d{1,15}$/.test(text)) return text === undefined ? undefined : Number(text);
    throw new OnnxError(`decodeModel: ${where} has its data in '${location}' at ${key} '${text}', which is no number.`);
  };
  const offset = number('offset') ?? 0;
  const data = external(location, offset, number('length') ?? bytes);
  if (data.byteLength !== bytes) {
    throw new OnnxError(
      `decodeModel: ${where} needs ${bytes} bytes of '${location}' at offset ${offset}, got ${data.byteLength}.`,
    );
  }
  return data;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of a `bytes` field. */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new OnnxError(`decodeModel: ${where} holds a string of bytes that are not UTF-8, which is not supported.`);
  }
}

function misfit(where: string, dtype: OnnxDType, shape: readonly number[], got: string): OnnxError {
  return new OnnxError(`decodeModel: ${where} is ${dtype}[${shape.join(',')}] but has ${got}. The file is damaged.`);
}
