/**
 * Exported models in ONNX Runtime.
 */
import { type DType, evaluate, isTensor, type nn, noGrad, type Tensor, tensor } from '@fakkel/core';
import * as ort from 'onnxruntime-node';
import { expect } from 'vitest';
import { checkModels, hasChecker } from '../../../test/onnx-checker.js';
import { encodeModel, exportOnnxModel, type ExportOptions, type OnnxModel } from '../src/index.js';

type Feeds = Readonly<Record<string, Tensor>>;

export interface Outcome {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * A session that is run with tensors.
 *
 * @param training ONNX Runtime's optimizations take every graph for one that infers: they fold batch normalization in
 *   training mode by its running statistics, and drop a dropout. Off for such graphs.
 */
export async function open(
  bytes: Uint8Array,
  training = false,
): Promise<(feeds: Feeds) => Promise<Record<string, Outcome>>> {
  const graphOptimizationLevel = training ? 'disabled' : 'all';
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel, logSeverityLevel: 3 });
  return async (feeds) => {
    const given: Record<string, ort.Tensor> = {};
    for (const [name, value] of Object.entries(feeds)) {
      given[name] = new ort.Tensor(value.dtype as 'float32', (await value.data()) as Float32Array, value.shape);
    }
    return (await session.run(given)) as unknown as Record<string, Outcome>;
  };
}

/** What the checker is to see: one Python process for all. */
const files: { name: string; bytes: Uint8Array }[] = [];

/** What ONNX's checker says about everything that {@link expectSame} has exported. */
export async function complaints(): Promise<string[]> {
  if (!hasChecker) return [];
  const found = await checkModels(files.map(({ bytes }) => bytes));
  return found.flatMap((error, i) => (error === undefined ? [] : [`${files[i].name}: ${error}`]));
}

export const exportedFiles = (): number => files.length;

/** The tensors of what a network returned, in their order. */
function tensorsOf(value: unknown): Tensor[] {
  if (isTensor(value)) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(tensorsOf) : [];
}

const tolerance = (dtype: DType): number => (dtype === 'float64' ? 1e-12 : 2e-5);

/**
 * Exports a network, and compares it in ONNX Runtime with itself for inputs of several batches (the first of which it is
 * exported with).
 */
export async function expectSame(
  name: string,
  net: nn.Module,
  batches: readonly (readonly Tensor[])[],
  options: ExportOptions = {},
): Promise<OnnxModel> {
  const model = await exportOnnxModel(net, batches[0], options);
  const bytes = encodeModel(model);
  files.push({ name, bytes });
  const run = await open(bytes, options.training !== undefined);
  const modes = net.modules().map((module) => [module, module.training] as const);
  if (options.training === undefined) net.eval();
  for (const inputs of batches) {
    const expected = tensorsOf(noGrad(() => (net as (...args: unknown[]) => unknown)(...inputs)));
    await evaluate(...expected);
    const feeds = Object.fromEntries(inputs.map((input, i) => [model.graph.inputs[i].name, input]));
    const outcomes = await run(feeds);
    for (const [i, value] of expected.entries()) {
      const outcome = outcomes[model.graph.outputs[i].name];
      expect(outcome.dims).toEqual(value.shape);
      const data = await value.data();
      const scale = Math.max(1, ...Array.from(data, Math.abs).filter(Number.isFinite));
      // Equal infinities and NaN in both are no difference; NaN in one is.
      const difference = (a: number, b: number): number => (Object.is(a, b) ? 0 : Math.abs(a - b));
      const worst = Math.max(...Array.from(data, (n, k) => difference(Number(outcome.data[k]), n)));
      expect(worst / scale, `${name}, ${inputs.map(({ shape }) => `[${shape.join()}]`).join()}`).toBeLessThan(
        tolerance(value.dtype),
      );
    }
  }
  for (const [module, training] of modes) module.train(training);
  return model;
}

/** How often each operator is there. */
export function histogram({ graph }: OnnxModel): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of graph.nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

/** Whole numbers below n. */
export const indices = (shape: readonly number[], n: number): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7 + 3) % n),
    { dtype: 'int32' },
  ).reshape([...shape]);
