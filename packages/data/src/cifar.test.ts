import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cifar10, cifar100, CifarDataset, DataLoader } from './index.js';

/** `count` records, each with its labels and pixels (red 1, green 2, blue 3) + its number, in the published format. */
function records(count: number, labels: (i: number) => number[], from = 0): Uint8Array {
  const rows = Array.from({ length: count }, (_, i) => [
    ...labels(from + i),
    ...[1, 2, 3].flatMap((channel) => new Array<number>(1024).fill(channel + 10 * (from + i))),
  ]);
  return Uint8Array.from(rows.flat());
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fakkel-cifar-'));
  vi.stubEnv('FAKKEL_DATA', path.join(folder, 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  await rm(folder, { recursive: true });
});

/** Five batches of two images each, and a test batch of three. */
async function putCifar10(where: string) {
  await mkdir(where, { recursive: true });
  for (let b = 0; b < 5; b++) {
    await writeFile(
      path.join(where, `data_batch_${b + 1}.bin`),
      records(2, (i) => [i], 2 * b),
    );
  }
  await writeFile(
    path.join(where, 'test_batch.bin'),
    records(3, (i) => [9 - i]),
  );
  await writeFile(path.join(where, 'batches.meta.txt'), 'airplane\n');
}

async function putCifar100(where: string) {
  await mkdir(where, { recursive: true });
  await writeFile(
    path.join(where, 'train.bin'),
    records(4, (i) => [i, 99 - i]),
  );
  await writeFile(
    path.join(where, 'test.bin'),
    records(1, () => [19, 0]),
  );
}

describe('cifar10', () => {
  test('reads the five training batches in order, red, green and blue planes', async () => {
    await putCifar10(path.join(folder, 'cifar-10-batches-bin'));
    const train = await cifar10({ root: folder });
    expect([train.length, [...train.targets]]).toEqual([10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
    const [image, label] = train.get(7);
    expect([String(image), label, train.classes[label]]).toEqual(['float32[3,32,32]', 7, 'horse']);
    expect([0, 1023, 1024, 2048, 3071].map((i) => image.data[i])).toEqual(
      [71, 71, 72, 73, 73].map((v) => Math.fround(v / 255)),
    );
    const test = await cifar10({ root: path.join(folder, 'cifar-10-batches-bin'), train: false });
    expect([...test.targets]).toEqual([9, 8, 7]);
    expect(test.classToIdx).toMatchObject({ airplane: 0, truck: 9 });
  });

  test('reads the archive as it is published, from a folder or an address', async () => {
    await putCifar10(path.join(folder, 'cifar-10-batches-bin'));
    execFileSync('tar', ['-czf', 'cifar-10-binary.tar.gz', 'cifar-10-batches-bin'], { cwd: folder });
    const expected = (await cifar10({ root: folder })).get(9);
    await rm(path.join(folder, 'cifar-10-batches-bin'), { recursive: true });
    expect((await cifar10({ root: folder })).get(9)).toEqual(expected);
    const server = createServer((request, response) => {
      if (request.url === '/data/cifar-10-binary.tar.gz') {
        void readFile(path.join(folder, 'cifar-10-binary.tar.gz')).then((bytes) => response.end(bytes));
      } else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`;
    expect((await cifar10({ root, train: false })).targets).toEqual(Int32Array.of(9, 8, 7));
    server.close();
  });

  test('a transform is given the bytes, a copy', async () => {
    await putCifar10(folder);
    const seen = await cifar10({
      root: folder,
      transform: (image) => [String(image), image.data[1024], image.data.fill(0).length],
      targetTransform: (label) => -label,
    });
    expect(seen.get(3)).toEqual([['uint8[3,32,32]', 32, 3072], -3]);
    expect(seen.get(3)).toEqual([['uint8[3,32,32]', 32, 3072], -3]);
  });

  test('batches', async () => {
    await putCifar10(folder);
    for await (const [x, y] of new DataLoader(await cifar10({ root: folder }), { batchSize: 10 })) {
      expect([x.shape, x.dtype, await y.toArray()]).toEqual([
        [10, 3, 32, 32],
        'float32',
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      ]);
    }
  });

  test('workers make an equal dataset of its recipe, which shares its memory', async () => {
    await putCifar10(folder);
    const dataset = await cifar10({ root: folder });
    const { name, args } = dataset.recipe()!;
    expect(name).toBe('CifarDataset');
    const again = new CifarDataset(...(structuredClone(args) as ConstructorParameters<typeof CifarDataset>));
    expect(again.get(4)).toEqual(dataset.get(4));
    again.images.data[0] = 255;
    expect(dataset.get(0)[0].data[0]).toBe(1);
  });
});

describe('cifar100', () => {
  test('targets are the fine labels, or the coarse ones', async () => {
    await putCifar100(path.join(folder, 'cifar-100-binary'));
    const fine = await cifar100({ root: folder });
    expect([...fine.targets].map((i) => fine.classes[i])).toEqual(['worm', 'woman', 'wolf', 'willow_tree']);
    expect(fine.get(3)[0].data[0]).toBe(Math.fround(31 / 255));
    const coarse = await cifar100({ root: folder, labels: 'coarse' });
    expect([...coarse.targets].map((i) => coarse.classes[i])).toEqual([
      ...['aquatic_mammals', 'fish', 'flowers', 'food_containers'],
    ]);
    const test = await cifar100({ root: folder, train: false });
    expect(test.classes[test.get(0)[1]]).toBe('apple');
  });

  test('has a hundred different classes, in the order of the alphabet', async () => {
    await putCifar100(folder);
    const { classes } = await cifar100({ root: folder });
    expect(new Set(classes).size).toBe(100);
    expect([0, 9, 33, 39, 50, 68, 99].map((i) => classes[i])).toEqual([
      ...['apple', 'bottle', 'forest', 'keyboard', 'mouse', 'road', 'worm'],
    ]);
  });
});

describe('errors', () => {
  const messageOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'no error',
      (error: Error) => error.message.replaceAll(folder, 'FOLDER'),
    );

  test('missing files say what to put where', async () => {
    expect(await messageOf(cifar10({ root: folder }))).toMatchInlineSnapshot(`
      "cifar10: files are missing (looked in FOLDER, FOLDER/cifar-10-batches-bin). Pass { download: true } to download them.
      Put cifar-10-binary.tar.gz, or these files of it, into FOLDER, or pass { root: 'folder' }:
        data_batch_1.bin
        data_batch_2.bin
        data_batch_3.bin
        data_batch_4.bin
        data_batch_5.bin
      They are at https://www.cs.toronto.edu/~kriz/. The Python version (cifar-10-batches-py) holds pickles and is not read."
    `);
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ENOTFOUND') })));
    expect(await messageOf(cifar100())).toMatchInlineSnapshot(`
      "cifar100: files are missing (looked in FOLDER/cache/cifar-100, FOLDER/cache/cifar-100/cifar-100-binary, /usr/share/datasets/cifar-100). Downloading failed: https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz: fetch failed (ENOTFOUND).
      Put cifar-100-binary.tar.gz, or these files of it, into FOLDER/cache/cifar-100, or pass { root: 'folder' }:
        train.bin
      They are at https://www.cs.toronto.edu/~kriz/. The Python version (cifar-100-python) holds pickles and is not read."
    `);
  });

  test('a download with another checksum is refused and not kept', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('not the archive')));
    expect(await messageOf(cifar10({ root: folder, download: true }))).toContain(
      'expected MD5 c32a1d4ab5d03f1284b67883e8d87530, the downloaded file has ',
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test('damaged files are named', async () => {
    await putCifar10(folder);
    const file = path.join(folder, 'data_batch_3.bin');
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, 4000));
    expect(await messageOf(cifar10({ root: folder }))).toMatchInlineSnapshot(
      `"data_batch_3.bin: expected records of 3073 bytes, the file has 4000 bytes: it is truncated, or of another dataset"`,
    );
    whole[3073] = 10;
    await writeFile(file, whole);
    expect(await messageOf(cifar10({ root: folder }))).toMatchInlineSnapshot(
      `"data_batch_3.bin: image 1 has label 10, expected 0 to 9: the file is damaged, or of another dataset"`,
    );
    const cut = path.join(folder, 'cut');
    await putCifar10(path.join(cut, 'cifar-10-batches-bin'));
    execFileSync('tar', ['-czf', 'cifar-10-binary.tar.gz', 'cifar-10-batches-bin'], { cwd: cut });
    await rm(path.join(cut, 'cifar-10-batches-bin'), { recursive: true });
    const archive = path.join(cut, 'cifar-10-binary.tar.gz');
    await writeFile(archive, (await readFile(archive)).subarray(0, -40));
    expect(await messageOf(cifar10({ root: cut }))).toMatch(
      /^FOLDER\/cut\/cifar-10-binary.tar.gz: the tar archive is damaged or cut short (in|after|before) /,
    );
    await writeFile(archive, '<!DOCTYPE html>');
    expect(await messageOf(cifar10({ root: cut }))).toMatchInlineSnapshot(
      `"FOLDER/cut/cifar-10-binary.tar.gz: the tar archive is damaged or cut short before its first file (Tar archive is truncated)"`,
    );
  });

  test('arguments', async () => {
    expect(await messageOf(cifar100({ labels: 'superclass' as any }))).toMatchInlineSnapshot(
      `"cifar100: labels: expected 'fine' or 'coarse', got string superclass"`,
    );
    expect(await messageOf(cifar10({ train: true, target_transform: String } as any))).toMatchInlineSnapshot(
      `"cifar10: unknown option 'target_transform'. Write targetTransform."`,
    );
  });
});
