/** Files that are damaged, foreign, or made to harm: an error or a model, and never a crash, a hang or a broken prototype. */
import { readdirSync, readFileSync } from 'node:fs';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import { decodeModel, encodeModel, type OnnxGraph, OnnxError } from '../src/index.js';
import { EVERYTHING, golden, modelOf } from './helpers.js';

/** Decodes; anything but a model or an OnnxError fails the test. */
function attempt(bytes: Uint8Array): 'model' | 'error' {
  try {
    decodeModel(bytes);
    return 'model';
  } catch (error) {
    if (!(error instanceof OnnxError)) throw error;
    return 'error';
  }
}

const files = readdirSync(new URL('./goldens/onnx/', import.meta.url))
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => golden(name));
files.push(encodeModel(EVERYTHING));

/** Reproducible numbers below n: the minimal standard generator of Park and Miller. */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state * 48271) % 2147483647;
    return state % n;
  };
}

test('cut at every byte', () => {
  const counts = { model: 0, error: 0 };
  for (const file of files) for (let end = 0; end < file.length; end++) counts[attempt(file.subarray(0, end))]++;
  expect(counts.error).toBeGreaterThan(counts.model);
});

test('with flipped bits and overwritten bytes', { timeout: 60_000 }, () => {
  const next = numbers(1);
  for (let round = 0; round < 20_000; round++) {
    const bytes = files[round % files.length].slice();
    for (let hits = 1 + next(4); hits > 0; hits--) {
      const at = next(bytes.length);
      bytes[at] = next(2) ? bytes[at] ^ (1 << next(8)) : next(256);
    }
    attempt(bytes);
  }
});

test('of random bytes', () => {
  const next = numbers(2);
  for (let round = 0; round < 5_000; round++) attempt(Uint8Array.from({ length: next(200) }, () => next(256)));
});

test('nested deeper than any model', () => {
  let graph: OnnxGraph = modelOf({}).graph;
  for (let depth = 0; depth < 200; depth++) {
    const nodes = [
      { opType: 'If', inputs: ['c'], outputs: ['y'], attributes: { body: { type: 'graph', value: graph } as const } },
    ];
    graph = modelOf({ nodes }).graph;
  }
  const bytes = encodeModel({ ...modelOf({}), graph });
  expect(() => decodeModel(bytes)).toThrow('decodeModel: these');
  const groups = new Uint8Array(1e6).fill((1000 << 3) & 0x7f);
  expect(attempt(groups)).toBe('error');
  expect(attempt(new Uint8Array(1e6).fill(0x63))).toBe('error'); // "start of group 12", a million times
});

test('with lengths far beyond the file', () => {
  for (const field of [1, 2, 7, 8, 14]) {
    const bytes = new BinaryWriter()
      .uint32((field << 3) | 2)
      .uint32(0x7fffffff)
      .finish();
    expect(attempt(bytes)).toBe('error');
  }
});

test('with fields of later versions, which are ignored', () => {
  const known = encodeModel(modelOf({}));
  const later = new BinaryWriter()
    .raw(known)
    .uint32((900 << 3) | 2)
    .string('news')
    .uint32((901 << 3) | 0)
    .uint32(5)
    .finish();
  expect(decodeModel(later)).toEqual(decodeModel(known));
});

test('with a tensor whose shape promises more than there is', () => {
  const tensor = { name: 'w', dtype: 'float32', shape: [0, 2 ** 40], data: new Uint8Array(0) } as const;
  const bytes = encodeModel(modelOf({ initializers: [tensor] }));
  expect(decodeModel(bytes).graph.initializers![0].shape).toEqual([0, 2 ** 40]);
  const at = bytes.findIndex((byte, i) => byte === 0x08 && bytes[i + 1] === 0 && bytes[i + 2] === 0x08);
  bytes[at + 1] = 1;
  expect(() => decodeModel(bytes)).toThrowErrorMatchingInlineSnapshot(
    `[OnnxError: decodeModel: initializer 'w' is float32[1,1099511627776] but has 0 bytes. The file is damaged.]`,
  );
});

describe('files of another kind say what they are', () => {
  const read = (text: string) => () => decodeModel(new TextEncoder().encode(text));
  test.each([
    ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:0', 'git lfs pull'],
    ['a web page', '<!DOCTYPE html><html></html>', 'web page'],
    ['a zip archive', 'PK\u0003\u0004 and more', 'zip archive'],
    ['nothing', '', 'there is no graph in it'],
  ])('%s', (_, text, hint) => {
    expect(read(text)).toThrow(OnnxError);
    expect(read(text)).toThrow(hint);
  });

  test('text in full', () => {
    expect(read('<html>404</html>')).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: decodeModel: these 16 bytes are not an ONNX file (there is no graph in it). It begins like a web page: the download has answered with an error.]`,
    );
  });
});

describe('a browser', () => {
  const sources = readdirSync(new URL('../src/', import.meta.url), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'));

  test.each(sources)('can load %s, under any content security policy', (name) => {
    const source = readFileSync(new URL(`../src/${name}`, import.meta.url), 'utf8').replace(
      /\/\*[^]*?\*\/|\/\/.*/g,
      '',
    );
    expect(source).not.toMatch(/from ["']node:|(?<!\.)\beval\(|new Function|\bprocess\./);
    // Core has a Buffer, too; Node's is the one that nobody imports.
    const isCores = /import [^;]*\bBuffer\b[^;]*from '@fakkel\/core'/.test(source);
    if (!isCores) expect(source).not.toMatch(/(?<!\bnn\.)\bBuffer\b/);
  });

  test('reads and writes where code from strings is forbidden', () => {
    // What a content security policy without 'unsafe-eval' does.
    const { eval: original, Function: constructor } = globalThis;
    const forbidden = () => {
      throw new EvalError('forbidden');
    };
    globalThis.eval = forbidden as typeof eval;
    globalThis.Function = forbidden as unknown as FunctionConstructor;
    try {
      expect(attempt(encodeModel(EVERYTHING))).toBe('model');
    } finally {
      globalThis.eval = original;
      globalThis.Function = constructor;
    }
  });
});
