/**
 * What every backend promises about buffers and runs, whatever the ops.
 */
import type { Aval, Backend, DeviceBuffer, DType, Program, TypedArray } from '@fakkel/core';
import { formatAval } from '@fakkel/core';
import { expectClose, EXACT } from '../compare.js';
import { typedArray } from '../golden.js';
import type { BackendTest, SuiteContext } from '../options.js';
import { withCleanup } from '../session.js';
import { track, type TrackedBackend } from '../tracking.js';
import { aval, program } from './programs.js';

type Body = (backend: TrackedBackend) => Promise<void>;

export function contractTests(context: SuiteContext): BackendTest[] {
  return Object.entries(TESTS).map(([name, body]) => ({
    id: `contract/${name}`,
    run: () => withoutLeaks(context.backend, body),
  }));
}

/** Runs `body`, releases what it left, and checks that the backend counts what it did before. */
async function withoutLeaks(backend: Backend, body: Body): Promise<void> {
  const before = backend.stats().liveBuffers;
  const tracked = track(backend);
  await withCleanup(
    () => body(tracked),
    () => tracked.dispose(),
  );
  expectEqual('live buffers after the test', backend.stats().liveBuffers, before);
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}

function expectData(what: string, actual: TypedArray, expected: readonly number[]): void {
  expectClose(what, actual, expected, [expected.length], EXACT);
}

async function expectRejection(what: string, promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    return;
  }
  throw new Error(`${what}: expected a rejected promise`);
}

async function read(backend: Backend, ...buffers: readonly DeviceBuffer[]): Promise<readonly TypedArray[]> {
  return backend.download(buffers);
}

function put(backend: Backend, data: readonly number[], of: Aval = aval([data.length])): DeviceBuffer {
  return backend.upload(typedArray(of.dtype, data), of);
}

const VECTOR = aval([3]);
const A = [1, -2, 0.5];
const B = [4, 0.25, 8];

/** a + b and a · b. */
const SUM_AND_PRODUCT = program({
  inputs: [VECTOR, VECTOR],
  nodes: [
    { op: 'add', inputs: [0, 1], outputs: [VECTOR] },
    { op: 'mul', inputs: [0, 1], outputs: [VECTOR] },
  ],
  outputs: [{ value: 2 }, { value: 3 }],
});

/**
 * One step of gradient descent with momentum, made so that working in place tempts: `m` and `p` are replaced, and both
 * old and new values are read afterwards.
 */
const STEP = program({
  inputs: [
    { ...VECTOR, role: 'state' }, // 0: p
    { ...VECTOR, role: 'state' }, // 1: m
    VECTOR, // 2: g
    { ...aval([]), role: 'scalar' }, // 3: lr
  ],
  nodes: [
    { op: 'add', inputs: [1, 2], outputs: [VECTOR] }, // 4: m' = m + g
    { op: 'mul', inputs: [4, 3], outputs: [VECTOR] }, // 5: lr · m'
    { op: 'sub', inputs: [0, 5], outputs: [VECTOR] }, // 6: p' = p − lr · m'
    { op: 'mul', inputs: [0, 6], outputs: [VECTOR] }, // 7: p · p'
    { op: 'add', inputs: [7, 1], outputs: [VECTOR] }, // 8: p · p' + m
  ],
  outputs: [{ value: 4, replaces: 1 }, { value: 6, replaces: 0 }, { value: 8 }],
});
const STEP_INPUTS = [
  [1, 2, 3],
  [0.5, -0.5, 0.25],
  [2, 4, -8],
];
const STEP_OUTPUTS = [
  [2.5, 3.5, -7.75],
  [-0.25, 0.25, 6.875],
  [0.25, 0, 20.875],
];

function stepInputs(backend: Backend): DeviceBuffer[] {
  return [...STEP_INPUTS.map((data) => put(backend, data)), put(backend, [0.5], aval([]))];
}

async function expectStep(backend: Backend, outputs: readonly DeviceBuffer[], what: string): Promise<void> {
  const results = await read(backend, ...outputs);
  STEP_OUTPUTS.forEach((expected, i) => expectData(`${what}: output ${i}`, results[i], expected));
}

const EXTREMES: Record<DType, readonly number[]> = {
  float32: [0, -0, 1, -1.5, 3.4028234663852886e38, 1.1754943508222875e-38, Infinity, -Infinity, NaN],
  float64: [0, -0, 1, -1.5, Number.MAX_VALUE, 2.2250738585072014e-308, Infinity, -Infinity, NaN],
  int32: [0, 1, -1, 2147483647, -2147483648],
  bool: [0, 1, 1, 0],
};

