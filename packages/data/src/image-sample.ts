/**
 * From the image and label that a dataset keeps to the sample that it hands out.
 */
import type { SampleContext } from './dataset.js';
import { HostArray } from './host-array.js';

/** What is done to samples as they are loaded: torchvision's `transform` and `target_transform`. */
export interface TransformOptions<S, T, U> {
  /**
   * Makes the sample of what was loaded: a transform, or any function, which may draw from `context.generator`. It is
   * given an image as it is in the file, uint8 `[C, H, W]`. Default for images: as `ToTensor`, float32 from 0 to 1.
   */
  transform?: ((sample: S, context?: SampleContext) => T) | undefined;
  /** Makes the target of the label. */
  targetTransform?: ((target: number) => U) | undefined;
}

/** The pair of `image` and `target`, each transformed. */
export function imageSample<T, U>(
  image: HostArray,
  target: number,
  { transform, targetTransform }: TransformOptions<HostArray, T, U>,
  context: SampleContext | undefined,
): [T, U] {
  return [
    transform ? transform(image, context) : (bytesToFloat(image) as T),
    targetTransform ? targetTransform(target) : (target as U),
  ];
}

/** Bytes as float32 from 0 to 1, as torchvision's `ToTensor`; other images as float32. */
export function bytesToFloat({ data, shape, dtype }: HostArray): HostArray {
  const out = new Float32Array(data);
  if (dtype === 'uint8') for (let i = 0; i < out.length; i++) out[i] /= 255;
  return new HostArray(out, shape);
}
