import { existsSync } from 'node:fs';
import path from 'node:path';
import { Generator } from '@fakkel/core';
import { beforeAll, expect, test } from 'vitest';
import { temporaryFolder, writeDigits } from '../../quickstart/test/fixtures.js';
import { type Data, loadData } from '../src/data.js';
import { parseOptions } from '../src/options.js';

const folder = await temporaryFolder();
const root = path.join(folder, 'images');
const load = (...argv: string[]): Promise<Data> => loadData(parseOptions(argv), () => undefined);

beforeAll(async () => {
  await writeDigits(root, 200, 'train', 28);
  await writeDigits(root, 30, 't10k', 28);
});

/** Labels, sorted. */
async function labels(part: Data['plain']): Promise<number[]> {
  const list: number[] = [];
  for (let i = 0; i < part.length; i++) list.push((await part.get(i))[1]);
  return list.sort();
}

test('nine tenths to train with, one tenth to validate with; the test images are the data set’s own', async () => {
  const { train, plain, validation, test: last } = await load('--data', root);
  expect([train, plain, validation, last].map(({ length }) => length)).toEqual([180, 180, 20, 30]);
  // Of each class two: the first 200 digits hold 19 to 21 of each.
  expect(await labels(validation)).toEqual([...'0123456789'].flatMap((digit) => [Number(digit), Number(digit)]));
});

test('fewer images on demand; the seed chooses', async () => {
  const [a, b, c] = [
    await load('--data', root, '--images', '50'),
    await load('--data', root, '--images', '50'),
    await load('--data', root, '--images', '50', '--seed', '1'),
  ];
  expect([a.train.length, a.validation.length]).toEqual([45, 5]);
  const pixels = async ({ plain }: Data): Promise<number[]> => [...(await plain.get(0))[0].data];
  expect(await pixels(a)).toEqual(await pixels(b));
  expect(await pixels(a)).not.toEqual(await pixels(c));
});

test('training images are shifted by up to two pixels and mirrored; the others are as they are', async () => {
  const { train, plain, validation } = await load('--data', root);
  const [image, label] = await plain.get(7);
  expect(image.shape).toEqual([1, 28, 28]);
  const at = (data: ArrayLike<number>, y: number, x: number): number =>
    y < 0 || y > 27 || x < 0 || x > 27 ? 0 : data[28 * y + x];
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const [augmented, same] = await train.get(7, { generator: new Generator(seed) });
    expect(same).toBe(label);
    const matches: string[] = [];
    for (const mirrored of [false, true]) {
      for (let dy = -2; dy <= 2; dy++) {
        for (let dx = -2; dx <= 2; dx++) {
          const equal = augmented.data.every(
            (value, i) => value === at(image.data, Math.floor(i / 28) + dy, (mirrored ? 27 - (i % 28) : i % 28) + dx),
          );
          if (equal) matches.push(`${dy} ${dx} ${mirrored}`);
        }
      }
    }
    expect(matches).toHaveLength(1);
    seen.add(matches[0]);
  }
  expect(seen.size).toBeGreaterThan(45); // of 50
  expect([...(await validation.get(0))[0].data]).toEqual([...(await validation.get(0))[0].data]);
});

test('a folder without the files: which ones, and the option that names another', async () => {
  const error = await load('--data', path.join(folder, 'nothing')).catch((e: unknown) => (e as Error).message);
  expect((error as string).replaceAll(folder, '<folder>')).toMatchInlineSnapshot(`
    "fashionMnist: files are missing (looked in <folder>/nothing, <folder>/nothing/FashionMNIST/raw). Pass { download: true } to download them.
    Put these files, with or without .gz, into <folder>/nothing, or pass { root: 'folder' }:
      train-images-idx3-ubyte.gz
      train-labels-idx1-ubyte.gz
    They are at http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/. Debian's package dataset-fashion-mnist has them too.
    A folder that holds them can be named: --data <folder>."
  `);
});

// Debian's package dataset-fashion-mnist, which CI installs.
test.skipIf(!existsSync('/usr/share/datasets/fashion-mnist'))('the real images', async () => {
  const { train, validation, test: last, classes } = await load();
  expect([train, validation, last].map(({ length }) => length)).toEqual([54_000, 6_000, 10_000]);
  expect(classes[9]).toBe('Ankle boot');
  const counts = new Array<number>(10).fill(0);
  for (const label of await labels(validation)) counts[label]++;
  expect(counts).toEqual(new Array(10).fill(600));
});
