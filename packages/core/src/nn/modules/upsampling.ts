/**
 * Layers that change the size of signals, images and volumes. What they compute is in `ops/interpolation.ts`.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions, type PerAxis } from '../../ops/arguments.js';
import {
  checkInterpolateOptions,
  interpolate,
  type InterpolateOptions,
  type InterpolationMode,
} from '../../ops/interpolation.js';
import { Module } from '../module.js';
import { pyFloat, pyTuple } from '../python.js';

/** What {@link Upsample} takes: `size` or `scaleFactor`. */
export type UpsampleOptions = Omit<InterpolateOptions, 'antialias'>;

/**
 * A signal, image or volume in another size: see `nn.functional.interpolate`.
 *
 * When to use: upsampling in decoders and segmentation networks. Followed by a convolution it leaves fewer checkerboard
 * patterns than {@link ConvTranspose2d}.
 *
 * Shape: input `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]`, output `[N, C, …size]`; by `scaleFactor` each size is
 * rounded down.
 *
 * @param options `size` or `scaleFactor`, a number or one for each spatial axis; `mode`: 'nearest' (default), 'linear',
 *   'bilinear', 'bicubic', 'trilinear'; `alignCorners` (false); `recomputeScaleFactor` (false).
 * @throws FakkelError unless size or scaleFactor is given.
 * @example
 * const layer = new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' });
 * layer(randn([1, 3, 8, 8])).shape; // [1, 3, 16, 16]
 */
export class Upsample extends Module {
  readonly size: PerAxis | undefined;
  readonly scaleFactor: PerAxis | undefined;
  readonly mode: InterpolationMode;
  readonly alignCorners: boolean | undefined;
  readonly recomputeScaleFactor: boolean;

  constructor(options: UpsampleOptions) {
    super();
    checkInterpolateOptions(new.target.name, options);
    this.size = options.size;
    this.scaleFactor = options.scaleFactor;
    this.mode = options.mode ?? 'nearest';
    this.alignCorners = options.alignCorners;
    this.recomputeScaleFactor = options.recomputeScaleFactor ?? false;
  }

  override forward(x: Tensor): Tensor {
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this;
    return interpolate(x, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor });
  }

  override extraRepr(): string {
    const { size, scaleFactor, mode } = this;
    if (scaleFactor === undefined) return `size=${pyTuple(size!)}, mode=${mode}`;
    const factors = typeof scaleFactor === 'number' ? pyFloat(scaleFactor) : `(${scaleFactor.map(pyFloat).join(', ')})`;
    return `scale_factor=${factors}, mode=${mode}`;
  }
}

/** What the upsampling layers of images take: one of both. */
export type UpsamplingOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor'>;

function upsampling(layer: string, options: UpsamplingOptions): UpsamplingOptions {
  checkOptions(layer, options, ['size', 'scaleFactor'] satisfies (keyof UpsamplingOptions)[]);
  return options;
}

/**
 * Images in another size, each pixel the nearest one: {@link Upsample} with mode 'nearest'.
 *
 * Shape: input `[N, C, H, W]`, output `[N, C, …size]`.
 *
 * @example
 * new nn.UpsamplingNearest2d({ scaleFactor: 2 })(randn([1, 3, 8, 8])).shape; // [1, 3, 16, 16]
 */
export class UpsamplingNearest2d extends Upsample {
  constructor(options: UpsamplingOptions) {
    super({ ...upsampling('UpsamplingNearest2d', options), mode: 'nearest' });
  }
}

/**
 * Images in another size, interpolated so that the corners stay: {@link Upsample} with mode 'bilinear' and `alignCorners`.
 *
 * Shape: input `[N, C, H, W]`, output `[N, C, …size]`.
 *
 * @example
 * new nn.UpsamplingBilinear2d({ size: [12, 10] })(randn([1, 3, 8, 8])).shape; // [1, 3, 12, 10]
 */
export class UpsamplingBilinear2d extends Upsample {
  constructor(options: UpsamplingOptions) {
    super({ ...upsampling('UpsamplingBilinear2d', options), mode: 'bilinear', alignCorners: true });
  }
}
