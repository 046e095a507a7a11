/**
 * Adaptive pooling layers. What they compute is in `ops/adaptive-pooling.ts`.
 */
import type { Tensor } from '../../../graph/tensor.js';
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
} from '../../../ops/adaptive-pooling.js';
import { perAxis } from '../../../ops/arguments.js';
import { Module } from '../../module.js';
import { pyTuple } from '../../python.js';

/** Output sizes of adaptive pooling; null keeps the input's. */
export type OutputSize = number | null | readonly (number | null)[];

abstract class AdaptivePoolNd extends Module {
  constructor(
    axes: number,
    readonly outputSize: OutputSize,
  ) {
    super();
    const sizes = (Array.isArray(outputSize) ? outputSize : new Array<OutputSize>(axes).fill(outputSize)) as unknown[];
    perAxis(new.target.name, 'outputSize', sizes.map((n) => n ?? 0) as number[], axes, 0);
  }

  override extraRepr(): string {
    return `output_size=${pyTuple(this.outputSize)}`;
  }
}

/**
 * Averages of as many windows as the output has cells, along one axis. See {@link AdaptiveAvgPool2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, outputSize]`.
 *
 * @example
 * new nn.AdaptiveAvgPool1d(5)(randn([1, 64, 8])).shape; // [1, 64, 5]
 */
export class AdaptiveAvgPool1d extends AdaptivePoolNd {
  constructor(outputSize: number) {
    super(1, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/**
 * Averages of as many windows as the output has cells, whatever the input's size: output cell i averages the input
 * cells from ⌊i·H/Hout⌋ to ⌈(i + 1)·H/Hout⌉.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, ...outputSize]`.
 *
 * @param outputSize One number, or `[height, width]`; null keeps the input's size.
 * @example
 * new nn.AdaptiveAvgPool2d([5, null])(randn([1, 64, 8, 9])).shape; // [1, 64, 5, 9]
 */
export class AdaptiveAvgPool2d extends AdaptivePoolNd {
  constructor(outputSize: OutputSize) {
    super(2, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/**
 * Maxima of as many windows as the output has cells. See {@link AdaptiveAvgPool2d}.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, ...outputSize]`.
 *
 * @param outputSize One number, or `[height, width]`; null keeps the input's size.
 * @example
 * new nn.AdaptiveMaxPool2d(7)(randn([1, 64, 10, 9])).shape; // [1, 64, 7, 7]
 */
export class AdaptiveMaxPool2d extends AdaptivePoolNd {
  constructor(outputSize: OutputSize) {
    super(2, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}

/**
 * Averages of as many windows as the output has cells, of volumes. See {@link AdaptiveAvgPool2d}.
 *
 * Shape: input `[N, C, D, H, W]` or `[C, D, H, W]`, output `[N, C, ...outputSize]`.
 *
 * @example
 * new nn.AdaptiveAvgPool3d([5, null, 2])(randn([1, 4, 8, 9, 10])).shape; // [1, 4, 5, 9, 2]
 */
export class AdaptiveAvgPool3d extends AdaptivePoolNd {
  constructor(outputSize: OutputSize) {
    super(3, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }
}

/**
 * Maxima of as many windows as the output has cells, along one axis. See {@link AdaptiveMaxPool2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, outputSize]`.
 *
 * @example
 * new nn.AdaptiveMaxPool1d(5)(randn([1, 64, 8])).shape; // [1, 64, 5]
 */
export class AdaptiveMaxPool1d extends AdaptivePoolNd {
  constructor(outputSize: number) {
    super(1, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool1d(x, this.outputSize);
  }
}

/**
 * Maxima of as many windows as the output has cells, of volumes. See {@link AdaptiveMaxPool2d}.
 *
 * Shape: input `[N, C, D, H, W]` or `[C, D, H, W]`, output `[N, C, ...outputSize]`.
 *
 * @example
 * new nn.AdaptiveMaxPool3d(2)(randn([1, 4, 8, 9, 10])).shape; // [1, 4, 2, 2, 2]
 */
export class AdaptiveMaxPool3d extends AdaptivePoolNd {
  constructor(outputSize: OutputSize) {
    super(3, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool3d(x, this.outputSize);
  }
}
