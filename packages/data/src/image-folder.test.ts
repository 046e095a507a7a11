import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { manualSeed } from '@fakkel/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import goldens from '../test/goldens/data/folders.json' with { type: 'json' };
import {
  DataLoader,
  DatasetFolder,
  encodeImage,
  fashionMnist,
  HostArray,
  ImageFolder,
  writeImage,
  transforms,
  type ImageFolderOptions,
} from './index.js';

let root: string;
let warnings: string[];
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'fakkel-folder-'));
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((text: string) => void warnings.push(text.replaceAll(root, 'ROOT')));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true });
});

const put = async (file: string, content: Uint8Array | string = '') => {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), content);
};
const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: Error) => `${error.name}: ${error.message.replaceAll(root, 'ROOT')}`,
  );
const relative = (samples: [string, number][]) => samples.map(([file, target]) => [path.relative(root, file), target]);
/** A 2×1 image of one colour. */
const dot = (value: number) => new HostArray(new Uint8Array(6).fill(value), [3, 1, 2], 'uint8');

/** A transform that leaves the image as it is in the file. */
const bytes = (image: HostArray) => image;

/** `counts.length` classes of images that hold their number. */
async function folder(...counts: number[]) {
  let n = 0;
  for (const [c, count] of counts.entries()) {
    for (let i = 0; i < count; i++) await put(`class${c}/${i}.png`, await encodeImage(dot(n++), 'png'));
  }
}

describe('files and classes are those of torchvision, in its order', () => {
  beforeEach(async () => {
    for (const file of goldens.files) await put(file);
  });

  test('images', async () => {
    const dataset = await ImageFolder.open(root);
    expect(dataset.classes).toEqual(goldens.images.classes);
    expect(dataset.classToIdx).toEqual(goldens.images.classToIdx);
    expect(relative(dataset.samples)).toEqual(goldens.images.samples);
    expect(relative(dataset.imgs)).toEqual(goldens.images.samples);
    expect([...dataset.targets]).toEqual(goldens.images.targets);
    expect(dataset.length).toBe(goldens.images.samples.length);
    expect(path.relative(root, dataset.pathOf(2))).toBe(goldens.images.samples[2][0]);
  });

  test('given extensions, and a given predicate', async () => {
    const png = await DatasetFolder.open(root, { loader: String, extensions: ['.png', '.tif', '.tiff'] });
    expect(relative(png.samples)).toEqual(goldens.png.samples);
    expect(relative([await png.get(1)])).toEqual([goldens.png.samples[1]]);
    const valid = await ImageFolder.open(root, { isValidFile: (file) => path.basename(file).includes('1') });
    expect(relative(valid.samples)).toEqual(goldens.valid.samples);
  });

  test('given classes: a subset, in their order', async () => {
    const dataset = await ImageFolder.open(root, { classes: ['b', 'Zebra'] });
    expect(dataset.classToIdx).toEqual({ b: 0, Zebra: 1 });
    expect([...dataset.targets]).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });

  test('a file: address, a slash at the end, links, and a link back to where it is', async () => {
    const expected = (await ImageFolder.open(root)).samples;
    expect((await ImageFolder.open(pathToFileURL(root))).samples).toEqual(expected);
    expect((await ImageFolder.open(`${root}/`)).samples).toEqual(expected);
    await symlink(path.join(root, 'b'), path.join(root, 'link'));
    await symlink(path.join(root, 'a'), path.join(root, 'a/x/loop'));
    const linked = await ImageFolder.open(root);
    expect(linked.classes).toEqual(['Zebra', 'a', 'b', 'link', 'ünder']);
    expect(linked.length).toBe(expected.length + 4);
  });
});

