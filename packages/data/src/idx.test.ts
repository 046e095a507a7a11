import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { IdxDataset, IdxError, parseIdx, readIdx } from './index.js';

/** An IDX file: element type, sizes, bytes of the elements. */
function idx(type: number, sizes: number[], bytes: number[]): Uint8Array {
  const size = sizes.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  return Uint8Array.of(0, 0, type, sizes.length, ...size, ...bytes);
}

const images = idx(8, [2, 2, 3], [0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6]);
const labels = idx(8, [2], [7, 2]);

describe('readIdx', () => {
  test('reads every element type, big-endian', async () => {
    expect(await readIdx(images)).toEqual({ dtype: 'uint8', shape: [2, 2, 3], data: images.slice(16) });
    const values = async (type: number, bytes: number[]) => {
      const array = await readIdx(idx(type, [2], bytes));
      return [array.dtype, ...array.data];
    };
    expect(await values(0x09, [0xff, 0x7f])).toEqual(['int8', -1, 127]);
    expect(await values(0x0b, [0x01, 0x02, 0xff, 0xfe])).toEqual(['int16', 258, -2]);
    expect(await values(0x0c, [0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff])).toEqual(['int32', 65536, -1]);
    expect(await values(0x0d, [0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0])).toEqual(['float32', 1.5, -2]);
    expect(await values(0x0e, [0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0])).toEqual(['float64', 1.5, -2]);
  });

  test('reads gzip, and bytes inside of a larger buffer, without changing them', async () => {
    expect(await readIdx(gzipSync(images))).toEqual(await readIdx(images));
    const file = idx(0x0c, [2], [0, 0, 0, 1, 0, 0, 0, 2]);
    const inside = Buffer.concat([Buffer.from('xyz'), file]).subarray(3);
    expect([...parseIdx(inside).data]).toEqual([1, 2]);
    expect([...parseIdx(inside).data]).toEqual([1, 2]);
  });

  test('arrays without elements are read as such', () => {
    expect(parseIdx(idx(8, [0, 28, 28], []))).toEqual({ dtype: 'uint8', shape: [0, 28, 28], data: new Uint8Array(0) });
  });
});

