import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadSafetensors, saveSafetensors, manualSeed } from '@fakkel/core';
import { HostArray, writeImage } from '@fakkel/data';
import { cifarResnet20, getWeights } from '@fakkel/models';
import { beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../../quickstart/test/fixtures.js';
import { loadData } from '../src/data.js';
import { parseOptions } from '../src/options.js';
import { transferLearning } from '../src/transfer-learning.js';

const folder = await temporaryFolder();
const never = new AbortController().signal;
const notes: string[] = [];
const progress = {
  note: (line: string) => void notes.push(line),
  step: () => undefined,
  epochDone: () => undefined,
  stop: () => undefined,
};
const silent: Parameters<typeof parseOptions>[1] = (command) =>
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });

/** Pictures with light at the top or at the bottom. */
async function writePictures(root: string, count: number): Promise<void> {
  for (const [c, name] of ['bottom', 'top'].entries()) {
    await mkdir(path.join(root, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const pixels = Uint8Array.from({ length: 3 * 36 * 36 }, (_, p) => {
        const isTop = Math.floor(p / 36) % 36 < 18;
        return (isTop === (c === 1) ? 180 : 40) + ((p * 31 + i * 17) % 60);
      });
      await writeImage(path.join(root, name, `${i}.png`), new HostArray(pixels, [3, 36, 36], 'uint8'));
    }
  }
}

const split = path.join(folder, 'split');
const whole = path.join(folder, 'whole');
beforeAll(async () => {
  await writePictures(path.join(split, 'train'), 8);
  await writePictures(path.join(split, 'val'), 3);
  await writePictures(whole, 10);
});

const preset = { ...getWeights('resnet18').transforms, resizeSize: 36, cropSize: 32 };

test('train and val are taken as they are; a folder of classes is split in four fifths and one', async () => {
  const given = await loadData(split, preset, 0);
  expect([given.labels, given.train.length, given.validation.length]).toEqual([['bottom', 'top'], 16, 6]);
  const made = await loadData(whole, preset, 0);
  expect([made.train.length, made.validation.length]).toEqual([16, 4]);
  const labels = await Promise.all([0, 1, 2, 3].map(async (i) => (await made.validation.get(i))[1]));
  expect(labels.sort()).toEqual([0, 0, 1, 1]);
  expect((await made.validation.get(0))[0].shape).toEqual([3, 32, 32]);
});

test('training images are cropped anew each time, validation images are not', async () => {
  const { train, validation } = await loadData(whole, preset, 0);
  const pixels = async (part: typeof train): Promise<number[]> => [...(await part.get(0))[0].data];
  manualSeed(0);
  expect(await pixels(train)).not.toEqual(await pixels(train));
  expect(await pixels(validation)).toEqual(await pixels(validation));
});

test.each([
  ['no such folder', ['nothing']],
  ['no class folders', ['split', 'train', 'top']],
])('%s: an error that names the option', async (_, parts) => {
  const error = await loadData(path.join(folder, ...parts), preset, 0).catch((e: unknown) => (e as Error).message);
  expect((error as string).replaceAll(folder, '<folder>')).toMatchSnapshot();
});

test.each([
  ['neither data nor demo', []],
  ['both', ['--data', 'photos', '--demo']],
  ['a forgotten dash', ['photos']],
])('%s: an error', (_, argv) => {
  expect(() => parseOptions(argv, silent)).toThrowErrorMatchingSnapshot();
});

test('a network of the zoo, with weights of a file that has the published name', async () => {
  // The whole way of `--model resnet18`, without its 45 MB: the network and its preset are the zoo's.
  const error = await transferLearning(
    parseOptions([
      '--data',
      whole,
      '--weights',
      path.join(folder, 'resnet18-f37072fd.pth'),
      '--device',
      'reference',
      '--output',
      path.join(folder, 'a'),
    ]),
    progress,
    never,
  ).catch((e: unknown) => (e as Error).message);
  expect((error as string).replaceAll(folder, '<folder>')).toMatchInlineSnapshot(
    `"loadInto: cannot open <folder>/resnet18-f37072fd.pth: ENOENT: no such file or directory, open '<folder>/resnet18-f37072fd.pth'"`,
  );
});

// Debian's package dataset-fashion-mnist, which CI installs.
test.skipIf(!existsSync('/usr/share/datasets/fashion-mnist'))(
  'the demonstration, for a few steps: pretraining, classifier alone, all layers, from scratch',
  async () => {
    const output = path.join(folder, 'demo');
    const argv = ['--demo', '--output', output, '--pretrain-images', '64', '--head-epochs', '1', '--epochs', '1'];
    const results = await transferLearning(
      parseOptions([...argv, '--batch-size', '30', '--threads', '1']),
      progress,
      never,
    );
    expect(results).toMatchObject({ labels: ['ankle-boot', 'sandal', 'sneaker'], train: 60, validation: 600 });
    expect(results!.classifier).toHaveLength(1);
    expect(results!.fineTuned).toHaveLength(1);
    expect(results!.fromScratch).toHaveLength(2);
    for (const { loss, accuracy } of [...results!.classifier, ...results!.fineTuned]) {
      expect(loss).toBeGreaterThan(0);
      expect(accuracy).toBeGreaterThan(0);
    }
    expect((await readdir(output)).sort()).toEqual([
      'clothes-64.safetensors',
      'model.safetensors',
      'results.json',
      'shoes',
    ]);

    // What is written is the adapted network, with all that fakkel-classify needs.
    const { tensors, metadata } = loadSafetensors(await readFile(path.join(output, 'model.safetensors')));
    const card = JSON.parse(metadata['classifier']) as { options: { numClasses: number }; labels: string[] };
    expect(card).toMatchObject({ model: 'cifarResnet20', labels: results!.labels });
    cifarResnet20(card.options).loadStateDict(tensors);

    // Frozen layers have moved in the second phase only: after the first, the stem is that of the pretraining.
    const before = loadSafetensors(await readFile(path.join(output, 'clothes-64.safetensors'))).tensors;
    expect(before.get('fc.weight')!.shape).toEqual([7, 64]);
    expect(tensors.get('fc.weight')!.shape).toEqual([3, 64]);
    expect(before.get('conv1.weight')!.shape).toEqual([16, 1, 3, 3]);
    expect(tensors.get('conv1.weight')!.shape).toEqual([16, 3, 3, 3]);
    expect(await saveSafetensors(tensors)).not.toEqual(await saveSafetensors(before));
  },
  60_000,
);
