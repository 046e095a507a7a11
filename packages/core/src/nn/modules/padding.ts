/**
 * Layers that pad signals, images and volumes. What they compute is in `ops/padding.ts`.
 */
import { OutOfRangeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { pad, type PadOptions } from '../../ops/padding.js';
import { Module } from '../module.js';
import { pyTuple } from '../python.js';
import { checkNumber } from './factory.js';

/** One number for all sides, or `[left, right, top, bottom, front, back]` as far as there are axes. */
export type PaddingSize = number | readonly number[];

abstract class PadNd extends Module {
  readonly padding: readonly number[];

  constructor(axes: number, padding: PaddingSize) {
    super();
    const list = typeof padding === 'number' ? new Array<number>(2 * axes).fill(padding) : padding;
    if (!Array.isArray(list) || list.length !== 2 * axes || !list.every(Number.isInteger)) {
      throw new OutOfRangeError(
        `${new.target.name}: padding is a whole number, or ${2 * axes} of them ` +
          `([${['left', 'right', 'top', 'bottom', 'front', 'back'].slice(0, 2 * axes).join(', ')}]), got ${JSON.stringify(padding)}`,
      );
    }
    this.padding = [...(list as readonly number[])];
  }

  protected abstract get options(): PadOptions;

  override forward(x: Tensor): Tensor {
    return pad(x, this.padding, this.options);
  }

  override extraRepr(): string {
    return pyTuple(this.padding);
  }
}

abstract class ConstantPadNd extends PadNd {
  constructor(
    axes: number,
    padding: PaddingSize,
    readonly value: number,
  ) {
    super(axes, padding);
    checkNumber(new.target.name, 'value', value);
  }

  protected get options(): PadOptions {
    return { value: this.value };
  }

  override extraRepr(): string {
    return `padding=${pyTuple(this.padding)}, value=${this.value}`;
  }
}

/**
 * A number around signals. See {@link ConstantPad2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, L + left + right]`.
 *
 * @example
 * await new nn.ConstantPad1d([1, 0], 9)(tensor([[1, 2]])).toArray(); // [[9, 1, 2]]
 */
export class ConstantPad1d extends ConstantPadNd {
  constructor(padding: PaddingSize, value: number) {
    super(1, padding, value);
  }
}

/**
 * A number around images.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, H + top + bottom, W + left + right]`.
 *
 * @param padding Cells on each side: one number, or `[left, right, top, bottom]`. Negative ones crop.
 * @param value What is put there.
 * @example
 * new nn.ConstantPad2d([3, 0, 2, 1], 3.5)(randn([1, 2, 2])).shape; // [1, 5, 5]
 */
export class ConstantPad2d extends ConstantPadNd {
  constructor(padding: PaddingSize, value: number) {
    super(2, padding, value);
  }
}

/**
 * A number around volumes. See {@link ConstantPad2d}.
 *
 * Shape: input `[N, C, D, H, W]` or `[C, D, H, W]`, output `[N, C, D + front + back, H + top + bottom, W + left + right]`.
 *
 * @example
 * new nn.ConstantPad3d(1, 0)(randn([1, 2, 2, 2])).shape; // [1, 4, 4, 4]
 */
export class ConstantPad3d extends ConstantPadNd {
  constructor(padding: PaddingSize, value: number) {
    super(3, padding, value);
  }
}

/**
 * Zeros around images.
 *
 * When to use: where a convolution's own `padding` can't do it: another number of cells on each side.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, H + top + bottom, W + left + right]`.
 *
 * @param padding Cells on each side: one number, or `[left, right, top, bottom]`. Negative ones crop.
 * @example
 * new nn.ZeroPad2d([1, 1, 2, 0])(randn([1, 1, 3, 3])).shape; // [1, 1, 5, 5]
 */
export class ZeroPad2d extends ConstantPadNd {
  constructor(padding: PaddingSize) {
    super(2, padding, 0);
  }

  override extraRepr(): string {
    return pyTuple(this.padding);
  }
}

abstract class ReflectionPadNd extends PadNd {
  protected get options(): PadOptions {
    return { mode: 'reflect' };
  }
}

/**
 * Signals mirrored at their ends. See {@link ReflectionPad2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, L + left + right]`.
 *
 * @example
 * await new nn.ReflectionPad1d(2)(tensor([[0, 1, 2, 3]])).toArray(); // [[2, 1, 0, 1, 2, 3, 2, 1]]
 */
export class ReflectionPad1d extends ReflectionPadNd {
  constructor(padding: PaddingSize) {
    super(1, padding);
  }
}

/**
 * Images mirrored at their edges, which are not repeated.
 *
 * When to use: where zeros at the border would show, as in image generation and style transfer.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, H + top + bottom, W + left + right]`.
 *
 * @param padding Cells on each side, fewer than the image has: one number, or `[left, right, top, bottom]`.
 * @throws OutOfRangeError at the call, if a side has as many cells as the image, or more.
 * @example
 * new nn.ReflectionPad2d(2)(randn([1, 1, 3, 3])).shape; // [1, 1, 7, 7]
 */
export class ReflectionPad2d extends ReflectionPadNd {
  constructor(padding: PaddingSize) {
    super(2, padding);
  }
}

/**
 * Volumes mirrored at their faces. See {@link ReflectionPad2d}.
 *
 * Shape: input `[N, C, D, H, W]` or `[C, D, H, W]`, output `[N, C, D + front + back, H + top + bottom, W + left + right]`.
 *
 * @example
 * new nn.ReflectionPad3d(1)(randn([1, 2, 2, 2])).shape; // [1, 4, 4, 4]
 */
export class ReflectionPad3d extends ReflectionPadNd {
  constructor(padding: PaddingSize) {
    super(3, padding);
  }
}

abstract class ReplicationPadNd extends PadNd {
  protected get options(): PadOptions {
    return { mode: 'replicate' };
  }
}

/**
 * Signals with their end cells repeated. See {@link ReplicationPad2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, L + left + right]`.
 *
 * @example
 * await new nn.ReplicationPad1d([2, 1])(tensor([[1, 2]])).toArray(); // [[1, 1, 1, 2, 2]]
 */
export class ReplicationPad1d extends ReplicationPadNd {
  constructor(padding: PaddingSize) {
    super(1, padding);
  }
}

/**
 * Images with the cells of their edges repeated.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, H + top + bottom, W + left + right]`.
 *
 * @param padding Cells on each side: one number, or `[left, right, top, bottom]`.
 * @example
 * new nn.ReplicationPad2d(2)(randn([1, 1, 3, 3])).shape; // [1, 1, 7, 7]
 */
export class ReplicationPad2d extends ReplicationPadNd {
  constructor(padding: PaddingSize) {
    super(2, padding);
  }
}

/**
 * Volumes with the cells of their faces repeated. See {@link ReplicationPad2d}.
 *
 * Shape: input `[N, C, D, H, W]` or `[C, D, H, W]`, output `[N, C, D + front + back, H + top + bottom, W + left + right]`.
 *
 * @example
 * new nn.ReplicationPad3d(1)(randn([1, 2, 2, 2])).shape; // [1, 4, 4, 4]
 */
export class ReplicationPad3d extends ReplicationPadNd {
  constructor(padding: PaddingSize) {
    super(3, padding);
  }
}
