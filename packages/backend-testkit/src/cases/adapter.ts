/**
 * How a golden case runs: an adapter for each op, which calls core's function with the case's arguments.
 */
import { opTable, record, type Attrs, type Device, type Tensor } from '@fakkel/core';
import type { FloatDType } from '../golden.js';

/** Runs one sample on its inputs; `float` is the precision under test. */
export type Adapter = (
  inputs: readonly Tensor[],
  args: Readonly<Record<string, unknown>>,
  float: FloatDType,
  device: Device,
) => Tensor | readonly Tensor[];

/** An adapter whose arguments have the types that the Python script gives them. */
export function adapter<A = NoArgs>(
  run: (inputs: readonly Tensor[], args: A, float: FloatDType, device: Device) => Tensor | readonly Tensor[],
): Adapter {
  return run as Adapter;
}

export type NoArgs = Readonly<Record<string, never>>;

/** The two outputs of extremes, sorting and pooling with indices. */
export const both = ({ values, indices }: { values: Tensor; indices: Tensor }): readonly Tensor[] => [values, indices];

/** Records an op by name, for ops that no function of core's public interface reaches. */
export function recordOp(name: string, inputs: readonly Tensor[], attrs: Attrs): Tensor[] {
  const op = opTable().get(name);
  if (!op) throw new Error(`core has no op '${name}'`);
  return record(op, inputs, attrs);
}
