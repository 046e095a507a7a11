/**
 * Every golden case: forward and gradient, natively and with composites decomposed.
 */
import { formatAval, grad, tensor, type Device, type Tensor } from '@fakkel/core';
import { ADAPTERS } from '../cases/index.js';
import { expectClose } from '../compare.js';
import {
  concreteDType,
  inputData,
  typedArray,
  type FloatDType,
  type GoldenCase,
  type GoldenTensor,
} from '../golden.js';
import { GOLDENS } from '../goldens/index.js';
import type { BackendTest, SuiteContext } from '../options.js';
import { onDevice, withoutComposites } from '../session.js';
import { toleranceOf } from '../tolerance.js';
import type { TrackOptions } from '../tracking.js';

/** Cases whose op, or its gradient, is a composite: they run decomposed too. The kit's own tests keep it complete. */
export const DECOMPOSING: ReadonlySet<string> = new Set([
  ...['rsqrt', 'reciprocal', 'square', 'sigmoid', 'relu', 'clamp', 'leakyRelu', 'elu', 'gelu', 'silu', 'logsigmoid'],
  ...['prelu', 'threshold', 'selu', 'celu', 'geluTanh', 'mish', 'hardswish', 'hardsigmoid', 'softsign', 'hardshrink'],
  ...['softshrink', 'tanhshrink'],
  ...['softplus', 'hardtanh', 'mean', 'var', 'std', 'norm', 'logsumexp', 'softmax', 'logSoftmax', 'crossEntropy'],
  ...['binaryCrossEntropy', 'embedding', 'nllLoss', 'mseLoss', 'batchNorm', 'dropout'],
  ...['layerNorm', 'groupNorm', 'instanceNorm', 'localResponseNorm'],
  ...['sgdUpdate', 'adagradUpdate', 'adadeltaUpdate', 'rmspropUpdate', 'larsUpdate'],
  ...['adamUpdate', 'adamaxUpdate', 'nadamUpdate', 'radamUpdate', 'lambUpdate'],
  'checkpoint',
]);

/** Whether the case has gradients to check. */
export const hasGradient = (golden: GoldenCase): boolean => golden.inputs.some((input) => input.grad !== undefined);

/** `div/by zero` */
export const caseId = (golden: GoldenCase): string => `${golden.op}/${golden.name}`;

export function goldenTests(context: SuiteContext): BackendTest[] {
  const tests: BackendTest[] = [];
  const add = (golden: GoldenCase, suffix: string, float: FloatDType, options?: TrackOptions): void => {
    const check = (run: typeof checkForward) => (): Promise<void> =>
      onDevice(context.backend, ({ device }) => run(golden, device, float, context), options);
    const id = caseId(golden);
    tests.push({ id: `${id}/forward${suffix}/${float}`, run: check(checkForward) });
    if (hasGradient(golden)) tests.push({ id: `${id}/gradient${suffix}/${float}`, run: check(checkGradient) });
  };
  for (const float of context.dtypes) {
    for (const golden of GOLDENS) {
      add(golden, '', float);
      if (DECOMPOSING.has(golden.op)) add(golden, ' decomposed', float, withoutComposites);
    }
  }
  // What is computed in place is no matter of precision.
  for (const golden of GOLDENS) add(golden, ' donated', context.dtypes[0], { donateCopies: true });
  return tests;
}

/** What an op was given and what it gave. */
export interface Recorded {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** The case's inputs on `device`, and what the op makes of them. `unrounded`: the data is no golden's. */
export function record(golden: GoldenCase, device: Device, float: FloatDType, unrounded = false): Recorded {
  const run = ADAPTERS[golden.op];
  if (!run) throw new Error(`the kit has no adapter for '${golden.op}'`);
  const inputs = golden.inputs.map((input) =>
    makeTensor(input, device, float, unrounded).requiresGrad_(input.grad !== undefined),
  );
  const result = run(inputs, golden.args, float, device);
  return { inputs, outputs: Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor] };
}

