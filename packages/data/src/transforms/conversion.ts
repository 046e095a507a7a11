/**
 * From bytes to normalized floats.
 */
import { FakkelError, ShapeError } from '@fakkel/core';
import { HostArray } from '../host-array.js';
import type { Recipe } from '../portable.js';
import { checkStatistics, convertImageDtype, normalize, toTensor, type ImageDType } from './functional/conversion.js';
import { checkHostArray } from './pixels.js';
import { pyFloats } from './repr.js';
import { recipeOf, Transform } from './transform.js';

/**
 * Bytes from 0 to 255 as float32 from 0 to 1: torchvision's `ToTensor`. The result is still a {@link HostArray}, which
 * a loader makes a tensor of; floats stay as they are.
 *
 * Shape: `[C, H, W]`, and the same.
 *
 * When to use: at the end of the transforms of images, before `Normalize`; those of colour and geometry are faster on
 * bytes.
 *
 * @throws DTypeError for int32 and bool.
 * @example
 * const image = new HostArray(Uint8Array.of(0, 51, 255), [1, 1, 3], 'uint8');
 * new transforms.ToTensor()(image).data; // 0, 0.2, 1
 */
export class ToTensor extends Transform {
  override forward(image: HostArray): HostArray {
    return toTensor(image);
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, ToTensor, 'ToTensor');
  }
}

/**
 * Pixels of another dtype, and of its range: torchvision's `ConvertImageDtype`.
 *
 * @throws DTypeError as {@link convertImageDtype}.
 * @example
 * new transforms.ConvertImageDtype('uint8')(digits().get(0)[0]); // uint8[1,8,8], from 0 to 255
 */
export class ConvertImageDtype extends Transform {
  /** @param dtype - 'uint8', 'int32', 'float32' or 'float64'. */
  constructor(readonly dtype: ImageDType) {
    super();
  }

  override forward(image: HostArray): HostArray {
    return convertImageDtype(image, this.dtype);
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, ConvertImageDtype, 'ConvertImageDtype', this.dtype);
  }
}

/**
 * y = (x − mean) / std for each channel: torchvision's `Normalize`.
 *
 * Shape: images `[..., C, H, W]`; also `[C, L]` and features `[C]`.
 *
 * When to use: always, on training and test data with the same numbers: those of the training data, which
 * `RunningNormalizer` finds (`await normalizer.toTransform()` is this transform), or those a pretrained network was
 * trained with. Scaling all inputs alike makes gradient descent go straight to the minimum (the lecture, data
 * normalization).
 *
 * @throws DTypeError on bytes: `ToTensor` comes first; ShapeError where the channels are not as many; FakkelError if a
 * deviation is zero or not finite.
 * @example
 * const toNetwork = new transforms.Compose([
 *   new transforms.ToTensor(),
 *   new transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), // ImageNet
 * ]);
 */
export class Normalize extends Transform {
  readonly mean: readonly number[];
  readonly std: readonly number[];

  /**
   * @param mean - One for each channel.
   * @param std - Standard deviations, one for each channel.
   */
  constructor(mean: ArrayLike<number>, std: ArrayLike<number>) {
    super();
    checkStatistics('Normalize', mean, std);
    this.mean = Array.from(mean);
    this.std = Array.from(std);
  }

  override forward(image: HostArray): HostArray {
    return normalize(image, this.mean, this.std);
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, Normalize, 'Normalize', this.mean, this.std);
  }

  override extraRepr(): string {
    return `mean=${pyFloats(this.mean)}, std=${pyFloats(this.std)}`;
  }
}

/**
 * y = (x − mean) · matrix of all elements of a sample together: torchvision's `LinearTransformation`, which also takes
 * matrices that are not square. Whitening found by `ZCAWhitening` and `PCAWhitening` becomes one:
 * `await whitening.toTransform()`.
 *
 * Shape: a sample with D elements → the same shape with a `[D, D]` matrix, `[K]` with a `[D, K]` one. float32 or
 * float64 as the sample.
 *
 * @throws ShapeError if matrix, mean and sample do not belong together.
 * @example
 * const swap = new HostArray(Float32Array.of(0, 1, 1, 0), [2, 2]);
 * const transform = new transforms.LinearTransformation(swap, [10, 20]);
 * transform(new HostArray(Float32Array.of(11, 22))).data; // 2, 1
 */
export class LinearTransformation extends Transform {
  readonly transformationMatrix: HostArray;
  readonly meanVector: HostArray;

  /**
   * @param transformationMatrix - `[D, K]`, float32 or float64.
   * @param meanVector - D numbers.
   */
  constructor(transformationMatrix: HostArray, meanVector: HostArray | readonly number[]) {
    super();
    checkHostArray('LinearTransformation', transformationMatrix);
    const mean = meanVector instanceof HostArray ? meanVector : new HostArray(Float64Array.from(meanVector));
    const [size] = transformationMatrix.shape;
    if (transformationMatrix.shape.length !== 2 || mean.shape.length !== 1 || mean.shape[0] !== size) {
      throw new ShapeError(
        `LinearTransformation: expected a matrix [D, K] and a mean [D], got ${String(transformationMatrix)} and ${String(mean)}`,
      );
    }
    this.transformationMatrix = transformationMatrix;
    this.meanVector = mean;
  }

  override forward(sample: HostArray): HostArray {
    checkHostArray('LinearTransformation', sample);
    const [size, columns] = this.transformationMatrix.shape;
    const { data, dtype, shape } = sample;
    if (data.length !== size) {
      throw new ShapeError(`LinearTransformation: expected a sample of ${size} elements, got ${String(sample)}`);
    }
    if (dtype !== 'float32' && dtype !== 'float64') {
      throw new FakkelError(
        `LinearTransformation: expected float32 or float64, got ${String(sample)}. Write new transforms.ToTensor() before it.`,
      );
    }
    const { data: matrix } = this.transformationMatrix;
    const { data: mean } = this.meanVector;
    const sum = new Float64Array(columns);
    for (let i = 0, at = 0; i < size; i++) {
      const x = data[i] - mean[i];
      for (let k = 0; k < columns; k++, at++) sum[k] += x * matrix[at];
    }
    const out = dtype === 'float32' ? new Float32Array(sum) : sum;
    return new HostArray(out, columns === size ? shape : [columns], dtype);
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, LinearTransformation, 'LinearTransformation', this.transformationMatrix, this.meanVector);
  }

  override extraRepr(): string {
    return `transformation_matrix=${String(this.transformationMatrix)}, mean_vector=${String(this.meanVector)}`;
  }
}
