/**
 * Convolution with a table of connections.
 */
import { defaultGenerator, nn, OutOfRangeError, tensor, zeros, type Tensor } from '@fakkel/core';

/**
 * A convolution in which each output map sees some of the input maps only. Connections that are absent have no
 * parameters: `weight` holds the kernels that exist, and each call puts them into a dense kernel, zero elsewhere, for
 * the convolution. Gradients flow to the kernels that exist.
 *
 * Shape: input `[N, inChannels, H, W]`, output `[N, outChannels, H − kernelSize + 1, W − kernelSize + 1]` with as many
 * output maps as rows in the table.
 *
 * Parameters: `weight` `[connections, kernelSize, kernelSize]`, by output map and input map, and `bias` `[outChannels]`,
 * from U(−2.4/fanIn, 2.4/fanIn) where the fan-in of an output map is its input maps × kernel cells.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B.
 *
 * @param inChannels Maps of the input.
 * @param connections For each output map, the input maps that it sees.
 * @param kernelSize Height and width of the kernels.
 * @throws OutOfRangeError for a map that does not exist, or is named twice for one output map.
 * @example
 * import { randn } from '@fakkel/core';
 * import { SparseConv2d } from '@fakkel/models';
 * const layer = new SparseConv2d(3, [[0, 1], [1, 2], [0, 1, 2]], 5);
 * layer.weight.shape; // [7, 5, 5]
 * layer(randn([8, 3, 14, 14])).shape; // [8, 3, 10, 10]
 */
export class SparseConv2d extends nn.Module {
  weight: nn.Parameter;
  bias: nn.Parameter;
  /** For each pair of output and input map, its kernel in `weight`; one past the last where they are not connected. */
  private table: Tensor;

  constructor(
    readonly inChannels: number,
    readonly connections: readonly (readonly number[])[],
    readonly kernelSize: number,
    options: nn.FactoryOptions = {},
  ) {
    super();
    const valid = (map: number): boolean => Number.isInteger(map) && map >= 0 && map < inChannels;
    for (const [out, maps] of connections.entries()) {
      if (maps.length === 0 || !maps.every(valid) || new Set(maps).size !== maps.length) {
        throw new OutOfRangeError(
          `SparseConv2d: output map ${out} needs input maps from 0 to ${inChannels - 1}, each once, got [${maps.join(', ')}]`,
        );
      }
    }
    const count = connections.reduce((n, maps) => n + maps.length, 0);
    let next = 0;
    const table = connections.flatMap((maps) =>
      Array.from({ length: inChannels }, (_, map) => (maps.includes(map) ? next++ : count)),
    );
    this.weight = new nn.Parameter(zeros([count, kernelSize, kernelSize], options));
    this.bias = new nn.Parameter(zeros([connections.length], options));
    this.table = tensor(Int32Array.from(table), { device: this.weight.device });
    this.resetParameters();
  }

  /** Draws the parameters anew: the kernels of each output map, then the biases. */
  resetParameters(): void {
    const { weight, bias, connections, kernelSize } = this;
    const array = weight.dtype === 'float64' ? Float64Array : Float32Array;
    const [kernels, biases] = [new array(weight.numel()), new array(bias.numel())];
    const bounds = connections.map((maps) => 2.4 / (maps.length * kernelSize ** 2));
    let start = 0;
    for (const [out, bound] of bounds.entries()) {
      const end = start + connections[out].length * kernelSize ** 2;
      defaultGenerator.uniform(kernels.subarray(start, end), -bound, bound);
      start = end;
    }
    for (const [out, bound] of bounds.entries()) defaultGenerator.uniform(biases.subarray(out, out + 1), -bound, bound);
    weight.assign(tensor(kernels, { shape: weight.shape, device: weight.device }));
    bias.assign(tensor(biases, { device: bias.device }));
  }

  override forward(x: Tensor): Tensor {
    const { connections, inChannels, kernelSize, weight } = this;
    if (this.table.device !== weight.device) this.table = this.table.to(weight.device);
    // The kernels, and one of zeros after them for connections that are absent.
    const rows = weight.reshape([-1, kernelSize ** 2]).pad([0, 0, 0, 1]);
    const dense = rows.indexSelect(0, this.table).reshape([connections.length, inChannels, kernelSize, kernelSize]);
    return x.conv2d(dense, this.bias);
  }

  override extraRepr(): string {
    const { connections, inChannels, kernelSize, weight } = this;
    return `${inChannels}, ${connections.length}, kernel_size=(${kernelSize}, ${kernelSize}), connections=${weight.shape[0]}`;
  }
}
