import { device } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { createOnnxruntime as createInBrowser } from './browser.js';
import { createOnnxruntime } from './index.js';
import type { OnnxruntimeOptions } from './options.js';

const refused = (create: typeof createOnnxruntime, options: unknown): string => {
  try {
    create(options as OnnxruntimeOptions);
    return 'accepted';
  } catch (error) {
    return String(error);
  }
};

describe.each([
  ['Node', createOnnxruntime],
  ['browsers', createInBrowser],
])('in %s', (_, create) => {
  test.each([
    [{ thread: 1 }, "unknown option 'thread'. Known: worker, threads, sessions, flushDenormals, cuda, wasmPaths"],
    [{ wasmPath: '/ort/' }, "unknown option 'wasmPath'. Known: "],
    [{ toString: 1 }, "unknown option 'toString'. Known: "],
    [{ sessions: -1 }, 'sessions is a whole number of at least 1; got -1'],
    [{ sessions: NaN }, 'sessions is a whole number of at least 1; got NaN'],
    [{ sessions: 0 }, 'sessions is a whole number of at least 1; got 0'],
    [{ threads: -5 }, 'threads is a whole number of at least 1; got -5'],
    [{ threads: 1.5 }, 'threads is a whole number of at least 1; got 1.5'],
    [{ threads: '2' }, "threads is a whole number of at least 1; got '2'"],
    [{ worker: 1 }, 'worker is true or false; got 1'],
    [{ cuda: 1 }, 'cuda is an object, { deviceId }; got 1'],
    [{ wasmPaths: null }, 'wasmPaths is a URL, or { wasm, mjs }; got null'],
    [null, 'options come as one object, { worker, threads, sessions, flushDenormals, cuda, wasmPaths }; got null'],
    ['wasm', 'options come as one object, '],
  ])('createOnnxruntime(%j) is refused at once', (options, message) => {
    expect(refused(create, options)).toContain(`TypeError: createOnnxruntime: ${message}`);
  });

  test('options that are there are taken, undefined as their default', () => {
    const options = { worker: false, threads: 2, sessions: 1, flushDenormals: true, cuda: {}, wasmPaths: '/ort/' };
    expect(refused(create, options)).toBe('accepted');
    expect(refused(create, { threads: undefined, wasmPaths: { wasm: '/ort/a.wasm' } })).toBe('accepted');
    expect(refused(create, undefined)).toBe('accepted');
  });

  test("options for CUDA without the variant 'cuda' are an error, not the CPU", async () => {
    await expect(device(create({ cuda: { deviceId: 0 } }))).rejects.toThrow(
      "For the GPU, say so: device(createOnnxruntime({ cuda }), { variant: 'cuda' })",
    );
    await expect(device(create({ cuda: {} }), { variant: 'wasm' })).rejects.toThrow(
      "createOnnxruntime: options for cuda were given, but the variant is 'wasm'.",
    );
  });
});
