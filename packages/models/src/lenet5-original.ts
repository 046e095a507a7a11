/**
 * LeNet-5 as published in 1998.
 */
import { nn, OutOfRangeError, type Tensor } from '@fakkel/core';
import { builder } from './builder.js';
import { digitCodes } from './digit-codes.js';
import { checkImages } from './images.js';
import { checkOptions, FACTORY_OPTIONS } from './options.js';
import { SparseConv2d } from './sparse-conv2d.js';
import { Subsample } from './subsample.js';
import { uniformFanIn_ } from './uniform-fan-in.js';

/**
 * Which maps of S2 each map of C3 sees (Table I of the paper): six see three neighbours, six see four, three see four
 * that are not all neighbours, one sees all. It keeps the number of parameters down, and makes maps extract different
 * features.
 */
export const C3_CONNECTIONS: readonly (readonly number[])[] = [
  [0, 1, 2],
  [1, 2, 3],
  [2, 3, 4],
  [3, 4, 5],
  [0, 4, 5],
  [0, 1, 5],
  [0, 1, 2, 3],
  [1, 2, 3, 4],
  [2, 3, 4, 5],
  [0, 3, 4, 5],
  [0, 1, 4, 5],
  [0, 1, 2, 5],
  [0, 1, 3, 4],
  [1, 2, 4, 5],
  [0, 2, 3, 5],
  [0, 1, 2, 3, 4, 5],
];

/** What {@link lenet5Original} takes. */
export interface LeNet5OriginalOptions extends nn.FactoryOptions {
  /** 'linear': logits; 'rbf': squared distances to the bitmaps of the digits, as in the paper. Default 'linear'. */
  output?: 'linear' | 'rbf';
}

/** See {@link lenet5Original}. */
export class LeNet5Original extends nn.Module {
  c1: nn.Conv2d;
  s2: Subsample;
  c3: SparseConv2d;
  s4: Subsample;
  c5: nn.Conv2d;
  f6: nn.Linear;
  output: nn.Linear | nn.RBF;
  act = new nn.ScaledTanh();

  constructor(given: LeNet5OriginalOptions = {}) {
    super();
    checkOptions('LeNet5Original', given, ['output', ...FACTORY_OPTIONS]);
    const { output = 'linear', dtype, device } = given;
    const options = { dtype, device };
    if (output !== 'linear' && output !== 'rbf') {
      throw new OutOfRangeError(`LeNet5Original: output is 'linear' or 'rbf', got '${String(output)}'`);
    }
    this.c1 = new nn.Conv2d(1, 6, 5, options);
    this.s2 = new Subsample(6, options);
    this.c3 = new SparseConv2d(6, C3_CONNECTIONS, 5, options);
    this.s4 = new Subsample(16, options);
    this.c5 = new nn.Conv2d(16, 120, 5, options);
    this.f6 = new nn.Linear(120, 84, options);
    this.output = output === 'rbf' ? new nn.RBF(digitCodes(options)) : new nn.Linear(84, 10, options);
    // The layers of core are drawn again, with the bounds of 1998; the others have them already.
    const drawn = [this.c1, this.c5, this.f6, ...(this.output instanceof nn.Linear ? [this.output] : [])];
    for (const layer of drawn) {
      const { fanIn } = nn.init.fanInAndFanOut(layer.weight);
      uniformFanIn_(layer.weight, fanIn);
      uniformFanIn_(layer.bias!, fanIn);
    }
  }

  override forward(x: Tensor): Tensor {
    checkImages('LeNet5Original', x, this.c1.inChannels, 32);
    // N x 1 x 32 x 32
    x = this.act(this.c1(x));
    // N x 6 x 28 x 28
    x = this.act(this.s2(x));
    // N x 6 x 14 x 14
    x = this.act(this.c3(x));
    // N x 16 x 10 x 10
    x = this.act(this.s4(x));
    // N x 16 x 5 x 5
    x = this.act(this.c5(x)).flatten(1);
    // N x 120
    x = this.act(this.f6(x));
    // N x 84
    return this.output(x);
  }
}

/**
 * LeNet-5 as published in 1998: scaled tanh after every layer but the last, subsampling with a weight and a bias a map,
 * and a second convolution whose maps see some of the maps before it only.
 *
 * | layer | output | parameters |
 * |---|---|---|
 * | C1, convolution 5×5 | 6 × 28 × 28 | 156 |
 * | S2, subsampling | 6 × 14 × 14 | 12 |
 * | C3, convolution 5×5, 60 of 96 connections | 16 × 10 × 10 | 1,516 |
 * | S4, subsampling | 16 × 5 × 5 | 32 |
 * | C5, convolution 5×5 | 120 × 1 × 1 | 48,120 |
 * | F6, fully connected | 84 | 10,164 |
 * | output, fully connected | 10 | 850 |
 * | | | 60,850 |
 *
 * With `output: 'rbf'` it ends as in the paper: in the squared distances of F6 to a bitmap of each digit
 * ({@link digitCodes}), which are fixed, for `RBFLoss`; the smallest is the answer, `net(x).argmin(1)`. That leaves 60,000
 * parameters. By default a fully connected layer gives logits for `CrossEntropyLoss` instead, so that the network can be
 * trained as others are. The paper's optimizer is
 * `StochasticDiagonalLM` of `@fakkel/optim`; any other does as well.
 * Weights and biases start from U(−2.4/fanIn, 2.4/fanIn), as in the paper, where the fan-in counts the inputs of a unit:
 * 4 for subsampling, 25 times the maps that it sees for a convolution.
 *
 * Shape: input `[N, 1, 32, 32]`, output `[N, 10]`: logits, or distances.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B.
 *
 * @param options `output`: 'linear' (default) or 'rbf'; `dtype` ('float32'), `device` (the default device).
 * @example
 * import { randn } from '@fakkel/core';
 * import { lenet5Original } from '@fakkel/models';
 * const net = lenet5Original();
 * net(randn([8, 1, 32, 32])).shape; // [8, 10]
 */
export const lenet5Original = builder(
  'lenet5Original',
  (options: LeNet5OriginalOptions) => new LeNet5Original(options),
);