const TESTS: Record<string, Body> = {
  'upload copies the array': async (backend) => {
    const data = Float32Array.from(A);
    const buffer = backend.upload(data, VECTOR);
    data.fill(7);
    expectData('contents', (await read(backend, buffer))[0], A);
  },

  'an adopted array is an upload of its elements, where there is adopt': async (backend) => {
    if (!backend.adopt) return;
    const before = backend.stats().liveBuffers;
    for (const dtype of backend.capabilities.dtypes) {
      const data = EXTREMES[dtype];
      const buffer = backend.adopt(typedArray(dtype, data), aval([data.length], dtype));
      const [result] = await read(backend, buffer);
      data.forEach((value, i) => expectEqual(`${dtype}: element ${i}`, result[i], value));
      // The array is the buffer's: what was downloaded is not.
      result.fill(0);
      expectEqual(`${dtype}: element 2, read again`, (await read(backend, buffer))[0][2], data[2]);
      backend.release(buffer);
    }
    // A view of a larger array may be given away too, though not taken along.
    const whole = Float32Array.of(9, ...A, 9);
    const view = backend.adopt(whole.subarray(1, 4), VECTOR);
    expectData('a view', (await read(backend, view))[0], A);
    backend.release(view);
    const executable = await backend.compile(STEP);
    const inputs = STEP_INPUTS.map((data) => backend.adopt!(typedArray('float32', data), VECTOR));
    const outputs = await executable.run([...inputs, put(backend, [0.5], aval([]))], [true, true, false, false]);
    await expectStep(backend, outputs, 'a run on adopted arrays, two of them donated');
    backend.release(inputs[2]);
    outputs.forEach((output) => backend.release(output));
    executable.dispose();
    if (backend.stats().liveBuffers > before + 1) throw new Error('adopt: a released buffer is still counted');
  },

  'a fill is an upload of equal elements, where there is one': async (backend) => {
    if (!backend.fill) return;
    const before = backend.stats().liveBuffers;
    for (const [value, of] of [
      [0, VECTOR],
      [-1.5, VECTOR],
      [7, aval([3], 'int32')],
      [1, aval([3], 'bool')],
      [2.5, aval([])],
    ] as const) {
      const buffer = backend.fill(value, of);
      const [data] = await read(backend, buffer);
      expectData(`${formatAval(of)} of ${value}`, data, new Array<number>(data.length).fill(value));
      backend.release(buffer);
    }
    if (backend.stats().liveBuffers !== before) throw new Error('fill: a released buffer is still counted');
  },

  'download gives copies': async (backend) => {
    const buffer = put(backend, A);
    const [first] = await read(backend, buffer);
    first.fill(7);
    expectData('contents', (await read(backend, buffer))[0], A);
  },

  'every dtype travels there and back': async (backend) => {
    for (const dtype of backend.capabilities.dtypes) {
      const data = EXTREMES[dtype];
      const [result] = await read(backend, put(backend, data, aval([data.length], dtype)));
      expectEqual(`${dtype}: the host array`, result.constructor, typedArray(dtype, []).constructor);
      data.forEach((value, i) => expectEqual(`${dtype}: element ${i}`, result[i], value));
    }
  },

  'scalars and many axes travel there and back': async (backend) => {
    const buffers = [put(backend, [2.5], aval([])), put(backend, [1, 2, 3, 4], aval([1, 2, 1, 2, 1]))];
    const [scalar, cube] = await read(backend, ...buffers);
    expectData('a scalar', scalar, [2.5]);
    expectData('five axes', cube, [1, 2, 3, 4]);
  },

  'several downloads come in order': async (backend) => {
    const [b, a] = await read(backend, put(backend, B), put(backend, A));
    expectData('the first', b, B);
    expectData('the second', a, A);
  },

  'a run leaves its inputs as they were': async (backend) => {
    const inputs = [put(backend, A), put(backend, B)];
    const executable = await backend.compile(SUM_AND_PRODUCT);
    await executable.run(inputs, [false, false]);
    const [a, b] = await read(backend, ...inputs);
    expectData('a', a, A);
    expectData('b', b, B);
  },

  'a program runs again on other inputs': async (backend) => {
    const executable = await backend.compile(SUM_AND_PRODUCT);
    const first = await executable.run([put(backend, A), put(backend, B)], [false, false]);
    const second = await executable.run([put(backend, B), put(backend, B)], [false, false]);
    const [sum, product, otherSum] = await read(backend, ...first, ...second);
    expectData('the first sum, after the second run', sum, [5, -1.75, 8.5]);
    expectData('the first product', product, [4, -0.5, 4]);
    expectData('the second sum', otherSum, [8, 0.5, 16]);
  },

  'outputs feed another run': async (backend) => {
    const executable = await backend.compile(SUM_AND_PRODUCT);
    const first = await executable.run([put(backend, A), put(backend, B)], [false, false]);
    const second = await executable.run(first, [true, true]);
    const [sum, product] = await read(backend, ...second);
    expectData('a + b + a·b', sum, [9, -2.25, 12.5]);
    expectData('(a + b)·a·b', product, [20, 0.875, 34]);
  },

  'one buffer may be two inputs': async (backend) => {
    const a = put(backend, A);
    const executable = await backend.compile(SUM_AND_PRODUCT);
    const [sum, square] = await read(backend, ...(await executable.run([a, a], [false, false])));
    expectData('a + a', sum, [2, -4, 1]);
    expectData('a · a', square, [1, 4, 0.25]);
  },

  'a program is plain data': async (backend) => {
    const executable = await backend.compile(structuredClone(SUM_AND_PRODUCT));
    const [sum] = await read(backend, ...(await executable.run([put(backend, A), put(backend, B)], [false, false])));
    expectData('a + b', sum, [5, -1.75, 8.5]);
  },

  'donation changes no result': async (backend) => {
    const executable = await backend.compile(STEP);
    for (let mask = 0; mask < 8; mask++) {
      const donated = [0, 1, 2].map((i) => (mask & (1 << i)) !== 0);
      const outputs = await executable.run(stepInputs(backend), [...donated, false]);
      await expectStep(backend, outputs, `donating ${donated.join(', ')}`);
    }
  },

  'donated inputs are consumed, others are not': async (backend) => {
    const executable = await backend.compile(STEP);
    const inputs = stepInputs(backend);
    const before = backend.stats().liveBuffers;
    const outputs = await executable.run(inputs, [true, true, false, false]);
    expectEqual('live buffers', backend.stats().liveBuffers, before - 2 + outputs.length);
    expectData('an input that was kept', (await read(backend, inputs[2]))[0], STEP_INPUTS[2]);
  },

  'a failed run consumes nothing': async (backend) => {
    const executable = await backend.compile(STEP);
    const inputs = stepInputs(backend);
    const before = backend.stats().liveBuffers;
    await expectRejection('a run with one input too few', executable.run(inputs.slice(0, 3), [true, true, true]));
    expectEqual('live buffers', backend.stats().liveBuffers, before);
    const results = await read(backend, ...inputs);
    STEP_INPUTS.forEach((expected, i) => expectData(`input ${i}`, results[i], expected));
    await expectStep(backend, await executable.run(inputs, [true, true, false, false]), 'the run after it');
  },

  'an index outside its axis is refused, or harmless': async (backend) => {
    const index = aval([1], 'int32');
    const executable = await backend.compile(
      program({
        inputs: [VECTOR, index],
        nodes: [{ op: 'indexSelect', inputs: [0, 1], outputs: [aval([1])], attrs: { dim: 0 } }],
        outputs: [{ value: 2 }],
      }),
    );
    const a = put(backend, A);
    const outside = put(backend, [9], index);
    const live = backend.stats().liveBuffers;
    try {
      await executable.run([a, outside], [true, true]);
    } catch {
      expectEqual('live buffers after the failure', backend.stats().liveBuffers, live);
      expectData('the donated input after the failure', (await read(backend, a))[0], A);
    }
    const [one] = await executable.run([put(backend, A), put(backend, [1], index)], [false, false]);
    expectData('the run after it', (await read(backend, one))[0], [-2]);
  },

  'outputs alias no input': async (backend) => {
    const shapes = aval([3, 1]);
    const executable = await backend.compile(
      program({
        inputs: [VECTOR],
        nodes: [
          { op: 'reshape', inputs: [0], outputs: [shapes], attrs: { shape: [3, 1] } },
          { op: 'copy', inputs: [0], outputs: [VECTOR] },
        ],
        outputs: [{ value: 1 }, { value: 2 }],
      }),
    );
    const a = put(backend, A);
    const outputs = await executable.run([a], [false]);
    backend.release(a);
    put(backend, B);
    const [reshaped, copied] = await read(backend, ...outputs);
    expectData('the reshaped input', reshaped, A);
    expectData('the copied input', copied, A);
  },

  'outputs alias each other not': async (backend) => {
    const column = aval([3, 1]);
    const executable = await backend.compile(
      program({
        inputs: [VECTOR, VECTOR],
        nodes: [
          { op: 'add', inputs: [0, 1], outputs: [VECTOR] },
          { op: 'reshape', inputs: [2], outputs: [column], attrs: { shape: [3, 1] } },
        ],
        outputs: [{ value: 2 }, { value: 3 }],
      }),
    );
    const [sum, reshaped] = await executable.run([put(backend, A), put(backend, B)], [false, false]);
    backend.release(sum);
    put(backend, [0, 0, 0]);
    expectData('the reshaped sum', (await read(backend, reshaped))[0], [5, -1.75, 8.5]);
  },

  'constants of every dtype': async (backend) => {
    const dtypes = backend.capabilities.dtypes.filter((dtype) => dtype !== 'float64');
    for (const dtype of dtypes) {
      const of = aval([2], dtype);
      const executable = await backend.compile(
        program({
          inputs: [of],
          constants: [{ aval: of, data: typedArray(dtype, [1, 0]) }],
          nodes: [{ op: 'eq', inputs: [0, 1], outputs: [aval([2], 'bool')] }],
          outputs: [{ value: 2 }],
        }),
      );
      for (let run = 0; run < 2; run++) {
        const [equal] = await executable.run([put(backend, [1, 1], of)], [true]);
        expectData(`${dtype}, run ${run}`, (await read(backend, equal))[0], [1, 0]);
      }
      executable.dispose();
    }
  },

  'an executable is disposed of alone': async (backend) => {
    const first = await backend.compile(SUM_AND_PRODUCT);
    const second = await backend.compile(SUM_AND_PRODUCT);
    first.dispose();
    const [sum] = await read(backend, ...(await second.run([put(backend, A), put(backend, B)], [false, false])));
    expectData('a + b', sum, [5, -1.75, 8.5]);
  },

  'intermediates are gone after a run': async (backend) => {
    const length = 40;
    const chain: Program = program({
      inputs: [VECTOR, VECTOR],
      nodes: Array.from({ length }, (_, i) => ({
        op: i % 2 === 0 ? 'add' : 'sub',
        inputs: [i === 0 ? 0 : i + 1, 1],
        outputs: [VECTOR],
      })),
      outputs: [{ value: length + 1 }],
    });
    const executable = await backend.compile(chain);
    const inputs = [put(backend, A), put(backend, B)];
    const before = backend.stats().liveBuffers;
    const [result] = await executable.run(inputs, [false, false]);
    expectEqual('live buffers', backend.stats().liveBuffers, before + 1);
    expectData('the end of the chain', (await read(backend, result))[0], A);
  },

  'an unknown op is refused with a reason': async (backend) => {
    const verdict = backend.supports('no.such.op', { inputs: [VECTOR], outputs: [VECTOR], attrs: {} });
    if (verdict === true || !verdict.reason) throw new Error('supports: expected a reason for an op that nobody has');
    const unknown = program({
      inputs: [VECTOR],
      nodes: [{ op: 'no.such.op', inputs: [0], outputs: [VECTOR] }],
      outputs: [{ value: 1 }],
    });
    await expectRejection('compiling an unknown op', backend.compile(unknown));
  },

  'runs are counted': async (backend) => {
    const executable = await backend.compile(SUM_AND_PRODUCT);
    const before = backend.stats().runs;
    await executable.run([put(backend, A), put(backend, B)], [false, false]);
    await executable.run([put(backend, A), put(backend, B)], [false, false]);
    expectEqual('runs', backend.stats().runs - before, 2);
  },

  'what calls itself deterministic is': async (backend) => {
    if (!backend.capabilities.deterministic) return;
    const shape = aval([17, 33]);
    const out = aval([17, 17]);
    const executable = await backend.compile(
      program({
        inputs: [shape],
        nodes: [
          { op: 'matmul', inputs: [0, 0], outputs: [out], attrs: { transA: false, transB: true } },
          { op: 'sum', inputs: [1], outputs: [aval([17])], attrs: { dims: [1], keepdim: false } },
        ],
        outputs: [{ value: 2 }],
      }),
    );
    const data = Array.from({ length: 17 * 33 }, (_, i) => Math.fround(Math.sin(i)));
    const runs: TypedArray[] = [];
    for (let i = 0; i < 3; i++) {
      const [sums] = await executable.run([put(backend, data, shape)], [true]);
      runs.push((await read(backend, sums))[0]);
    }
    for (const again of runs.slice(1)) expectData('the same bits', again, Array.from(runs[0]));
  },
};
