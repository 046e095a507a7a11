/**
 * Datasets, samplers, loaders and running normalization for Fakkel.
 *
 * @packageDocumentation
 */
export { HostArray, type HostDType, type HostSource } from './host-array.js';
export { ConcatDataset, Dataset, MapDataset, Subset, TensorDataset, type Rows, type SampleContext } from './dataset.js';
export {
  ChainDataset,
  IterableDataset,
  MapIterableDataset,
  type Chained,
  type EpochContext,
  type SampleStream,
} from './iterable-dataset.js';
export { StackDataset, type StackableDatasets, type Stacked } from './stack-dataset.js';
export type { Portable, Recipe } from './portable.js';
export { fromModule, functionFromModule } from './from-module.js';
export { getWorkerInfo, type WorkerInfo } from './worker-info.js';
export { WorkerError } from './worker/worker-error.js';
export { randomSplit } from './random-split.js';
export { stratifiedSplit, type StratifiedSplitOptions } from './stratified-split.js';
export { kFold, stratifiedKFold, type Fold, type KFoldOptions, type StratifiedKFoldOptions } from './k-fold.js';
export type { Label, Labels } from './labels.js';
export { holdOut, HoldOut, HoldOutIterable, type HoldOutOptions, type HoldOutUses } from './hold-out.js';
export {
  balancedWeights,
  BatchSampler,
  ClassBalancedSampler,
  RandomSampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  type Sized,
} from './samplers.js';
export { defaultCollate, type Collated, type NumberDTypes } from './collate.js';
export { DataLoader, type DataLoaderOptions } from './data-loader.js';
export type { WorkerOptions } from './worker-threads.js';
export type { DataLoaderState, StreamPosition } from './loader-state.js';
export { IdxError, parseIdx, readIdx, type IdxArray, type IdxDType } from './idx.js';
export { IdxDataset } from './idx-dataset.js';
export {
  emnist,
  fashionMnist,
  kmnist,
  mnist,
  qmnist,
  type EmnistOptions,
  type MnistOptions,
  type QmnistOptions,
} from './mnist.js';
export { cifar10, cifar100, CifarDataset, type Cifar100Options, type CifarData, type CifarOptions } from './cifar.js';
export { TarError } from './tar.js';
export { WebDataset, type WebDatasetOptions, type WebSample, type WebSampleOf } from './web-dataset.js';
export type { Decoder, WebDecoded, WebField } from './web-decode.js';
export type { RawSample, ShardPosition } from './web-shards.js';
export type { FileOptions } from './files.js';
export type { DownloadProgress } from '@fakkel/hub';
export { digits, DigitsDataset, type DigitsOptions } from './digits.js';
export {
  encodeImage,
  ImageError,
  MissingPackageError,
  readImage,
  writeImage,
  type ReadImageOptions,
  type WriteImageOptions,
} from './image.js';
export { DatasetFolder, ImageFolder, type DatasetFolderOptions, type ImageFolderOptions } from './image-folder.js';
export { FolderDataset, type FolderOptions, type UnreadableFile, type UnreadableOptions } from './folder-dataset.js';
export type { TransformOptions } from './image-sample.js';
export type { FolderFiles, FolderSelection } from './folder-files.js';
export * as transforms from './transforms/index.js';
export { RunningNormalizer, type ChannelStatistics } from './running-normalizer.js';
export { MinMaxNormalizer, type ChannelLimits, type MinMaxOptions } from './min-max-normalizer.js';
export { PCAWhitening, ZCAWhitening, type WhiteningOptions, type WhiteningStatistics } from './whitening.js';