describe('samples', () => {
  test('are images, float32 from 0 to 1, and class indices, transformed if asked for', async () => {
    await folder(1, 2);
    const dataset = await ImageFolder.open(root);
    const floats = Float32Array.from(dot(2).data, (v) => v / 255);
    expect(await dataset.get(2)).toEqual([new HostArray(floats, [3, 1, 2]), 1]);
    expect(await (await ImageFolder.open(root, { transform: bytes })).get(2)).toEqual([dot(2), 1]);
    const transformed = await ImageFolder.open(root, {
      transform: (image, context) => [image.data[0], context === undefined],
      targetTransform: (target) => `class ${target}`,
    });
    expect(await transformed.get(2)).toEqual([[2, true], 'class 1']);
    await expect(dataset.get(3)).rejects.toThrow('ImageFolder.get: index 3 is out of range for 3 samples (0 to 2)');
    expect(String((await (await ImageFolder.open(root, { mode: 'gray' })).get(1))[0])).toBe('float32[1,1,2]');
  });

  const installed = existsSync('/usr/share/datasets/fashion-mnist');
  const title = 'Fashion-MNIST written as files comes back: PNG to the bit, JPEG and WebP within their quality';
  test.skipIf(!installed)(installed ? title : `${title}: the package is not installed`, async () => {
    const source = await fashionMnist({ train: false });
    const count = 60;
    const extensions = ['png', 'jpg', 'webp'];
    const names = [];
    for (let i = 0; i < count; i++) {
      const [image, label] = source.get(i);
      const file = `${source.classes[label].replace('/', '-')}/${String(i).padStart(5, '0')}.${extensions[i % 3]}`;
      await mkdir(path.dirname(path.join(root, file)), { recursive: true });
      await writeImage(path.join(root, file), image, { ...(i % 3 && { quality: 95 }) });
      names.push(file);
    }
    const dataset = await ImageFolder.open(root, { mode: 'gray', transform: bytes });
    expect(relative(dataset.samples).map(([file]) => file)).toEqual(names.sort());
    for (let i = 0; i < count; i++) {
      const [image, target] = await dataset.get(i);
      const number = Number(/(\d+)\.\w+$/.exec(dataset.pathOf(i))![1]);
      const [original, label] = source.get(number);
      expect(dataset.classes[target]).toBe(source.classes[label].replace('/', '-'));
      const differences = Float32Array.from(original.data, (v, k) => Math.abs(Math.round(v * 255) - image.data[k]));
      const mean = differences.reduce((a, b) => a + b) / 784;
      if (number % 3 === 0) expect(mean).toBe(0);
      else expect(mean).toBeLessThan(2.5);
    }
  });
});

