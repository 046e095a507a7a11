/**
 * Random colours, and grey.
 */
import { OutOfRangeError, type Generator } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { checkRange, happens, uniform, type Range } from './draws.js';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, rgbToGrayscale } from './functional/color.js';
import { checkColor, checkPixels, dimensionsOf, show } from './pixels.js';
import { py, pyFloat, pyFloats } from './repr.js';
import { checkProbability, generatorOf, recipeOf, Transform } from './transform.js';

/** Options of {@link ColorJitter}. Each is ± around 1 (hue: around 0), or [low, high]. Default 0: left alone. */
export interface ColorJitterOptions {
  /** A factor: from max(0, 1 − brightness) to 1 + brightness. */
  readonly brightness?: number | Range;
  /** A factor. */
  readonly contrast?: number | Range;
  /** A factor. */
  readonly saturation?: number | Range;
  /** Turns of the circle of hues, at most ±0.5. */
  readonly hue?: number | Range;
}

/** What {@link ColorJitter} draws: the order of the four, and their factors. */
export interface ColorJitterParams {
  /** 0 is brightness, 1 contrast, 2 saturation, 3 hue. */
  readonly order: readonly number[];
  /** Of brightness, contrast, saturation and hue; null where it is left alone. */
  readonly factors: readonly (number | null)[];
}

/**
 * Brightness, contrast, saturation and hue changed at random, in random order: torchvision's `ColorJitter`.
 *
 * Shape: `[..., C, H, W]` with 1 or 3 channels, and the same; uint8 (faster) or float32 from 0 to 1.
 *
 * When to use: on training data of photographs, so that the network does not go by the light.
 *
 * @throws OutOfRangeError if an argument is not as it says.
 * @example
 * const transform = new transforms.ColorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 });
 * transform(new HostArray(new Uint8Array(3 * 4 * 4).fill(100), [3, 4, 4], 'uint8'));
 */
export class ColorJitter extends Transform {
  readonly brightness: Range | null;
  readonly contrast: Range | null;
  readonly saturation: Range | null;
  readonly hue: Range | null;

  /** @param options - See {@link ColorJitterOptions}. */
  constructor(options: ColorJitterOptions = {}) {
    super();
    checkOptions('ColorJitter', options, ['brightness', 'contrast', 'saturation', 'hue'], 'new ColorJitter(…)');
    this.brightness = factorsOf('brightness', options.brightness ?? 0);
    this.contrast = factorsOf('contrast', options.contrast ?? 0);
    this.saturation = factorsOf('saturation', options.saturation ?? 0);
    this.hue = factorsOf('hue', options.hue ?? 0, 0);
  }

  /** Order and factors, drawn as torchvision draws them. */
  static getParams(
    brightness: Range | null,
    contrast: Range | null,
    saturation: Range | null,
    hue: Range | null,
    generator: Generator,
  ): ColorJitterParams {
    const order = Array.from(generator.randperm(4));
    const ranges = [brightness, contrast, saturation, hue];
    return { order, factors: ranges.map((range) => range && uniform(generator, range[0], range[1])) };
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    checkColor('ColorJitter', image, dimensionsOf('ColorJitter', image));
    checkPixels('ColorJitter', image);
    const { brightness, contrast, saturation, hue } = this;
    const generator = generatorOf(context);
    const { order, factors } = ColorJitter.getParams(brightness, contrast, saturation, hue, generator);
    const steps = [adjustBrightness, adjustContrast, adjustSaturation, adjustHue];
    return order.reduce<HostArray>((x, which) => {
      const factor = factors[which];
      return factor === null ? x : steps[which](x, factor);
    }, image);
  }

  override recipe(): Recipe | undefined {
    const { brightness, contrast, saturation, hue } = this;
    return recipeOf(this, ColorJitter, 'ColorJitter', {
      brightness: brightness ?? 0,
      contrast: contrast ?? 0,
      saturation: saturation ?? 0,
      hue: hue ?? 0,
    });
  }

  override extraRepr(): string {
    const print = (range: Range | null) => (range ? pyFloats(range) : 'None');
    return (
      `brightness=${print(this.brightness)}, contrast=${print(this.contrast)}, ` +
      `saturation=${print(this.saturation)}, hue=${print(this.hue)}`
    );
  }
}

/** ± `value` around the factor that changes nothing; null where nothing changes. */
function factorsOf(name: string, value: number | Range, neutral = 1): Range | null {
  if (typeof value === 'number' && !(value >= 0)) {
    throw new OutOfRangeError(`ColorJitter: ${name}: one number is ±, from 0 up; got ${show(value)}`);
  }
  const isHue = neutral === 0;
  const around: Range =
    typeof value !== 'number' ? value : [isHue ? -value : Math.max(0, neutral - value), neutral + value];
  const [low, high] = checkRange('ColorJitter', name, around, isHue ? -0.5 : 0, isHue ? 0.5 : Infinity);
  return low === high && low === neutral ? null : [low, high];
}

/**
 * Grey, 0.2989 R + 0.587 G + 0.114 B: torchvision's `Grayscale`.
 *
 * Shape: `[..., C, H, W]` with 1 or 3 channels → `[..., numOutputChannels, H, W]`.
 *
 * When to use: where the network takes one channel (LeNet), or colour says nothing.
 *
 * @throws ShapeError, DTypeError unless the image is uint8 or float32 with 1 or 3 channels.
 * @example
 * new transforms.Grayscale()(new HostArray(new Uint8Array(3 * 4 * 4), [3, 4, 4], 'uint8')); // uint8[1,4,4]
 */
export class Grayscale extends Transform {
  /** @param numOutputChannels - 1 (default), or 3 equal ones. */
  constructor(readonly numOutputChannels = 1) {
    super();
    if (numOutputChannels === 1 || numOutputChannels === 3) return;
    throw new OutOfRangeError(`Grayscale: numOutputChannels: expected 1 or 3, got ${show(numOutputChannels)}`);
  }

  override forward(image: HostArray): HostArray {
    return rgbToGrayscale(image, this.numOutputChannels);
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, Grayscale, 'Grayscale', this.numOutputChannels);
  }

  override extraRepr(): string {
    return `num_output_channels=${py(this.numOutputChannels)}`;
  }
}

/**
 * Grey with probability p, with as many channels as before: torchvision's `RandomGrayscale`.
 *
 * Shape: `[..., C, H, W]` with 1 or 3 channels, and the same.
 *
 * When to use: on training data, where colour should help and not decide.
 *
 * @throws FakkelError unless p is a probability.
 * @example
 * new transforms.RandomGrayscale(0.2)(new HostArray(new Uint8Array(3 * 4 * 4), [3, 4, 4], 'uint8')); // uint8[3,4,4]
 */
export class RandomGrayscale extends Transform {
  /** @param p - Probability. Default 0.1. */
  constructor(readonly p = 0.1) {
    super();
    checkProbability('RandomGrayscale', p);
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    const { channels } = dimensionsOf('RandomGrayscale', image);
    return happens(generatorOf(context), this.p) ? rgbToGrayscale(image, channels) : image;
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, RandomGrayscale, 'RandomGrayscale', this.p);
  }

  override extraRepr(): string {
    return `p=${pyFloat(this.p)}`;
  }
}
