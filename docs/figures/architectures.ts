/**
 * Top-1 accuracy over operations, blobs of the size of the parameters, after Canziani et al. 2016:
 * docs/figures/architectures.svg. Accuracies are the published ones, the rest is counted.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/architectures.ts
 */
import { compareModels } from '@fakkel/models';
import { writeFigure } from './chart.js';

export const NAMES = [
  'alexnet',
  'vgg11',
  'vgg13',
  'vgg16',
  'vgg16Bn',
  'vgg19',
  'googlenet',
  'resnet18',
  'resnet34',
  'resnet50',
  'resnet101',
  'resnet152',
];

/** The picture as SVG. */
export async function figure(): Promise<string> {
  return (await compareModels(NAMES, { measure: false })).toSVG();
}

await writeFigure(import.meta.url, figure);
