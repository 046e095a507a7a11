/**
 * Image files: JPEG, PNG, WebP, GIF, TIFF and AVIF, through sharp in Node and through the browser's decoder in browsers.
 *
 * Pixels are those of `PIL.Image.open(file).convert('RGB')`, which is what torchvision's datasets hand to transforms:
 * embedded colour profiles are ignored, alpha is dropped (not blended), CMYK is converted by PIL's formula, and
 * the EXIF orientation is not applied.
 */
import { DTypeError, FakkelError, ShapeError } from '@fakkel/core';
import type Sharp from 'sharp';
import { HostArray } from './host-array.js';
import { builtin, isNode } from './node.js';
import { checkOptions, kindOf } from './options.js';

/** An image file that can't be read or decoded. */
export class ImageError extends FakkelError {
  override name = 'ImageError';
}

/** A package that is left to users to install is not there. */
export class MissingPackageError extends FakkelError {
  override name = 'MissingPackageError';
}

export interface ReadImageOptions {
  /** Channels: 'rgb', 3 (default), or 'gray', 1: L = (19595 R + 38470 G + 7471 B + 2¹⁵) / 2¹⁶, PIL's `convert('L')`. */
  mode?: 'rgb' | 'gray';
  /** Turn the image as its EXIF orientation says. Default false, as torchvision; browsers always do. */
  applyExifOrientation?: boolean;
}

/** How one is written. */
export interface WriteImageOptions {
  /** Of JPEG, WebP and AVIF, 1 to 100. Default: sharp's, 80 (AVIF 50). */
  quality?: number;
}

const READ_OPTIONS = ['mode', 'applyExifOrientation'] satisfies (keyof ReadImageOptions)[];

/**
 * Reads an image: uint8 `[3, H, W]`, or `[1, H, W]` with `mode: 'gray'`; `torchvision.io.read_image` and `decode_image`.
 *
 * The pixels equal PIL's, to the bit in every case tested (PNG of 1 to 16 bits with palettes and alpha, JPEG of all
 * subsamplings, progressive and CMYK, lossy and lossless WebP, GIF, TIFF): both decode with the same libraries. Another
 * libjpeg may differ by a few levels of 255. One deviation: 16-bit gray is scaled to 8 bits, where PIL cuts it at 255.
 *
 * In browsers the decoder is the browser's: no TIFF, the EXIF orientation is always applied, and transparent pixels lose
 * their colour. The rest came out equal to PIL's in Chromium.
 *
 * @param source - A path, an address (http, https), or the bytes of a file.
 * @param options - `mode`, `applyExifOrientation`.
 * @throws ImageError naming the file: not found, truncated, damaged, no image; MissingPackageError if sharp is not installed.
 * @example
 * const bytes = await encodeImage(new HostArray(Uint8Array.of(255, 0, 0, 255, 0, 0), [3, 1, 2], 'uint8'), 'png');
 * const image = await readImage(bytes); // uint8[3,1,2]: a red pixel (255, 0, 0) and one of 0, 255, 0
 */
export async function readImage(
  source: string | URL | Uint8Array | ArrayBuffer,
  options: ReadImageOptions = {},
): Promise<HostArray> {
  checkReadOptions('readImage', options);
  const name = nameOf(source);
  const bytes = await bytesOf(source, name);
  return decodeImage(bytes, name, options);
}

/** Throws unless these are options of {@link readImage}. */
export function checkReadOptions(name: string, options: ReadImageOptions): void {
  if (name === 'readImage') checkOptions(name, options, READ_OPTIONS, 'readImage(path, …)');
  const { mode = 'rgb' } = options;
  if (mode !== 'rgb' && mode !== 'gray') {
    throw new FakkelError(`${name}: mode: expected 'rgb' or 'gray', got ${kindOf(mode)}`);
  }
}

/** The pixels of the file `bytes`, which errors call `name`. */
export async function decodeImage(bytes: Uint8Array, name: string, options: ReadImageOptions = {}): Promise<HostArray> {
  if (bytes.length === 0) throw new ImageError(`${name}: the file is empty`);
  const { mode = 'rgb', applyExifOrientation = false } = options;
  const decode = isNode ? decodeWithSharp : decodeWithBrowser;
  return planes(await decode(bytes, name, applyExifOrientation), mode);
}

/** Pixels as decoders give them: channels innermost. */
interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly space: 'rgb' | 'rgba' | 'cmyk';
}

