/**
 * The networks that are measured: how each is made, and its batch.
 */
import type { nn, Tensor } from '@fakkel/core';
import { alexnet, cifarResnet20, googlenet, lenet5, resnet18, vgg11 } from '@fakkel/models';
import { initialize } from './init.js';

export type Network = nn.Module & ((x: Tensor) => Tensor);

export interface NetworkSpec {
  readonly title: string;
  readonly batch: number;
  /** Channels, height and width of an image. */
  readonly image: readonly [number, number, number];
  readonly classes: number;
  /** Small enough to try a change in seconds (`--quick`). */
  readonly quick: { readonly batch: number; readonly size: number };
  /** Large enough for the first steps to change the loss, small enough for float32 to stay near float64. */
  readonly lr: number;
  /** What it has of its own, if it has dropout; masks differ between engines, so the comparison is without. */
  readonly dropout?: number;
  make(dropout: number): nn.Module;
}

export const NETWORKS = {
  lenet: {
    title: 'LeNet-5',
    batch: 64,
    image: [1, 32, 32],
    classes: 10,
    quick: { batch: 4, size: 32 },
    lr: 0.1,
    make: () => lenet5(),
  },
  resnet20: {
    title: 'ResNet-20',
    batch: 64,
    image: [3, 32, 32],
    classes: 10,
    quick: { batch: 4, size: 32 },
    lr: 0.01,
    // 1×1 convolutions, which are in every engine's network.
    make: () => cifarResnet20({ shortcut: 'B' }),
  },
  resnet18: {
    title: 'ResNet-18',
    batch: 8,
    image: [3, 224, 224],
    classes: 1000,
    quick: { batch: 2, size: 64 },
    lr: 0.005,
    make: () => resnet18(),
  },
  alexnet: {
    title: 'AlexNet',
    batch: 16,
    image: [3, 224, 224],
    classes: 1000,
    quick: { batch: 1, size: 224 },
    lr: 1e-5,
    dropout: 0.5,
    make: (dropout) => initialize(alexnet({ dropout })),
  },
  googlenet: {
    title: 'GoogLeNet',
    batch: 8,
    image: [3, 224, 224],
    classes: 1000,
    quick: { batch: 4, size: 128 },
    lr: 2e-4,
    dropout: 0.2,
    // Without the auxiliary classifiers, as it is used once it is trained.
    make: (dropout) => initialize(googlenet({ auxLogits: false, dropout, initWeights: false })),
  },
  vgg11: {
    title: 'VGG-11',
    batch: 4,
    image: [3, 224, 224],
    classes: 1000,
    quick: { batch: 1, size: 224 },
    lr: 1e-5,
    dropout: 0.5,
    make: (dropout) => initialize(vgg11({ dropout })),
  },
} as const satisfies Record<string, NetworkSpec>;

export type NetworkName = keyof typeof NETWORKS;
export const NETWORK_NAMES = Object.keys(NETWORKS) as NetworkName[];
export const networkSpec = (name: NetworkName): NetworkSpec => NETWORKS[name];

/** The shape of a batch `[N, C, H, W]`. */
export function batchShape(name: NetworkName, quick: boolean): number[] {
  const { batch, image, quick: small } = networkSpec(name);
  return quick ? [small.batch, image[0], small.size, small.size] : [batch, ...image];
}
