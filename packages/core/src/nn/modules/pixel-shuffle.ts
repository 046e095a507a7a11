/**
 * Layers that put channels elsewhere. What they compute is in `ops/pixel-shuffle.ts`.
 */
import type { Tensor } from '../../graph/tensor.js';
import { channelShuffle, pixelShuffle, pixelUnshuffle } from '../../ops/pixel-shuffle.js';
import { Module } from '../module.js';
import { checkCount } from './factory.js';

/**
 * Channels put side by side as pixels: out[c, h·r + i, w·r + j] = x[c·r² + i·r + j, h, w].
 *
 * When to use: upsampling after a convolution that makes r² times as many channels (super-resolution).
 *
 * Shape: input `[…, C·r², H, W]`, output `[…, C, H·r, W·r]`.
 *
 * Source: Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
 * network", 2016.
 *
 * @param upscaleFactor r.
 * @throws OutOfRangeError unless r is a whole number from 1 up; ShapeError unless r² divides the channels.
 * @example
 * new nn.PixelShuffle(3)(randn([1, 9, 4, 4])).shape; // [1, 1, 12, 12]
 */
export class PixelShuffle extends Module {
  constructor(readonly upscaleFactor: number) {
    super();
    checkCount('PixelShuffle', 'upscaleFactor', upscaleFactor, 1);
  }

  override forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor);
  }

  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/**
 * Pixels of squares put into channels: the inverse of {@link PixelShuffle}.
 *
 * Shape: input `[…, C, H·r, W·r]`, output `[…, C·r², H, W]`.
 *
 * @param downscaleFactor r.
 * @throws OutOfRangeError unless r is a whole number from 1 up; ShapeError unless r divides height and width.
 * @example
 * new nn.PixelUnshuffle(3)(randn([1, 1, 12, 12])).shape; // [1, 9, 4, 4]
 */
export class PixelUnshuffle extends Module {
  constructor(readonly downscaleFactor: number) {
    super();
    checkCount('PixelUnshuffle', 'downscaleFactor', downscaleFactor, 1);
  }

  override forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor);
  }

  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/**
 * Channels of several groups dealt out in turn.
 *
 * When to use: between grouped convolutions, so that what one group found reaches the others (ShuffleNet).
 *
 * Shape: `[N, C, …]` stays.
 *
 * Source: Zhang et al., "ShuffleNet", 2017.
 *
 * @param groups Number of groups; divides the channels.
 * @throws OutOfRangeError unless it is a whole number from 1 up; ShapeError unless it divides the channels.
 * @example
 * await new nn.ChannelShuffle(2)(tensor([[[1], [2], [3], [4]]])).flatten().toArray(); // [1, 3, 2, 4]
 */
export class ChannelShuffle extends Module {
  constructor(readonly groups: number) {
    super();
    checkCount('ChannelShuffle', 'groups', groups, 1);
  }

  override forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups);
  }

  override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}
