/**
 * Random rotation, affine maps and perspective.
 */
import { OutOfRangeError, type Generator } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { checkRange, happens, randint, uniform, type Range } from './draws.js';
import { checkInterpolation } from './functional/resize.js';
import {
  affine,
  perspective,
  rotate,
  type Point,
  type WarpInterpolation,
  type WarpOptions,
} from './functional/warp.js';
import { dimensionsOf, roundHalfEven, show, type Fill, type Size } from './pixels.js';
import { fields, py, pyFloat, pyFloats, pyFloatTuple } from './repr.js';
import { checkProbability, generatorOf, recipeOf, Transform } from './transform.js';

/** ± `value`, or a range of degrees. */
function anglesOf(op: string, name: string, value: number | readonly number[]): Range {
  if (typeof value !== 'number') return checkRange(op, name, value as Range);
  if (value >= 0) return [-value, value];
  throw new OutOfRangeError(`${op}: ${name}: one number is ±, from 0 up; got ${show(value)}. Or write [low, high].`);
}

function checkCenter(op: string, center: Point | null): void {
  if (center === null || (Array.isArray(center) && center.length === 2)) return;
  throw new OutOfRangeError(`${op}: center: expected [x, y], got ${show(center)}`);
}

/** Options of {@link RandomRotation}. */
export interface RandomRotationOptions {
  /** Default 'nearest'; 'bilinear' is smoother. */
  readonly interpolation?: WarpInterpolation;
  /** Whether the output holds the whole rotated image. Default false: it is as large as the input. */
  readonly expand?: boolean;
  /** What stays in place, [x, y] from the upper left corner. Default the middle. */
  readonly center?: Point | null;
  /** What is shown outside of the image. Default 0. */
  readonly fill?: Fill;
}

/**
 * Rotated by a random angle: torchvision's `RandomRotation`.
 *
 * Shape: `[..., C, H, W]`, and the same unless `expand`.
 *
 * When to use: on training data that may come turned: scans, satellite images; a few degrees for handwriting.
 *
 * @throws OutOfRangeError if an argument is not as it says.
 * @example
 * new transforms.RandomRotation(10, { interpolation: 'bilinear' })(digits().get(0)[0]);
 */
export class RandomRotation extends Transform {
  readonly degrees: Range;
  readonly interpolation: WarpInterpolation;
  readonly expand: boolean;
  readonly center: Point | null;
  readonly fill: Fill;

  /**
   * @param degrees - Counter-clockwise: from −degrees to degrees, or [from, to].
   * @param options - See {@link RandomRotationOptions}.
   */
  constructor(degrees: number | Range, options: RandomRotationOptions = {}) {
    super();
    const known = ['interpolation', 'expand', 'center', 'fill'];
    checkOptions('RandomRotation', options, known, 'new RandomRotation(10, …)');
    this.degrees = anglesOf('RandomRotation', 'degrees', degrees);
    this.interpolation = options.interpolation ?? 'nearest';
    checkInterpolation('RandomRotation', this.interpolation, ['nearest', 'bilinear']);
    this.expand = options.expand ?? false;
    this.center = options.center ?? null;
    checkCenter('RandomRotation', this.center);
    this.fill = options.fill ?? 0;
  }

  /** An angle in degrees, drawn as torchvision draws it. */
  static getParams(degrees: Range, generator: Generator): number {
    return uniform(generator, degrees[0], degrees[1]);
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    dimensionsOf('RandomRotation', image);
    const { interpolation, expand, center, fill } = this;
    const angle = RandomRotation.getParams(this.degrees, generatorOf(context));
    return rotate(image, angle, { interpolation, expand, center, fill });
  }

  override recipe(): Recipe | undefined {
    const { degrees, interpolation, expand, center, fill } = this;
    return recipeOf(this, RandomRotation, 'RandomRotation', degrees, { interpolation, expand, center, fill });
  }

  override extraRepr(): string {
    return fields({
      degrees: pyFloats(this.degrees),
      interpolation: this.interpolation,
      expand: py(this.expand),
      center: this.center ? py(this.center) : undefined,
      fill: py(this.fill),
    });
  }
}

