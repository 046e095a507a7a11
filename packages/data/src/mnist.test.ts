import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { download, type DownloadProgress } from './download.js';
import { fashionMnist, mnist } from './index.js';

const idx = (sizes: number[], bytes: number[]) =>
  Uint8Array.of(0, 0, 8, sizes.length, ...sizes.flatMap((n) => [0, 0, 0, n]), ...bytes);
const IMAGES = idx([2, 1, 2], [0, 255, 51, 0]);
const LABELS = idx([2], [3, 4]);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fakkel-data-'));
  vi.stubEnv('FAKKEL_DATA', path.join(folder, 'cache'));
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ENOTFOUND') })));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  await rm(folder, { recursive: true });
});

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

  const installed = existsSync('/usr/share/datasets/fashion-mnist');
  const title = 'in the folder of Debian’s dataset-fashion-mnist';
  test.skipIf(!installed)(installed ? title : `${title}: the package is not installed`, async () => {
    const test = await fashionMnist({ train: false });
    expect(test.length).toBe(10000);
    expect(test.classes[test.get(0)[1]]).toBe('Ankle boot');
    expect(String(test.get(9999)[0])).toBe('float32[1,28,28]');
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
    await expect(download([base], name, { md5: 'abc', folder })).rejects.toThrow(
      `${base}${name}: expected MD5 abc, the downloaded file has ${md5}`,
    );
    await expect(download([`${base}cut/`], name, { folder })).rejects.toThrow(`${base}cut/${name}: `);
    await expect(download([base], 'other', { folder })).rejects.toThrow(`${base}other: the server answered 404`);
    expect(await readdir(folder)).toEqual([]);
  });

  test('goes on to the next mirror', async () => {
    expect((await download([`${base}cut/`, base], name, { md5, folder })).length).toBeGreaterThan(0);
  });

  test('root may be an address', async () => {
    const dataset = await mnist({ root: base, train: false });
    expect(dataset.get(1)[1]).toBe(4);
  });
});
