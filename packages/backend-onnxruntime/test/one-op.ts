/**
 * One op as a program of its own: what the lowering's unit tests run, and compare with the reference backend.
 */
import {
  type Attrs,
  type Aval,
  type Backend,
  type DType,
  type Program,
  referenceBackend,
  type TypedArray,
} from '@fakkel/core';
import { createNodeEngine } from '../src/engines/node.js';
import { OrtBackend } from '../src/backend.js';

export interface Operand extends Aval {
  readonly data: TypedArray;
  /** Part of the program. */
  readonly constant?: boolean;
}

const engine = await createNodeEngine();
export const ort: Backend = new OrtBackend(engine);
/** The graphs that are for WebGPU, on the CPU. */
export const webgpuForms: Backend = new OrtBackend({ ...engine, target: { ...engine.target, provider: 'webgpu' } });
export const reference: Backend = await referenceBackend.create({});

/** A deterministic stream of numbers from 0 up to 1. */
export function numbers(seed = 1): () => number {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
}

export function operand(
  dtype: DType,
  shape: readonly number[],
  values: Iterable<number>,
  { constant = false } = {},
): Operand {
  const list = [...values];
  const data =
    dtype === 'float32' ? new Float32Array(list) : dtype === 'int32' ? new Int32Array(list) : new Uint8Array(list);
  return { dtype, shape, data, constant };
}

export function programOf(op: string, attrs: Attrs, operands: readonly Operand[], avals: readonly Aval[]): Program {
  const aval = ({ shape, dtype }: Aval): Aval => ({ shape, dtype });
  const fed = operands.filter((o) => !o.constant);
  const constants = operands.filter((o) => o.constant);
  const order = [...fed, ...constants];
  const outputs = avals.map((_, i) => order.length + i);
  return {
    inputs: fed.map((o) => ({ aval: aval(o), role: 'data' })),
    constants: constants.map((o) => ({ aval: aval(o), data: o.data })),
    nodes: [{ op, attrs, inputs: operands.map((o) => order.indexOf(o)), outputs, avals, lastUses: [] }],
    outputs: outputs.map((value) => ({ value })),
  };
}

export async function runOp(
  backend: Backend,
  op: string,
  attrs: Attrs,
  operands: readonly Operand[],
  avals: readonly Aval[],
): Promise<readonly TypedArray[]> {
  const executable = await backend.compile(programOf(op, attrs, operands, avals));
  const inputs = operands
    .filter((o) => !o.constant)
    .map((o) => backend.upload(o.data, { shape: o.shape, dtype: o.dtype }));
  try {
    const outputs = await executable.run(
      inputs,
      inputs.map(() => false),
    );
    const data = await backend.download(outputs);
    outputs.forEach((buffer) => backend.release(buffer));
    return data;
  } finally {
    inputs.forEach((buffer) => backend.release(buffer));
    executable.dispose();
  }
}

/** What ONNX Runtime and the reference backend say. */
export async function both(
  op: string,
  attrs: Attrs,
  operands: readonly Operand[],
  avals: readonly Aval[],
  backend: Backend = ort,
): Promise<{ readonly got: readonly TypedArray[]; readonly expected: readonly TypedArray[] }> {
  return {
    got: await runOp(backend, op, attrs, operands, avals),
    expected: await runOp(reference, op, attrs, operands, avals),
  };
}
