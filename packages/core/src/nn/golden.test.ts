/**
 * Every layer against PyTorch: default parameters, printing, forward, gradients, running statistics.
 */
import { describe, expect, test } from 'vitest';
import { float32, float64, golden, maxDifference } from '../../test/golden.js';
import { manualSeed, nn, rand, type Tensor, tensor, type Parameter, zeros } from '../index.js';

interface Data {
  shape: number[];
  dtype: 'float32' | 'float64' | 'int32';
  data: string;
}
interface Pass {
  output: Data;
  gradient: Data;
  inputGradients: Data[];
  parameterGradients: Record<string, Data>;
}
interface Case {
  class: string;
  args: unknown[];
  printed: string;
  state: Record<string, Data>;
  input: Data;
  target?: Data;
  train?: Pass;
  eval?: Pass;
}
interface RunningCase extends Omit<Case, 'input'> {
  initial: Record<string, Data>;
  steps: (Pass & { mode: 'train' | 'eval'; input: Data; state: Record<string, Data> })[];
}

function values({ dtype, data }: Data): Float32Array | Float64Array | Int32Array {
  return dtype === 'int32' ? new Int32Array(float32(data).buffer) : dtype === 'float64' ? float64(data) : float32(data);
}
const toTensor = (data: Data, options = {}): Tensor =>
  tensor(values(data), { dtype: data.dtype, ...options }).reshape(data.shape);
const leaf = (data: Data): Tensor => toTensor(data).detach().requiresGrad_();

async function expectClose(actual: Tensor, expected: Data, tolerance: number, what: string): Promise<void> {
  expect([...actual.shape], what).toEqual(expected.shape);
  expect(actual.dtype, what).toBe(expected.dtype);
  const wanted = values(expected);
  const scale = Math.max(1, ...Array.from(wanted, Math.abs));
  expect(maxDifference(await actual.data(), wanted) / scale, what).toBeLessThanOrEqual(tolerance);
}

async function expectState(module: nn.Module, expected: Record<string, Data>, tolerance: number): Promise<void> {
  const state = module.stateDict();
  expect([...state.keys()]).toEqual(Object.keys(expected));
  for (const [name, value] of state) await expectClose(value, expected[name], tolerance, name);
}

function make({ class: name, args }: { class: string; args: unknown[] }): nn.Module {
  const own = args.map((arg) => {
    const weight = (arg as { weight?: number[] } | null)?.weight;
    return weight ? { ...(arg as object), weight: tensor(weight) } : arg;
  });
  return new (nn as unknown as Record<string, new (...args: unknown[]) => nn.Module>)[name](...own);
}

async function expectPass(module: nn.Module, input: Data, pass: Pass, target?: Data): Promise<void> {
  const tolerance = input.dtype === 'float64' ? 1e-12 : 5e-6;
  const x = leaf(input);
  module.zeroGrad();
  const output = (module as (...inputs: Tensor[]) => Tensor)(x, ...(target ? [toTensor(target)] : []));
  output.backward({ gradient: toTensor(pass.gradient) });
  await expectClose(output, pass.output, tolerance, 'output');
  await expectClose(x.grad!, pass.inputGradients[0], tolerance, 'gradient of the input');
  const parameters = new Map<string, Parameter>(module.namedParameters());
  expect([...parameters.keys()]).toEqual(Object.keys(pass.parameterGradients));
  for (const [name, p] of parameters)
    await expectClose(p.grad!, pass.parameterGradients[name], tolerance, `gradient of ${name}`);
}

const FILES = [
  'conv',
  'conv-padding',
  'conv-transpose',
  'linear',
  'pooling',
  'activation',
  'activation-more',
  'loss',
  'normalization',
];
describe.each(FILES)('%s', (file) => {
  test.each(
    golden<Case[]>(`nn/${file}`).map((c) => [`${c.class}(${JSON.stringify(c.args).slice(1, -1)})`, c] as const),
  )('%s', async (_, c) => {
    manualSeed(0);
    const module = make(c);
    expect(module.toString()).toBe(c.printed);
    await expectState(module, c.state, c.input.dtype === 'float64' ? 0 : 2e-6);
    // What does not depend on the mode has one golden for both.
    if (c.train) await expectPass(module.train(), c.input, c.train, c.target);
    await expectPass(module.eval(), c.input, (c.eval ?? c.train)!, c.target);
  });
});

const RUNNING = ['batchnorm', 'batchnorm-options', 'batchnorm-1d-3d', 'instancenorm'];
describe.each(RUNNING)('%s', (file) => {
  test.each(
    golden<RunningCase[]>(`nn/${file}`).map((c) => [`${c.class}(${JSON.stringify(c.args).slice(1, -1)})`, c] as const),
  )('%s: three batches in training, one in evaluation', async (_, c) => {
    const module = make(c);
    expect(module.toString()).toBe(c.printed);
    await expectState(module, c.initial, 0);
    module.loadStateDict(new Map(Object.entries(c.state).map(([name, data]) => [name, toTensor(data)])));
    for (const step of c.steps) {
      module.train(step.mode === 'train');
      await expectPass(module, step.input, step);
      await expectState(module, step.state, 2e-6);
    }
  });
});

describe('init', () => {
  const { cases, gains, ...others } = golden<{
    cases: { function: string; args: unknown[]; value: Data; after: number }[];
    gains: Record<nn.init.Nonlinearity, number>;
    'leakyRelu 0.2': number;
  }>('nn/init');

  test.each(
    cases.map(
      (c) => [`${c.function}(${c.value.dtype}[${String(c.value.shape)}], ${JSON.stringify(c.args)})`, c] as const,
    ),
  )('%s', async (_, c) => {
    const p = new nn.Parameter(zeros(c.value.shape, { dtype: c.value.dtype }));
    manualSeed(5);
    const init = nn.init as unknown as Record<string, (p: Parameter, ...args: unknown[]) => Parameter>;
    expect(init[c.function](p, ...c.args)).toBe(p);
    await expectClose(p, c.value, 2e-6, c.function);
    expect(await rand([1]).item()).toBeCloseTo(c.after, 6);
  });

  test('calculateGain', () => {
    for (const [name, gain] of Object.entries(gains)) {
      expect(nn.init.calculateGain(name as nn.init.Nonlinearity), name).toBeCloseTo(gain, 14);
    }
    expect(nn.init.calculateGain('leakyRelu', 0.2)).toBeCloseTo(others['leakyRelu 0.2'], 14);
  });
});
