import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { silentProgress, temporaryFolder, writeDigits } from '../../quickstart/test/fixtures.js';
import { loadData } from '../src/data.js';
import { degradation, type Results } from '../src/degradation.js';
import { figure } from '../src/figure.js';
import { parseOptions } from '../src/options.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 }); // seconds, but for a busy machine

const folder = await temporaryFolder();
const root = path.join(folder, 'images');
beforeAll(() => writeDigits(root, 60, 'train', 28));

const argv = ['--root', root, '--images', '36', '--epochs', '2', '--batch-size', '12', '--threads', '1'];
const to = (output: string, ...more: string[]): string[] => [...argv, ...more, '--output', path.join(folder, output)];

/** Runs with a command line, and stops after so many steps. */
function run(command: string[], stopAfter = Infinity): Promise<Results | null> {
  const stop = new AbortController();
  let steps = 0;
  const progress = silentProgress(() => ++steps === stopAfter && stop.abort());
  return degradation(parseOptions(command), progress, stop.signal);
}

/** The numbers that do not depend on how fast it was. */
const measured = (results: Results): unknown =>
  results.networks.map(({ epochs, ...network }) => ({
    ...network,
    epochs: epochs.map(({ seconds: _s, msPerStep: _m, ...rest }) => rest),
  }));

describe('two depths', () => {
  let whole: Results;
  beforeAll(async () => {
    whole = (await run(to('whole', '--layers', '8,14')))!;
  });

  test('each is trained plain and residual, with as many parameters, in the paper’s way', async () => {
    expect(whole.networks.map(({ kind, layers }) => `${kind} ${layers}`)).toEqual([
      ...['plain 8', 'residual 8', 'plain 14', 'residual 14'],
    ]);
    const parameters = whole.networks.map((network) => network.parameters);
    expect(parameters[0]).toBe(parameters[1]);
    expect(parameters[2]).toBe(parameters[3]);
    for (const { epochs } of whole.networks) {
      expect(epochs.map(({ lr }) => Number(lr.toPrecision(6)))).toEqual([0.1, 0.01]); // a tenth after half of them
    }
    const output = path.join(folder, 'whole');
    expect((await readdir(output)).sort()).toEqual([
      ...['degradation.svg', 'plain-14', 'plain-8', 'residual-14', 'residual-8', 'results.json'],
    ]);
    expect(JSON.parse(await readFile(path.join(output, 'results.json'), 'utf8'))).toEqual(whole);
    expect(await readFile(path.join(output, 'degradation.svg'), 'utf8')).toBe(figure(whole));
  });

  test('stopped and started again: the same numbers; networks that are done are not trained again', async () => {
    expect(await run(to('parts', '--layers', '8'), 4)).toBeNull(); // in the second epoch of the first network
    expect(await run(to('parts', '--layers', '8'), 5)).toBeNull(); // in the second network
    expect(await run(to('parts', '--layers', '8'))).not.toBeNull();
    const file = path.join(folder, 'parts/plain-8/checkpoint.safetensors');
    const before = (await stat(file)).mtimeMs;
    const all = (await run(to('parts', '--layers', '8,14')))!;
    expect(measured(all)).toEqual(measured(whole));
    expect((await stat(file)).mtimeMs).toBe(before);
  });

  test('networks that were trained otherwise can not stand beside them', async () => {
    const error = await run(to('whole', '--layers', '8', '--epochs', '3')).catch((e: unknown) => e);
    expect((error as Error).message.replaceAll(folder, '<folder>')).toMatchInlineSnapshot(
      `"--output: <folder>/whole holds networks that were trained with --epochs 2, not 3. Name another folder, or remove it."`,
    );
  });

  test('the figure: a panel a kind, a curve a depth, the same colour in both', () => {
    const svg = figure(whole);
    for (const words of ['plain networks', 'residual networks', '8 layers', '14 layers', 'training error (%)']) {
      expect(svg).toContain(words);
    }
    const curves = [...svg.matchAll(/<path d="M[^"]*" fill="none" stroke="(#\w+)" stroke-width="2.2"/g)];
    expect(curves.map(([, color]) => color).slice(-4)).toEqual(['#2f6fb3', '#d9730d', '#2f6fb3', '#d9730d']);
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});

test('more images than there are', async () => {
  const error = await loadData(parseOptions(['--root', root, '--images', '60'])).catch((e: unknown) => e);
  expect((error as Error).message).toMatchInlineSnapshot(
    `"--images 60: with 12 more to validate with, that is more than the 60 there are. At most 50."`,
  );
});

test('CIFAR-10 from its files: three channels', async () => {
  const cifar = path.join(folder, 'cifar-10-batches-bin');
  await mkdir(cifar);
  for (let i = 1; i <= 5; i++) {
    const records = Uint8Array.from({ length: 6 * 3073 }, (_, k) => (k % 3073 === 0 ? (k / 3073 + i) % 10 : k % 251));
    await writeFile(path.join(cifar, `data_batch_${i}.bin`), records);
  }
  const data = await loadData(parseOptions(['--data', 'cifar10', '--root', folder, '--images', '20']));
  expect([data.train.length, data.validation.length, data.channels]).toEqual([20, 4, 3]);
  expect((await data.train.get(0))[0].shape).toEqual([3, 32, 32]);
  const command = ['--data', 'cifar10', '--root', folder, '--images', '20', '--batch-size', '10', '--epochs', '1'];
  const results = await run([...command, '--layers', '8', '--output', path.join(folder, 'cifar'), '--threads', '1']);
  expect(results!.networks.map(({ kind }) => kind)).toEqual(['plain', 'residual']);
});

test('the program says in one line what is wrong', () => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ['--conditions=@fakkel/source', '--import', 'tsx', main, '--root', path.join(folder, 'nowhere')],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('../../../', import.meta.url)) },
  );
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^error: fashionMnist: files are missing \(looked in .*nowhere/);
  expect(stderr).toMatch(/--root <folder>\.\n$/);
});
