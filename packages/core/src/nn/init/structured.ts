/**
 * Initialization with structure: identities, orthogonal and sparse matrices.
 */
import { OutOfRangeError, ShapeError } from '../../errors.js';
import { defaultGenerator } from '../../random/generator.js';
import type { Cell } from '../../runtime/cell.js';
import { formatAval, sizeOf } from '../../shape.js';
import { checkCell, draw, type RandomOptions } from './cells.js';
import { orthonormalColumns } from './householder.js';

function checkMatrix(fn: string, cell: Cell): void {
  if (cell.ndim !== 2) throw new ShapeError(`${fn}: expected a matrix [out, in], got ${formatAval(cell)}`);
}

/**
 * Fills a matrix with the identity: a linear layer then passes as many inputs as it can.
 *
 * When to use: for layers that should begin by doing nothing, such as the hidden weights of a recurrent network of
 * rectifiers.
 *
 * Source: Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.
 *
 * @param weight `[out, in]`.
 * @throws ShapeError unless it has two axes.
 * @example
 * const w = nn.init.eye_(new nn.Parameter(zeros([2, 3])));
 * await w.toArray(); // [[1, 0, 0], [0, 1, 0]]
 */
export function eye_<C extends Cell>(weight: C): C {
  checkCell('init.eye_', weight);
  checkMatrix('init.eye_', weight);
  const [rows, columns] = weight.shape;
  return draw('init.eye_', weight, (out) => {
    for (let i = 0; i < Math.min(rows, columns); i++) out[i * columns + i] = 1;
  });
}

/**
 * Fills the weight of a convolution with Dirac's delta: with padding 'same' it passes as many channels as it can, those
 * of each group by themselves.
 *
 * When to use: for convolutions that should begin by doing nothing, so that networks without shortcuts train when they
 * are very deep.
 *
 * Source: Zagoruyko and Komodakis, "DiracNets: training very deep neural networks without skip-connections", 2017.
 *
 * @param weight `[out, in / groups, …kernel]`, the kernel with 1, 2 or 3 axes.
 * @param groups As the layer has. Default 1.
 * @throws ShapeError unless it has 3, 4 or 5 axes; OutOfRangeError unless groups divides the output channels.
 * @example
 * const w = nn.init.dirac_(new nn.Parameter(zeros([2, 1, 3])), 2);
 * await w.toArray(); // [[[0, 1, 0]], [[0, 1, 0]]]
 */
export function dirac_<C extends Cell>(weight: C, groups = 1): C {
  checkCell('init.dirac_', weight);
  if (weight.ndim < 3 || weight.ndim > 5) {
    throw new ShapeError(
      `init.dirac_: expected the weight of a convolution, [out, in, …kernel] with 1 to 3 kernel axes, got ${formatAval(weight)}`,
    );
  }
  const [outChannels, inChannels, ...kernel] = weight.shape;
  if (!Number.isInteger(groups) || groups < 1 || outChannels % groups !== 0) {
    throw new OutOfRangeError(
      `init.dirac_: groups is a whole number that divides the output channels, got ${groups} for ${formatAval(weight)}`,
    );
  }
  const cells = sizeOf(kernel);
  const middle = kernel.reduce((index, size) => index * size + Math.floor(size / 2), 0);
  const perGroup = outChannels / groups;
  return draw('init.dirac_', weight, (out) => {
    for (let g = 0; g < groups; g++) {
      for (let c = 0; c < Math.min(perGroup, inChannels); c++) {
        out[((g * perGroup + c) * inChannels + c) * cells + middle] = 1;
      }
    }
  });
}

/**
 * Fills a weight with a random (semi-)orthogonal matrix times a gain: of the weight as a matrix `[out, the rest]`, the
 * rows are orthonormal, or the columns where there are fewer.
 *
 * The matrix is the Q of a normal matrix's QR factorization, made unique by a positive diagonal of R, so that the numbers
 * after `manualSeed` are PyTorch's up to rounding: within 1e-6 in float32, which PyTorch factorizes in single precision
 * and we in double, and within 1e-14 in float64 (measured up to 30 × 30). It runs in JavaScript, on one thread: a second
 * for 800 × 800, three for 512 × 4608.
 *
 * When to use: for the hidden weights of recurrent networks, and for very deep networks: an orthogonal matrix keeps the
 * length of every signal and of every gradient exactly.
 *
 * Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
 * networks", 2013.
 *
 * @param weight `[out, in, …kernel]`.
 * @param gain See {@link calculateGain}. Default 1.
 * @throws ShapeError for fewer than two axes.
 * @example
 * const w = nn.init.orthogonal_(new nn.Parameter(zeros([3, 5])));
 * await w.matmul(w.t()).toArray(); // the identity, to rounding
 */
export function orthogonal_<C extends Cell>(
  weight: C,
  gain = 1,
  { generator = defaultGenerator }: RandomOptions = {},
): C {
  checkCell('init.orthogonal_', weight);
  if (weight.ndim < 2) {
    throw new ShapeError(
      `init.orthogonal_: a weight has at least two axes, [out, in, …], got ${formatAval(weight)}. Use zeros_ or constant_ for biases.`,
    );
  }
  const rows = weight.shape[0];
  const columns = sizeOf(weight.shape.slice(1));
  return draw('init.orthogonal_', weight, (out) => {
    generator.normal(out);
    // The longer axis runs along the columns of what is factorized.
    const [count, length, acrossStep, alongStep] =
      rows < columns ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
    const drawn = Array.from({ length: count }, (_, j) =>
      Float64Array.from({ length }, (_, i) => out[j * acrossStep + i * alongStep]),
    );
    orthonormalColumns(drawn).forEach((column, j) =>
      column.forEach((x, i) => (out[j * acrossStep + i * alongStep] = gain * x)),
    );
  });
}

/**
 * Fills a matrix with numbers from N(0, std²), and sets a share of each column to zero: each unit hears few inputs.
 *
 * When to use: for fully connected layers with many inputs, whose units saturate when all of them add up.
 *
 * Source: Martens, "Deep learning via Hessian-free optimization", 2010.
 *
 * @param weight `[out, in]`.
 * @param sparsity The share of each column that is zero, from 0 to 1; rounded up to whole elements.
 * @param std Standard deviation of the others. Default 0.01.
 * @throws ShapeError unless it has two axes; OutOfRangeError unless sparsity is from 0 to 1.
 * @example
 * nn.init.sparse_(new nn.Parameter(zeros([30, 500])), 0.5);
 */
export function sparse_<C extends Cell>(
  weight: C,
  sparsity: number,
  std = 0.01,
  { generator = defaultGenerator }: RandomOptions = {},
): C {
  checkCell('init.sparse_', weight);
  checkMatrix('init.sparse_', weight);
  if (!(sparsity >= 0 && sparsity <= 1))
    throw new OutOfRangeError(`init.sparse_: sparsity is a share from 0 to 1, got ${String(sparsity)}`);
  const [rows, columns] = weight.shape;
  const zeros = Math.ceil(sparsity * rows);
  return draw('init.sparse_', weight, (out) => {
    generator.normal(out, 0, std);
    for (let column = 0; column < columns; column++) {
      for (const row of generator.randperm(rows).subarray(0, zeros)) out[row * columns + column] = 0;
    }
  });
}
