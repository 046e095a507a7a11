/**
 * A demonstration that needs no download but Fashion-MNIST: a network learns seven classes of it, clothes and bags, and is
 * then adapted to a folder of PNG files of the three others, shoes that it has never seen.
 */
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { nn, saveSafetensors } from '@fakkel/core';
import {
  DataLoader,
  type Dataset,
  fashionMnist,
  type HostArray,
  type IdxDataset,
  MapDataset,
  Subset,
  transforms,
  writeImage,
} from '@fakkel/data';
import { cifarResnet20, type ImageClassificationPreset } from '@fakkel/models';
import { OneCycleLR, SGD } from '@fakkel/optim';
import type { Options } from './options.js';
import type { Pretrained } from './transfer-learning.js';

type Sample = readonly [image: HostArray, label: number];
type Images = IdxDataset<HostArray, number>;

/** Sandals, sneakers and ankle boots. */
const SHOES = [5, 7, 9];
const CLOTHES = [0, 1, 2, 3, 4, 6, 8];
/** Images of each kind of shoe in the folder. */
const FEW = { train: 20, val: 200 } as const;

export const PRETRAINING_BATCH = 64;

/** Mean and standard deviation of the clothes' pixels, about. */
const TRANSFORMS: ImageClassificationPreset = {
  resizeSize: 28,
  cropSize: 28,
  mean: [0.33],
  std: [0.36],
  interpolation: 'bilinear',
};

/** Makes the folder and the network in the output folder, where they are not there from another time. */
export async function prepareDemo(
  options: Options,
  note: (line: string) => void,
  signal: AbortSignal,
): Promise<{ folder: string; pretrained: Pretrained }> {
  const folder = path.join(options.output, 'shoes');
  const weights = path.join(options.output, `clothes-${options.pretrainImages}.safetensors`);
  const all = await fashionMnist({ train: true });
  if (!(await exists(folder))) {
    await writeShoes(folder, all);
    note(`wrote ${folder}: ${FEW.train} training and ${FEW.val} validation images of each kind of shoe`);
  }
  if (!(await exists(weights))) {
    const clothes = indicesOf(all, CLOTHES).slice(0, options.pretrainImages);
    note(`Pretraining cifarResnet20 on ${clothes.length} images of clothes, one epoch:`);
    await pretrain(new Subset(all, clothes), weights, note, signal);
  }
  const [mean, std] = [TRANSFORMS.mean, TRANSFORMS.std].map(([value]) => [value, value, value]);
  return {
    folder,
    pretrained: {
      model: 'cifarResnet20',
      weights: path.resolve(weights),
      options: { inChannels: 1, numClasses: CLOTHES.length },
      transforms: { ...TRANSFORMS, mean, std },
    },
  };
}

async function pretrain(
  images: Dataset<Sample>,
  file: string,
  note: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const normalize = new transforms.Normalize(TRANSFORMS.mean, TRANSFORMS.std);
  const augment = new transforms.Compose([new transforms.RandomCrop(28, { padding: 2 }), normalize]);
  const dataset = new MapDataset(images, ([image, label], _, context): Sample => [
    augment(image, context),
    CLOTHES.indexOf(label),
  ]);
  const loader = new DataLoader(dataset, { batchSize: PRETRAINING_BATCH, shuffle: true, dropLast: true });
  const net = cifarResnet20({ inChannels: 1, numClasses: CLOTHES.length });
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
  const scheduler = new OneCycleLR(optimizer, { maxLr: 0.1, epochs: 1, stepsPerEpoch: loader.length });
  let step = 0;
  for await (const [x, y] of loader) {
    optimizer.zeroGrad();
    const loss = criterion(net(x), y);
    loss.backward();
    await optimizer.step();
    scheduler.step();
    if (++step % 50 === 0 || step === loader.length) {
      note(`step ${step}/${loader.length}  loss ${(await loss.item()).toFixed(4)}`);
    }
    if (signal.aborted) return;
  }
  await writeFile(file, await saveSafetensors(net));
}

/** PNG files in class folders, in `train` and `val`. */
async function writeShoes(folder: string, all: Images): Promise<void> {
  const unfinished = `${folder}.part`;
  await rm(unfinished, { recursive: true, force: true });
  for (const shoe of SHOES) {
    const indices = indicesOf(all, [shoe]);
    let at = 0;
    for (const part of ['train', 'val'] as const) {
      const place = path.join(unfinished, part, all.classes[shoe].toLowerCase().replaceAll(' ', '-'));
      await mkdir(place, { recursive: true });
      for (const end = at + FEW[part]; at < end; at++) {
        await writeImage(path.join(place, `${indices[at]}.png`), all.get(indices[at])[0]);
      }
    }
  }
  await rename(unfinished, folder);
}

const indicesOf = (all: Images, classes: readonly number[]): number[] =>
  Array.from({ length: all.length }, (_, i) => i).filter((i) => classes.includes(all.get(i)[1]));

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