describe('damaged files', () => {
  const messageOf = async (bytes: Uint8Array): Promise<string> => {
    const error: unknown = await readIdx(bytes, 'labels.idx').then(
      () => 'no error',
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(IdxError);
    return (error as Error).message;
  };

  test('no IDX file', async () => {
    expect(await messageOf(new Uint8Array())).toMatchInlineSnapshot(`"labels.idx: the file is empty"`);
    expect(await messageOf(new TextEncoder().encode('<!DOCTYPE html>'))).toMatchInlineSnapshot(
      `"labels.idx: not an IDX file: it begins with 3c 21 44 4f, expected 00 00 and an element type"`,
    );
    expect(await messageOf(idx(0x0a, [1], [0]))).toMatchInlineSnapshot(
      `"labels.idx: unknown element type 0x0a (known: 0x08 uint8, 0x09 int8, 0x0b int16, 0x0c int32, 0x0d float32, 0x0e float64)"`,
    );
    expect(await messageOf(idx(8, [], [0]))).toMatchInlineSnapshot(
      `"labels.idx: the array has no axes (magic 00 00 08 00)"`,
    );
  });

  test('truncated', async () => {
    expect(await messageOf(images.subarray(0, 20))).toMatchInlineSnapshot(
      `"labels.idx: truncated: the header says uint8[2,2,3], 28 bytes in all, the file has 20"`,
    );
    expect(await messageOf(images.subarray(0, 7))).toMatchInlineSnapshot(
      `"labels.idx: truncated in its header, after 7 bytes"`,
    );
    expect(await messageOf(Uint8Array.of(0, 0, 8))).toMatchInlineSnapshot(
      `"labels.idx: truncated in its header, after 3 bytes"`,
    );
    expect(await messageOf(gzipSync(images.subarray(0, 20)))).toMatchInlineSnapshot(
      `"labels.idx: truncated: the header says uint8[2,2,3], 28 bytes in all, the file has 20"`,
    );
  });

  test('oversized', async () => {
    expect(await messageOf(Uint8Array.of(...images, 0))).toMatchInlineSnapshot(
      `"labels.idx: oversized: the header says uint8[2,2,3], 28 bytes in all, the file has 29"`,
    );
  });

  test('damaged gzip', async () => {
    const packed = gzipSync(images);
    const flipped = Uint8Array.from(packed);
    flipped[flipped.length - 6] ^= 0xff; // the checksum
    expect(await messageOf(flipped)).toMatch(/^labels\.idx: the gzip data is damaged or truncated/);
    expect(await messageOf(packed.subarray(0, packed.length - 12))).toMatch(/damaged or truncated/);
    expect(await messageOf(packed.subarray(0, 12))).toMatch(/damaged or truncated/);
  });

  test('a header that promises more than any machine has takes no memory', async () => {
    const size = 2 ** 32 - 1;
    expect(await messageOf(idx(0x0e, [size, size], [1, 2, 3]))).toMatchInlineSnapshot(
      `"labels.idx: truncated: the header says float64[4294967295,4294967295], 147573952520956940000 bytes in all, the file has 15"`,
    );
  });

  test('a small file that unpacks to more than its header says is not unpacked', async () => {
    const bomb = gzipSync(Buffer.concat([idx(8, [4], [1, 2, 3, 4]), Buffer.alloc(64 * 2 ** 20)]));
    const before = process.memoryUsage().arrayBuffers;
    expect(await messageOf(bomb)).toMatchInlineSnapshot(
      `"labels.idx: oversized: the header says uint8[4], 12 bytes in all, the file has more"`,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
  });
});

describe('IdxDataset', () => {
  test('gives float32 images from 0 to 1, as ToTensor, and labels as numbers', async () => {
    const dataset = await IdxDataset.read(images, gzipSync(labels));
    expect(dataset.length).toBe(2);
    const [image, label] = dataset.get(0);
    expect(String(image)).toBe('float32[1,2,3]');
    expect([...image.data]).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1].map(Math.fround));
    expect(label).toBe(7);
    expect(() => dataset.get(2)).toThrow('IdxDataset.get: index 2 is out of range for 2 samples (0 to 1)');
    expect(dataset.images.data[1]).toBe(51);
  });

  test('keeps channels, features, and the scale of other types', () => {
    const one = parseIdx(idx(8, [1], [3]));
    const shapeOf = (sizes: number[]) =>
      String(new IdxDataset(parseIdx(idx(9, sizes, new Array<number>(12).fill(5))), one).get(0)[0]);
    expect([shapeOf([1, 3, 2, 2]), shapeOf([1, 12])]).toEqual(['float32[3,2,2]', 'float32[12]']);
    expect(new IdxDataset(parseIdx(idx(9, [1, 1], [5])), one).get(0)[0].data[0]).toBe(5);
  });

  test('errors', () => {
    const [a, b] = [parseIdx(images), parseIdx(labels)];
    expect(() => new IdxDataset(a, parseIdx(idx(8, [3], [1, 2, 3])))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: IdxDataset: 2 images and 3 labels: the files do not belong together]`,
    );
    expect(() => new IdxDataset(b, a)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: IdxDataset: expected labels with one axis of whole numbers, got uint8[2,2,3]. Are images and labels swapped?]`,
    );
    expect(() => new IdxDataset(b, b)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: IdxDataset: expected images [N, H, W], got uint8[2]]`,
    );
  });
});

const DEBIAN = '/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz';
const debian = await readFile(DEBIAN).catch(() => undefined);

const title = 'reads the 10,000 test images of Debian’s dataset-fashion-mnist';
test.skipIf(!debian)(debian ? title : `${title}: the package is not installed`, async () => {
  const { dtype, shape, data } = await readIdx(debian!, DEBIAN);
  expect([dtype, ...shape, data.length]).toEqual(['uint8', 10000, 28, 28, 7840000]);
});
