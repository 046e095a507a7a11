import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { device, loadSafetensors, manualSeed, nn, setDefaultDevice } from '@fakkel/core';
import { RunningNormalizer } from '@fakkel/data';
import { lenet5 } from '@fakkel/models';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCheckpoint } from '../src/checkpoint.js';
import { loadData } from '../src/data.js';
import { evaluate } from '../src/evaluate.js';
import { parseOptions } from '../src/options.js';
import { quickstart } from '../src/quickstart.js';
import type { Results } from '../src/results.js';
import { silentProgress, temporaryFolder, writeDigits } from './fixtures.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = await temporaryFolder();
const data = path.join(folder, 'digits');
beforeAll(() => writeDigits(data, 320));

/** Runs the program itself, as `npm run quickstart` does. */
function program(
  argv: string[],
  onLine: (line: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
) {
  const child = spawn(
    process.execPath,
    ['--conditions=@fakkel/source', '--import', 'tsx', 'examples/quickstart/src/main.ts', ...argv],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
      for (const line of String(chunk).split('\n')) onLine(line, (signal) => child.kill(signal));
    });
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('the main job: LeNet-5 on the digits, with the defaults', () => {
  const output = path.join(folder, 'run');
  let result: Awaited<ReturnType<typeof program>>;
  let results: Results;
  beforeAll(async () => {
    const started = performance.now();
    result = await program(['--output', output]);
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(performance.now() - started).toBeLessThan(90_000);
    results = JSON.parse(await readFile(path.join(output, 'results.json'), 'utf8')) as Results;
  }, 120_000);

  test('learns: at least 97 % of the test images', () => {
    expect(results.images).toEqual({ train: 1438, validation: 180, test: 179 });
    expect(results.test.accuracy).toBeGreaterThanOrEqual(0.97);
    expect(results.history.epochs).toHaveLength(results.settings.epochs);
    expect(results.history.steps).toHaveLength(results.settings.epochs * Math.ceil(1438 / 32));
  });

  test('prints plain lines where there is no terminal, and tests once', () => {
    const lines = result.out.trimEnd().split('\n');
    expect(lines[0]).toMatch(
      /^LeNet-5 on handwritten digits: 1,438 training, 180 validation and 179 test images, on device cpu \(onnxruntime:cpu\)$/,
    );
    expect(lines[1]).toMatch(/^epoch {2}1\/12 {2}training loss \d\.\d{4} .* validation loss \d\.\d{4} .* images\/s$/);
    expect(lines.filter((line) => line.startsWith('epoch '))).toHaveLength(12);
    expect(lines.filter((line) => /^test accuracy \d+(\.\d)? % \(\d+ of 179\)/.test(line))).toHaveLength(1);
    expect(result.out).not.toMatch(/[\r\x1b█░]/); // eslint-disable-line no-control-regex
  });

  test('writes the weights, the report, the results and a checkpoint, and nothing else', async () => {
    expect((await readdir(output)).sort()).toEqual([
      'checkpoint.safetensors',
      'model.safetensors',
      'report.html',
      'results.json',
    ]);
    const page = await readFile(path.join(output, 'report.html'), 'utf8');
    expect(page).toContain('LeNet-5 on handwritten digits');
    expect(page).not.toMatch(/https?:/);
  });

  test('the weights load into the same modules, and give the same accuracy', async () => {
    setDefaultDevice(await device('cpu'));
    manualSeed(99);
    const model = new nn.Sequential({ normalizer: new RunningNormalizer(1), net: lenet5() });
    const { tensors } = loadSafetensors(await readFile(path.join(output, 'model.safetensors')));
    expect([...tensors.keys()].slice(0, 6)).toEqual([
      ...['normalizer.mean', 'normalizer.std', 'normalizer.count', 'normalizer.frozen'],
      ...['net.conv1.weight', 'net.conv1.bias'],
    ]);
    model.loadStateDict(tensors);
    const { test: images } = await loadData('digits', 0, () => undefined);
    const { loss, accuracy } = await evaluate(model, images, 32);
    expect(accuracy).toBe(results.test.accuracy);
    // Weights that are fed and weights that an engine has made constants may differ in the last bits.
    expect(loss).toBeCloseTo(results.test.loss, 6);
  });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s saves a checkpoint in the middle, from which the run goes on', async (signal, exitCode) => {
  const output = path.join(folder, signal);
  const argv = ['--data', data, '--epochs', '40', '--no-report', '--output', output];
  const stopped = await program(argv, (line, kill) => line.startsWith('epoch  2/40') && kill(signal));
  expect(stopped).toMatchObject({ code: exitCode, err: '' });
  expect(stopped.out).toContain(`${signal}: saving a checkpoint after this step`);
  expect(stopped.out).toContain(`Stopped. Continue with: npm run quickstart -- --resume ${output}\n`);

  const { history } = (await readCheckpoint(output)).state;
  const before = history.steps.length;
  expect(before).toBeGreaterThanOrEqual(16);
  const epochs = history.epochs.length + 1;
  const resumed = parseOptions(['--resume', output, '--epochs', String(epochs), '--no-report']);
  const results = await quickstart(resumed, silentProgress(), new AbortController().signal);
  expect(results!.history.steps).toHaveLength(8 * epochs);
  expect(results!.history.steps.slice(0, before)).toEqual(history.steps);
});

test('stopped while testing: the run goes on with the test', async () => {
  const output = path.join(folder, 'testing');
  const stop = new AbortController();
  const progress = { ...silentProgress(), epochDone: () => setTimeout(() => stop.abort()) };
  const argv = ['--data', data, '--epochs', '1', '--no-report', '--output', output];
  expect(await quickstart(parseOptions(argv), progress, stop.signal)).toBeNull();
  const results = await quickstart(parseOptions(['--resume', output]), silentProgress(), new AbortController().signal);
  expect(results!.history.steps).toHaveLength(8);
});

test('another engine: the run says so, and a checkpoint goes on with it', async () => {
  const output = path.join(folder, 'engines');
  const argv = ['--data', data, '--epochs', '1', '--no-report', '--output', output];
  const progress = silentProgress();
  await quickstart(parseOptions([...argv, '--device', 'reference']), progress, new AbortController().signal);
  expect(progress.lines[0]).toMatch(/, on device reference$/);

  const resumed = silentProgress();
  const more = ['--resume', output, '--epochs', '2', '--no-report'];
  await quickstart(parseOptions([...more, '--device', 'cpu']), resumed, new AbortController().signal);
  expect(resumed.lines[0]).toMatch(/, on device cpu \(onnxruntime:cpu\)$/);
  expect(resumed.lines).toContain('The run was on engine reference: on another one losses differ in their last digits');
});

describe('errors are one line, with what to do', () => {
  const fails = async (...argv: string[]): Promise<string> => {
    const error: unknown = await quickstart(
      parseOptions([...argv, '--output', path.join(folder, 'errors'), '--no-report']),
      silentProgress(),
      new AbortController().signal,
    ).catch((e: unknown) => e);
    return (error as Error).message.replaceAll(folder, '<folder>');
  };

  test('from the command line: the exit code says so, too', async () => {
    const { code, out, err } = await program(['--data', '/nowhere']);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatchInlineSnapshot(`
      "error: --data: there is no folder /nowhere, and no data set of that name (there are: digits, fashion-mnist, mnist). A folder holds train-images-idx3-ubyte and train-labels-idx1-ubyte, with or without .gz.
      "
    `);
  });

  test('a file for a folder, and a folder without the files', async () => {
    await writeFile(path.join(folder, 'file'), '');
    expect(await fails('--data', path.join(folder, 'file'))).toMatchInlineSnapshot(
      `"--data: <folder>/file is no folder, and no data set of that name (there are: digits, fashion-mnist, mnist). A folder holds train-images-idx3-ubyte and train-labels-idx1-ubyte, with or without .gz."`,
    );
    expect(await fails('--data', path.join(folder, 'run'))).toMatchInlineSnapshot(
      `"--data: <folder>/run holds checkpoint.safetensors, model.safetensors, report.html, results.json; expected train-images-idx3-ubyte and train-labels-idx1-ubyte, with or without .gz."`,
    );
  });

  test('an engine that does not exist', async () => {
    expect(await fails('--device', 'abacus')).toMatchInlineSnapshot(
      `
      "--device abacus: backend 'abacus' is not installed: run \`npm install fakkel-backend-abacus\`
      Always there: reference; and cpu, the fastest engine installed."
    `,
    );
  });

  test('a learning rate that makes the loss overflow', async () => {
    expect(await fails('--data', data, '--lr', '1e12')).toMatchInlineSnapshot(
      `"The loss is NaN at step 2, in epoch 1: training has diverged. The learning rate, now 1000000000000, is probably too high; try a tenth of it with --lr 100000000000."`,
    );
  });
});

test('test images of its own are the test; the rest is split 90 to 10', async () => {
  const own = path.join(folder, 'own');
  await writeDigits(own, 100);
  await writeDigits(own, 30, 't10k');
  const { train, validation, test: tests, classes } = await loadData(own, 0, () => undefined);
  expect([train.length, validation.length, tests.length]).toEqual([90, 10, 30]);
  expect(classes).toEqual([...'0123456789']);
});