/** Options of {@link RandomAffine}. */
export interface RandomAffineOptions {
  /** Largest move along x and along y, as parts of width and height. Default none. */
  readonly translate?: Point | null;
  /** Factor, from and to. Default 1. */
  readonly scale?: Range | null;
  /** Degrees along x: ±, or [from, to]; with four numbers also along y. Default none. */
  readonly shear?: number | readonly number[] | null;
  /** Default 'nearest'; 'bilinear' is smoother. */
  readonly interpolation?: WarpInterpolation;
  /** What is shown outside of the image. Default 0. */
  readonly fill?: Fill;
  /** What stays in place, [x, y] from the upper left corner. Default the middle. */
  readonly center?: Point | null;
}

/** What {@link RandomAffine} draws. */
export interface AffineParams {
  readonly angle: number;
  readonly translate: Point;
  readonly scale: number;
  readonly shear: Point;
}

/**
 * Rotated, moved, scaled and sheared at random: torchvision's `RandomAffine`.
 *
 * Shape: `[..., C, H, W]`, and the same.
 *
 * When to use: on training data of few images; small values, so that each image could have been taken like that.
 *
 * @throws OutOfRangeError if an argument is not as it says.
 * @example
 * const transform = new transforms.RandomAffine(10, { translate: [0.1, 0.1], scale: [0.9, 1.1], shear: 5 });
 * transform(digits().get(0)[0]); // float32[1,8,8]
 */
export class RandomAffine extends Transform {
  readonly degrees: Range;
  readonly translate: Point | null;
  readonly scale: Range | null;
  readonly shear: readonly number[] | null;
  readonly interpolation: WarpInterpolation;
  readonly fill: Fill;
  readonly center: Point | null;

  /**
   * @param degrees - Clockwise: from −degrees to degrees, or [from, to]; 0 does not rotate.
   * @param options - See {@link RandomAffineOptions}.
   */
  constructor(degrees: number | Range, options: RandomAffineOptions = {}) {
    super();
    const known = ['translate', 'scale', 'shear', 'interpolation', 'fill', 'center'];
    checkOptions('RandomAffine', options, known, 'new RandomAffine(10, …)');
    const { translate = null, scale = null, shear = null } = options;
    this.degrees = anglesOf('RandomAffine', 'degrees', degrees);
    if (translate !== null && !(translate.length === 2 && translate.every((t) => t >= 0 && t <= 1))) {
      throw new OutOfRangeError(`RandomAffine: translate: expected [x, y] from 0 to 1, got ${show(translate)}`);
    }
    this.translate = translate;
    this.scale = scale && checkRange('RandomAffine', 'scale', scale, Number.MIN_VALUE);
    this.shear = shear === null ? null : shearsOf(shear);
    this.interpolation = options.interpolation ?? 'nearest';
    checkInterpolation('RandomAffine', this.interpolation, ['nearest', 'bilinear']);
    this.fill = options.fill ?? 0;
    this.center = options.center ?? null;
    checkCenter('RandomAffine', this.center);
  }

  /** Angle, move in pixels, scale and shear, drawn as torchvision draws them. */
  static getParams(
    degrees: Range,
    translate: Point | null,
    scale: Range | null,
    shear: readonly number[] | null,
    [height, width]: Size,
    generator: Generator,
  ): AffineParams {
    const draw = (low: number, high: number) => uniform(generator, low, high);
    const angle = draw(degrees[0], degrees[1]);
    const move = (part: number, size: number) => roundHalfEven(draw(-part * size, part * size)) + 0; // not -0
    const moved: Point = translate ? [move(translate[0], width), move(translate[1], height)] : [0, 0];
    const factor = scale ? draw(scale[0], scale[1]) : 1;
    const shearX = shear ? draw(shear[0], shear[1]) : 0;
    const shearY = shear?.length === 4 ? draw(shear[2], shear[3]) : 0;
    return { angle, translate: moved, scale: factor, shear: [shearX, shearY] };
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    const { height, width } = dimensionsOf('RandomAffine', image);
    const { degrees, translate, scale, shear, interpolation, fill, center } = this;
    const generator = generatorOf(context);
    const params = RandomAffine.getParams(degrees, translate, scale, shear, [height, width], generator);
    return affine(image, { ...params, interpolation, fill, center });
  }

  override recipe(): Recipe | undefined {
    const { degrees, translate, scale, shear, interpolation, fill, center } = this;
    const options = { translate, scale, shear, interpolation, fill, center };
    return recipeOf(this, RandomAffine, 'RandomAffine', degrees, options);
  }

