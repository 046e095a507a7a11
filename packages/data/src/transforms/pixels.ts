/**
 * Images on the host: what the transforms take, checked, and the parts they need of it.
 */
import { DTypeError, isTensor, OutOfRangeError, ShapeError, type TypedArray } from '@fakkel/core';
import { HostArray, sizeOf, type HostDType } from '../host-array.js';
import { kindOf } from '../options.js';

/** Height and width. */
export type Size = readonly [height: number, width: number];

/** One number for all channels, or one for each. */
export type Fill = number | readonly number[];

/** How pixels between pixels are made. */
export type Interpolation = 'nearest' | 'bilinear' | 'bicubic';

/** An image `[..., C, H, W]`, or `[H, W]` with one channel, in numbers. */
export interface Dimensions {
  /** Images, where there are axes before C; else 1. */
  readonly images: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * The sizes of an image.
 *
 * @param op - How errors begin.
 * @throws TypeError if it is no HostArray; ShapeError if it has fewer than two axes, or its channels seem to be last.
 */
export function dimensionsOf(op: string, image: HostArray): Dimensions {
  checkHostArray(op, image);
  const { shape } = image;
  if (shape.length < 2) throw new ShapeError(`${op}: expected an image [C, H, W], got ${String(image)}`);
  if (shape.length === 3 && shape[0] > 4 && shape[1] > 4 && (shape[2] === 3 || shape[2] === 4)) {
    throw new ShapeError(
      `${op}: expected [C, H, W] with the channels first, got ${String(image)}, whose channels seem to be last. Write ` +
        `transforms.functional.channelsFirst(image) where it is read.`,
    );
  }
  const [height, width] = shape.slice(-2);
  const channels = shape.length === 2 ? 1 : shape[shape.length - 3];
  return { images: sizeOf(shape.slice(0, -3)), channels, height, width };
}

/** Throws, with what to do, unless `image` is a {@link HostArray}. */
export function checkHostArray(op: string, image: unknown): asserts image is HostArray {
  if (image instanceof HostArray) return;
  const loop = 'new MapDataset(dataset, ([image, label], _, context) => [transform(image, context), label])';
  if (isTensor(image)) {
    throw new TypeError(
      `${op}: expected a HostArray [C, H, W], got a tensor ${image.dtype}[${image.shape.join(',')}]. Transforms work on ` +
        `samples in ordinary memory, before a loader makes tensors of them: ${loop}.`,
    );
  }
  const remedy = Array.isArray(image)
    ? ` A transform takes the image of a sample alone: ${loop}.`
    : ArrayBuffer.isView(image)
      ? ` Give it a shape: new HostArray(data, [C, H, W], 'uint8').`
      : '';
  throw new TypeError(`${op}: expected a HostArray [C, H, W], got ${kindOf(image)}.${remedy}`);
}

/** Throws unless the pixels are bytes or float32: what there is arithmetic for. */
export function checkPixels(op: string, image: HostArray): asserts image is HostArray & { dtype: 'uint8' | 'float32' } {
  if (image.dtype === 'uint8' || image.dtype === 'float32') return;
  throw new DTypeError(
    `${op}: expected uint8 from 0 to 255 or float32 from 0 to 1, got ${String(image)}. Convert it: new ` +
      `transforms.ConvertImageDtype('float32').`,
  );
}

/** Throws unless there are 1 or 3 channels. */
export function checkColor(op: string, image: HostArray, { channels }: Dimensions): void {
  if (image.shape.length >= 3 && (channels === 1 || channels === 3)) return;
  throw new ShapeError(`${op}: expected [C, H, W] with 1 or 3 channels, got ${String(image)}`);
}

/** What is white: 255 of bytes, 1 of floats. */
export const whiteOf = (image: HostArray): number => (image.dtype === 'uint8' ? 255 : 1);

/** A zeroed array for pixels of a dtype; that of bytes rounds halves to even and cuts at 0 and 255 what is written. */
export function newPixels(dtype: HostDType, length: number): TypedArray | Uint8ClampedArray {
  switch (dtype) {
    case 'uint8':
      return new Uint8ClampedArray(length);
    case 'bool':
      return new Uint8Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
  }
}

/** An image of such pixels, with the axes before H and W, and the dtype, of another. */
export function imageOf(data: TypedArray | Uint8ClampedArray, like: HostArray, { height, width }: WithSize): HostArray {
  const bytes = data instanceof Uint8ClampedArray ? new Uint8Array(data.buffer, data.byteOffset, data.length) : data;
  return new HostArray(bytes, [...like.shape.slice(0, -2), height, width], like.dtype);
}

type WithSize = Pick<Dimensions, 'height' | 'width'>;

/** `size` as height and width: one number is both. */
export function pairOf(op: string, name: string, size: number | readonly number[], smallest = 1): Size {
  const list = typeof size === 'number' ? [size, size] : size;
  const pair: readonly number[] =
    Array.isArray(list) && list.length === 1 ? [list[0] as number, list[0] as number] : list;
  const isWhole = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= smallest;
  if (Array.isArray(pair) && pair.length === 2 && pair.every(isWhole)) return [pair[0], pair[1]];
  throw new OutOfRangeError(
    `${op}: ${name}: expected a whole number from ${smallest} up, or [height, width], got ${show(size)}`,
  );
}

/** One number for each channel. */
export function perChannel(op: string, name: string, values: Fill, channels: number): readonly number[] {
  const list: readonly number[] = typeof values === 'number' ? [values] : values;
  if (!Array.isArray(list) || (list.length !== 1 && list.length !== channels)) {
    throw new ShapeError(
      `${op}: ${name}: expected a number, or one for each of ${channels} channels, got ${show(values)}`,
    );
  }
  return list.length === channels ? (list as number[]) : new Array<number>(channels).fill(list[0] as number);
}

/** `value` in an error. */
export function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

/** To the nearest whole number, halves to the even one: Python's `round`. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}