async function decodeWithSharp(bytes: Uint8Array, name: string, orient: boolean): Promise<Pixels> {
  const sharp = await loadSharp();
  // 'error' refuses what PIL refuses: truncated files, broken checksums. By default warnings would be refused too.
  const open = () => sharp(bytes, { failOn: 'error', ignoreIcc: true, autoOrient: orient });
  try {
    const isCmyk = mayBeCmyk(bytes) && (await open().metadata()).space === 'cmyk';
    const image = isCmyk ? open().pipelineColourspace('cmyk').toColourspace('cmyk') : open().toColourspace('srgb');
    const { data, info } = await (isCmyk ? image : image.removeAlpha()).raw().toBuffer({ resolveWithObject: true });
    const space = isCmyk ? 'cmyk' : 'rgb';
    if (info.channels !== CHANNELS[space])
      throw new Error(`${info.channels} channels where ${space} has another number`);
    return { data, width: info.width, height: info.height, space };
  } catch (cause) {
    throw undecodable(bytes, name, cause);
  }
}

/** Whether it is worth asking sharp: it may be TIFF, or its JPEG frame has four components. */
function mayBeCmyk(bytes: Uint8Array): boolean {
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (!isJpeg) return (bytes[0] === 0x49 && bytes[1] === 0x49) || (bytes[0] === 0x4d && bytes[1] === 0x4d);
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1];
    if (marker === 0xff) at++;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return bytes[at + 9] === 4;
    else at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return true;
}

async function decodeWithBrowser(bytes: Uint8Array, name: string): Promise<Pixels> {
  try {
    const bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), {
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    });
    const { width, height } = bitmap;
    const canvas = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    canvas.drawImage(bitmap, 0, 0);
    bitmap.close();
    return { data: canvas.getImageData(0, 0, width, height).data, width, height, space: 'rgba' };
  } catch (cause) {
    throw undecodable(bytes, name, cause);
  }
}

const CHANNELS = { rgb: 3, rgba: 4, cmyk: 4 } as const;

/** From channels innermost to channels outermost. */
function planes({ data, width, height, space }: Pixels, mode: 'rgb' | 'gray'): HostArray {
  const size = width * height;
  const step = CHANNELS[space];
  const rgb = space === 'cmyk' ? fromCmyk(data) : data;
  if (mode === 'gray') {
    const out = new Uint8Array(size);
    for (let i = 0, p = 0; i < size; i++, p += step) {
      out[i] = (19595 * rgb[p] + 38470 * rgb[p + 1] + 7471 * rgb[p + 2] + 0x8000) >> 16;
    }
    return new HostArray(out, [1, height, width], 'uint8');
  }
  const out = new Uint8Array(3 * size);
  for (let i = 0, p = 0; i < size; i++, p += step) {
    out[i] = rgb[p];
    out[size + i] = rgb[p + 1];
    out[2 * size + i] = rgb[p + 2];
  }
  return new HostArray(out, [3, height, width], 'uint8');
}

/** PIL's conversion, without a colour profile: R = (255 − K) − C (255 − K) / 255. */
function fromCmyk(data: Uint8Array | Uint8ClampedArray): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let p = 0; p < data.length; p += 4) {
    const light = 255 - data[p + 3];
    for (let c = 0; c < 3; c++) {
      const product = data[p + c] * light + 128;
      out[p + c] = light - (((product >> 8) + product) >> 8); // a division by 255, rounded
    }
  }
  return out;
}

/**
 * An image as a file: `torchvision.io.encode_png`, `encode_jpeg`.
 *
 * @param image - `[C, H, W]`, gray (C = 1), RGB (3) or RGBA (4): uint8, or float32 from 0 to 1, which is rounded to bytes.
 * @param format - 'png', 'jpeg', 'webp' (lossy; `quality: 100` is still lossy), 'tiff', 'gif' or 'avif'.
 * @param options - `quality`.
 * @throws ShapeError, DTypeError for what is no image; MissingPackageError if sharp is not installed.
 */
