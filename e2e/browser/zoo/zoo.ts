/**
 * What pages and Node both do with the zoo, so that they can be compared.
 */
import { fromArray, isTensor, manualSeed, type nn, noGrad, randn, tensor, type Tensor } from '@fakkel/core';
import { load, save, type CheckpointSource, type CheckpointValue } from '@fakkel/checkpoint';
import { download, type DownloadOptions } from '@fakkel/hub';
import {
  cifarResnet20,
  compareModels,
  createModel,
  explainShapes,
  lenet5,
  type WeightsOptions,
  type WeightsProgress,
} from '@fakkel/models';
import { exportOnnx, importOnnx } from '@fakkel/onnx';

/** All that a checkpoint holds as one line of text, or the error that it is. */
export async function contents(source: CheckpointSource): Promise<string> {
  try {
    return JSON.stringify(await plain(await load(source, { verify: source instanceof Blob })));
  } catch (error) {
    return String(error);
  }
}

async function plain(value: CheckpointValue, outer: readonly unknown[] = []): Promise<unknown> {
  if (outer.includes(value)) return 'itself';
  const within = (item: CheckpointValue): Promise<unknown> => plain(item, [...outer, value]);
  if (isTensor(value)) {
    const { buffer, byteOffset, byteLength } = await value.data();
    return [value.dtype, value.shape, await digest(new Uint8Array(buffer, byteOffset, byteLength))];
  }
  if (value instanceof Map) return { dict: await Promise.all([...value].map((pair) => Promise.all(pair.map(within)))) };
  if (value instanceof Set) return { set: await Promise.all([...value].map(within)) };
  if (Array.isArray(value)) return Promise.all(value.map(within));
  if (value instanceof Uint8Array) return { bytes: [...value] };
  return typeof value === 'number' || typeof value === 'bigint' ? `${typeof value} ${value}` : value;
}

/** SHA-256. */
async function digest(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A network and more, through the bytes of a checkpoint. */
export async function saveAndLoad(): Promise<{ sha256: string; contents: string }> {
  manualSeed(0);
  const bytes = await save({ model: lenet5(), epoch: 3, half: tensor([0.5, 2]) });
  return { sha256: await digest(bytes), contents: await contents(bytes) };
}

/** The progress that is made with the weights, and the logits with them. */
export async function classify(
  name: 'lenet5' | 'cifarResnet20',
  weights: WeightsOptions['weights'],
): Promise<{ logits: number[]; phases: string[]; ends: WeightsProgress[] }> {
  const seen: WeightsProgress[] = [];
  const options = { weights, onProgress: (progress: WeightsProgress) => seen.push(progress) };
  const net = await (name === 'lenet5' ? lenet5(options) : cifarResnet20(options));
  const phases = [...new Set(seen.map(({ phase }) => phase))];
  const ends = phases.map((phase) => seen.findLast((progress) => progress.phase === phase)!);
  return { logits: await logits(net.eval(), name === 'lenet5' ? 1 : 3), phases, ends };
}

async function logits(net: nn.Module, channels: number): Promise<number[]> {
  const pixels = Float32Array.from({ length: channels * 32 * 32 }, (_, i) => ((i * 37) % 256) / 255);
  const y = noGrad(() => (net as (x: Tensor) => Tensor)(fromArray(pixels, [1, channels, 32, 32])));
  return [...(await y.data())].map(Number);
}

/** Published weights, and what goes wrong with them. */
export async function published(name: string): Promise<string> {
  return Promise.resolve(createModel(name, { weights: 'DEFAULT' })).then(() => 'loaded', String);
}

/** The size of a download, or what goes wrong. */
export async function sizeOf(url: string, options: DownloadOptions): Promise<number | string> {
  return download(url, options).then((file) => file.blob!.size, String);
}

/** A network as an ONNX file, and what it computes before and after. */
export async function throughOnnx(): Promise<{ sha256: string; before: number[]; after: number[] }> {
  manualSeed(0);
  const net = cifarResnet20().eval();
  const bytes = await exportOnnx(net, randn([1, 3, 32, 32]));
  return { sha256: await digest(bytes), before: await logits(net, 3), after: await logits(importOnnx(bytes), 3) };
}

/** The figure of a comparison and the picture of a network. */
export async function draw(): Promise<{ svg: string; figure: number[]; picture: number[] }> {
  const comparison = await compareModels(['alexnet', 'googlenet', 'resnet18'], { measure: false });
  const sizes = (png: Uint8Array): number[] => [...png.subarray(1, 4), ...png.subarray(16, 24)];
  return {
    svg: await comparison.toSVG(),
    figure: sizes(await comparison.toPNG()),
    picture: sizes(await explainShapes(lenet5(), [1, 1, 32, 32]).toPNG()),
  };
}
