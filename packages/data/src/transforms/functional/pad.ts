/**
 * Borders.
 *
 * Source: torchvision 0.14, `pad`.
 */
import { OutOfRangeError, ShapeError } from '@fakkel/core';
import { allocate, type HostArray } from '../../host-array.js';
import { checkOptions } from '../../options.js';
import { dimensionsOf, imageOf, show } from '../pixels.js';

/** What a border is made of. */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

/** For all sides, for [left and right, top and bottom], or for [left, top, right, bottom]. */
export type Padding = number | readonly number[];

/** Options of {@link pad}. */
export interface PadOptions {
  /** The border's value with `constant`. Default 0. */
  readonly fill?: number;
  /**
   * - `constant` (default): `fill`;
   * - `edge`: the nearest pixel;
   * - `reflect`: mirrored, the edge itself not repeated, 3 2 | 1 2 3 | 2 1;
   * - `symmetric`: mirrored with the edge, 2 1 | 1 2 3 | 3 2.
   */
  readonly paddingMode?: PaddingMode;
}

export const PAD_OPTIONS = ['fill', 'paddingMode'] as const;

/**
 * A border around the image: torchvision's `pad`.
 *
 * Shape: `[..., H, W]` → `[..., top + H + bottom, left + W + right]`.
 *
 * @param padding - Pixels on all sides, on [left and right, top and bottom], or on [left, top, right, bottom]; negative
 * ones cut.
 * @throws ShapeError if a mirrored border is wider than the image, or nothing is left.
 * @example
 * transforms.functional.pad(digits().get(0)[0], 2); // float32[1,12,12]
 */
export function pad(image: HostArray, padding: Padding, options: PadOptions = {}): HostArray {
  checkOptions('pad', options, PAD_OPTIONS, 'pad(image, 2, …)');
  const { fill = 0, paddingMode = 'constant' } = options;
  const [left, top, right, bottom] = sidesOf('pad', padding);
  checkPadding('pad', fill, paddingMode);
  const { height, width } = dimensionsOf('pad', image);
  const output = { height: top + height + bottom, width: left + width + right };
  if (output.height < 1 || output.width < 1) {
    throw new ShapeError(`pad: nothing is left of ${String(image)} with padding ${show(padding)}`);
  }
  const rows = sourcesOf(image, height, top, output.height, paddingMode);
  const columns = sourcesOf(image, width, left, output.width, paddingMode);
  const { data } = image;
  const planes = data.length / (height * width) || 0;
  const out = allocate(image.dtype, planes * output.height * output.width);
  if (fill !== 0) out.fill(fill);
  // The columns that are there lie side by side; those of the border are looked up.
  const first = Math.max(0, left);
  const last = Math.min(output.width, left + width);
  for (let plane = 0, at = 0; plane < planes; plane++) {
    for (let y = 0; y < output.height; y++, at += output.width) {
      if (rows[y] < 0) continue;
      const row = (plane * height + rows[y]) * width;
      if (last > first) (out as Uint8Array).set(data.subarray(row + first - left, row + last - left), at + first);
      for (let x = 0; x < first; x++) if (columns[x] >= 0) out[at + x] = data[row + columns[x]];
      for (let x = last; x < output.width; x++) if (columns[x] >= 0) out[at + x] = data[row + columns[x]];
    }
  }
  return imageOf(out, image, output);
}

/** Throws unless both are as `pad` takes them. */
export function checkPadding(op: string, fill: unknown, paddingMode: unknown): void {
  if (typeof fill !== 'number') throw new TypeError(`${op}: fill: expected a number, got ${show(fill)}`);
  const modes = ['constant', 'edge', 'reflect', 'symmetric'];
  if (!modes.includes(paddingMode as string)) {
    throw new OutOfRangeError(`${op}: paddingMode: expected ${modes.join(', ')}, got ${show(paddingMode)}`);
  }
}

/** Left, top, right, bottom. */
export function sidesOf(op: string, padding: Padding): readonly [number, number, number, number] {
  const sides: readonly number[] = typeof padding === 'number' ? [padding] : padding;
  if (!Array.isArray(sides) || ![1, 2, 4].includes(sides.length) || !sides.every(Number.isInteger)) {
    throw new OutOfRangeError(
      `${op}: padding: expected a whole number, [left and right, top and bottom] or [left, top, right, bottom], got ${show(padding)}`,
    );
  }
  const [left, top = left, right = left, bottom = top] = sides as number[];
  return [left, top, right, bottom];
}

/** For each position along an axis of the output the input position that it shows, −1 where there is none. */
function sourcesOf(image: HostArray, size: number, before: number, output: number, mode: PaddingMode): Int32Array {
  const widest = { constant: Infinity, edge: Infinity, reflect: size - 1, symmetric: size }[mode];
  const border = Math.max(before, output - size - before);
  if (border > widest || (size === 0 && mode !== 'constant')) {
    throw new ShapeError(
      `pad: ${mode} shows at most ${Math.max(0, widest)} pixels beyond an edge of ${String(image)}, got padding ${border}`,
    );
  }
  return Int32Array.from({ length: output }, (_, i) => {
    const at = i - before;
    if (at >= 0 && at < size) return at;
    const end = size - 1;
    switch (mode) {
      case 'constant':
        return -1;
      case 'edge':
        return at < 0 ? 0 : end;
      case 'reflect':
        return at < 0 ? -at : 2 * end - at;
      case 'symmetric':
        return at < 0 ? -at - 1 : 2 * end - at + 1;
    }
  });
}
