/**
 * A folder of images: what to train with, and what to measure by.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { FakkelError, Generator } from '@fakkel/core';
import { type Dataset, type HostArray, ImageFolder, stratifiedSplit, transforms } from '@fakkel/data';
import type { ImageClassificationPreset } from '@fakkel/models';
import { UsageError } from '../../quickstart/src/errors.js';

/** An image, float32 `[3, H, W]`, normalized, and its class. */
export type Sample = readonly [image: HostArray, label: number];

export interface Data {
  readonly labels: readonly string[];
  /** Each time it is asked for, an image is cropped and mirrored anew. */
  readonly train: Dataset<Sample>;
  /** The crop in the middle of each image. */
  readonly validation: Dataset<Sample>;
}

/** Of an image's area, the least that a training crop shows. ImageNet's 0.08 is for millions of images. */
const SMALLEST_CROP = 0.35;

/**
 * The images of `folder`: those in `train` and `val` (or `validation`, or `test`), or four fifths and one fifth of each
 * class, where it has no such folders.
 */
export async function loadData(folder: string, preset: ImageClassificationPreset, seed: number): Promise<Data> {
  const { cropSize, mean, std, interpolation } = preset;
  const augment = new transforms.Compose([
    new transforms.RandomResizedCrop(cropSize, { scale: [SMALLEST_CROP, 1], interpolation }),
    new transforms.RandomHorizontalFlip(),
    new transforms.ToTensor(),
    new transforms.Normalize(mean, std),
  ]);
  const look = new transforms.ImageClassification(preset);
  const open = async (name: string, transform: (image: HostArray) => HostArray) => {
    try {
      return await ImageFolder.open(path.join(folder, name), { transform });
    } catch (cause) {
      if (!(cause instanceof FakkelError)) throw cause;
      throw new UsageError(`--data ${folder}: ${cause.message}`, { cause });
    }
  };
  const held = await firstFolder(folder, ['val', 'validation', 'test']);
  if (held !== undefined && (await firstFolder(folder, ['train'])) !== undefined) {
    const [train, validation] = [await open('train', augment), await open(held, look)];
    const missing = train.classes.filter((name, i) => validation.classes[i] !== name);
    if (missing.length > 0 || train.classes.length !== validation.classes.length) {
      throw new UsageError(`--data ${folder}: train and ${held} must have the same class folders.`);
    }
    return { labels: train.classes, train, validation };
  }
  // The same split of the same files, seen through two transforms.
  const [all, seen] = [await open('', augment), await open('', look)];
  const split = <T>(dataset: Dataset<T>) => stratifiedSplit(dataset, [0.8, 0.2], { generator: new Generator(seed) });
  return { labels: all.classes, train: split<Sample>(all)[0], validation: split<Sample>(seen)[1] };
}

async function firstFolder(root: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    if ((await stat(path.join(root, name)).catch(() => undefined))?.isDirectory()) return name;
  }
  return undefined;
}
