/**
 * Entries of the table of published weights.
 */
import { FakkelError } from '@fakkel/core';
import { nearest, plainName } from '../nearest.js';
import { PUBLISHED, type Published } from './published.js';

/**
 * What images become before a network with published weights sees them: the arguments of `@fakkel/data`'s
 * `transforms.ImageClassification`.
 */
export interface ImageClassificationPreset {
  /** Height and width of the middle that is cut out, in pixels. */
  readonly cropSize: number;
  /** The shorter side that images are resized to before, in pixels. */
  readonly resizeSize: number;
  /** Mean of each channel, of pixels from 0 to 1. */
  readonly mean: readonly number[];
  /** Standard deviation of each channel. */
  readonly std: readonly number[];
  readonly interpolation: 'bilinear';
}

/** Published weights of a model: torchvision's `Weights`. */
export interface WeightsEntry {
  /** The builder that they are for, `'resnet18'`. */
  readonly model: string;
  /** torchvision's name of them, `'IMAGENET1K_V1'`. */
  readonly name: string;
  /** Where they are. */
  readonly url: string;
  /** Name of the file, `'resnet18-f37072fd.pth'`. */
  readonly file: string;
  /** The first eight digits of its SHA-256, which its name carries. */
  readonly sha256: string;
  /** Parameters of the model, without those that training alone needs (GoogLeNet's auxiliary classifiers). */
  readonly numParams: number;
  /** Outputs of the model. */
  readonly numClasses: number;
  /** Top-1 accuracy on ImageNet's validation images, one crop, in per cent. */
  readonly acc1: number;
  /** Top-5 accuracy. */
  readonly acc5: number;
  /** Height and width of the smallest image that the model takes. */
  readonly minSize: readonly [height: number, width: number];
  /** What images become before the model sees them. */
  readonly transforms: ImageClassificationPreset;
  /** Where it is written how they were trained. */
  readonly recipe: string;
  /** Whether they are what `weights: 'DEFAULT'` loads. */
  readonly isDefault: boolean;
  /** Names of the classes, in the order of the outputs. The module that has them is loaded when this is called. */
  categories(): Promise<readonly string[]>;
}

const MEAN = [0.485, 0.456, 0.406] as const;
const STD = [0.229, 0.224, 0.225] as const;

function entryOf({ cropSize, resizeSize, interpolation, ...row }: Published): WeightsEntry {
  return {
    ...row,
    file: row.url.split('/').at(-1)!,
    numClasses: 1000,
    transforms: { cropSize, resizeSize, mean: MEAN, std: STD, interpolation },
    categories: async () => (await import('./imagenet-categories.js')).IMAGENET_CATEGORIES,
  };
}

/**
 * The published weights of a model, or of all models: torchvision's `get_model_weights`.
 *
 * @param model - The name of a builder; torchvision's spelling (`'vgg16_bn'`) does as well.
 * @returns In torchvision's order; none for a model without published weights.
 * @example
 * listWeights('resnet50').map((entry) => [entry.name, entry.acc1]); // IMAGENET1K_V1: 76.13, IMAGENET1K_V2: 80.858
 */
export function listWeights(model?: string): WeightsEntry[] {
  const rows = model === undefined ? PUBLISHED : PUBLISHED.filter((row) => plainName(row.model) === plainName(model));
  return rows.map(entryOf);
}

/**
 * An entry of the table of published weights: torchvision's `get_weight`, and what a weights enum has.
 *
 * @param model - The name of a builder.
 * @param name - The name of an entry, or 'DEFAULT': the best of them. torchvision's full names
 * (`'ResNet50_Weights.IMAGENET1K_V2'`) do as well.
 * @throws FakkelError if there is none, with those that there are.
 * @example
 * const weights = getWeights('resnet18', 'DEFAULT');
 * weights.transforms.cropSize; // 224
 * (await weights.categories())[282]; // 'tiger cat'
 */
export function getWeights(model: string, name = 'DEFAULT'): WeightsEntry {
  const entries = listWeights(model);
  if (entries.length === 0) {
    throw new FakkelError(
      `${model}: torchvision has published no weights for it. Pass weights: the path or address of a file (.pth, .safetensors).`,
    );
  }
  const short = name.replace(/^\w+_Weights\./, '');
  const found = entries.find((entry) => (short === 'DEFAULT' ? entry.isDefault : entry.name === short));
  if (found) return found;
  const names = [...entries.map((entry) => entry.name), 'DEFAULT'];
  const [meant] = nearest(short, names);
  throw new FakkelError(
    `${model}: there are no weights '${name}'. ${meant ? `Did you mean ${meant}? ` : ''}There are: ${names.join(', ')}; ` +
      `or pass the path (./${name}) or address of a file.`,
  );
}
