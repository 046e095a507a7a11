import { manualSeed } from '@fakkel/core';
import { packTar } from 'modern-tar';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import goldens from '../test/goldens/data/tars.json' with { type: 'json' };
import { expandBraces } from './brace-expansion.js';
import { DataLoader, encodeImage, HostArray, WebDataset, type WebDatasetOptions } from './index.js';

let folder: string;
let warnings: string[];
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fakkel-web-'));
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((text: string) => void warnings.push(text.replaceAll(folder, 'FOLDER')));
});
afterEach(async () => {
  vi.restoreAllMocks();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

type Files = Record<string, string | Uint8Array>;
const tar = (files: Files): Promise<Uint8Array> =>
  packTar(
    Object.entries(files).map(([name, body]) => ({ header: { name, size: Buffer.byteLength(body as string) }, body })),
  );
const at = (name: string) => path.join(folder, name);
const put = async (name: string, bytes: Uint8Array) => writeFile(at(name), bytes);
/** Shards s0.tar, s1.tar … with so many samples each; sample n holds n as `cls`. */
async function shards(...counts: number[]): Promise<string> {
  let n = 0;
  for (const [s, count] of counts.entries()) {
    const files: Files = {};
    for (let i = 0; i < count; i++) files[`${String(n).padStart(4, '0')}.cls`] = String(n++);
    await put(`s${s}.tar`, await tar(files));
  }
  return at(`s{0..${counts.length - 1}}.tar`);
}
async function all<T>(dataset: AsyncIterable<T>): Promise<T[]> {
  const samples: T[] = [];
  for await (const sample of dataset) samples.push(sample);
  return samples;
}
const numbers = async (urls: string, options: WebDatasetOptions<['cls']> = {}) =>
  (await all(new WebDataset(urls, { fields: ['cls'], ...options }))).map(([n]) => n);
async function listen(handler: RequestListener): Promise<string> {
  server = createServer(handler);
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: Error) => `${error.name}: ${error.message.replaceAll(folder, 'FOLDER').replace(/127.0.0.1:\d+/g, 'HOST')}`,
  );

describe('braces', () => {
  test.each([
    ['train-{000000..000003}.tar', ['train-000000.tar', 'train-000001.tar', 'train-000002.tar', 'train-000003.tar']],
    ['{a,b}-{8..10}', ['a-8', 'a-9', 'a-10', 'b-8', 'b-9', 'b-10']],
    ['{08..10}', ['08', '09', '10']],
    ['x{a,b{1,2},}y', ['xay', 'xb1y', 'xb2y', 'xy']],
    ['{3..1}', ['3', '2', '1']],
    ['{0..10..5}', ['0', '5', '10']],
    ['{-1..1}', ['-1', '0', '1']],
    ['plain.tar', ['plain.tar']],
    ['{one}-{}', ['{one}-{}']],
    ['a{b', ['a{b']],
    ['{x{1..2}}', ['{x1}', '{x2}']],
  ])('%s', (pattern, names) => expect(expandBraces(pattern)).toEqual(names)); // what bash's echo prints

  test('as many shards as the pattern says, and not a billion', () => {
    expect(expandBraces('train-{000000..000146}.tar').length).toBe(147);
    expect(() => expandBraces('{0..999999999}')).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: {0..999999999} stands for more than 1000000 names: is the range mistyped?]`,
    );
    expect(() => expandBraces('{1..2000}{1..2000}')).toThrow('stands for more than 1000000 names');
  });
});

describe('samples', () => {
  test.each(Object.entries(goldens.archives))('of a shard as Python’s tarfile writes it, %s', async (_, base64) => {
    await put('shard.tar', gunzipSync(Buffer.from(base64, 'base64')));
    const samples = await all(new WebDataset(at('shard.tar')));
    const expected = [];
    for (let i = 0; i < goldens.files.length; i += 2) {
      const [[name, txt], [, cls]] = goldens.files.slice(i, i + 2);
      expected.push({ __key__: name.replace(/\.txt$/, ''), __url__: at('shard.tar'), txt, cls: Number(cls) });
    }
    expect(samples).toEqual(expected);
  });

  test('are the files up to the first dot of the last part of their path, in lower case after it', async () => {
    const files = {
      __meta__: 'of the shard',
      '__info__/about.json': '{}',
      'v1.2/a.seg.TXT': 'a.seg',
      'v1.2/a.txt': 'a',
      'v1.2/b.txt': 'b',
      noending: 'left out',
      '.hidden.txt': 'left out',
      'v1.2/.hidden': 'left out',
      'dir/c.txt': 'c',
    };
    await put('shard.tar', await tar(files));
    const samples = await all(new WebDataset(at('shard.tar')));
    expect(samples.map(({ __url__, ...rest }) => rest)).toEqual([
      { __key__: 'v1.2/a', 'seg.txt': 'a.seg', txt: 'a' },
      { __key__: 'v1.2/b', txt: 'b' },
      { __key__: 'dir/c', txt: 'c' },
    ]);
  });

  test('are decoded by their endings', async () => {
    const image = new HostArray(Uint8Array.of(255, 0, 0, 51, 0, 0), [3, 1, 2], 'uint8');
    const files: Files = {
      'a.cls': '12',
      'a.count': ' -3\n',
      'a.txt': 'blåbær',
      'a.json': '{"box":[1,2]}',
      'a.bin': 'xyz',
    };
    for (const format of ['png', 'webp', 'jpeg'] as const) files[`a.${format}`] = await encodeImage(image, format);
    files['a.mask.png'] = await encodeImage(image, 'png');
    await put('shard.tar', await tar(files));
    const [sample] = await all(new WebDataset(at('shard.tar')));
    expect(sample).toMatchObject({ cls: 12, count: -3, txt: 'blåbær', json: { box: [1, 2] } });
    expect([...(sample.bin as Uint8Array)]).toEqual([120, 121, 122]);
    expect([...(sample.png as HostArray).data]).toEqual([1, 0, 0, Math.fround(0.2), 0, 0]);
    expect(String(sample.jpeg)).toBe('float32[3,1,2]');
    const own = { bin: (bytes: Uint8Array) => bytes.length, 'mask.png': () => 'a mask' };
    const transform = (picture: HostArray) => String(picture);
    const [again] = await all(new WebDataset(at('shard.tar'), { decoders: own, transform, mode: 'gray' }));
    expect(again).toMatchObject({ bin: 3, 'mask.png': 'a mask', png: 'uint8[1,1,2]', webp: 'uint8[1,1,2]' });
  });

  test('are tuples of the asked-for fields, typed by their endings', async () => {
    const png = await encodeImage(new HostArray(Uint8Array.of(9), [1, 1, 1], 'uint8'), 'png');
    await put('shard.tar', await tar({ 'a.png': png, 'a.cls': '1', 'a.txt': 'not read', 'b.jpg': png, 'b.cls': '2' }));
    const dataset = new WebDataset(at('shard.tar'), { fields: ['jpg;png', 'cls'], transform: ({ data }) => data[0] });
    const samples: [number, number][] = await all(dataset);
    expect(samples).toEqual([
      [9, 1],
      [9, 2],
    ]);
    for await (const [x, y] of new DataLoader(dataset, { batchSize: 2 })) {
      expect([await x.toArray(), await y.toArray()]).toEqual([
        [9, 9],
        [1, 2],
      ]);
    }
  });

  test('come from paths, file: addresses, lists, and shards compressed with gzip', async () => {
    await shards(2, 2);
    await put('s2.tar.gz', gzipSync(await tar({ '4.cls': '4' })));
    const urls = [at('s0.tar'), pathToFileURL(at('s1.tar')), pathToFileURL(at('s{2..2}.tar.gz'))];
    const samples = await all(new WebDataset(urls, { fields: ['cls'] }));
    expect(samples.flat()).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('order', () => {
  test('without shuffling is that of the shards', async () => {
    expect(await numbers(await shards(3, 0, 4))).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('with a shuffle buffer is random, another one each epoch, the same from the same seed, each sample once', async () => {
    const urls = await shards(10, 10, 10, 10);
    manualSeed(0);
    const epochs = [await numbers(urls, { shuffle: 8 }), await numbers(urls, { shuffle: 8 })];
    for (const epoch of epochs) {
      expect(epoch).not.toEqual([...Array(40).keys()]);
      expect(epoch.toSorted((a, b) => a - b)).toEqual([...Array(40).keys()]);
    }
    expect(epochs[0]).not.toEqual(epochs[1]);
    manualSeed(0);
    expect(await numbers(urls, { shuffle: 8 })).toEqual(epochs[0]);
    const shardOrder = await numbers(urls, { shuffleShards: true });
    const starts = [0, 10, 20, 30].map((i) => shardOrder[i]);
    expect(shardOrder).toEqual(starts.flatMap((start) => [...Array(10).keys()].map((i) => start + i)));
    expect(starts).not.toEqual([0, 10, 20, 30]);
  });

  test('a buffer larger than the data gives every order: each sample in each place about equally often', async () => {
    const urls = await shards(4);
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    manualSeed(1);
    const rounds = 400;
    for (let i = 0; i < rounds; i++) (await numbers(urls, { shuffle: 100 })).forEach((n, place) => counts[n][place]++);
    // Mean 100, standard deviation √(400 · 1/4 · 3/4) = 8.7.
    for (const count of counts.flat()) expect(Math.abs(count - rounds / 4)).toBeLessThan(4.5 * 8.7);
  });

  test('without a buffer takes nothing but the shards’ order from the seed', async () => {
    const dataset = new WebDataset(await shards(3), { fields: ['cls'] });
    expect(await all(dataset.stream({ seed: 1n }))).toEqual(await all(dataset.stream({ seed: 2n })));
  });

  test('parts of the shards, for several processes', async () => {
    const urls = await shards(2, 2, 2);
    const part = (index: number, count: number) => numbers(urls, { part: { index, count } });
    expect([await part(0, 2), await part(1, 2)]).toEqual([[0, 1, 4, 5], [2, 3]]); // prettier-ignore
  });
});

describe('a run that was stopped goes on exactly', () => {
  const read = async (loader: AsyncIterable<any>, stop = Infinity) => {
    const batches: number[][] = [];
    for await (const [y] of loader) {
      batches.push((await y.toArray()) as number[]);
      if (batches.length === stop) break;
    }
    return batches;
  };

  test.each([
    { shuffle: 7, counts: [10, 3, 0, 12, 9] },
    { shuffle: 0, counts: [10, 3, 0, 12, 9] },
    { shuffle: 100, counts: [10, 3, 0, 12, 9] },
    { shuffle: 1, counts: [5, 5] },
  ])('after any batch, with a shuffle buffer of $shuffle', async ({ shuffle, counts }) => {
    const urls = await shards(...counts);
    const make = () =>
      new DataLoader(new WebDataset(urls, { fields: ['cls'], shuffle, shuffleShards: true }), { batchSize: 3 });
    manualSeed(7);
    const whole = await read(make());
    expect(whole.flat().length).toBe(counts.reduce((a, b) => a + b));
    for (let stop = 1; stop <= whole.length; stop++) {
      manualSeed(7);
      const loader = make();
      const batches: number[][] = [];
      let saved = '';
      for await (const [y] of loader) {
        batches.push((await y.toArray()) as number[]);
        if (batches.length === stop) {
          saved = JSON.stringify(loader.stateDict());
          break;
        }
      }
      const again = make();
      again.loadStateDict(JSON.parse(saved));
      expect([...batches, ...(await read(again))]).toEqual(whole);
    }
  });

  test('and opens no shard again that has nothing left in the buffer', async () => {
    const urls = await shards(...new Array<number>(20).fill(10));
    const opened: string[] = [];
    const { readFile } = await import('node:fs/promises');
    const base = await listen((request, response) => {
      opened.push(request.url!);
      void readFile(at(request.url!)).then((bytes) => response.end(bytes));
    });
    const dataset = new WebDataset(urls.replace(folder, base), { fields: ['cls'], shuffle: 5 });
    const whole = await all(dataset.stream({ seed: 3n }));
    opened.length = 0;
    const stream = dataset.stream({ seed: 3n });
    let count = 0;
    for await (const _ of stream) if (++count === 152) break;
    const state = JSON.parse(JSON.stringify(stream.stateDict()));
    expect(state.counts).toEqual(new Array(15).fill(10));
    expect(opened.length).toBe(16);
    opened.length = 0;
    const rest = await all(dataset.stream({ seed: 3n, state }));
    expect(rest.map(({ key }) => key)).toEqual(whole.slice(152).map(({ key }) => key));
    // Five shards are left; the buffer of five holds samples of at most five more.
    expect(opened.length).toBeLessThan(12);
    expect(new Set(opened).size).toBe(opened.length);
  });

  test('a shard that has become shorter is an error', async () => {
    const urls = await shards(10, 10);
    const dataset = new WebDataset(urls, { fields: ['cls'], shuffle: 9, shuffleShards: false });
    const stream = dataset.stream({ seed: 0n });
    let count = 0;
    for await (const _ of stream) if (++count === 4) break;
    const state = stream.stateDict();
    await put('s0.tar', await tar({ '0.cls': '0' }));
    expect(await messageOf(all(dataset.stream({ seed: 0n, state })))).toMatchInlineSnapshot(
      `"FakkelError: WebDataset: FOLDER/s0.tar has fewer samples than when the state was saved: 1"`,
    );
  });
});

describe('workers', () => {
  test('give the same batches, whatever their number', { timeout: 60_000 }, async () => {
    const png = (value: number) =>
      encodeImage(new HostArray(new Uint8Array(12).fill(value), [3, 2, 2], 'uint8'), 'png');
    for (const s of [0, 1]) {
      const files: Files = {};
      for (let i = 0; i < 6; i++)
        Object.assign(files, { [`${s}${i}.png`]: await png(10 * s + i), [`${s}${i}.cls`]: `${i}` });
      await put(`s${s}.tar`, await tar(files));
    }
    const batches = async (numWorkers: number) => {
      manualSeed(3);
      const dataset = new WebDataset(at('s{0,1}.tar'), { fields: ['png', 'cls'], shuffle: 4 });
      const out = [];
      for await (const [x, y] of new DataLoader(dataset, { batchSize: 5, numWorkers })) {
        out.push([x.shape, await x.toArray(), await y.toArray()]);
      }
      return out;
    };
    const expected = await batches(0);
    expect(expected.map(([shape]) => shape)).toEqual([[5, 3, 2, 2], [5, 3, 2, 2], [2, 3, 2, 2]]); // prettier-ignore
    expect(await batches(2)).toEqual(expected);
  });

  test('can’t be given a decoder that is a function', () => {
    expect(new WebDataset('a.tar', { fields: ['cls'] }).recipe()).toMatchObject({ name: 'WebDataset' });
    expect(new WebDataset('a.tar', { decoders: { npy: String } }).recipe()).toBeUndefined();
  });
});

describe('memory', () => {
  /** A shard of `count` files of `size` bytes, made as it is sent. */
  async function* shardOf(count: number, size: number): AsyncGenerator<Buffer> {
    const one = await tar({ '000000.bin': new Uint8Array(size) });
    const block = one.subarray(0, 512 + Math.ceil(size / 512) * 512);
    for (let i = 0; i < count; i++) {
      const copy = Buffer.from(block);
      copy.write(String(i).padStart(6, '0'), 0, 'latin1');
      // The checksum: the sum of the header's bytes, with blanks in its own place.
      copy.fill(' ', 148, 156);
      const sum = copy.subarray(0, 512).reduce((a, b) => a + b, 0);
      copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      yield copy;
    }
    yield Buffer.alloc(1024);
  }
  const send = (count: number, size: number, onEnd: () => void = () => undefined) =>
    listen((_, response) => void pipeline(Readable.from(shardOf(count, size)), response).then(onEnd, onEnd));

  test('a shard of 256 MiB streams through a few', { timeout: 60_000 }, async () => {
    const url = `${await send(256, 2 ** 20)}/big.tar`;
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    let count = 0;
    for await (const raw of new WebDataset(url, { shuffle: 4 }).stream({ seed: 0n })) {
      expect(raw.files.bin.length).toBe(2 ** 20);
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
      if (++count % 16 === 0) (globalThis as { gc?: () => void }).gc?.();
    }
    expect(count).toBe(256);
    expect(peak).toBeLessThan(96 * 2 ** 20); // 30 to 50, garbage included
  });

  test('leaving the loop ends the download', async () => {
    let ended = false;
    const url = `${await send(10_000, 2 ** 20, () => (ended = true))}/big.tar`;
    for await (const _ of new WebDataset(url)) break;
    await vi.waitFor(() => expect(ended).toBe(true));
  });
});

/** Shards of a folder as a server of files gives them. */
const serveFolder = () =>
  listen((request, response) => void readFile(at(request.url!)).then((bytes) => response.end(bytes)));

describe('downloads', () => {
  test('can be left at any sample, the last ones too, when all bytes are there', { timeout: 30_000 }, async () => {
    // Padded, so that the shard comes in several chunks.
    const padded = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        [`${i}.cls`, String(i)],
        [`${i}.bin`, new Uint8Array(4000)],
      ]).flat() as [string, string | Uint8Array][],
    );
    await put('s.tar', await tar(padded));
    const url = `${await serveFolder()}/s.tar`;
    for (let stop = 1; stop <= 40; stop++) {
      const seen: number[] = [];
      for await (const [n] of new WebDataset(url, { fields: ['cls'] })) {
        seen.push(n);
        if (seen.length === stop) break;
      }
      expect(seen).toEqual([...Array(stop).keys()]);
    }
  });

  test('go on where a run was stopped, with a shuffle buffer', { timeout: 30_000 }, async () => {
    await shards(60, 60, 60);
    const url = `${await serveFolder()}/s{0..2}.tar`;
    const make = () => new DataLoader(new WebDataset(url, { fields: ['cls'], shuffle: 40 }), { batchSize: 16 });
    const read = async (loader: AsyncIterable<any>, each = (_: number) => {}) => {
      const batches: unknown[] = [];
      for await (const [y] of loader) each(batches.push(await y.toArray()));
      return batches;
    };
    manualSeed(3);
    const states: string[] = [];
    const loader = make();
    const whole = await read(loader, () => states.push(JSON.stringify(loader.stateDict())));
    for (const [i, state] of states.entries()) {
      const again = make();
      again.loadStateDict(JSON.parse(state));
      expect(await read(again)).toEqual(whole.slice(i + 1));
    }
  });

  const broken = (bytes: Uint8Array, ranges: boolean): [RequestListener, string[]] => {
    const asked: string[] = [];
    let failures = 3;
    return [
      (request, response) => {
        asked.push(request.headers.range ?? 'all');
        const from = ranges ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? 'bytes=0-')![1]) : 0;
        const rest = bytes.subarray(from);
        response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length });
        if (failures-- > 0)
          response.write(rest.subarray(0, ranges ? 3000 : 3000 * (3 - failures)), () => response.destroy());
        else response.end(rest);
      },
      asked,
    ];
  };
  const files = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}.cls`, String(i)]));

  test.each([true, false])('that break go on where they broke; by ranges: %s', async (ranges) => {
    const [handler, asked] = broken(await tar(files), ranges);
    const url = `${await listen(handler)}/s.tar`;
    expect(await numbers(url)).toEqual([...Array(20).keys()]);
    expect(asked.length).toBe(4);
    expect(asked[1]).toMatch(/^bytes=\d+-$/);
  });

  test('that stall hold no one who leaves the loop', { timeout: 5000 }, async () => {
    const bytes = await tar(files);
    const url = `${await listen((_, response) => void response.write(bytes.subarray(0, 2000)))}/s.tar`;
    for await (const [n] of new WebDataset(url, { fields: ['cls'] })) {
      expect(n).toBe(0);
      break;
    }
  });

  test('that fail are an error that names the shard', async () => {
    const base = await listen((request, response) => {
      if (request.url === '/cut.tar')
        response.writeHead(200, { 'content-length': 9999 }).write('x', () => response.destroy());
      else response.writeHead(request.url === '/503.tar' ? 503 : 404).end();
    });
    const open = (name: string, retries: number) => messageOf(numbers(`${base}/${name}`, { retries }));
    expect(await open('404.tar', 3)).toMatchInlineSnapshot(
      `"FakkelError: http://HOST/404.tar: the server answered 404"`,
    );
    expect(await open('503.tar', 1)).toMatchInlineSnapshot(
      `"FakkelError: http://HOST/503.tar: the server answered 503"`,
    );
    expect(await open('cut.tar', 0)).toContain('HOST/cut.tar: ');
  });
});

