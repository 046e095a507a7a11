import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import gray from '../test/goldens/images/gray.json' with { type: 'json' };
import lossless from '../test/goldens/images/lossless.json' with { type: 'json' };
import lossy from '../test/goldens/images/lossy.json' with { type: 'json' };
import { encodeImage, HostArray, readImage, writeImage } from './index.js';

interface Golden {
  name: string;
  width: number;
  height: number;
  file: string;
  rgb: string;
  turned?: string;
  turnedSize?: number[];
}

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const PNG = bytes(lossless[0].file);
const JPEG = bytes(lossy[0].file);

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'fakkel-image-'))));
afterAll(() => rm(folder, { recursive: true }));

const put = async (name: string, content: Uint8Array) => {
  await writeFile(path.join(folder, name), content);
  return path.join(folder, name);
};

describe('pixels are those of PIL.Image.open(file).convert("RGB"), to the bit', () => {
  test.each([...lossless, ...lossy] as Golden[])('$name', async ({ file, rgb, width, height }) => {
    const image = await readImage(bytes(file));
    expect(String(image)).toBe(`uint8[3,${height},${width}]`);
    expect(Buffer.from(image.data.buffer).toString('base64')).toBe(rgb);
  });
});

test.each((lossy as Golden[]).filter((c) => c.turned))(
  '$name: applied only when asked for',
  async ({ file, turned, turnedSize }) => {
    const image = await readImage(bytes(file), { applyExifOrientation: true });
    expect(image.shape).toEqual([3, ...turnedSize!]);
    expect(Buffer.from(image.data.buffer).toString('base64')).toBe(turned);
  },
);

test('gray is PIL’s convert("L")', async () => {
  const image = await readImage(bytes(gray[0].file), { mode: 'gray' });
  expect(String(image)).toBe(`uint8[1,${gray[0].height},${gray[0].width}]`);
  expect(Buffer.from(image.data.buffer).toString('base64')).toBe(gray[0].gray);
});

test('an embedded colour profile is ignored, as PIL does', async () => {
  const withProfile = await sharp(PNG).withIccProfile('p3').png().toBuffer();
  const stored = await sharp(withProfile, { ignoreIcc: true }).raw().toBuffer();
  const image = await readImage(withProfile);
  const first = [0, 1, 2].map((c) => image.data[c * image.shape[1] * image.shape[2]]);
  expect(first).toEqual([...stored.subarray(0, 3)]);
});

test('16-bit gray is scaled to 8 bits, where PIL cuts it at 255', async () => {
  const wide = Uint16Array.of(0, 255, 256, 0x7fff, 0x8000, 0xffff);
  const raw = { width: 6, height: 1, channels: 1 as const };
  const file = await sharp(wide, { raw }).toColourspace('grey16').png().toBuffer();
  expect((await sharp(file).metadata()).depth).toBe('ushort');
  const image = await readImage(file, { mode: 'gray' });
  expect([...image.data]).toEqual([0, 0, 1, 0x7f, 0x80, 0xff]);
});

describe('sources', () => {
  test('a path, a file: address, an ArrayBuffer', async () => {
    const file = await put('a.png', PNG);
    const expected = await readImage(PNG);
    for (const source of [file, pathToFileURL(file), pathToFileURL(file).href, PNG.buffer]) {
      expect(await readImage(source)).toEqual(expected);
    }
  });

  test('an address of the web', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/a.png') response.end(PNG);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await readImage(`${base}/a.png`)).toEqual(await readImage(PNG));
    await expect(readImage(`${base}/b.png`)).rejects.toThrow(`${base}/b.png: the server answered 404`);
    server.close();
  });
});