/** A golden input or cotangent on `device`. */
function makeTensor(golden: GoldenTensor, device: Device, float: FloatDType, unrounded = false): Tensor {
  const { data, aval } = inputData(golden, float);
  const { shape, dtype } = aval;
  return tensor(unrounded ? typedArray(dtype, golden.data) : data, { shape, dtype, device });
}

async function checkForward(
  golden: GoldenCase,
  device: Device,
  float: FloatDType,
  context: SuiteContext,
): Promise<void> {
  const { outputs } = record(golden, device, float);
  checkAvals(golden, outputs, float);
  const results = await Promise.all(outputs.map((output) => output.data()));
  golden.outputs.forEach((expected, i) => {
    const dtype = concreteDType(expected, float);
    const isFloat = dtype === 'float32' || dtype === 'float64';
    const tolerance = isFloat ? toleranceOf(golden.op, dtype, context.tolerance) : { relative: 0, absolute: 0 };
    const exact = tolerance.relative === 0 && isFloat;
    // Twelve digits name a float32 without doubt; where bits have to be equal, that float32 is what is meant.
    const data = exact ? expected.data.map(Math.fround) : expected.data;
    expectClose(`${caseId(golden)}: output ${i}`, results[i], data, expected.shape, tolerance);
  });
}

function checkAvals(golden: GoldenCase, outputs: readonly Tensor[], float: FloatDType): void {
  const expected = golden.outputs.map((o) => formatAval({ shape: o.shape, dtype: concreteDType(o, float) })).join(', ');
  const got = outputs.map(formatAval).join(', ');
  if (got !== expected) throw new Error(`${caseId(golden)}: expected ${expected}, got ${got}`);
}

async function checkGradient(
  golden: GoldenCase,
  device: Device,
  float: FloatDType,
  context: SuiteContext,
): Promise<void> {
  const { inputs, outputs } = record(golden, device, float);
  const gradients = gradientsOf(golden, inputs, outputs, device, float);
  const results = await Promise.all(gradients.map(async (g) => (g ? g.data() : null)));
  const tolerance = toleranceOf(golden.op, float, context.tolerance);
  golden.inputs.forEach((input, i) => {
    if (input.grad === undefined) return;
    const expected = input.grad ?? new Float64Array(inputs[i].numel());
    // No gradient is a gradient of zeros.
    const actual = results[i] ?? new Float64Array(inputs[i].numel());
    expectClose(`${caseId(golden)}: gradient of input ${i}`, actual, expected, input.shape, tolerance);
  });
}

/** The gradient to each input that has one in the golden, else null. */
export function gradientsOf(
  golden: GoldenCase,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  device: Device,
  float: FloatDType,
  createGraph = false,
): (Tensor | null)[] {
  const roots: Tensor[] = [];
  const gradOutputs: Tensor[] = [];
  golden.outputs.forEach(({ shape, cotangent }, i) => {
    if (!cotangent || !outputs[i].requiresGrad) return;
    roots.push(outputs[i]);
    gradOutputs.push(makeTensor({ shape, data: cotangent }, device, float));
  });
  const wanted = inputs.filter((_, i) => golden.inputs[i].grad !== undefined);
  const found = roots.length > 0 ? grad(roots, wanted, { gradOutputs, allowUnused: true, createGraph }) : [];
  const byInput = new Map(wanted.map((input, i) => [input, found[i] ?? null]));
  const gradients = inputs.map((input) => byInput.get(input) ?? null);
  gradients.forEach((gradient, i) => {
    if (gradient && formatAval(gradient) !== formatAval(inputs[i])) {
      throw new Error(
        `${caseId(golden)}: input ${i} is ${formatAval(inputs[i])}, its gradient ${formatAval(gradient)}`,
      );
    }
  });
  return gradients;
}
