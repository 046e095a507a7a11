/**
 * Windows as columns and back, as layers. What they compute is in `ops/unfold.ts`.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions, perAxis, type PerAxis } from '../../ops/arguments.js';
import { fold, unfold, type UnfoldOptions } from '../../ops/unfold.js';
import { Module } from '../module.js';
import { pyTuple } from '../python.js';

abstract class Windows extends Module {
  readonly dilation: PerAxis;
  readonly padding: PerAxis;
  readonly stride: PerAxis;

  constructor(
    readonly kernelSize: PerAxis,
    options: UnfoldOptions,
  ) {
    super();
    const layer = new.target.name;
    checkOptions(layer, options, ['dilation', 'padding', 'stride'] satisfies (keyof UnfoldOptions)[]);
    this.dilation = options.dilation ?? 1;
    this.padding = options.padding ?? 0;
    this.stride = options.stride ?? 1;
    perAxis(layer, 'kernelSize', kernelSize, 2, 1);
    perAxis(layer, 'dilation', this.dilation, 2, 1);
    perAxis(layer, 'padding', this.padding, 2, 0);
    perAxis(layer, 'stride', this.stride, 2, 1);
  }

  protected get options(): UnfoldOptions {
    const { dilation, padding, stride } = this;
    return { dilation, padding, stride };
  }

  override extraRepr(): string {
    return (
      `kernel_size=${pyTuple(this.kernelSize)}, dilation=${pyTuple(this.dilation)}, padding=${pyTuple(this.padding)}, ` +
      `stride=${pyTuple(this.stride)}`
    );
  }
}

/**
 * Every window of an image as a column (im2col).
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C·KH·KW, L]` with L windows in row-major order.
 *
 * @param kernelSize Cells of a window: one number, or `[height, width]`.
 * @param options `dilation` (1), `padding` (0), `stride` (1).
 * @throws ShapeError at the call, if the kernel does not fit the padded image.
 * @example
 * new nn.Unfold([2, 3])(randn([2, 5, 3, 4])).shape; // [2, 30, 4]
 */
export class Unfold extends Windows {
  constructor(kernelSize: PerAxis, options: UnfoldOptions = {}) {
    super(kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return unfold(x, this.kernelSize, this.options);
  }
}

/**
 * Adds columns back to the cells that {@link Unfold} read them from (col2im): cells in several windows get the sum.
 *
 * Shape: input `[N, C·KH·KW, L]` or `[C·KH·KW, L]`, output `[N, C, …outputSize]`.
 *
 * @param outputSize Height and width of the image.
 * @param kernelSize Cells of a window: one number, or `[height, width]`.
 * @param options `dilation` (1), `padding` (0), `stride` (1).
 * @throws ShapeError at the call, if the columns are not those of such windows.
 * @example
 * new nn.Fold([4, 5], 2)(randn([1, 12, 12])).shape; // [1, 3, 4, 5]
 */
export class Fold extends Windows {
  constructor(
    readonly outputSize: PerAxis,
    kernelSize: PerAxis,
    options: UnfoldOptions = {},
  ) {
    super(kernelSize, options);
    perAxis('Fold', 'outputSize', outputSize, 2, 1);
  }

  override forward(x: Tensor): Tensor {
    return fold(x, this.outputSize, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return `output_size=${pyTuple(this.outputSize)}, ${super.extraRepr()}`;
  }
}