describe('errors name the file', () => {
  const messageOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'no error',
      (error: Error) => `${error.name}: ${error.message.replaceAll(folder, 'FOLDER')}`,
    );

  test('truncated files, as PIL refuses them', async () => {
    for (const [name, whole] of [
      ['cut.png', PNG],
      ['cut.jpg', JPEG],
      ['cut.webp', bytes(lossy.find((c) => c.name === 'WebP')!.file)],
      ['cut.gif', bytes(lossless.find((c) => c.name === 'GIF')!.file)],
      ['cut.tif', bytes(lossless.find((c) => c.name === 'TIFF, LZW')!.file)],
    ] as const) {
      for (const part of [0.3, 0.6, 0.9]) {
        const cut = whole.subarray(0, Math.floor(whole.length * part));
        expect(await messageOf(readImage(await put(name, cut)))).toMatch(
          new RegExp(`^ImageError: FOLDER/${name}: (the image is truncated or damaged|neither .* cut short)`),
        );
      }
    }
    expect(await messageOf(readImage(await put('cut.jpg', JPEG.subarray(0, -2))))).toMatchInlineSnapshot(
      `"ImageError: FOLDER/cut.jpg: the image is truncated or damaged (VipsJpeg: premature end of JPEG image)"`,
    );
  });

  test('damaged, empty, missing, no image', async () => {
    const flipped = PNG.slice();
    flipped[PNG.length >> 1] ^= 0x5a;
    expect(await messageOf(readImage(await put('flipped.png', flipped)))).toMatchInlineSnapshot(
      `"ImageError: FOLDER/flipped.png: the image is truncated or damaged (vipspng: libpng read error)"`,
    );
    expect(await messageOf(readImage(await put('empty.png', new Uint8Array())))).toMatchInlineSnapshot(
      `"ImageError: FOLDER/empty.png: the file is empty"`,
    );
    expect(await messageOf(readImage(path.join(folder, 'none.png')))).toMatchInlineSnapshot(
      `"ImageError: FOLDER/none.png: can't be read: there is no such file"`,
    );
    expect(await messageOf(readImage(folder))).toMatchInlineSnapshot(`"ImageError: FOLDER: can't be read: EISDIR"`);
    expect(await messageOf(readImage(await put('page.jpg', Buffer.from('<!DOCTYPE html>'))))).toMatchInlineSnapshot(
      `"ImageError: FOLDER/page.jpg: neither JPEG, PNG, WebP, GIF, TIFF nor AVIF, or cut short: its 15 bytes begin with 3c 21 44 4f"`,
    );
    expect(await messageOf(readImage(Uint8Array.of(1, 2, 3)))).toMatchInlineSnapshot(
      `"ImageError: readImage: image of 3 bytes: neither JPEG, PNG, WebP, GIF, TIFF nor AVIF, or cut short: its 3 bytes begin with 01 02 03"`,
    );
  });

  test('arguments', async () => {
    expect(await messageOf(readImage(3 as any))).toMatchInlineSnapshot(
      `"TypeError: readImage: expected a path, an address or the bytes of a file, got number 3"`,
    );
    expect(await messageOf(readImage(PNG, { mode: 'L' as any }))).toMatchInlineSnapshot(
      `"FakkelError: readImage: mode: expected 'rgb' or 'gray', got string L"`,
    );
    expect(await messageOf(readImage(PNG, { apply_exif_orientation: true } as any))).toMatchInlineSnapshot(
      `"FakkelError: readImage: unknown option 'apply_exif_orientation'. Write applyExifOrientation."`,
    );
  });

  test('sharp is not installed', () => {
    const hook = `export const resolve = (name, context, next) => next(name === 'sharp' ? 'not-' + name : name, context);`;
    const script = `
      import { register } from 'node:module';
      register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))});
      const { readImage } = await import('./image.js');
      await readImage(Uint8Array.of(1)).catch((error) => console.log(error.name + ': ' + error.message));`;
    const node = ['--conditions=@fakkel/source', '--import', 'tsx', '--input-type=module', '-e', script];
    expect(execFileSync(process.execPath, node, { encoding: 'utf8', cwd: import.meta.dirname })).toMatchInlineSnapshot(`
      "MissingPackageError: Image files are read and written by sharp, which is not installed. Run: npm install sharp
      "
    `);
  });
});

describe('writing', () => {
  test('png keeps every pixel, of bytes and of floats from 0 to 1', async () => {
    const image = await readImage(PNG);
    await writeImage(path.join(folder, 'out.png'), image);
    expect(await readImage(path.join(folder, 'out.png'))).toEqual(image);
    const floats = new HostArray(
      Float32Array.from(image.data, (v) => v / 255),
      image.shape,
    );
    expect(await readImage(await encodeImage(floats, 'png'))).toEqual(image);
    const one = new HostArray(Uint8Array.of(0, 7, 255), [1, 1, 3], 'uint8');
    expect(await readImage(await encodeImage(one, 'png'), { mode: 'gray' })).toEqual(one);
  });

  test('values beyond 0 to 1 are cut', async () => {
    const image = new HostArray(Float32Array.of(-1, 0.5, 2), [1, 1, 3]);
    expect([...(await readImage(await encodeImage(image, 'png'), { mode: 'gray' })).data]).toEqual([0, 128, 255]);
  });

  test('jpeg and webp by the name, with a quality', async () => {
    const image = await readImage(JPEG);
    const sizes = [];
    for (const name of ['q.jpg', 'q.webp']) {
      for (const quality of [10, 100]) {
        await writeImage(path.join(folder, name), image, { quality });
        expect((await readImage(path.join(folder, name))).shape).toEqual(image.shape);
        sizes.push((await sharp(path.join(folder, name)).toBuffer()).length);
      }
    }
    expect((await sharp(path.join(folder, 'q.webp')).metadata()).format).toBe('webp');
  });

  test('errors', async () => {
    const image = new HostArray(new Uint8Array(6), [2, 1, 3], 'uint8');
    await expect(encodeImage(image, 'png')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encodeImage: expected an image [C, H, W] with 1, 3 or 4 channels, got uint8[2,1,3]]`,
    );
    await expect(
      encodeImage(new HostArray(new Int32Array(3), [1, 1, 3]), 'png'),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: encodeImage: expected uint8, or float32 from 0 to 1, got int32[1,1,3]]`,
    );
    await expect(writeImage('x.bmp', image)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ImageError: writeImage: x.bmp: expected a name that ends in .png, .jpg, .webp, .tiff, .gif, .avif]`,
    );
  });
});
