/**
 * The kit itself: its tables are complete, and it finds the mistakes that backends make.
 */
import { readdirSync, statSync } from 'node:fs';
import { opTable, referenceBackend, type Backend, type DeviceBuffer, type TypedArray } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { ADAPTERS } from '../src/cases/index.js';
import { expectClose } from '../src/compare.js';
import { GOLDENS } from '../src/goldens/index.js';
import { listBackendTests, type BackendTestOptions } from '../src/list.js';
import { onDevice } from '../src/session.js';
import { caseId, DECOMPOSING, gradientsOf, hasGradient, record } from '../src/suites/golden.js';

describe('the tables', () => {
  test('every golden case has an adapter, and every adapter a golden case', () => {
    expect([...new Set(GOLDENS.map((golden) => golden.op))].sort()).toEqual(Object.keys(ADAPTERS).sort());
  });

  test('names of cases are unique, and fit into the id of a test', () => {
    const ids = GOLDENS.map(caseId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => id.split('/').length !== 2)).toEqual([]);
  });

  test('golden files stay small', () => {
    const folder = new URL('../src/goldens/', import.meta.url);
    const large = readdirSync(folder).filter((name) => statSync(new URL(name, folder)).size > 50_000);
    expect(large).toEqual([]);
  });

  test('every op has a case, and every composite one that runs decomposed', async () => {
    const reached = new Set<string>();
    const decomposed = new Set<string>();
    const idle = new Set(DECOMPOSING);
    const backend = await referenceBackend.create({});
    for (const golden of GOLDENS) {
      const supports = (op: string): true => {
        reached.add(op);
        if (opTable().get(op)?.decompose && DECOMPOSING.has(golden.op)) {
          decomposed.add(op);
          idle.delete(golden.op);
        }
        return true;
      };
      await onDevice(
        backend,
        async ({ device }) => {
          const { inputs, outputs } = record(golden, device, 'float32');
          const gradients = hasGradient(golden) ? gradientsOf(golden, inputs, outputs, device, 'float32') : [];
          await Promise.all([...outputs, ...gradients].map(async (t) => t?.data()));
        },
        { supports },
      );
    }
    const ops = [...opTable().values()];
    // A tensor travels between devices through the host: no backend sees that op.
    expect(ops.map((op) => op.name).filter((op) => !reached.has(op))).toEqual(['toDevice']);
    expect(ops.filter((op) => op.decompose && !decomposed.has(op.name)).map((op) => op.name)).toEqual([]);
    expect([...idle]).toEqual([]);
  });
});

describe('comparing', () => {
  const close = { relative: 1e-6, absolute: 0 };

  test('NaN equals only NaN, an infinity only itself', () => {
    expectClose('op', [NaN, Infinity, -Infinity], [NaN, Infinity, -Infinity], [3], close);
    for (const [actual, expected] of [
      [NaN, 1],
      [1, NaN],
      [NaN, Infinity],
      [Infinity, NaN],
      [Infinity, -Infinity],
      [1e30, Infinity],
      [Infinity, 1e30],
    ]) {
      expect(() => expectClose('op', [actual], [expected], [1], close)).toThrow('1 of 1 elements differ');
    }
  });

  test('the message says where, what and how much', () => {
    const compare = (): void => expectClose('conv2d/stride 2: output 0', [1, 2, 3.5, 5], [1, 2, 3, 4], [2, 2], close);
    expect(compare).toThrowErrorMatchingInlineSnapshot(
      `[Error: conv2d/stride 2: output 0: first differs at [1, 0]: expected 3, got 3.5 (allowed error 0.00000300); largest error 1.00 at [1, 1]; 2 of 4 elements differ]`,
    );
  });
});

/** The ids of the tests that fail, among those that `only` matches. */
async function failures(options: Partial<BackendTestOptions>, only: RegExp): Promise<string[]> {
  const create = options.create ?? (() => referenceBackend.create({}));
  const { tests, dispose } = await listBackendTests({ dtypes: ['float32'], ...options, create });
  const failed: string[] = [];
  for (const { id, run } of tests.filter((t) => only.test(t.id))) {
    await run().catch((error: Error) => failed.push(`${id}: ${error.message}`));
  }
  await dispose();
  return failed;
}

