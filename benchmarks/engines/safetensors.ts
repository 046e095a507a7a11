/**
 * Safetensors as plain arrays: engines other than Fakkel read the files too, without Fakkel in their process.
 */

export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array;
}

const ARRAYS = { F32: Float32Array, I32: Int32Array, I64: BigInt64Array } as const;
type Header = Record<string, { dtype: keyof typeof ARRAYS; shape: number[]; data_offsets: [number, number] }>;

/** The tensors of a file that this benchmark wrote: length of the header, header in JSON, elements. */
export function decodeTensors(file: Uint8Array<ArrayBuffer>): Map<string, HostTensor> {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const start = file.byteOffset + 8 + length;
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Header;
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => [name, { shape, data: new ARRAYS[dtype](file.buffer.slice(start + begin, start + end)) }],
    ),
  );
}
