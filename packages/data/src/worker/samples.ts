/**
 * Samples as messages: what a collate function of the main thread is given, and what an iterable dataset has streamed.
 * Plain data travels as it is; arrays of the package get their class back.
 */
import { FakkelError, isTensor, type Device, type Shape, type TypedArray } from '@fakkel/core';
import { isPlainObject } from '../collate.js';
import { HostArray, type HostDType, readTensor, tensorOf } from '../host-array.js';
import { kindOf } from '../options.js';
import { sameKind } from './packing.js';

/** A sample, or a part of one. */
export type Sent =
  | { readonly kind: 'plain'; readonly value: unknown }
  | { readonly kind: 'typed'; data: TypedArray }
  | SentArray
  | { readonly kind: 'array'; readonly items: readonly Sent[] }
  | { readonly kind: 'object'; readonly keys: readonly string[]; readonly items: readonly Sent[] };

interface SentArray {
  readonly kind: 'host' | 'tensor';
  data: TypedArray;
  readonly shape: Shape;
  readonly dtype: HostDType;
}

/** `values` as a message, and the memory that goes with it. Their arrays are copied once: they may be views of others. */
export async function send(values: readonly unknown[]): Promise<{ sent: readonly Sent[]; memory: ArrayBuffer }> {
  const read = values.some(holdsTensor)
    ? await Promise.all(values.map((value) => readTensors(value, (contents) => new ReadTensor(contents))))
    : values;
  const arrays: SentArrays = [];
  const sent = read.map((value) => encode(value, arrays));
  return { sent, memory: gatherMemory(arrays) };
}

export function holdsTensor(sample: unknown): boolean {
  if (isTensor(sample)) return true;
  if (Array.isArray(sample)) return sample.some(holdsTensor);
  return isPlainObject(sample) && Object.values(sample).some(holdsTensor);
}

/** Tensors in a sample, as arrays or what `as` makes of these; for them alone this needs waiting. */
export async function readTensors(
  sample: unknown,
  as: (contents: HostArray) => unknown = (contents) => contents,
): Promise<unknown> {
  if (isTensor(sample)) return as(await readTensor(sample));
  if (Array.isArray(sample)) return Promise.all(sample.map((item) => readTensors(item, as)));
  if (!isPlainObject(sample)) return sample;
  const entries = Object.entries(sample).map(async ([key, value]) => [key, await readTensors(value, as)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** The contents of a tensor that is to be one again on the other side. */
class ReadTensor {
  constructor(readonly contents: HostArray) {}
}

type SentArrays = { data: TypedArray }[];

function encode(value: unknown, arrays: SentArrays): Sent {
  const noted = <S extends Sent & { data: TypedArray }>(sent: S): S => {
    arrays.push(sent);
    return sent;
  };
  if (value instanceof HostArray) {
    return noted({ kind: 'host', data: value.data, shape: value.shape, dtype: value.dtype });
  }
  if (value instanceof ReadTensor) {
    const { data, shape, dtype } = value.contents;
    return noted({ kind: 'tensor', data, shape, dtype });
  }
  if (typeof value === 'function') throw cannotTravel(value);
  if (typeof value !== 'object' || value === null) return { kind: 'plain', value };
  if (ArrayBuffer.isView(value)) return noted({ kind: 'typed', data: value as TypedArray });
  if (Array.isArray(value)) return { kind: 'array', items: value.map((item) => encode(item, arrays)) };
  if (isPlainObject(value)) {
    const keys = Object.keys(value);
    return { kind: 'object', keys, items: keys.map((key) => encode(value[key], arrays)) };
  }
  if ([Date, Map, Set, ArrayBuffer].some((known) => value instanceof known)) return { kind: 'plain', value };
  throw cannotTravel(value);
}

/** What was encoded. Its arrays are this thread's own. */
export function decode(sent: Sent, device?: Device): unknown {
  switch (sent.kind) {
    case 'plain':
      return sent.value;
    case 'typed':
      return sent.data;
    case 'host':
      return new HostArray(sent.data, sent.shape, sent.dtype);
    case 'tensor':
      return tensorOf(sent.data, sent.shape, sent.dtype, device);
    case 'array':
      return sent.items.map((item) => decode(item, device));
    case 'object':
      return Object.fromEntries(sent.keys.map((key, i) => [key, decode(sent.items[i], device)]));
    default:
      return sent satisfies never;
  }
}

/** Moves all arrays into memory that can be handed over; what they were in stays as it is. */
function gatherMemory(arrays: SentArrays): ArrayBuffer {
  const memory = new ArrayBuffer(arrays.reduce((bytes, { data }) => bytes + aligned(data.byteLength), 0));
  let offset = 0;
  for (const array of arrays) {
    const copy = sameKind(array.data, memory, offset);
    copy.set(array.data);
    offset += aligned(array.data.byteLength);
    array.data = copy;
  }
  return memory;
}

/** The next multiple of 8: where any typed array may begin. */
export const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;

function cannotTravel(value: unknown): FakkelError {
  return new FakkelError(
    `a sample holds ${kindOf(value)}, which can't be sent from one thread to another. Hand out numbers, strings, ` +
      `typed arrays, HostArrays, tensors, or arrays and plain objects of these.`,
  );
}
