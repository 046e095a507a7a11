import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSafetensors, nn } from '@fakkel/core';
import { RunningNormalizer } from '@fakkel/data';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { silentProgress, temporaryFolder, writeDigits } from '../../quickstart/test/fixtures.js';
import { fashionMnistRun } from '../src/fashion-mnist.js';
import { NETWORKS } from '../src/model.js';
import { parseOptions } from '../src/options.js';
import type { Results } from '../src/results.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 }); // seconds, but for a busy machine

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = await temporaryFolder();
const data = path.join(folder, 'images');
beforeAll(async () => {
  await writeDigits(data, 60, 'train', 28); // 54 to train with: 3 steps of 18 an epoch, and 6 to validate with
  await writeDigits(data, 6, 't10k', 28);
});

/** Runs with a command line, and stops after so many steps. */
function run(argv: string[], stopAfter = Infinity): Promise<Results | null> {
  const stop = new AbortController();
  let steps = 0;
  const progress = silentProgress(() => ++steps === stopAfter && stop.abort());
  return fashionMnistRun(parseOptions(argv), progress, stop.signal);
}

const few = (output: string, model = 'vgg'): string[] => [
  ...['--data', data, '--model', model, '--epochs', '2', '--batch-size', '18', '--lr', '0.01', '--threads', '1'],
  ...['--output', path.join(folder, output)],
];

describe.each(['resnet', 'vgg'] as const)('%s', (model) => {
  const output = path.join(folder, model);
  let results: Results;
  beforeAll(async () => {
    results = (await run(few(model, model)))!;
  });

  test('runs for a few steps, and writes weights, numbers, curves and a report', async () => {
    expect(results.history.steps).toHaveLength(6);
    expect(results.history.steps.every((loss) => loss > 0)).toBe(true);
    expect(results.images).toEqual({ train: 54, validation: 6, test: 6 });
    expect(results.confusion.flat().reduce((a, b) => a + b)).toBe(6);
    expect(results.confusion.reduce((sum, row, i) => sum + row[i], 0) / 6).toBeCloseTo(results.test.accuracy, 12);
    expect((await readdir(output)).sort()).toEqual([
      ...['checkpoint.safetensors', 'curves.svg', 'model.safetensors', 'report.html', 'results.json'],
    ]);
    expect(JSON.parse(await readFile(path.join(output, 'results.json'), 'utf8'))).toEqual(results);
    expect(await readFile(path.join(output, 'curves.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    const page = await readFile(path.join(output, 'report.html'), 'utf8');
    expect(page).toContain(`${NETWORKS[model].title} on Fashion-MNIST`);
    expect(page).toContain('Ankle boot');
    expect(page).not.toMatch(/NaN|undefined/);
  });

  test('the rate goes up to its highest and down: one cycle', () => {
    const [first, second] = results.history.epochs.map(({ lr }) => lr);
    expect(first).toBeGreaterThan(0.005);
    expect(first).toBeLessThan(0.01);
    expect(second).toBeCloseTo(0.01 / 25 / 1e4, 12);
  });

  test('the weights load into the same network', async () => {
    const net = new nn.Sequential({ normalizer: new RunningNormalizer(1), net: NETWORKS[model].build(10) });
    net.loadStateDict(loadSafetensors(await readFile(path.join(output, 'model.safetensors'))).tensors);
    expect(net.parameters().reduce((sum, parameter) => sum + parameter.numel(), 0)).toBe(results.parameters);
  });
});

test('the networks have the size that the page says', () => {
  const count = (model: nn.Layer): number => model.parameters().reduce((sum, parameter) => sum + parameter.numel(), 0);
  expect(count(NETWORKS.resnet.build(10))).toBe(269_434);
  expect(count(NETWORKS.vgg.build(10))).toBe(298_858);
});

test('a run that was stopped and continued equals one that was not', async () => {
  const expected = (await run(few('whole')))!;
  expect(await run(few('parts'), 2)).toBeNull(); // in the first epoch
  expect(await run(['--resume', path.join(folder, 'parts')], 2)).toBeNull(); // in the second
  const results = (await run(['--resume', path.join(folder, 'parts')]))!;
  expect(results.history.steps).toEqual(expected.history.steps);
  expect(results.history.epochs.map(({ validation, lr }) => [validation, lr])).toEqual(
    expected.history.epochs.map(({ validation, lr }) => [validation, lr]),
  );
  expect([results.test, results.confusion]).toEqual([expected.test, expected.confusion]);

  const error = await run(['--resume', path.join(folder, 'parts'), '--epochs', '3']).catch((e: unknown) => e);
  expect((error as Error).message.replaceAll(folder, '<folder>')).toMatchInlineSnapshot(
    `"--resume: <folder>/parts/checkpoint.safetensors is a run with --epochs 2, which can't go on with --epochs 3. Leave --epochs out to continue it, or leave --resume out to start anew."`,
  );
});

test('threads are the CPU engine’s', async () => {
  const error = await run([...few('threads'), '--device', 'reference', '--threads', '1']).catch((e: unknown) => e);
  expect((error as Error).message).toMatchInlineSnapshot(
    `"--threads is for ONNX Runtime on the CPU (--device cpu), not for reference."`,
  );
});

/** Runs the program itself, as `npm run fashion-mnist` does. */
function program(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(
    process.execPath,
    ['--conditions=@fakkel/source', '--import', 'tsx', 'examples/fashion-mnist/src/main.ts', ...argv],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return new Promise((resolve, reject) => {
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

// Debian's package dataset-fashion-mnist, which CI installs.
test.skipIf(!existsSync('/usr/share/datasets/fashion-mnist'))('the program, on some of the real images', async () => {
  const output = path.join(folder, 'real');
  const some = [
    '--model',
    'vgg',
    '--images',
    '640',
    '--epochs',
    '2',
    '--batch-size',
    '32',
    '--threads',
    '1',
    '--output',
    output,
  ];
  const { code, out, err } = await program(...some);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(
    /^Small VGG on Fashion-MNIST: 576 training, 64 validation and 10,000 test images, on onnxruntime/,
  );
  const results = JSON.parse(await readFile(path.join(output, 'results.json'), 'utf8')) as Results;
  expect(results.test.accuracy).toBeGreaterThan(0.3);
});

test('the program says in one line what is wrong', async () => {
  const { code, out, err } = await program('--resume', path.join(folder, 'nowhere'));
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/^error: --resume: can't read .*nowhere/);
});
