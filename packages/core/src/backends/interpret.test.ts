import { describe, expect, test } from 'vitest';
import { BackendError, OutOfRangeError } from '../errors.js';
import type { Program, ProgramNode } from '../program/program.js';
import type { Aval } from '../shape.js';
import type { DeviceBuffer } from './backend.js';
import { interpretProgram, type Kernel } from './interpret.js';

const scalar: Aval = { shape: [], dtype: 'float32' };

/** A toy backend: a buffer is one number, and the live ones are in a set. */
function toy(extra: Record<string, Kernel<Toy>> = {}) {
  const live = new Set<Toy>();
  let peak = 0;
  const make = (value: number): Toy => {
    const buffer = { id: Math.random(), aval: scalar, value };
    live.add(buffer);
    peak = Math.max(peak, live.size);
    return buffer;
  };
  const release = (buffer: Toy): void => {
    if (!live.delete(buffer)) throw new Error('released twice');
  };
  const compile = interpretProgram<Toy>({
    kernels: { add: ({ inputs: [a, b] }) => [make(a.value + b.value)], ...extra },
    constant: (data) => make(data[0]),
    release,
  });
  return { live, make, compile, peak: () => peak };
}
interface Toy extends DeviceBuffer {
  readonly value: number;
}

function node(op: string, inputs: number[], outputs: number[], lastUses: number[] = []): ProgramNode {
  return { op, attrs: {}, inputs, outputs, avals: outputs.map(() => scalar), lastUses };
}
const input = { aval: scalar, role: 'data' } as const;

/** v[i] = v[i-1] + x, `length` times. */
function chain(length: number): Program {
  const nodes = Array.from({ length }, (_, i) => node('add', [i, 0], [i + 1], i > 0 ? [i] : []));
  return { inputs: [input], constants: [], nodes, outputs: [{ value: length }] };
}

test('a chain of 20,000 ops holds two values at a time', async () => {
  const { live, make, compile, peak } = toy();
  const executable = await compile(chain(20_000));
  const x = make(1);
  const [y] = await executable.run([x], [false]);
  expect((y as Toy).value).toBe(20_001);
  expect(live).toEqual(new Set([x, y]));
  expect(peak()).toBe(3); // the input, a value, the next one
});

test('nothing is awaited unless a kernel returns a promise', async () => {
  const { make, compile } = toy();
  const executable = await compile(chain(100));
  const order: string[] = [];
  const run = executable.run([make(1)], [false]).then(() => order.push('run'));
  let turn: Promise<unknown> = Promise.resolve();
  for (let i = 0; i < 10; i++) turn = turn.then(() => {});
  await Promise.all([run, turn.then(() => order.push('ten turns'))]);
  expect(order).toEqual(['run', 'ten turns']);
});

test('kernels may be asynchronous', async () => {
  const { make, live, compile } = toy({ slow: async ({ inputs: [a] }) => [make(a.value * 2)] });
  const program: Program = {
    inputs: [input],
    constants: [{ aval: scalar, data: Float32Array.of(10) }],
    nodes: [node('slow', [0], [2]), node('add', [2, 1], [3], [2])],
    outputs: [{ value: 3 }],
  };
  const executable = await compile(program);
  const [y] = await executable.run([make(3)], [false]);
  expect((y as Toy).value).toBe(16);
  expect(live.size).toBe(3); // input, constant, output
  executable.dispose();
  executable.dispose();
  expect(live.size).toBe(2);
  await expect(executable.run([], [])).rejects.toThrow('run: the executable is disposed');
});

