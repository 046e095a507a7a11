/**
 * Tables of vectors. What they compute is in `ops/embedding.ts`.
 */
import { NotInTypeScriptError, ShapeError } from '../../errors.js';
import { hide, noGrad } from '../../graph/modes.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { filled } from '../../ops/constants.js';
import { embedding, EMBEDDING_OPTIONS, paddingRow, type EmbeddingOptions } from '../../ops/embedding.js';
import { Parameter } from '../../runtime/cell.js';
import { formatAval } from '../../shape.js';
import { normal_ } from '../init.js';
import { Module } from '../module.js';
import { pyBool } from '../python.js';
import { checkCount, checkNumber, emptyParameter, type FactoryOptions } from './factory.js';

/** What {@link Embedding} takes beside its sizes. */
export interface EmbeddingLayerOptions extends EmbeddingOptions, FactoryOptions {}

/** What {@link Embedding.fromPretrained} takes beside the table. */
export interface PretrainedEmbeddingOptions extends EmbeddingOptions {
  /** Whether the table is not trained. Default true. */
  freeze?: boolean;
}

function checkSparse(layer: string, options: object): void {
  if (!('sparse' in options)) return;
  throw new NotInTypeScriptError(
    `${layer}: there are no sparse gradients; the gradient of the table has its shape. Leave out 'sparse'.`,
  );
}

/**
 * A table of vectors that are looked up by number: words, categories, positions.
 *
 * When to use: instead of one-hot vectors and a {@link Linear} layer.
 *
 * Shape: input int32 `[…]`, numbers of rows from 0 to numEmbeddings − 1; output `[…, embeddingDim]`.
 *
 * Parameters: `weight` `[numEmbeddings, embeddingDim]` from N(0, 1); the row `paddingIdx` is zero.
 *
 * @param numEmbeddings Rows of the table.
 * @param embeddingDim Length of a vector.
 * @param options `paddingIdx`: a row that starts as zero and gets no gradient; `maxNorm`: rows that are looked up and
 *   longer become so long (call `backward()` before the next look-up then); `normType`: which norm that is (2);
 *   `scaleGradByFreq`: whether a row's gradient is divided by how often it was looked up (false); `dtype`, `device`.
 * @throws OutOfRangeError for sizes that are no whole numbers, or a paddingIdx that is no row; for a row that the table
 *   doesn't have: at the call where the numbers are on the host, when it runs otherwise.
 * @example
 * const layer = new nn.Embedding(10, 3, { paddingIdx: 0 });
 * layer(tensor([[0, 2, 5], [4, 3, 9]], { dtype: 'int32' })).shape; // [2, 3, 3]
 */
export class Embedding extends Module {
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  weight: Parameter;

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options: EmbeddingLayerOptions = {},
  ) {
    super();
    const layer = 'Embedding';
    checkSparse(layer, options);
    checkOptions(layer, options, [...EMBEDDING_OPTIONS, 'dtype', 'device']);
    checkCount(layer, 'numEmbeddings', numEmbeddings, 0);
    checkCount(layer, 'embeddingDim', embeddingDim, 0);
    this.paddingIdx = paddingRow(layer, options.paddingIdx, numEmbeddings);
    this.maxNorm = options.maxNorm ?? null;
    this.normType = options.normType ?? 2;
    this.scaleGradByFreq = options.scaleGradByFreq ?? false;
    if (this.maxNorm !== null) checkNumber(layer, 'maxNorm', this.maxNorm, 0);
    checkNumber(layer, 'normType', this.normType);
    this.weight = emptyParameter(layer, [numEmbeddings, embeddingDim], options);
    this.resetParameters();
  }

  /**
   * An embedding with a given table.
   *
   * @param embeddings `[numEmbeddings, embeddingDim]`.
   * @param options `freeze` (true); `paddingIdx`, `maxNorm`, `normType`, `scaleGradByFreq` as in the constructor.
   * @throws ShapeError unless the table has two axes.
   * @example
   * const layer = nn.Embedding.fromPretrained(tensor([[1, 2], [3, 4]]));
   * await layer(tensor([1], { dtype: 'int32' })).toArray(); // [[3, 4]]
   */
  static fromPretrained(embeddings: Tensor, options: PretrainedEmbeddingOptions = {}): Embedding {
    const op = 'Embedding.fromPretrained';
    checkTensor(op, embeddings);
    checkSparse(op, options);
    checkOptions(op, options, [...EMBEDDING_OPTIONS, 'freeze']);
    if (embeddings.ndim !== 2) {
      throw new ShapeError(`${op}: expected a table [numEmbeddings, embeddingDim], got ${formatAval(embeddings)}`);
    }
    const { freeze = true, paddingIdx, ...rest } = options;
    const [numEmbeddings, embeddingDim] = embeddings.shape;
    // A table of nothing draws no numbers.
    return Object.assign(new Embedding(0, 0, rest), {
      numEmbeddings,
      embeddingDim,
      paddingIdx: paddingRow(op, paddingIdx, numEmbeddings),
      weight: new Parameter(embeddings.detach(), { requiresGrad: !freeze }),
    });
  }

  /** Draws the table anew. */
  resetParameters(): void {
    const { weight, paddingIdx } = this;
    normal_(weight);
    if (paddingIdx === null) return;
    const zeros = (): Tensor => filled(0, [1, this.embeddingDim], weight);
    noGrad(() => hide(() => weight.assign(weight.sliceScatter(zeros(), 0, paddingIdx, paddingIdx + 1))));
  }

  override forward(index: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return embedding(index, this.weight, { paddingIdx, maxNorm, normType, scaleGradByFreq });
  }

  override extraRepr(): string {
    const { numEmbeddings, embeddingDim, paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return [
      `${numEmbeddings}, ${embeddingDim}`,
      ...(paddingIdx === null ? [] : [`padding_idx=${paddingIdx}`]),
      ...(maxNorm === null ? [] : [`max_norm=${maxNorm}`]),
      ...(normType === 2 ? [] : [`norm_type=${normType}`]),
      ...(scaleGradByFreq ? [`scale_grad_by_freq=${pyBool(true)}`] : []),
    ].join(', ');
  }
}