describe('files that can’t be read', () => {
  beforeEach(async () => {
    await folder(3, 4);
    await truncate(path.join(root, 'class0/1.png'), 40);
    await writeFile(path.join(root, 'class1/3.png'), '');
  });
  const first = async (dataset: ImageFolder, i: number) => Math.round((await dataset.get(i))[0].data[0] * 255);

  test('are an error that names file and remedy', async () => {
    const dataset = await ImageFolder.open(root);
    expect(dataset.length).toBe(7);
    expect(await first(dataset, 0)).toBe(0);
    expect(await messageOf(dataset.get(1))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: sample 1, ROOT/class0/1.png, can't be read: the image is truncated or damaged (Input buffer has corrupt header). Remove the file, or open the folder with unreadable: 'skip' or 'replace'."`,
    );
    expect(await messageOf(dataset.get(6))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: sample 6, ROOT/class1/3.png, can't be read: the file is empty. Remove the file, or open the folder with unreadable: 'skip' or 'replace'."`,
    );
    expect(warnings).toEqual([]);
  });

  test('are skipped: found when the folder is opened, left out of samples and targets, and reported', async () => {
    const progress: number[] = [];
    const dataset = await ImageFolder.open(root, {
      unreadable: 'skip',
      onProgress: ({ checked, total }) => progress.push(checked / total),
    });
    expect(dataset.length).toBe(5);
    expect([...dataset.targets]).toEqual([0, 0, 1, 1, 1]);
    expect(relative(dataset.samples).map(([file]) => file)).toEqual(
      ['0/0', '0/2', '1/0', '1/1', '1/2'].map((name) => `class${name}.png`),
    );
    expect(await Promise.all([0, 1, 2, 3, 4].map((i) => first(dataset, i)))).toEqual([0, 2, 3, 4, 5]);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => n / 7));
    expect(dataset.unreadable.map((file) => path.relative(root, file.path))).toEqual(['class0/1.png', 'class1/3.png']);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "ImageFolder: 2 of 7 files can't be read and are left out (all are in dataset.unreadable):
        ROOT/class0/1.png: the image is truncated or damaged (Input buffer has corrupt header)
        ROOT/class1/3.png: the file is empty",
      ]
    `);
  });

  test('are replaced by the next of their class: length, indices and targets stay; each is reported once', async () => {
    const dataset = await ImageFolder.open(root, { unreadable: 'replace' });
    expect(dataset.length).toBe(7);
    const values = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((i) => first(dataset, i)));
    expect(values).toEqual([0, 2, 2, 3, 4, 5, 3]);
    expect(await first(dataset, 1)).toBe(2);
    expect([...dataset.targets]).toEqual([0, 0, 0, 1, 1, 1, 1]);
    expect(dataset.unreadable.map((file) => path.relative(root, file.path)).sort()).toEqual([
      'class0/1.png',
      'class1/3.png',
    ]);
    expect(warnings.sort()).toMatchInlineSnapshot(`
      [
        "ImageFolder: ROOT/class0/1.png can't be read (the image is truncated or damaged (Input buffer has corrupt header)): another of its class takes its place.",
        "ImageFolder: ROOT/class1/3.png can't be read (the file is empty): another of its class takes its place.",
      ]
    `);
  });

  test('a class of which nothing is left is an error', async () => {
    for (const i of [0, 2]) await truncate(path.join(root, `class0/${i}.png`), 10);
    expect(await messageOf(ImageFolder.open(root, { unreadable: 'skip' }))).toMatchInlineSnapshot(`
      "FakkelError: ImageFolder: 4 of 7 files can't be read, and none is left of the classes class0:
        ROOT/class0/0.png: the image is truncated or damaged (Input buffer has corrupt header)
        ROOT/class0/1.png: the image is truncated or damaged (Input buffer has corrupt header)
        ROOT/class0/2.png: the image is truncated or damaged (Input buffer has corrupt header)
        ROOT/class1/3.png: the file is empty"
    `);
    const dataset = await ImageFolder.open(root, { unreadable: 'skip', allowEmpty: true });
    expect([dataset.classes, [...dataset.targets]]).toEqual([
      ['class0', 'class1'],
      [1, 1, 1],
    ]);
    const replaced = await ImageFolder.open(root, { unreadable: 'replace' });
    expect(await messageOf(replaced.get(0))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: no file of the class class0 can be read"`,
    );
  });

  test('one among thousands is found', async () => {
    const png = await readFile(path.join(root, 'class0/0.png'));
    for (let i = 100; i < 1100; i++) await put(`class1/${i}.png`, png);
    await put('class1/777.png', png.subarray(0, -20));
    const dataset = await ImageFolder.open(root, { unreadable: 'skip' });
    expect(dataset.length).toBe(1007 - 3);
    expect(dataset.unreadable.length).toBe(3);
  });
});