  override extraRepr(): string {
    const { degrees, translate, scale, shear, interpolation, fill, center } = this;
    return fields({
      degrees: pyFloats(degrees),
      translate: translate ? pyFloatTuple(translate) : undefined,
      scale: scale ? pyFloatTuple(scale) : undefined,
      shear: shear ? pyFloats(shear) : undefined,
      interpolation: interpolation === 'nearest' ? undefined : interpolation,
      fill: fill === 0 ? undefined : py(fill),
      center: center ? py(center) : undefined,
    });
  }
}

function shearsOf(shear: number | readonly number[]): readonly number[] {
  if (typeof shear === 'number' || shear.length === 2) return anglesOf('RandomAffine', 'shear', shear);
  if (shear.length === 4) {
    return [
      ...checkRange('RandomAffine', 'shear', [shear[0], shear[1]]),
      ...checkRange('RandomAffine', 'shear', [shear[2], shear[3]]),
    ];
  }
  throw new OutOfRangeError(`RandomAffine: shear: expected a number, or two or four, got ${show(shear)}`);
}

/** Options of {@link RandomPerspective}. */
export interface RandomPerspectiveOptions extends WarpOptions {
  /** How far corners move, as a part of half the image. Default 0.5. */
  readonly distortionScale?: number;
  /** Probability of it. Default 0.5. */
  readonly p?: number;
  /** Default 0. */
  readonly fill?: Fill;
}

/**
 * Seen from a random side, with probability p: torchvision's `RandomPerspective`.
 *
 * Shape: `[..., C, H, W]`, and the same.
 *
 * When to use: on training data of flat things photographed from anywhere: signs, pages.
 *
 * @throws OutOfRangeError if an argument is not as it says.
 * @example
 * new transforms.RandomPerspective({ distortionScale: 0.3, p: 1 })(digits({ size: 32 }).get(0)[0]);
 */
export class RandomPerspective extends Transform {
  readonly distortionScale: number;
  readonly p: number;
  readonly interpolation: WarpInterpolation;
  readonly fill: Fill;

  /** @param options - See {@link RandomPerspectiveOptions}; `interpolation` is 'bilinear' by default. */
  constructor(options: RandomPerspectiveOptions = {}) {
    super();
    const known = ['distortionScale', 'p', 'interpolation', 'fill'];
    checkOptions('RandomPerspective', options, known, 'new RandomPerspective(…)');
    this.distortionScale = options.distortionScale ?? 0.5;
    if (!(this.distortionScale >= 0 && this.distortionScale <= 1)) {
      throw new OutOfRangeError(
        `RandomPerspective: distortionScale: expected a number from 0 to 1, got ${show(this.distortionScale)}`,
      );
    }
    this.p = options.p ?? 0.5;
    checkProbability('RandomPerspective', this.p);
    this.interpolation = options.interpolation ?? 'bilinear';
    checkInterpolation('RandomPerspective', this.interpolation, ['nearest', 'bilinear']);
    this.fill = options.fill ?? 0;
  }

  /** The image's corners, and where they come to lie, drawn as torchvision draws them. */
  static getParams(
    width: number,
    height: number,
    distortionScale: number,
    generator: Generator,
  ): [startpoints: Point[], endpoints: Point[]] {
    const farX = Math.trunc(distortionScale * Math.floor(width / 2));
    const farY = Math.trunc(distortionScale * Math.floor(height / 2));
    const left = () => randint(generator, 0, farX + 1);
    const right = () => randint(generator, width - farX - 1, width);
    const top = () => randint(generator, 0, farY + 1);
    const bottom = () => randint(generator, height - farY - 1, height);
    const corners: Point[] = [
      [0, 0],
      [width - 1, 0],
      [width - 1, height - 1],
      [0, height - 1],
    ];
    return [
      corners,
      [
        [left(), top()],
        [right(), top()],
        [right(), bottom()],
        [left(), bottom()],
      ],
    ];
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    const { height, width } = dimensionsOf('RandomPerspective', image);
    const generator = generatorOf(context);
    if (!happens(generator, this.p)) return image;
    const { interpolation, fill } = this;
    const [from, to] = RandomPerspective.getParams(width, height, this.distortionScale, generator);
    return perspective(image, from, to, { interpolation, fill });
  }

  override recipe(): Recipe | undefined {
    const { distortionScale, p, interpolation, fill } = this;
    return recipeOf(this, RandomPerspective, 'RandomPerspective', { distortionScale, p, interpolation, fill });
  }

  override extraRepr(): string {
    return `p=${pyFloat(this.p)}`;
  }
}