describe('known gaps', () => {
  const ADD = /^add\/a row\/forward\//;

  test('a test that fails, with a reason, passes', async () => {
    const knownGaps = { 'random/one element': 'the mistake of this test' };
    const create = (): Promise<Backend> => sabotaged({ download: (data) => data.map((v) => v + 1) });
    expect(await failures({ create, knownGaps }, /^random\/one element/)).toEqual([]);
  });

  test('one that passes fails, and says what to do', async () => {
    expect(await failures({ knownGaps: { 'add/a row': 'rows are hard' } }, ADD)).toMatchInlineSnapshot(`
      [
        "add/a row/forward/float32 (known gap): knownGaps: add/a row/forward/float32 passes now, but 'add/a row' says: rows are hard. Remove the gap, or let it name only the tests that fail.",
      ]
    `);
  });

  test('a gap that names nothing fails', async () => {
    expect(await failures({ knownGaps: { 'conv9d/dilation': 'no such op' } }, /conv9d/)).toMatchInlineSnapshot(`
      [
        "conv9d/dilation (known gap): knownGaps: 'conv9d/dilation' names no test. A key is the id of a test or its beginning up to a slash.",
      ]
    `);
  });

  test('a gap needs a reason', async () => {
    await expect(failures({ knownGaps: { add: ' ' } }, ADD)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TypeError: knownGaps: 'add' has no reason. Say why it fails and what would mend it.]`,
    );
  });
});

interface Sabotage {
  readonly upload?: (backend: Backend, buffer: DeviceBuffer, data: TypedArray) => void;
  readonly download?: (data: TypedArray, buffer: DeviceBuffer) => TypedArray;
  readonly donated?: (donated: readonly boolean[]) => readonly boolean[];
  readonly afterRun?: (
    backend: Backend,
    outputs: readonly DeviceBuffer[],
    inputs: readonly DeviceBuffer[],
  ) => readonly DeviceBuffer[];
  readonly onFailure?: (backend: Backend, inputs: readonly DeviceBuffer[], donated: readonly boolean[]) => void;
}

/** The reference backend with one mistake. */
async function sabotaged(sabotage: Sabotage): Promise<Backend> {
  const backend = await referenceBackend.create({});
  return {
    ...backend,
    upload(data, aval) {
      const buffer = backend.upload(data, aval);
      sabotage.upload?.(backend, buffer, data);
      return buffer;
    },
    async download(buffers) {
      const results = await backend.download(buffers);
      return results.map((data, i) => sabotage.download?.(data, buffers[i]) ?? data);
    },
    async compile(program) {
      const executable = await backend.compile(program);
      return {
        async run(inputs, donated) {
          try {
            const outputs = await executable.run(inputs, sabotage.donated?.(donated) ?? donated);
            return sabotage.afterRun?.(backend, outputs, inputs) ?? outputs;
          } catch (error) {
            sabotage.onFailure?.(backend, inputs, donated);
            throw error;
          }
        },
        dispose: () => executable.dispose(),
      };
    },
  };
}

describe('mistakes that it finds', () => {
  const given = new Map<DeviceBuffer, TypedArray>();
  const mistakes: [mistake: string, sabotage: Sabotage, only: RegExp, message: RegExp][] = [
    [
      'numbers that are a little off',
      { download: (data) => data.map((v) => v * 1.0001) },
      /^tanh\/values\/forward\//,
      /differs/,
    ],
    [
      'NaN that becomes 0',
      { download: (data) => data.map((v) => v || 0) },
      /^maximum\/NaN.*forward\//,
      /expected NaN, got 0/,
    ],
    [
      'infinity that becomes large',
      { download: (data) => data.map((v) => Math.min(v, 3e38)) },
      /^exp\/NaN.*forward\//,
      /Infinity/,
    ],
    [
      'an upload that keeps the array',
      {
        upload: (_, buffer, data) => void given.set(buffer, data),
        download: (data, buffer) => given.get(buffer)?.slice() ?? data,
      },
      /^contract\/upload copies/,
      /contents/,
    ],
    [
      'a download that hands out its own memory',
      {
        upload: (_, buffer, data) => void given.set(buffer, data.slice()),
        download: (data, buffer) => given.get(buffer) ?? data,
      },
      /^contract\/download gives/,
      /contents/,
    ],
    [
      'a buffer leaked in each run',
      {
        afterRun: (backend, outputs) => (
          backend.upload(new Float32Array(1), { shape: [1], dtype: 'float32' }),
          outputs
        ),
      },
      /^add\/a row\/forward\//,
      /leak/,
    ],
    [
      'donated inputs kept',
      { donated: (donated) => donated.map(() => false) },
      /^contract\/donated inputs/,
      /live buffers/,
    ],
    [
      'all inputs consumed',
      { donated: (donated) => donated.map(() => true) },
      /^contract\/a run leaves its inputs/,
      /released/,
    ],
    [
      'donated inputs consumed by a failed run',
      { onFailure: (backend, inputs, donated) => inputs.forEach((buffer, i) => donated[i] && backend.release(buffer)) },
      /^contract\/a failed run/,
      /live buffers/,
    ],
    [
      'one buffer for two outputs',
      { afterRun: (_, outputs) => outputs.map(() => outputs[0]) },
      /^contract\/a program runs again/,
      /has the id/,
    ],
    [
      'an output that is an input',
      { afterRun: (_, outputs, inputs) => outputs.map(() => inputs[0]) },
      /^contract\/outputs alias no/,
      /one of the inputs/,
    ],
  ];

  test.each(mistakes)('%s', async (_, sabotage, only, message) => {
    const create = (): Promise<Backend> => sabotaged(sabotage);
    const failed = await failures({ create }, only);
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatch(message);
  });
});

test('a tolerance holds for one op and one dtype', async () => {
  const create = (): Promise<Backend> => sabotaged({ download: (data) => data.map((v) => v * 1.0001) });
  const tolerance = { ops: { tanh: { float32: 1e-3 } } };
  expect(await failures({ create, tolerance }, /^tanh\/values\/forward\//)).toEqual([]);
  expect(await failures({ create, tolerance }, /^sin\/values\/forward\//)).toHaveLength(1);
});
