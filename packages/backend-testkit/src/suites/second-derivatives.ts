/**
 * Gradients of gradients against central differences of the gradient, which the reference computes in float64.
 */
import { grad, tensor, type Device, type Tensor } from '@fakkel/core';
import type { FloatDType, GoldenCase } from '../golden.js';
import { GOLDENS } from '../goldens/index.js';
import type { BackendTest, SuiteContext } from '../options.js';
import { generator, seedOf, uniform } from '../random-data.js';
import { onDevice } from '../session.js';
import { toleranceOf } from '../tolerance.js';
import { caseId, gradientsOf, hasGradient, record } from './golden.js';

/** Step of the differences: with four points the error is of the order of its fourth power. */
const STEP = 1e-3;

/** Names of cases at a kink, where a difference says nothing. */
const AT_KINK = /kink|ties|zero|bounds|all equal/;

/** Ops whose first case comes so near a pole or a kink that the differences are no good there. */
const INSTEAD: Readonly<Record<string, string>> = {
  log: 'a scalar',
  log1p: 'a scalar',
  sqrt: 'a scalar',
  rsqrt: 'a scalar',
  hardtanh: 'other bounds',
};

/** One case an op, the first smooth one with a gradient; and those whose rules have a branch of their own. */
const ALSO = new Set(['batchNorm/running statistics', 'crossEntropy/label smoothing, weights, ignore index']);

export function secondDerivativeTests(context: SuiteContext): BackendTest[] {
  const float: FloatDType = context.dtypes.includes('float64') ? 'float64' : 'float32';
  const met = new Set<string>();
  const chosen = GOLDENS.filter((golden) => {
    if (!hasGradient(golden) || AT_KINK.test(golden.name)) return false;
    if (INSTEAD[golden.op] && INSTEAD[golden.op] !== golden.name) return false;
    if (met.has(golden.op)) return ALSO.has(caseId(golden));
    met.add(golden.op);
    return true;
  });
  return chosen.map((golden) => ({
    id: `${caseId(golden)}/second derivative/${float}`,
    run: () => checkSecondDerivative(golden, float, context),
  }));
}

/** A row of directions: one for the inputs, one for their gradients. */
interface Directions {
  readonly inputs: readonly (readonly number[])[];
  readonly gradients: readonly (readonly number[])[];
}

async function checkSecondDerivative(golden: GoldenCase, float: FloatDType, context: SuiteContext): Promise<void> {
  const random = generator(seedOf(caseId(golden)));
  const draw = (): number[][] => golden.inputs.map(({ data }) => uniform(random, data.length, -1, 1));
  const directions: Directions = { inputs: draw(), gradients: draw() };
  const actual = await onDevice(context.backend, ({ device }) => derivative(golden, directions, device, float));
  const along = (step: number): Promise<number> =>
    onDevice(context.reference, ({ device }) => moved(golden, directions, step, device));
  const [a, b, c, d] = [await along(STEP), await along(-STEP), await along(2 * STEP), await along(-2 * STEP)];
  const expected = (8 * (a - b) - (c - d)) / (12 * STEP);
  const { relative } = toleranceOf(golden.op, float, context.tolerance);
  // The differences themselves are good to about 1e-10 of what they are taken of.
  const allowed = 10 * relative * actual.magnitude + 1e-9 * (1 + Math.abs(a));
  if (!(Math.abs(actual.value - expected) <= allowed)) {
    throw new Error(
      `${caseId(golden)}: second derivative along a direction: expected ${expected}, got ${actual.value} ` +
        `(allowed error ${allowed.toPrecision(3)})`,
    );
  }
}

/** Σ gradient · direction, over the inputs that have a gradient. */
function project(gradients: readonly (Tensor | null)[], directions: Directions, device: Device): Tensor | null {
  let total: Tensor | null = null;
  gradients.forEach((gradient, i) => {
    if (!gradient) return;
    const { shape, dtype } = gradient;
    const term = gradient.mul(tensor([...directions.gradients[i]], { shape, dtype, device })).sum();
    total = total ? total.add(term) : term;
  });
  return total;
}

/** The derivative of the projected gradient along the inputs' direction, by differentiating twice. */
async function derivative(
  golden: GoldenCase,
  directions: Directions,
  device: Device,
  float: FloatDType,
): Promise<{ value: number; magnitude: number }> {
  const { inputs, outputs } = record(golden, device, float);
  const projected = project(gradientsOf(golden, inputs, outputs, device, float, true), directions, device);
  // What is linear has a gradient that depends on nothing.
  if (!projected?.requiresGrad) return { value: 0, magnitude: 1 };
  const wanted = inputs.filter((input) => input.requiresGrad);
  const second = grad(projected, wanted, { allowUnused: true });
  const results = await Promise.all(second.map(async (t) => (t ? t.data() : null)));
  let value = 0;
  let magnitude = 1;
  results.forEach((data, at) => {
    const direction = directions.inputs[inputs.indexOf(wanted[at])];
    data?.forEach((d: number, i: number) => {
      value += d * direction[i];
      magnitude += Math.abs(d * direction[i]);
    });
  });
  return { value, magnitude };
}

/** The projected gradient where the inputs are moved by `step` along their direction. */
async function moved(golden: GoldenCase, directions: Directions, step: number, device: Device): Promise<number> {
  const inputs = golden.inputs.map((input, i) =>
    input.grad === undefined
      ? input
      : { ...input, data: input.data.map((v, j) => Math.fround(v) + step * directions.inputs[i][j]) },
  );
  const at = { ...golden, inputs };
  const { inputs: tensors, outputs } = record(at, device, 'float64', true);
  const projected = project(gradientsOf(at, tensors, outputs, device, 'float64'), directions, device);
  return projected ? projected.item() : 0;
}
