import { expect, test } from 'vitest';
import type { DType, TypedArray } from '../../dtype.js';
import type { Attrs, Program, ProgramNode } from '../../program/program.js';
import type { Aval, Shape } from '../../shape.js';
import { createReferenceBackend, referenceBackend, runKernel } from './index.js';

const aval = (shape: Shape, dtype: DType = 'float32'): Aval => ({ shape, dtype });

function node(
  op: string,
  inputs: number[],
  output: number,
  shape: Shape,
  attrs: Attrs = {},
  lastUses: number[] = [],
): ProgramNode {
  return { op, attrs, inputs, outputs: [output], avals: [aval(shape)], lastUses };
}

/** relu(x)·2 + x, with the 2 a constant. */
const program: Program = {
  inputs: [{ aval: aval([3]), role: 'state' }],
  constants: [{ aval: aval([]), data: Float32Array.of(2) }],
  nodes: [node('relu', [0], 2, [3]), node('mul', [2, 1], 3, [3], {}, [2]), node('add', [3, 0], 4, [3], {}, [3])],
  outputs: [{ value: 4, replaces: 0 }],
};

test('a run: values, counts, and the pool', async () => {
  const backend = await referenceBackend.create({});
  const executable = await backend.compile(program);
  const data = Float32Array.of(-1, 2, NaN);
  const x = backend.upload(data, aval([3]));
  data.fill(0);
  const [y] = await executable.run([x], [false]);
  expect(await backend.download([x, y])).toEqual([Float32Array.of(-1, 2, NaN), Float32Array.of(-1, 6, NaN)]);
  expect(backend.stats()).toMatchObject({
    liveBuffers: 2,
    liveBytes: 24,
    peakBytes: 36,
    runs: 1,
    kernels: { relu: 1, mul: 1, add: 1 },
  });
  backend.release(x);
  backend.release(y);
  expect(backend.stats()).toMatchObject({ liveBuffers: 0, liveBytes: 0, pooledBytes: 36 });
});

test('a training loop allocates in its first step only', async () => {
  const backend = createReferenceBackend();
  const executable = await backend.compile(program);
  let x = backend.upload(Float32Array.of(1, 2, 3), aval([3]));
  [x] = await executable.run([x], [true]);
  const { allocations, liveBuffers, liveBytes } = backend.stats();
  for (let i = 0; i < 100; i++) [x] = await executable.run([x], [true]);
  expect(backend.stats()).toMatchObject({ allocations, liveBuffers, liveBytes, runs: 101 });
});

test('a failing run leaves its inputs, donated or not, and no buffers', async () => {
  const backend = createReferenceBackend();
  const failing: Program = {
    inputs: [
      { aval: aval([2]), role: 'state' },
      { aval: aval([1], 'int32'), role: 'data' },
    ],
    constants: [],
    nodes: [node('exp', [0], 2, [2]), node('indexSelect', [2, 1], 3, [1], { dim: 0 }, [2])],
    outputs: [{ value: 3, replaces: 0 }],
  };
  const executable = await backend.compile(failing);
  const x = backend.upload(Float32Array.of(1, 2), aval([2]));
  const index = backend.upload(Int32Array.of(2), aval([1], 'int32'));
  await expect(executable.run([x, index], [true, true])).rejects.toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: indexSelect: index 2 is out of range for axis 0 of size 2]`,
  );
  expect(backend.stats()).toMatchObject({ liveBuffers: 2, liveBytes: 12 });
  expect(await backend.download([x])).toEqual([Float32Array.of(1, 2)]);
});

test('buffers that are released, foreign, or of a disposed backend', async () => {
  const backend = createReferenceBackend();
  const other = createReferenceBackend();
  const executable = await backend.compile(program);
  const x = backend.upload(Float32Array.of(1, 2, 3), aval([3]));
  await executable.run([x], [true]);
  expect(() => backend.release(x)).toThrowErrorMatchingInlineSnapshot(
    `[BackendError: release: buffer 2, float32[3], is released already]`,
  );
  await expect(executable.run([x], [false])).rejects.toThrow('run: buffer 2, float32[3], is released already');
  const foreign = other.upload(Float32Array.of(1, 2, 3), aval([3]));
  await expect(executable.run([foreign], [false])).rejects.toThrowErrorMatchingInlineSnapshot(
    `[BackendError: run: the buffer float32[3] belongs to another backend]`,
  );
  expect(() => backend.upload(new Float32Array(2), aval([3]))).toThrowErrorMatchingInlineSnapshot(
    `[BackendError: upload: float32[3] does not hold 2 elements]`,
  );
  await backend.dispose();
  executable.dispose();
  expect(() => backend.upload(new Float32Array(3), aval([3]))).toThrowErrorMatchingInlineSnapshot(
    `[BackendError: upload: this reference backend is disposed; create another]`,
  );
});

test('constants are in no count', async () => {
  const backend = createReferenceBackend();
  const executable = await backend.compile(program);
  expect(backend.stats().liveBuffers).toBe(0);
  executable.dispose();
  expect(backend.stats().liveBuffers).toBe(0);
});

test('supports: its kernels, and a reason for the rest', () => {
  const backend = createReferenceBackend();
  const signature = { inputs: [], outputs: [], attrs: {} };
  expect(backend.supports('conv', signature)).toBe(true);
  expect(backend.supports('detach', signature)).toEqual({
    reason: "the reference backend has no kernel for 'detach'",
  });
  expect(backend.supports('constructor', signature)).not.toBe(true);
});

test('every core op of docs/architecture/ops.md has a kernel', async () => {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(new URL('../../../../../docs/architecture/ops.md', import.meta.url), 'utf8');
  const table = text.slice(text.indexOf('## Core ops'), text.indexOf('## Composite ops'));
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const ops = rows.flatMap((line) => [...line.split('|')[1].matchAll(/`(\w+)`/g)].map((match) => match[1]));
  expect(ops.length).toBeGreaterThan(60);
  const backend = createReferenceBackend();
  const missing = ops.filter((op) => backend.supports(op, { inputs: [], outputs: [], attrs: {} }) !== true);
  expect(missing).toEqual([]);
});

test('runKernel computes one op on host arrays', () => {
  const a = { data: Int32Array.of(7, -7) as TypedArray, aval: aval([2], 'int32') };
  const b = { data: Int32Array.of(2), aval: aval([], 'int32') };
  expect(runKernel('remainder', {}, [a, b], [aval([2], 'int32')])).toEqual([Int32Array.of(1, 1)]);
  expect(() => runKernel('nonsense', {}, [], [])).toThrowErrorMatchingInlineSnapshot(
    `[BackendError: nonsense: the reference backend has no kernel for it]`,
  );
});
