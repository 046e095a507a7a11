/** The command of examples/classify, built, as npx runs it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { saveSafetensors } from '@fakkel/core';
import { HostArray, writeImage } from '@fakkel/data';
import { lenet5 } from '@fakkel/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pack, root, run } from './install.js';

let folder: string;
const command = (...args: string[]): Promise<string> =>
  run(process.execPath, [path.join(root, 'examples/classify/bin/fakkel-classify.js'), ...args], folder);

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'fakkel-classify-'));
  const pixels = Uint8Array.from({ length: 32 * 32 }, (_, i) => (i * 37) % 256);
  await writeImage(path.join(folder, 'digit.png'), new HostArray(pixels, [1, 32, 32], 'uint8'));
  await writeFile(path.join(folder, 'lenet.safetensors'), await saveSafetensors(lenet5()));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('names what is in an image, on the default device', async () => {
  const out = await command('digit.png', '--model', 'lenet5', '--weights', 'lenet.safetensors', '--top', '3', '--json');
  const [answer] = JSON.parse(out) as { image: string; guesses: { label: string; probability: number }[] }[];
  expect(answer.image).toBe('digit.png');
  expect(answer.guesses).toHaveLength(3);
  expect(answer.guesses[0].label).toMatch(/^class \d$/);
  expect(answer.guesses[0].probability).toBeGreaterThan(answer.guesses[2].probability);
});

test('an image that is not there: an exit code, and what is wrong', async () => {
  const failed = command('nothing.png', '--model', 'lenet5', '--weights', 'lenet.safetensors');
  await expect(failed).rejects.toThrow("nothing.png: can't be read: there is no such file");
});

test('is packed with its command and without tests', async () => {
  const tarball = [...(await pack([path.join(root, 'examples/classify')], folder)).values()][0];
  const files = (await run('tar', ['-tzf', tarball], folder)).trim().split('\n').sort();
  expect(files.filter((name) => !name.startsWith('package/dist/'))).toEqual([
    'package/LICENSE',
    'package/README.md',
    'package/bin/fakkel-classify.js',
    'package/package.json',
  ]);
  expect(files).toContain('package/dist/main.js');
});