export async function encodeImage(
  image: HostArray,
  format: 'png' | 'jpeg' | 'webp' | 'tiff' | 'gif' | 'avif',
  options: WriteImageOptions = {},
): Promise<Uint8Array> {
  checkOptions('encodeImage', options, ['quality'], "encodeImage(image, 'jpeg', …)");
  const [channels, height, width] = image.shape;
  if (image.shape.length !== 3 || ![1, 3, 4].includes(channels) || image.numel() === 0) {
    throw new ShapeError(`encodeImage: expected an image [C, H, W] with 1, 3 or 4 channels, got ${String(image)}`);
  }
  if (image.dtype !== 'uint8' && image.dtype !== 'float32') {
    throw new DTypeError(`encodeImage: expected uint8, or float32 from 0 to 1, got ${String(image)}`);
  }
  const scale = image.dtype === 'uint8' ? 1 : 255;
  const size = height * width;
  const data = new Uint8ClampedArray(image.numel());
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < size; i++) data[i * channels + c] = image.data[c * size + i] * scale;
  }
  const sharp = await loadSharp();
  const raw = { width, height, channels: channels as 1 | 3 | 4 };
  return new Uint8Array(await sharp(data, { raw }).toFormat(format, options).toBuffer());
}

/**
 * Writes an image into a file, in the format that its name ends in: `torchvision.io.write_png`, `write_jpeg`.
 *
 * @param path - Ends in .png, .jpg, .jpeg, .webp, .tif, .tiff, .gif or .avif.
 * @param image - As {@link encodeImage} takes it.
 * @param options - `quality`.
 */
export async function writeImage(path: string, image: HostArray, options: WriteImageOptions = {}): Promise<void> {
  const extension = /\.(\w+)$/.exec(path)?.[1].toLowerCase() ?? '';
  const format = extension === 'jpg' ? 'jpeg' : extension === 'tif' ? 'tiff' : extension;
  const formats = ['png', 'jpeg', 'webp', 'tiff', 'gif', 'avif'] as const;
  const known = formats.find((name) => name === format);
  if (!known)
    throw new ImageError(`writeImage: ${path}: expected a name that ends in .png, .jpg, .webp, .tiff, .gif, .avif`);
  const bytes = await encodeImage(image, known, options);
  await (await builtin('node:fs/promises')).writeFile(path, bytes);
}

function nameOf(source: unknown): string {
  return source instanceof Uint8Array || source instanceof ArrayBuffer
    ? `readImage: image of ${source.byteLength} bytes`
    : String(source);
}

async function bytesOf(source: string | URL | Uint8Array | ArrayBuffer, name: string): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source !== 'string' && !(source instanceof URL)) {
    throw new TypeError(`readImage: expected a path, an address or the bytes of a file, got ${kindOf(source)}`);
  }
  if (!isNode || /^https?:/.test(String(source))) {
    const response = await fetch(source);
    if (!response.ok) throw new ImageError(`${name}: the server answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  }
  return readBytes(/^file:/.test(String(source)) ? new URL(source) : source, name);
}

/** The bytes of a file; an error that names it. */
export async function readBytes(path: string | URL, name = String(path)): Promise<Uint8Array> {
  const { readFile } = await builtin('node:fs/promises');
  return readFile(path).catch((cause: unknown) => {
    const code = (cause as { code?: string }).code ?? String(cause);
    throw new ImageError(`${name}: can't be read: ${code === 'ENOENT' ? 'there is no such file' : code}`, { cause });
  });
}

function undecodable(bytes: Uint8Array, name: string, cause: unknown): ImageError {
  const reason = (cause instanceof Error ? cause.message : String(cause))
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/:$/, '');
  const unknown = /unsupported image format/.test(reason);
  const start = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
  return new ImageError(
    unknown
      ? `${name}: neither JPEG, PNG, WebP, GIF, TIFF nor AVIF, or cut short: its ${bytes.length} bytes begin with ${start}`
      : `${name}: the image is truncated or damaged (${reason})`,
    { cause },
  );
}

/** Throws if there is nothing to decode images with. */
export async function checkDecoder(): Promise<void> {
  if (isNode) await loadSharp();
}

let loading: Promise<typeof Sharp> | undefined;

/** sharp, which users install: its native code is not for those who read no image files. */
function loadSharp(): Promise<typeof Sharp> {
  // A variable, so that bundlers for browsers do not look for it.
  const name = 'sharp';
  loading ??= import(/* @vite-ignore */ /* webpackIgnore: true */ name).then(
    (module: { default: typeof Sharp }) => module.default,
    (cause: unknown) => {
      loading = undefined;
      const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
      const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
      throw new MissingPackageError(
        `Image files are read and written by sharp, which ${missing ? 'is not installed' : `can't be loaded (${reason})`}. Run: npm install sharp`,
        { cause },
      );
    },
  );
  return loading;
}
