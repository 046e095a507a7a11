/**
 * RandAugment.
 *
 * Source: torchvision 0.14, `transforms/autoaugment.py`.
 */
import { DTypeError, OutOfRangeError, type Generator } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { randint } from './draws.js';
import { adjustSharpness } from './functional/blur.js';
import { adjustBrightness, adjustContrast, adjustSaturation } from './functional/color.js';
import { checkInterpolation } from './functional/resize.js';
import { autocontrast, equalize, posterize, solarize } from './functional/tone.js';
import { affine, rotate, type WarpInterpolation, type WarpOptions } from './functional/warp.js';
import { checkColor, dimensionsOf, roundHalfEven, show, type Fill, type Size } from './pixels.js';
import { py } from './repr.js';
import { generatorOf, recipeOf, Transform } from './transform.js';

/** An operation: how strong it is in each bin, whether its sign is drawn, and what it does. */
interface Operation {
  readonly magnitude: (bin: number, bins: number, size: Size) => number;
  readonly signed: boolean;
  readonly apply: (image: HostArray, magnitude: number, options: WarpOptions) => HostArray;
}

const fround = Math.fround;
const unsized = (): number => 0;
const upTo = (most: number) => (bin: number, bins: number) => linspace(0, most, bins, bin);
const shearOf = (magnitude: number): number => (Math.atan(magnitude) * 180) / Math.PI;
const degreeOf = (f: (image: HostArray, factor: number) => HostArray) => ({
  magnitude: upTo(0.9),
  signed: true,
  apply: (image: HostArray, m: number) => f(image, 1 + m),
});

/** The operations in torchvision's order: which one is drawn depends on it. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  Identity: { magnitude: unsized, signed: false, apply: (image) => image },
  ShearX: {
    magnitude: upTo(0.3),
    signed: true,
    apply: (image, m, options) => affine(image, { shear: [shearOf(m), 0], center: [0, 0], ...options }),
  },
  ShearY: {
    magnitude: upTo(0.3),
    signed: true,
    apply: (image, m, options) => affine(image, { shear: [0, shearOf(m)], center: [0, 0], ...options }),
  },
  TranslateX: {
    magnitude: (bin, bins, [, width]) => linspace(0, (150 / 331) * width, bins, bin),
    signed: true,
    apply: (image, m, options) => affine(image, { translate: [Math.trunc(m), 0], ...options }),
  },
  TranslateY: {
    magnitude: (bin, bins, [height]) => linspace(0, (150 / 331) * height, bins, bin),
    signed: true,
    apply: (image, m, options) => affine(image, { translate: [0, Math.trunc(m)], ...options }),
  },
  Rotate: { magnitude: upTo(30), signed: true, apply: (image, m, options) => rotate(image, m, options) },
  Brightness: degreeOf(adjustBrightness),
  Color: degreeOf(adjustSaturation),
  Contrast: degreeOf(adjustContrast),
  Sharpness: degreeOf(adjustSharpness),
  Posterize: {
    magnitude: (bin, bins) => 8 - roundHalfEven(fround(bin / fround((bins - 1) / 4))),
    signed: false,
    apply: (image, m) => posterize(image, m),
  },
  Solarize: {
    magnitude: (bin, bins) => linspace(255, 0, bins, bin),
    signed: false,
    apply: (image, m) => solarize(image, m),
  },
  AutoContrast: { magnitude: unsized, signed: false, apply: (image) => autocontrast(image) },
  Equalize: { magnitude: unsized, signed: false, apply: (image) => equalize(image) },
};

const NAMES = Object.keys(OPERATIONS);

/**
 * `torch.linspace(start, end, steps)[i]`, in float32: from both ends to the middle, of whole vectors of 8 the first and
 * then its distance to it. Moves are cut to whole pixels, so that 44.999996 would not do for 45.
 */
function linspace(start: number, end: number, steps: number, i: number): number {
  const step = fround(fround(fround(end) - fround(start)) / (steps - 1));
  const first = i < (steps & ~15) ? i & ~7 : i;
  const isLow = first < Math.trunc(steps / 2);
  const base = isLow ? fround(fround(start) + step * first) : fround(fround(end) - step * (steps - first - 1));
  return fround(fround(step * (i - first)) + base);
}

/** Options of {@link RandAugment}. */
export interface RandAugmentOptions extends WarpOptions {
  /** Operations applied to each image, one after the other. Default 2. */
  readonly numOps?: number;
  /** Strength of all of them: which of the bins. Default 9. */
  readonly magnitude?: number;
  /** Default 31. */
  readonly numMagnitudeBins?: number;
}

