/**
 * Windows of images as columns (im2col), and columns added back to images (col2im).
 */
import { ShapeError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import type { Device } from '../runtime/device.js';
import { formatAval } from '../shape.js';
import { checkOptions, perAxis, type PerAxis } from './arguments.js';
import { checkFloat } from './common.js';
import { filled, literal } from './constants.js';
import { hostConstant } from './host-constants.js';
import { batched, checkPlanes } from './spatial.js';

/** What unfold and fold take beside the kernel. */
export interface UnfoldOptions {
  /** Default 1. */
  stride?: PerAxis;
  /** Zeros around the image. Default 0. */
  padding?: PerAxis;
  /** Distance between the cells of a window. Default 1. */
  dilation?: PerAxis;
}

interface Axis {
  /** Cells with the padding. */
  readonly padded: number;
  readonly padding: number;
  readonly kernel: number;
  /** Windows along the axis. */
  readonly windows: number;
  /** Padded cell of kernel cell k in window i, at k · windows + i. */
  readonly cells: Tensor;
}

function axesOf(
  op: string,
  device: Device,
  size: readonly number[],
  kernelSize: PerAxis,
  options: UnfoldOptions,
): Axis[] {
  checkOptions(op, options, ['stride', 'padding', 'dilation'] satisfies (keyof UnfoldOptions)[]);
  const kernels = perAxis(op, 'kernelSize', kernelSize, 2, 1);
  const strides = perAxis(op, 'stride', options.stride ?? 1, 2, 1);
  const paddings = perAxis(op, 'padding', options.padding ?? 0, 2, 0);
  const dilations = perAxis(op, 'dilation', options.dilation ?? 1, 2, 1);
  return size.map((n, i) => {
    const [kernel, stride, padding, dilation] = [kernels[i], strides[i], paddings[i], dilations[i]];
    const padded = n + 2 * padding;
    const reach = dilation * (kernel - 1) + 1;
    const windows = Math.floor((padded - reach) / stride) + 1;
    if (windows < 1) {
      throw new ShapeError(
        `${op}: the kernel spans ${reach} cells, an image of [${size.join(', ')}] has ${padded} with its padding along ` +
          `axis ${i - 2}. Add padding or use a smaller kernel.`,
      );
    }
    const cells = hostConstant(device, 'int32', `unfold ${kernel}·${dilation} ${windows}·${stride}`, () =>
      Array.from(
        { length: kernel * windows },
        (_, at) => Math.floor(at / windows) * dilation + (at % windows) * stride,
      ),
    );
    return { padded, padding, kernel, windows, cells };
  });
}

/**
 * Every window of an image as a column (im2col), as `F.unfold`.
 *
 * Shape: `[N, C, H, W]` or `[C, H, W]` gives `[N, C·KH·KW, L]`, where L is the number of windows, in row-major order.
 *
 * @throws ShapeError if the kernel does not fit the padded image.
 * @example
 * await tensor([[[1, 2, 3], [4, 5, 6]]]).unfold([2, 2]).toArray(); // [[1, 2], [2, 3], [4, 5], [5, 6]]
 */
export function unfold(x: Tensor, kernelSize: PerAxis, options: UnfoldOptions = {}): Tensor {
  checkPlanes('unfold', x, 2);
  const [h, w] = axesOf('unfold', x.device, x.shape.slice(-2), kernelSize, options);
  return batched(x, 2, (images) => {
    const [n, c] = images.shape;
    const padded =
      h.padding + w.padding > 0
        ? images.pad([w.padding, w.padding, h.padding, h.padding], { value: literal(0, x) })
        : images;
    const cells = padded.indexSelect(2, h.cells).indexSelect(3, w.cells);
    const split = cells.reshape([n, c, h.kernel, h.windows, w.kernel, w.windows]);
    return [split.permute([0, 1, 2, 4, 3, 5]).reshape([n, c * h.kernel * w.kernel, h.windows * w.windows])];
  })[0];
}

/**
 * Adds columns back to the cells that {@link unfold} read them from (col2im), as `F.fold`. Cells in several windows
 * get the sum.
 *
 * Shape: `[N, C·KH·KW, L]` or `[C·KH·KW, L]` gives `[N, C, …outputSize]`.
 *
 * @param outputSize Height and width of the image.
 * @throws ShapeError if the columns are not those of such windows.
 * @example
 * const image = tensor([[[1, 2], [3, 4]]]);
 * await image.unfold(2).fold([2, 2], 2).toArray(); // [[[1, 2], [3, 4]]]
 */
export function fold(x: Tensor, outputSize: PerAxis, kernelSize: PerAxis, options: UnfoldOptions = {}): Tensor {
  checkPlanes('fold', x, 1);
  checkFloat('fold', [x]);
  const size = perAxis('fold', 'outputSize', outputSize, 2, 1);
  const [h, w] = axesOf('fold', x.device, size, kernelSize, options);
  const [rows, columns] = x.shape.slice(-2);
  const cells = h.kernel * w.kernel;
  if (rows % cells !== 0 || columns !== h.windows * w.windows) {
    throw new ShapeError(
      `fold: expected columns [N, C·${cells}, ${h.windows * w.windows}] (${h.windows}×${w.windows} windows of ` +
        `${h.kernel}×${w.kernel} in an image of ${size.join('×')}), got ${formatAval(x)}`,
    );
  }
  return batched(x, 1, (batch) => {
    const [n, c] = [batch.shape[0], rows / cells];
    const split = batch.reshape([n, c, h.kernel, w.kernel, h.windows, w.windows]).permute([0, 1, 2, 4, 3, 5]);
    const lines = split.reshape([n, c, h.kernel * h.windows, w.kernel * w.windows]);
    const wide = filled(0, [n, c, lines.shape[2], w.padded], x).indexAdd(3, w.cells, lines);
    const image = filled(0, [n, c, h.padded, w.padded], x).indexAdd(2, h.cells, wide);
    return [image.narrow(2, h.padding, size[0]).narrow(3, w.padding, size[1])];
  })[0];
}
