import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { defaultGenerator, dropoutKeys, referenceDevice } from '@fakkel/core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { CHECKPOINT_FILE, readCheckpoint, restore, saveCheckpoint } from '../src/checkpoint.js';
import { loadData } from '../src/data.js';
import { parseOptions } from '../src/options.js';
import { quickstart } from '../src/quickstart.js';
import type { Results } from '../src/results.js';
import { createRun } from '../src/run.js';
import { silentProgress, temporaryFolder, writeDigits } from './fixtures.js';

const folder = await temporaryFolder();
const data = path.join(folder, 'digits');
beforeAll(() => writeDigits(data, 100)); // 80 to train with: 5 steps an epoch

/** Runs with a command line, and stops after so many steps. */
function run(argv: string[], stopAfter = Infinity): Promise<Results | null> {
  const stop = new AbortController();
  let steps = 0;
  const progress = silentProgress(() => ++steps === stopAfter && stop.abort());
  return quickstart(parseOptions(argv), progress, stop.signal);
}

/** The numbers of a run that do not depend on how fast it was. */
const measured = ({ settings, history, test }: Results) => ({
  settings,
  steps: history.steps,
  epochs: history.epochs.map(({ seconds: _s, msPerStep: _m, ...rest }) => rest),
  test,
});

describe.each(['sgd', 'adam'])('%s: a run that was stopped and continued equals one that was not', (optimizer) => {
  const start = [
    '--data',
    data,
    '--epochs',
    '3',
    '--batch-size',
    '16',
    '--optimizer',
    optimizer,
    '--seed',
    '5',
    '--no-report',
  ];
  const whole = path.join(folder, `${optimizer}-whole`);
  let expected: Results;
  beforeAll(async () => {
    expected = (await run([...start, '--output', whole]))!;
    expect(expected.history.steps).toHaveLength(15);
  });

  // In the first epoch, after an epoch's last step, in the second epoch, and twice.
  test.each([[[2]], [[5]], [[8]], [[3, 4]]])('stopped after steps %j', async (stops) => {
    const warn = vi.spyOn(console, 'warn');
    const output = path.join(folder, `${optimizer}-${stops.join('-')}`);
    expect(await run([...start, '--output', output], stops[0])).toBeNull();
    for (const steps of stops.slice(1)) expect(await run(['--resume', output], steps)).toBeNull();
    const results = (await run(['--resume', path.join(output, CHECKPOINT_FILE), '--no-report']))!;

    expect(measured(results)).toEqual(measured(expected));
    const [weights, wholeWeights] = await Promise.all(
      [output, whole].map((where) => readFile(path.join(where, 'model.safetensors'))),
    );
    expect(weights.equals(wholeWeights)).toBe(true);
    expect(warn).not.toHaveBeenCalled(); // such as a scheduler's that no optimizer has stepped
  });

  test('a run that is done goes on with more epochs', async () => {
    const output = path.join(folder, `${optimizer}-more`);
    await run([...start, '--output', output, '--epochs', '2']);
    const results = (await run(['--resume', output, '--epochs', '3', '--no-report']))!;
    expect(measured(results)).toEqual(measured(expected));
  });
});

test('stopped before the first step', async () => {
  const output = path.join(folder, 'at-once');
  const argv = ['--data', data, '--epochs', '1', '--output', output, '--no-report'];
  expect(await quickstart(parseOptions(argv), silentProgress(), AbortSignal.abort())).toBeNull();
  expect((await run(['--resume', output, '--no-report']))!.history.steps).toHaveLength(3);
});

test('a run that is finished says so; what a run that died has left is removed', async () => {
  const output = path.join(folder, 'finished');
  await run(['--data', data, '--epochs', '1', '--output', output, '--no-report']);
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const leftovers = [pid, process.pid, process.ppid].map((id) => `${CHECKPOINT_FILE}.${id}.tmp`);
  for (const name of leftovers) await writeFile(path.join(output, name), 'half');
  const progress = silentProgress();
  await quickstart(parseOptions(['--resume', output, '--no-report']), progress, new AbortController().signal);
  expect(progress.lines[1]).toMatchInlineSnapshot(
    `"This run is finished: epoch 1 of 1 is done. It is tested and written again; --epochs 2 trains on"`,
  );
  // The parent process lives: it may be writing.
  expect((await readdir(output)).filter((name) => name.endsWith('.tmp'))).toEqual([leftovers[2]]);
});

test('generators and dropout keys continue, too', async () => {
  const settings = parseOptions(['--data', data, '--batch-size', '16']);
  const parts = await loadData(data, 0, () => undefined);
  const file = path.join(folder, 'keys.safetensors');
  const first = createRun(settings, parts, referenceDevice());
  dropoutKeys.nextKey();
  await saveCheckpoint(file, first);
  const expected = [dropoutKeys.nextKey(), defaultGenerator.random()];

  const second = createRun(settings, parts, referenceDevice());
  restore(second, await readCheckpoint(file));
  expect([dropoutKeys.nextKey(), defaultGenerator.random()]).toEqual(expected);
});

describe('what can not be continued says why', () => {
  const output = path.join(folder, 'errors');
  const argv = ['--data', data, '--epochs', '1', '--no-report', '--output', output];
  beforeAll(() => run(argv));
  const hidden = (error: unknown): string => (error as Error).message.replaceAll(folder, '<folder>');

  test('another model', async () => {
    const error = await run(['--resume', output, '--model', 'lenet5-original']).catch(hidden);
    expect(error).toMatchInlineSnapshot(
      `"--resume: <folder>/errors/checkpoint.safetensors is a run with --model lenet5, which can't go on with --model lenet5-original. Leave --model out to continue it, or leave --resume out to start anew."`,
    );
  });

  test('a folder without a checkpoint', async () => {
    expect(await run(['--resume', data]).catch(hidden)).toMatchInlineSnapshot(
      `"--resume: can't read <folder>/digits/checkpoint.safetensors (ENOENT: no such file or directory, open '<folder>/digits/checkpoint.safetensors'). Give the folder that a run was written to, or the checkpoint.safetensors in it."`,
    );
  });

  test('weights alone', async () => {
    const error = await run(['--resume', path.join(output, 'model.safetensors')]).catch(hidden);
    expect(error).toMatchInlineSnapshot(
      `"--resume: <folder>/errors/model.safetensors is no checkpoint of quickstart: it has no entry 'quickstart' of version 1 in its metadata. A run goes on from its checkpoint.safetensors; model.safetensors holds weights alone."`,
    );
  });

  test('a file of another kind', async () => {
    const error = await run(['--resume', path.join(data, 'train-images-idx3-ubyte')]).catch(hidden);
    expect(error).toMatchInlineSnapshot(
      `"--resume: <folder>/digits/train-images-idx3-ubyte is damaged, or no checkpoint: decodeSafetensors: the header claims 7205759403843649536 bytes, the format allows 100000000; this is not a safetensors file"`,
    );
  });

  test('data that has changed', async () => {
    const where = [path.join(folder, 'changing'), path.join(folder, 'changed')];
    const changing = ['--epochs', '2', '--data', where[0], '--output', where[1]];
    await writeDigits(where[0], 100);
    await run(changing, 3);
    await rm(where[0], { recursive: true });
    await writeDigits(where[0], 90);
    expect(await run(['--resume', where[1]]).catch(hidden)).toMatchInlineSnapshot(
      `
      "--resume: <folder>/changed/checkpoint.safetensors does not fit the data. Has it changed since?
      DataLoader.loadStateDict: the state is of a dataset of 80 samples, this is one of 72 samples"
    `,
    );
  });
});
