import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DownloadProgress } from '@fakkel/hub';
import { download } from './download.js';
import { DataLoader, emnist, fashionMnist, IdxDataset, kmnist, mnist, qmnist } from './index.js';

const idx = (sizes: number[], bytes: number[]) =>
  Uint8Array.of(0, 0, 8, sizes.length, ...sizes.flatMap((n) => [0, 0, 0, n]), ...bytes);
const IMAGES = idx([2, 1, 2], [0, 255, 51, 0]);
const LABELS = idx([2], [3, 4]);

const installed = existsSync('/usr/share/datasets/fashion-mnist');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fakkel-data-'));
  vi.stubEnv('FAKKEL_DATA', path.join(folder, 'cache'));
  vi.stubGlobal('fetch', () =>
    Promise.reject(
      new TypeError('fetch failed', { cause: Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }) }),
    ),
  );
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  await rm(folder, { recursive: true });
});

/** Writes IDX files by name, packed if the name says so. */
async function putFiles(where: string, files: Record<string, Uint8Array>) {
  await mkdir(where, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(path.join(where, name), name.endsWith('.gz') ? gzipSync(bytes) : bytes);
  }
}

async function put(where: string, part = 't10k', pack = true) {
  await mkdir(where, { recursive: true });
  const end = pack ? '.gz' : '';
  await writeFile(path.join(where, `${part}-images-idx3-ubyte${end}`), pack ? gzipSync(IMAGES) : IMAGES);
  await writeFile(path.join(where, `${part}-labels-idx1-ubyte${end}`), pack ? gzipSync(LABELS) : LABELS);
}

describe('files are found', () => {
  test('in the given folder, compressed or not', async () => {
    await put(folder);
    const packed = await mnist({ root: folder, train: false });
    expect([...packed.get(0)[0].data]).toEqual([0, 1]);
    expect(packed.get(1)[1]).toBe(4);
    await put(folder, 'train', false);
    expect((await mnist({ root: folder })).length).toBe(2);
  });

  test('in the folders of torchvision', async () => {
    await put(path.join(folder, 'MNIST', 'raw'));
    expect((await mnist({ root: folder, train: false })).length).toBe(2);
  });

  test('in the cache', async () => {
    await put(path.join(folder, 'cache', 'mnist'));
    expect((await mnist({ train: false })).classes[3]).toBe('3');
  });

  const title = 'in the folder of Debian’s dataset-fashion-mnist';
  test.skipIf(!installed)(installed ? title : `${title}: the package is not installed`, async () => {
    const test = await fashionMnist({ train: false });
    expect(test.length).toBe(10000);
    expect(test.classes[test.get(0)[1]]).toBe('Ankle boot');
    expect(String(test.get(9999)[0])).toBe('float32[1,28,28]');
  });
});

describe('transforms', () => {
  test('are given the bytes of the image, a copy; without one it is float32 from 0 to 1', async () => {
    await put(folder);
    const dataset = await mnist({
      root: folder,
      train: false,
      transform: (image) => {
        const seen = [String(image), ...image.data];
        image.data.fill(9);
        return seen;
      },
      targetTransform: (label) => label * 10,
    });
    expect(dataset.get(0)).toEqual([['uint8[1,1,2]', 0, 255], 30]);
    expect(dataset.get(0)).toEqual([['uint8[1,1,2]', 0, 255], 30]);
    const plain = (await mnist({ root: folder, train: false })).get(1);
    expect([String(plain[0]), ...plain[0].data, plain[1]]).toEqual(['float32[1,1,2]', Math.fround(0.2), 0, 4]);
  });

  test.skipIf(!installed)('a batch of transformed Fashion-MNIST', async () => {
    const dataset = await fashionMnist({ train: false, transform: ({ data }) => Float32Array.of(data[14 * 28 + 14]) });
    for await (const [x, y] of new DataLoader(dataset, { batchSize: 100 })) {
      expect([x.shape, y.shape, x.dtype]).toEqual([[100, 1], [100], 'float32']);
      break;
    }
  });
});

describe('workers make an equal dataset of its recipe', () => {
  test('which shares its memory', async () => {
    await put(folder);
    const dataset = await mnist({ root: folder, train: false });
    const { name, args } = dataset.recipe()!;
    expect(name).toBe('IdxDataset');
    const again = new IdxDataset(...(structuredClone(args) as ConstructorParameters<typeof IdxDataset>));
    expect(again.get(1)).toEqual(dataset.get(1));
    again.images.data[0] = 51;
    expect(dataset.get(0)[0].data[0]).toBeCloseTo(0.2);
    expect((await mnist({ root: folder, train: false, transform: String })).recipe()).toBeUndefined();
  });
});

