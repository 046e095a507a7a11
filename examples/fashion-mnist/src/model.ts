/**
 * The two networks, each for grey images of 28×28.
 */
import { nn } from '@fakkel/core';
import { cifarResnet20, vggStage } from '@fakkel/models';

/** ResNet-20, as the paper has it for small images: 269,434 parameters. */
const resnet = (numClasses: number): nn.Layer => cifarResnet20({ inChannels: 1, numClasses });

/** Three stages of VGG, each with two convolutions, at 28, 14 and 7 pixels: 298,858 parameters. */
const vgg = (numClasses: number): nn.Layer =>
  new nn.Sequential(
    ...vggStage(1, 32, 2, { batchNorm: true }),
    ...vggStage(32, 64, 2, { batchNorm: true }),
    ...vggStage(64, 128, 2, { batchNorm: true }),
    new nn.Flatten(), // [N, 128, 3, 3]
    new nn.Linear(128 * 3 * 3, numClasses),
  );

export const NETWORKS = {
  resnet: { title: 'ResNet-20', build: resnet },
  vgg: { title: 'Small VGG', build: vgg },
};

export type ModelName = keyof typeof NETWORKS;