describe('errors', () => {
  test('folders', async () => {
    expect(await messageOf(ImageFolder.open(path.join(root, 'none')))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: can't read ROOT/none: there is no such folder"`,
    );
    await put('1.png');
    expect(await messageOf(ImageFolder.open(path.join(root, '1.png')))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: can't read ROOT/1.png: it is a file"`,
    );
    expect(await messageOf(ImageFolder.open(root))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: couldn't find any class folder in ROOT. Put the files of each class into a folder of its own: ROOT/cat/1.png, ROOT/dog/1.png."`,
    );
    await put('cat/1.png');
    await put('dog/note.txt');
    expect(await messageOf(ImageFolder.open(root))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: found no valid file for the classes dog in ROOT. Supported extensions are: .jpg, .jpeg, .png, .webp, .gif, .tif, .tiff, .avif. Each folder in the root is a class: remove those that are none, or pass classes or allowEmpty: true."`,
    );
    await put('dog/1.png');
    await mkdir(path.join(root, '.ipynb_checkpoints'));
    expect(await messageOf(ImageFolder.open(root))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: found no valid file for the classes .ipynb_checkpoints in ROOT. Supported extensions are: .jpg, .jpeg, .png, .webp, .gif, .tif, .tiff, .avif. .ipynb_checkpoints is a hidden folder of some program: remove it, or pass classes."`,
    );
    expect((await ImageFolder.open(root, { classes: ['cat', 'dog'] })).length).toBe(2);
    expect((await ImageFolder.open(root, { allowEmpty: true })).classes).toEqual(['.ipynb_checkpoints', 'cat', 'dog']);
    await put('dog/2.bmp');
    expect(await messageOf(ImageFolder.open(root, { allowEmpty: true }))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: ROOT holds 1 image in a format that can't be read, the first is dog/2.bmp. Supported extensions are: .jpg, .jpeg, .png, .webp, .gif, .tif, .tiff, .avif. Convert them, or leave them out: pass extensions."`,
    );
    expect(await messageOf(ImageFolder.open(root, { classes: ['cat', 'cow'] }))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: found no valid file for the classes cow in ROOT. Supported extensions are: .jpg, .jpeg, .png, .webp, .gif, .tif, .tiff, .avif. Each folder in the root is a class: remove those that are none, or pass classes or allowEmpty: true."`,
    );
  });

  test('arguments', async () => {
    await put('cat/1.png');
    const open = (options: unknown) => messageOf(ImageFolder.open(root, options as ImageFolderOptions));
    expect(() => new ImageFolder(root as any)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: ImageFolder: the folder is read asynchronously. Write await ImageFolder.open(root, { … }).]`,
    );
    expect(await messageOf(ImageFolder.open('https://example.org/images'))).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: a folder can't be listed over the web: https://example.org/images. Tar shards can: see WebDataset."`,
    );
    expect(await messageOf(ImageFolder.open(undefined as any))).toMatchInlineSnapshot(
      `"TypeError: ImageFolder: expected the path of a folder, got undefined"`,
    );
    expect(await open({ target_transform: String })).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: unknown option 'target_transform'. Write targetTransform."`,
    );
    expect(await open({ unreadable: 'ignore' })).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: unreadable: expected 'error', 'skip' or 'replace', got string ignore"`,
    );
    expect(await open({ mode: 'L' })).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: mode: expected 'rgb' or 'gray', got string L"`,
    );
    expect(await open({ extensions: ['.png'], isValidFile: () => true })).toMatchInlineSnapshot(
      `"FakkelError: ImageFolder: extensions and isValidFile exclude each other: both say which files are samples"`,
    );
    expect(await messageOf(DatasetFolder.open(root, {} as any))).toMatchInlineSnapshot(
      `"TypeError: DatasetFolder: loader: expected a function of a path, got undefined"`,
    );
    expect(await messageOf(DatasetFolder.open(root, { loader: String }))).toMatchInlineSnapshot(
      `"FakkelError: DatasetFolder: expected extensions or isValidFile: one of them says which files are samples"`,
    );
  });
});

describe('workers', () => {
  test('make an equal dataset of its recipe, which shares its memory', async () => {
    await folder(2, 1);
    const options = { mode: 'gray', unreadable: 'replace' } as const;
    const dataset = await ImageFolder.open(root, options);
    const { name, args } = dataset.recipe()!;
    expect(name).toBe('ImageFolder');
    const again = new ImageFolder(...(structuredClone(args) as ConstructorParameters<typeof ImageFolder>));
    expect(again.samples).toEqual(dataset.samples);
    expect(await again.get(1)).toEqual(await dataset.get(1));
    expect(again.targets.buffer).toBeInstanceOf(SharedArrayBuffer);
    again.targets[0] = 7;
    expect(dataset.targets[0]).toBe(7);
  });

  test(
    'give the same batches, whatever their number, with random transforms and a file that is replaced',
    { timeout: 60_000 },
    async () => {
      await folder(5, 4, 3);
      await truncate(path.join(root, 'class1/2.png'), 20);
      const transform = new transforms.Compose([
        new transforms.RandomHorizontalFlip(),
        new transforms.ColorJitter({ brightness: 0.5 }),
        new transforms.ToTensor(),
      ]);
      const dataset = await ImageFolder.open(root, { transform, unreadable: 'replace' });
      const batches = async (numWorkers: number) => {
        manualSeed(4);
        const out = [];
        for await (const [x, y] of new DataLoader(dataset, { batchSize: 5, shuffle: true, numWorkers })) {
          out.push([x.shape, await x.toArray(), await y.toArray()]);
        }
        return out;
      };
      const expected = await batches(0);
      expect(expected.length).toBe(3);
      expect(await batches(2)).toEqual(expected);
    },
  );

  test('can’t be given a function', async () => {
    await folder(1);
    expect((await ImageFolder.open(root, { transform: (image) => image })).recipe()).toBeUndefined();
    expect((await DatasetFolder.open(root, { loader: String, extensions: ['.png'] })).recipe()).toBeUndefined();
  });
});