describe('the other datasets of the family', () => {
  const imagesOf = (n: number) =>
    idx(
      [n, 2, 2],
      Array.from({ length: 4 * n }, (_, i) => i),
    );

  test('kmnist', async () => {
    await put(path.join(folder, 'KMNIST/raw'));
    const dataset = await kmnist({ root: folder, train: false });
    expect(dataset.classes[dataset.get(0)[1]]).toBe('tsu');
    expect(dataset.classToIdx).toMatchObject({ o: 0, wo: 9 });
  });

  test('emnist: images are turned upright, unless asked not to; classes by split', async () => {
    const labels = idx([2], [1, 26]);
    await putFiles(path.join(folder, 'gzip'), {
      'emnist-letters-train-images-idx3-ubyte.gz': imagesOf(2),
      'emnist-letters-train-labels-idx1-ubyte.gz': labels,
    });
    const bytes = async (transposed: boolean) => {
      const dataset = await emnist({ root: folder, split: 'letters', transposed, transform: ({ data }) => [...data] });
      expect([...dataset.targets].map((i) => dataset.classes[i])).toEqual(['a', 'z']);
      return [dataset.get(0)[0], dataset.get(1)[0]];
    };
    expect(await bytes(false)).toEqual([[0, 2, 1, 3], [4, 6, 5, 7]]); // prettier-ignore
    expect(await bytes(true)).toEqual([[0, 1, 2, 3], [4, 5, 6, 7]]); // prettier-ignore
  });

  test('emnist has torchvision’s classes', async () => {
    const files = (split: string) => ({
      [`emnist-${split}-test-images-idx3-ubyte`]: imagesOf(1),
      [`emnist-${split}-test-labels-idx1-ubyte`]: idx([1], [0]),
    });
    const classes = [];
    for (const split of ['byclass', 'bymerge', 'balanced', 'letters', 'digits', 'mnist'] as const) {
      await putFiles(path.join(folder, 'EMNIST/raw'), files(split));
      classes.push((await emnist({ root: folder, split, train: false })).classes.join(''));
    }
    // python3 -c "from torchvision.datasets import EMNIST as E; print([''.join(c) for c in E.classes_split_dict.values()])"
    expect(classes).toEqual([
      '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
      '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt',
      '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt',
      'N/Aabcdefghijklmnopqrstuvwxyz',
      '0123456789',
      '0123456789',
    ]);
  });

  test('qmnist: the digit of its eight columns of labels, and parts of the test set', async () => {
    const n = 10002;
    const size = [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
    const images = Uint8Array.of(
      0,
      0,
      8,
      3,
      ...size,
      0,
      0,
      0,
      1,
      0,
      0,
      0,
      1,
      ...Array.from({ length: n }, (_, i) => i),
    );
    const labels = new DataView(new ArrayBuffer(12 + n * 8 * 4));
    [0x0c02, n, 8].forEach((v, i) => labels.setUint32(4 * i, v));
    for (let i = 0; i < n; i++) labels.setInt32(12 + 32 * i, i % 10);
    await putFiles(path.join(folder, 'QMNIST/raw'), {
      'qmnist-test-images-idx3-ubyte.gz': images,
      'qmnist-test-labels-idx2-int.gz': new Uint8Array(labels.buffer),
      'xnist-images-idx3-ubyte': images,
      'xnist-labels-idx2-int': new Uint8Array(labels.buffer),
    });
    const open = (what?: 'test10k' | 'test50k' | 'nist') =>
      qmnist({ root: folder, train: false, ...(what && { what }), transform: ({ data }) => data[0] });
    const [all, first, rest, nist] = [await open(), await open('test10k'), await open('test50k'), await open('nist')];
    expect([all.length, first.length, rest.length, nist.length]).toEqual([n, 10000, 2, n]);
    expect([first.get(9999), rest.get(0), all.get(10001)]).toEqual([
      [9999 & 255, 9],
      [10000 & 255, 0],
      [10001 & 255, 1],
    ]);
    expect(all.classes[3]).toBe('3 - three');
  });
});

describe('files are missing', () => {
  const message = (promise: Promise<unknown>) =>
    promise.then(
      () => 'no error',
      (error: Error) => error.message.replaceAll(folder, 'FOLDER'),
    );

  test('in the given folder: the error says what to put there', async () => {
    expect(await message(mnist({ root: folder }))).toMatchInlineSnapshot(`
      "mnist: files are missing (looked in FOLDER, FOLDER/MNIST/raw). Pass { download: true } to download them.
      Put these files, with or without .gz, into FOLDER, or pass { root: 'folder' }:
        train-images-idx3-ubyte.gz
        train-labels-idx1-ubyte.gz
      They are at https://ossci-datasets.s3.amazonaws.com/mnist/."
    `);
  });

  test('offline', async () => {
    expect(await message(mnist({ train: false }))).toMatchInlineSnapshot(`
      "mnist: files are missing (looked in FOLDER/cache/mnist, /usr/share/datasets/mnist). Downloading failed: https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz: fetch failed (ENOTFOUND).
      Put these files, with or without .gz, into FOLDER/cache/mnist, or pass { root: 'folder' }:
        t10k-images-idx3-ubyte.gz
        t10k-labels-idx1-ubyte.gz
      They are at https://ossci-datasets.s3.amazonaws.com/mnist/."
    `);
  });

  test('published in a way that is not unpacked here', async () => {
    expect(await message(emnist({ split: 'balanced', root: folder }))).toMatchInlineSnapshot(`
      "emnist: files are missing (looked in FOLDER, FOLDER/EMNIST/raw, FOLDER/gzip).
      Put these files, with or without .gz, into FOLDER, or pass { root: 'folder' }:
        emnist-balanced-train-images-idx3-ubyte.gz
        emnist-balanced-train-labels-idx1-ubyte.gz
      EMNIST is published as one zip file, which is not unpacked here: https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip (536 MB, MD5 58c8d27c78d21e728a6bc7b3cc06412e). Unzip it into that folder."
    `);
    expect(await message(qmnist({ what: 'nist', root: folder }))).toMatchInlineSnapshot(`
      "qmnist: files are missing (looked in FOLDER, FOLDER/QMNIST/raw).
      Put these files, with or without .gz, into FOLDER, or pass { root: 'folder' }:
        xnist-images-idx3-ubyte
        xnist-labels-idx2-int
      They are at https://raw.githubusercontent.com/facebookresearch/qmnist/master/ with the ending .xz: unpack them with xz."
    `);
    expect(await message(emnist({ split: 'digit' as any }))).toMatchInlineSnapshot(
      `"emnist: split: expected one of 'byclass', 'bymerge', 'balanced', 'letters', 'digits', 'mnist', got string digit"`,
    );
    expect(await message(qmnist({ what: 'test20k' as any }))).toMatchInlineSnapshot(
      `"qmnist: what: expected one of 'train', 'test', 'test10k', 'test50k', 'nist', got string test20k"`,
    );
  });

  test('labels of another set', async () => {
    await put(folder);
    await writeFile(path.join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(idx([3], [1, 2, 3])));
    await expect(mnist({ root: folder, train: false })).rejects.toThrow('2 images and 3 labels');
  });

  test('a damaged file is named', async () => {
    await put(folder);
    await writeFile(path.join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(LABELS).subarray(0, 15));
    await expect(mnist({ root: folder, train: false })).rejects.toThrow(
      't10k-labels-idx1-ubyte.gz: the gzip data is damaged or truncated',
    );
  });
});

describe('download', () => {
  let server: Server;
  let base: string;
  beforeEach(async () => {
    vi.unstubAllGlobals();
    server = createServer((request, response) => {
      if (request.url?.startsWith('/cut/')) {
        response.writeHead(200, { 'content-length': 100 }).write('ten bytes!', () => response.destroy());
      } else if (request.url?.endsWith('images-idx3-ubyte.gz')) response.end(gzipSync(IMAGES));
      else if (request.url?.endsWith('labels-idx1-ubyte.gz')) response.end(gzipSync(LABELS));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const name = 't10k-labels-idx1-ubyte.gz';
  const md5 = createHash('md5').update(gzipSync(LABELS)).digest('hex');

  test('reports progress, checks, and writes the file when it is whole', async () => {
    const progress: DownloadProgress[] = [];
    const bytes = await download([base], name, { md5, folder, onProgress: (p) => progress.push(p) });
    expect(bytes).toEqual(new Uint8Array(gzipSync(LABELS)));
    expect(progress.at(-1)).toEqual({ file: name, loaded: bytes.length, total: bytes.length });
    expect(await readdir(folder)).toEqual([name]);
  });

  test('a wrong checksum, a cut connection or a missing file leaves nothing behind', async () => {
    const wrong = '0'.repeat(32);
    await expect(download([base], name, { md5: wrong, folder })).rejects.toThrow(
      `${base}${name}: expected MD5 ${wrong}, the downloaded file has ${md5}`,
    );
    await expect(download([`${base}cut/`], name, { folder, retries: 0 })).rejects.toThrow(`${base}cut/${name}: `);
    await expect(download([base], 'other', { folder })).rejects.toThrow(`${base}other: the server answered 404`);
    expect(await readdir(folder)).toEqual([]);
  });

  test('goes on to the next mirror', async () => {
    expect((await download([`${base}cut/`, base], name, { md5, folder, retries: 0 })).length).toBeGreaterThan(0);
  });

  test('root may be an address', async () => {
    const dataset = await mnist({ root: base, train: false });
    expect(dataset.get(1)[1]).toBe(4);
  });
});