describe('a failing kernel', () => {
  const program: Program = {
    inputs: [input],
    constants: [],
    nodes: [node('add', [0, 0], [1]), node('add', [1, 0], [2]), node('broken', [2], [3])],
    outputs: [{ value: 1 }, { value: 3 }],
  };

  test('releases what the run made and leaves donated inputs', async () => {
    const broken = (): never => {
      throw new Error('no such device');
    };
    const { live, make, compile } = toy({ broken });
    const executable = await compile(program);
    const x = make(1);
    await expect(executable.run([x], [true])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendError: broken(float32[]) failed: no such device]`,
    );
    expect(live).toEqual(new Set([x]));
  });

  test('passes on an error about its input as it is', async () => {
    const broken = (): never => {
      throw new OutOfRangeError('broken: label 12');
    };
    const { make, compile } = toy({ broken });
    const run = (await compile(program)).run([make(1)], [false]);
    await expect(run).rejects.toThrow(OutOfRangeError);
  });

  test('that returns its input is told so, and the input lives', async () => {
    const { live, make, compile } = toy({ broken: ({ inputs }) => inputs });
    const executable = await compile(program);
    const x = make(1);
    await expect(executable.run([x], [false])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendError: broken(float32[]) failed: the kernel returned one of its inputs; return a copy]`,
    );
    expect(live).toEqual(new Set([x]));
  });
});

test('donated inputs are released once the run succeeds, each once', async () => {
  const { live, make, compile } = toy();
  const program: Program = {
    inputs: [input, input, input],
    constants: [],
    nodes: [node('add', [0, 1], [3])],
    outputs: [{ value: 3, replaces: 0 }],
  };
  const [x, kept] = [make(1), make(2)];
  const [y] = await (await compile(program)).run([x, x, kept], [true, true, false]);
  expect(live).toEqual(new Set([kept, y]));
});

test('a value that no list frees is freed at the end', async () => {
  const { live, make, compile } = toy();
  const program: Program = {
    inputs: [input],
    constants: [],
    nodes: [node('add', [0, 0], [1]), node('add', [1, 0], [2])],
    outputs: [{ value: 2 }],
  };
  await (await compile(program)).run([make(1)], [false]);
  expect(live.size).toBe(2);
});

test('what cannot run says so when it is compiled', async () => {
  const { make, compile } = toy();
  const program: Program = { ...chain(1), nodes: [node('toString', [0], [1])] };
  await expect(compile(program)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[BackendError: compile: this backend has no kernel for 'toString']`,
  );
  const executable = await compile(chain(1));
  await expect(executable.run([], [])).rejects.toThrowErrorMatchingInlineSnapshot(
    `[BackendError: run: expected 1 inputs, got 0]`,
  );
  const vector = { ...make(1), aval: { shape: [3], dtype: 'float32' } as const };
  await expect(executable.run([vector], [false])).rejects.toThrow(BackendError);
  await expect(executable.run([vector], [false])).rejects.toThrowErrorMatchingInlineSnapshot(
    `[BackendError: run: expected input 0 to be float32[], got float32[3]]`,
  );
});

describe('a barrier', () => {
  const barrier = (inputs: number[], outputs: number[]): ProgramNode => ({
    ...node('optimizationBarrier', inputs, outputs),
    attrs: { values: outputs.length },
  });

  test('is another name of its values, which live until both are read', async () => {
    const { make, live, peak, compile } = toy();
    // 1 = 0 + 0; 2 = 1 + 0; 3 is 1 after 2; 4 = 3 + 2
    const program: Program = {
      inputs: [input],
      constants: [],
      nodes: [
        node('add', [0, 0], [1]),
        node('add', [1, 0], [2]),
        barrier([1, 2], [3]),
        node('add', [3, 2], [4], [2, 3]),
      ],
      outputs: [{ value: 4 }],
    };
    const [y] = await (await compile(program)).run([make(1)], [false]);
    expect((y as Toy).value).toBe(5);
    expect(peak()).toBe(4);
    expect(live.size).toBe(2);
  });

  test('after a barrier, of an input, and as an output of the program', async () => {
    const { make, live, compile } = toy({ copy: ({ inputs: [a] }) => [make(a.value)] });
    const program: Program = {
      inputs: [input, input],
      constants: [],
      nodes: [barrier([0, 1], [2]), barrier([2, 1], [3]), node('add', [3, 1], [4])],
      outputs: [{ value: 2 }, { value: 3 }, { value: 4 }],
    };
    const [x, gate] = [make(1), make(2)];
    const outputs = await (await compile(program)).run([x, gate], [true, false]);
    expect(outputs.map((y) => (y as Toy).value)).toEqual([1, 1, 3]);
    expect(live).toEqual(new Set([gate, ...outputs]));
  });
});