describe('damaged shards name shard and file', () => {
  test('truncated, corrupt, empty, no tar, missing', async () => {
    await shards(4, 4);
    const whole = await tar({ 'a.cls': '1', 'b.txt': 'x'.repeat(2000), 'b.cls': '2', 'c.cls': '3' });
    const open = (bytes: Uint8Array) => put('bad.tar', bytes).then(() => messageOf(numbers(at('bad.tar'))));
    expect(await open(whole.subarray(0, 2200))).toMatchInlineSnapshot(
      `"TarError: FOLDER/bad.tar: the tar archive is damaged or cut short in b.txt (Tar archive is truncated)"`,
    );
    expect(await open(whole.subarray(0, 1024))).toMatchInlineSnapshot(
      `"TarError: FOLDER/bad.tar: the tar archive is damaged or cut short after a.cls (Tar archive is truncated)"`,
    );
    const flipped = whole.slice();
    flipped[1024 + 3] ^= 1;
    expect(await open(flipped)).toMatchInlineSnapshot(
      `"TarError: FOLDER/bad.tar: the tar archive is damaged or cut short after a.cls (Invalid tar header checksum)"`,
    );
    expect(await open(new Uint8Array())).toMatchInlineSnapshot(`"TarError: FOLDER/bad.tar: the archive is empty"`);
    expect(await open(Buffer.from('<!DOCTYPE html>'.repeat(100)))).toMatchInlineSnapshot(
      `"TarError: FOLDER/bad.tar: the tar archive is damaged or cut short before its first file (Invalid tar number)"`,
    );
    expect(await open(gzipSync(whole).subarray(0, -12))).toMatch(
      /^TarError: FOLDER\/bad.tar: the tar archive is damaged or cut short (before its first file|after|in) /,
    );
    expect(await messageOf(numbers(at('none.tar')))).toMatchInlineSnapshot(
      `"FakkelError: FOLDER/none.tar: can't be read: there is no such file"`,
    );
    expect(await open(await tar({ README: 'no samples' }))).toMatchInlineSnapshot(
      `"FakkelError: WebDataset: there are no samples in FOLDER/bad.tar. A sample is files with one name and different endings: 0001.jpg, 0001.cls."`,
    );
  });

  test('two files of one ending, a field that is not there, files that can’t be decoded', async () => {
    const open = async (files: Files, options: WebDatasetOptions<any> = {}) => {
      await put('s.tar', await tar(files));
      return messageOf(all(new WebDataset(at('s.tar'), options)));
    };
    expect(await open({ 'a.cls': '1', 'a.CLS': '2' })).toMatchInlineSnapshot(
      `"FakkelError: WebDataset: FOLDER/s.tar: sample a has two files cls. The files of a sample must have different endings."`,
    );
    expect(await open({ 'a.txt': '1', 'a.json': '{}' }, { fields: ['jpg;png', 'json'] })).toMatchInlineSnapshot(
      `"WebDatasetError: FOLDER/s.tar: sample a has no jpg or png, but txt, json. Files of a sample must stand together in the shard: tar --sort=name"`,
    );
    expect(await open({ 'a.cls': '1.5' })).toMatchInlineSnapshot(
      `"WebDatasetError: FOLDER/s.tar: a.cls: expected a whole number, got '1.5'"`,
    );
    expect(await open({ 'dir/a.json': '{"a":' })).toMatch(/^WebDatasetError: FOLDER\/s.tar: dir\/a.json: .*JSON/);
    expect(await open({ 'a.txt': Uint8Array.of(0xff, 0xfe, 0x41) })).toContain('FOLDER/s.tar: a.txt: ');
    expect(await open({ 'a.jpg': 'no image' })).toMatchInlineSnapshot(
      `"WebDatasetError: FOLDER/s.tar: a.jpg: neither JPEG, PNG, WebP, GIF, TIFF nor AVIF, or cut short: its 8 bytes begin with 6e 6f 20 69"`,
    );
  });

  test('can be left out: the rest of a shard, and samples that can’t be decoded', async () => {
    const good = await tar({ '7.cls': '7', '8.cls': 'eight', '9.cls': '9' });
    const cut = (await tar({ 'a.cls': '1', 'b.cls': '2', 'c.cls': '3' })).subarray(0, 3 * 1024 - 300);
    await put('s0.tar', cut);
    await put('s2.tar', good);
    const dataset = new WebDataset(at('s{0..2}.tar'), { fields: ['cls'], unreadable: 'skip', length: 5 });
    const loader = new DataLoader(dataset, { batchSize: 2 });
    const batches = [];
    for await (const [y] of loader) batches.push(await y.toArray());
    expect(batches).toEqual([[1, 2], [7], [9]]); // prettier-ignore
    expect(loader.length).toBe(3);
    expect(dataset.unreadable.map(({ path: file }) => file.replace(folder, 'FOLDER'))).toEqual([
      ...['FOLDER/s0.tar', 'FOLDER/s1.tar', 'FOLDER/s2.tar: 8'],
    ]);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "WebDataset: FOLDER/s0.tar: the tar archive is damaged or cut short after c.cls (Tar archive is truncated). The rest of the shard is left out.",
        "WebDataset: FOLDER/s1.tar: can't be read: there is no such file. The rest of the shard is left out.",
        "WebDataset: FOLDER/s2.tar: 8: cls: expected a whole number, got 'eight'. The sample is left out.",
      ]
    `);
  });
});

test('arguments', () => {
  const make = (options: unknown) => () => new WebDataset('a.tar', options as WebDatasetOptions);
  expect(() => new WebDataset([])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: WebDataset: expected at least one shard]`,
  );
  expect(() => new WebDataset(5 as any)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: WebDataset: expected paths or addresses of shards, got number 5]`,
  );
  expect(make({ shuffle: true })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: WebDataset: shuffle: expected a whole number from 0 up, got true: the size of the shuffle buffer, such as 1000]`,
  );
  expect(make({ shardshuffle: true })).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: WebDataset: no option 'shardshuffle'. Write shuffleShards: true.]`,
  );
  expect(make({ part: { index: 2, count: 2 } })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: WebDataset: part: index: expected a whole number from 0 to 1, got 2]`,
  );
  expect(make({ part: { index: 0, count: 2 } })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: WebDataset: part: 1 shards can't be divided into 2 parts: make more shards]`,
  );
  expect(make({ unreadable: 'replace' })).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: WebDataset: unreadable: expected 'error' or 'skip', got string replace]`,
  );
  expect(make({ length: 0.5 })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: WebDataset: length: expected a whole number from 1 up, got 0.5]`,
  );
});
