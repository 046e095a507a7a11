/**
 * Comparison with the goldens of tools/goldens/zoo_classic.py.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { evaluate, manualSeed, nn, randn, type Tensor } from '@fakkel/core';
import { expect } from 'vitest';

/** Norm, sum, and elements at eight evenly spaced places. */
type Fingerprint = readonly number[];

export interface StepGolden {
  readonly train: {
    /** Of each image, the norm of the logits and the first twenty; of GoogLeNet's three outputs one after the other. */
    readonly logits: readonly (readonly number[])[];
    readonly loss: number;
    readonly gradients: Readonly<Record<string, Fingerprint>>;
    /** Norms of running means and variances after the step. */
    readonly buffers: Readonly<Record<string, readonly [number]>>;
  };
  readonly eval: readonly (readonly number[])[];
}

export interface StateGolden {
  readonly parameters: number;
  /** 'features.0.weight 64x3x11x11'; a scalar has nothing after the space. */
  readonly shapes: readonly string[];
}

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./goldens/zoo-classic/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** The keys and shapes of a module's state dict, as the golden has them. */
export function stateOf(net: nn.Module): StateGolden {
  return {
    parameters: net.parameters().reduce((n, p) => n + p.numel(), 0),
    shapes: [...net.stateDict()].map(([key, { shape }]) => `${key} ${shape.join('x')}`),
  };
}

/** The first 16 hex digits of the SHA-256 of a tensor's little-endian bytes. */
export async function digest(t: Tensor): Promise<string> {
  const { buffer, byteOffset, byteLength } = await t.data();
  return createHash('sha256')
    .update(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength))
    .digest('hex')
    .slice(0, 16);
}

/** Two images of unit variance, as the script draws them. */
export function images(size: number, dtype: 'float32' | 'float64' = 'float32'): Tensor {
  manualSeed(1);
  return randn([2, 3, size, size], { dtype });
}

/** Elements differ by at most `tolerance` of the tensor's largest or, if that is more, its norm / √n. */
export async function expectFingerprint(t: Tensor, expected: Fingerprint, tolerance: number, what: string) {
  const data = (await t.data()) as Float32Array;
  let [squares, sum] = [0, 0];
  for (const value of data) {
    squares += value * value;
    sum += value;
  }
  const [norm, total, ...elements] = expected;
  expect(Math.abs(Math.sqrt(squares) - norm), `${what}: norm`).toBeLessThanOrEqual(tolerance * norm);
  // Errors of elements are no more in one direction than in the other.
  expect(Math.abs(sum - total), `${what}: sum`).toBeLessThanOrEqual(4 * tolerance * norm);
  for (const [i, value] of elements.entries()) {
    const at = Math.floor((i * (data.length - 1)) / 7);
    const scale = Math.max(Math.abs(value), norm / Math.sqrt(data.length));
    expect(Math.abs(data[at] - value), `${what}: element ${at}`).toBeLessThanOrEqual(tolerance * scale);
  }
}

/** Logits differ by at most `tolerance` of the norm of an image's logits / √classes, or of themselves. */
export async function expectLogits(logits: Tensor, expected: StepGolden['eval'], tolerance: number, what: string) {
  const rows = (await logits.toArray()) as number[][];
  expect(rows).toHaveLength(expected.length);
  for (const [i, row] of rows.entries()) {
    const [norm, ...first] = expected[i];
    const scale = norm / Math.sqrt(row.length);
    expect(Math.abs(Math.hypot(...row) - norm), `${what}: norm ${i}`).toBeLessThanOrEqual(tolerance * norm);
    for (const [j, value] of first.entries()) {
      const allowed = tolerance * Math.max(Math.abs(value), scale);
      expect(Math.abs(row[j] - value), `${what}: logit ${i}, ${j}`).toBeLessThanOrEqual(allowed);
    }
  }
}

/** Batch normalizations average all batches so far: after one step, evaluation sees its statistics. */
export function averageStatistics(net: nn.Module): void {
  for (const layer of net.modules()) if (layer instanceof nn.BatchNorm2d) Object.assign(layer, { momentum: null });
}

/** One step in training mode without an update, then evaluation mode, beside PyTorch's. */
export async function expectStep(
  net: nn.Module,
  golden: StepGolden,
  tolerance: number,
  run: {
    readonly logits: (training: boolean) => readonly Tensor[];
    readonly loss: (outputs: readonly Tensor[]) => Tensor;
    /** Biases that a batch normalization takes away again: their gradient is zero but for rounding, in PyTorch too. */
    readonly vanishing?: ReadonlySet<string>;
  },
): Promise<void> {
  averageStatistics(net);
  const outputs = run.logits(true);
  const loss = run.loss(outputs);
  loss.backward();
  const parameters = net.namedParameters();
  const gradients = parameters.map(([, p]) => p.grad!);
  await evaluate(loss, ...outputs, ...gradients);
  const { train } = golden;
  expect(Math.abs((await loss.item()) / train.loss - 1), 'loss').toBeLessThanOrEqual(tolerance);
  for (const [i, t] of outputs.entries()) {
    await expectLogits(t, train.logits.slice(2 * i, 2 * i + 2), tolerance, `training, output ${i}`);
  }
  expect(parameters.map(([name]) => name)).toEqual(Object.keys(train.gradients));
  for (const [i, [name]] of parameters.entries()) {
    if (run.vanishing?.has(name)) {
      const [scale] = train.gradients[name.replace(/bias$/, 'weight')];
      for (const norm of [await gradients[i].square().sum().sqrt().item(), train.gradients[name][0]]) {
        expect(norm, name).toBeLessThanOrEqual(tolerance * scale);
      }
    } else {
      await expectFingerprint(gradients[i], train.gradients[name], tolerance, `gradient of ${name}`);
    }
  }
  const buffers = new Map(net.namedBuffers());
  for (const [name, [norm]] of Object.entries(train.buffers)) {
    const found = await buffers.get(name)!.square().sum().sqrt().item();
    expect(Math.abs(found / norm - 1), name).toBeLessThanOrEqual(tolerance);
  }
  net.eval();
  const [logits] = run.logits(false);
  await expectLogits(logits, golden.eval, tolerance, 'evaluation');
}