/** What {@link RandAugment} draws: the name of an operation and its strength. */
export type RandAugmentParams = readonly [name: string, magnitude: number];

/**
 * A few of 14 operations at random, all with one strength: torchvision's `RandAugment`. Shears, moves, rotation,
 * brightness, colour, contrast, sharpness, posterize, solarize, autocontrast, equalize, or nothing.
 *
 * Shape: `[..., C, H, W]` with 1 or 3 channels, and the same; uint8.
 *
 * When to use: on training data of photographs, where flips and crops leave a gap between training and validation
 * error; `numOps` and `magnitude` are the two numbers to tune. It comes before `ToTensor`.
 *
 * Source: Cubuk et al., "RandAugment: practical automated data augmentation with a reduced search space", 2019.
 *
 * @throws OutOfRangeError if an argument is not as it says; DTypeError unless the image is uint8.
 * @example
 * const transform = new transforms.RandAugment({ numOps: 2, magnitude: 5 });
 * transform(new HostArray(new Uint8Array(3 * 32 * 32).fill(100), [3, 32, 32], 'uint8')); // uint8[3,32,32]
 */
export class RandAugment extends Transform {
  readonly numOps: number;
  readonly magnitude: number;
  readonly numMagnitudeBins: number;
  readonly interpolation: WarpInterpolation;
  readonly fill: Fill | null;

  /** @param options - See {@link RandAugmentOptions}; `interpolation` is 'nearest' by default. */
  constructor(options: RandAugmentOptions = {}) {
    super();
    const known = ['numOps', 'magnitude', 'numMagnitudeBins', 'interpolation', 'fill'];
    checkOptions('RandAugment', options, known, 'new RandAugment(…)');
    this.numOps = options.numOps ?? 2;
    this.magnitude = options.magnitude ?? 9;
    this.numMagnitudeBins = options.numMagnitudeBins ?? 31;
    for (const [name, value, low, high] of [
      ['numOps', this.numOps, 0, Infinity],
      ['numMagnitudeBins', this.numMagnitudeBins, 2, Infinity],
      ['magnitude', this.magnitude, 0, this.numMagnitudeBins - 1],
    ] as const) {
      if (Number.isInteger(value) && value >= low && value <= high) continue;
      const range = high === Infinity ? `from ${low} up` : `from ${low} to ${high}`;
      throw new OutOfRangeError(`RandAugment: ${name}: expected a whole number ${range}, got ${show(value)}`);
    }
    this.interpolation = options.interpolation ?? 'nearest';
    checkInterpolation('RandAugment', this.interpolation, ['nearest', 'bilinear']);
    this.fill = options.fill ?? null;
  }

  /** An operation and its strength, drawn as torchvision draws them. */
  static getParams(magnitude: number, numMagnitudeBins: number, size: Size, generator: Generator): RandAugmentParams {
    const name = NAMES[randint(generator, 0, NAMES.length)];
    const operation = OPERATIONS[name];
    const strength = operation.magnitude(magnitude, numMagnitudeBins, size);
    return [name, operation.signed && randint(generator, 0, 2) === 1 ? -strength : strength];
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    const dimensions = dimensionsOf('RandAugment', image);
    checkColor('RandAugment', image, dimensions);
    if (image.dtype !== 'uint8') {
      throw new DTypeError(
        `RandAugment: expected uint8, got ${String(image)}. Write it before new transforms.ToTensor().`,
      );
    }
    const { interpolation, fill } = this;
    const generator = generatorOf(context);
    const size: Size = [dimensions.height, dimensions.width];
    for (let i = 0; i < this.numOps; i++) {
      const [name, strength] = RandAugment.getParams(this.magnitude, this.numMagnitudeBins, size, generator);
      image = OPERATIONS[name].apply(image, strength, { interpolation, fill });
    }
    return image;
  }

  override recipe(): Recipe | undefined {
    const { numOps, magnitude, numMagnitudeBins, interpolation, fill } = this;
    const options = { numOps, magnitude, numMagnitudeBins, interpolation, fill };
    return recipeOf(this, RandAugment, 'RandAugment', options);
  }

  override extraRepr(): string {
    return (
      `num_ops=${this.numOps}, magnitude=${this.magnitude}, num_magnitude_bins=${this.numMagnitudeBins}, ` +
      `interpolation=InterpolationMode.${this.interpolation.toUpperCase()}, fill=${py(this.fill)}`
    );
  }
}
