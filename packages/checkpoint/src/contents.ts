/**
 * Tensors on their way into a file: values as of the call, in the types that PyTorch has for them.
 */
import { Cell, isTensor, nn, type Tensor } from '@fakkel/core';
import { CheckpointError } from './errors.js';
import type { FileDType } from './tensors.js';

/** A tensor with its type in files: int64 for counters such as `num_batches_tracked`, else its own. */
export interface Snapshot {
  readonly tensor: Tensor;
  readonly dtype: FileDType;
}

/** Cells keep changing while a file is written; what is saved is their value now. */
export function snapshot(tensor: Tensor): Snapshot {
  const dtype = nn.savedDType(tensor) ?? tensor.dtype;
  return { tensor: tensor instanceof Cell ? tensor.detach() : tensor, dtype };
}

/** The elements as the file holds them. Read one after the other, so that one tensor at a time is on the host. */
export async function bytesOf({ tensor, dtype }: Snapshot): Promise<Uint8Array> {
  const data = await tensor.data();
  const out = dtype === 'int64' ? BigInt64Array.from(data, (value) => BigInt(value)) : data;
  return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
}

/** The tensors of a module, a Map or an object, by name. */
export function namedTensors(fn: string, state: unknown): Map<string, Snapshot> {
  const isModule = state instanceof nn.Module;
  const entries: [unknown, unknown][] = isModule
    ? [...state.stateDict()]
    : state instanceof Map
      ? [...state]
      : typeof state === 'object' && state !== null && !isTensor(state)
        ? Object.entries(state)
        : fail(
            `${fn}: expected a module, or tensors by name in a Map or an object, got ${state === null ? 'null' : typeof state}`,
          );
  return new Map(
    entries.map(([name, value]) => {
      if (typeof name !== 'string') fail(`${fn}: names are strings, got ${typeof name}`);
      if (!isTensor(value))
        fail(`${fn}: '${name}' is no tensor; safetensors hold nothing else. save() takes nested values`);
      return [name, snapshot(value)];
    }),
  );
}

function fail(message: string): never {
  throw new CheckpointError(message);
}
