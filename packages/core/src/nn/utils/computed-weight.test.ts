/**
 * Weight and spectral normalization against PyTorch, and what goldens don't show.
 */
import { describe, expect, test } from 'vitest';
import { float32, float64, golden, maxDifference } from '../../../test/golden.js';
import {
  manualSeed,
  nn,
  noGrad,
  onCompile,
  ones,
  rand,
  randn,
  tensor,
  type Parameter,
  type Tensor,
} from '../../index.js';

const { removeSpectralNorm, removeWeightNorm, spectralNorm, weightNorm } = nn.utils;

interface Data {
  shape: number[];
  dtype: 'float32' | 'float64';
  data: string;
}
interface Step {
  input: Data;
  output: Data;
  gradient: Data;
  inputGradients: Data[];
  parameterGradients: Record<string, Data>;
}
interface Case {
  class: string;
  args: unknown[];
  options: { name?: string; dim?: number | null; nPowerIterations?: number; eps?: number };
  printed: string;
  state: Record<string, Data>;
  /** The next number of the generator. */
  after: number;
  steps: Step[];
  /** The state after the steps. */
  trained: Record<string, Data>;
  eval: Step;
  removed: Record<string, Data>;
}

const values = ({ dtype, data }: Data): Float32Array | Float64Array =>
  dtype === 'float64' ? float64(data) : float32(data);
const toTensor = (data: Data): Tensor => tensor(values(data), { dtype: data.dtype }).reshape(data.shape);

async function expectClose(actual: Tensor, expected: Data, what: string): Promise<void> {
  expect([...actual.shape], what).toEqual(expected.shape);
  const wanted = values(expected);
  const scale = Math.max(1, ...Array.from(wanted, Math.abs));
  const tolerance = expected.dtype === 'float64' ? 1e-13 : 3e-6;
  expect(maxDifference(await actual.data(), wanted) / scale, what).toBeLessThanOrEqual(tolerance);
}

async function expectState(module: nn.Module, expected: Record<string, Data>): Promise<void> {
  const state = module.stateDict();
  expect([...state.keys()]).toEqual(Object.keys(expected));
  for (const [name, value] of state) await expectClose(value, expected[name], name);
}

async function expectPass(module: nn.Module, step: Step): Promise<void> {
  const x = toTensor(step.input).detach().requiresGrad_();
  module.zeroGrad();
  const output = (module as (x: Tensor) => Tensor)(x);
  output.backward({ gradient: toTensor(step.gradient) });
  await expectClose(output, step.output, 'output');
  await expectClose(x.grad!, step.inputGradients[0], 'gradient of the input');
  const parameters = module.namedParameters();
  expect(parameters.map(([name]) => name)).toEqual(Object.keys(step.parameterGradients));
  for (const [name, p] of parameters) await expectClose(p.grad!, step.parameterGradients[name], `gradient of ${name}`);
}

const KINDS = {
  'weight-norm': {
    apply: (module: nn.Module, { name, dim }: Case['options']) => weightNorm(module, name, dim),
    remove: removeWeightNorm,
  },
  'spectral-norm': {
    apply: (module: nn.Module, { name, dim, ...options }: Case['options']) =>
      spectralNorm(module, name, { ...options, dim: dim ?? undefined }),
    remove: removeSpectralNorm,
  },
};

describe.each(Object.entries(KINDS))('%s', (file, { apply, remove }) => {
  test.each(
    golden<Case[]>(`nn/${file}`).map(
      (c) => [`${c.class}(${JSON.stringify(c.args).slice(1, -1)}), ${JSON.stringify(c.options)}`, c] as const,
    ),
  )('%s: three steps, evaluation, removal', async (_, c) => {
    manualSeed(0);
    const module = new (nn as unknown as Record<string, new (...args: unknown[]) => nn.Module>)[c.class](...c.args);
    expect(apply(module, c.options)).toBe(module);
    expect(await rand([1]).item()).toBeCloseTo(c.after, 6);
    expect(module.toString()).toBe(c.printed);
    await expectState(module, c.state);
    for (const step of c.steps) {
      await expectPass(module, step);
      noGrad(() => module.parameters().forEach((p) => p.assign(p.sub(p.grad!.mul(0.1)))));
    }
    await expectState(module, c.trained);
    await expectPass(module.eval(), c.eval);
    await expectState(module, c.trained);
    remove(module, c.options.name);
    await expectState(module, c.removed);
    expect(Object.keys(module)).toContain(c.options.name ?? 'weight');
  });
});

test('the weight is what it is now: after a step, and after a state dict is loaded', async () => {
  const layer = weightNorm(new nn.Linear(2, 1, { bias: false }));
  const [g, v] = layer.parameters();
  v.assign(tensor([[3, 4]]));
  g.assign(tensor([[10]]));
  expect(await layer.weight.toArray()).toEqual([[6, 8]]);
  layer.loadStateDict(
    new Map([
      ['weight_g', tensor([[5]])],
      ['weight_v', tensor([[0, 2]])],
    ]),
  );
  expect(await layer.weight.toArray()).toEqual([[0, 5]]);
});

test('the spectral norm becomes 1', async () => {
  manualSeed(0);
  const layer = spectralNorm(new nn.Linear(5, 4), 'weight', { nPowerIterations: 50 });
  layer(ones([1, 5]));
  // The largest singular value, by power iteration on the weight that the layer shows.
  const w = layer.weight.detach();
  let v: Tensor = randn([5]);
  for (let i = 0; i < 100; i++) v = nn.functional.normalize(w.t().mv(w.mv(v)), { dim: 0 });
  expect(await w.mv(v).norm().item()).toBeCloseTo(1, 5);
});

describe('spectral normalization', () => {
  const vectors = async (layer: nn.Module): Promise<unknown> =>
    Promise.all(layer.buffers().map((buffer) => buffer.toArray()));

  test('the vectors move once a call in training, under noGrad too, and never in evaluation or by reading', async () => {
    const layer = spectralNorm(new nn.Linear(4, 3));
    const start = await vectors(layer);
    await layer.weight.sum().item();
    expect(await vectors(layer)).toEqual(start);
    layer.eval()(ones([1, 4]));
    expect(await vectors(layer)).toEqual(start);
    noGrad(() => layer.train()(ones([1, 4])));
    expect(await vectors(layer)).not.toEqual(start);
  });

  test('two forwards before one backward, as in a GAN, with the loss read between', async () => {
    const gradient = async (between: boolean): Promise<unknown> => {
      manualSeed(0);
      const layer = spectralNorm(new nn.Linear(4, 3));
      const loss = layer(ones([1, 4]))
        .square()
        .sum()
        .sub(
          layer(randn([2, 4]))
            .square()
            .sum(),
        );
      if (between) await loss.item();
      loss.backward();
      return layer.getParameter('weight_orig').grad!.toArray();
    };
    expect(await gradient(true)).toEqual(await gradient(false));
  });

  test('a training loop compiles one program', async () => {
    const layer = spectralNorm(new nn.Linear(4, 3));
    const compiled: unknown[] = [];
    const watch = onCompile((event) => compiled.push(event));
    for (let i = 0; i < 4; i++) {
      layer.zeroGrad();
      const loss = layer(ones([2, 4]))
        .square()
        .mean();
      loss.backward();
      noGrad(() => layer.parameters().forEach((p) => p.assign(p.sub(p.grad!.mul(0.1 / (i + 1))))));
      await loss.item();
    }
    watch();
    expect(compiled).toHaveLength(1);
  });
});

test('clones have weights of their own, and go on normalizing', async () => {
  const layer = spectralNorm(weightNorm(new nn.Linear(4, 3), 'bias'));
  const copy = layer.clone();
  expect([...copy.stateDict().keys()]).toEqual([...layer.stateDict().keys()]);
  expect(await copy.weight.toArray()).toEqual(await layer.weight.toArray());
  const before = await layer.stateDict().get('weight_u')!.toArray();
  copy(ones([1, 4]));
  expect(await layer.stateDict().get('weight_u')!.toArray()).toEqual(before);
  expect(await copy.stateDict().get('weight_u')!.toArray()).not.toEqual(before);
  removeSpectralNorm(copy);
  expect([...copy.stateDict().keys()]).toEqual(['bias_g', 'bias_v', 'weight']);
  copy(ones([1, 4]));
  expect([...layer.stateDict().keys()]).toEqual(['bias_g', 'bias_v', 'weight_orig', 'weight_u', 'weight_v']);
});

test('applied again after removal, it moves once a call', async () => {
  manualSeed(0);
  const once = spectralNorm(new nn.Linear(4, 3));
  manualSeed(0);
  const again = spectralNorm(removeSpectralNorm(spectralNorm(new nn.Linear(4, 3))));
  again.loadStateDict(once.stateDict());
  once(ones([1, 4]));
  again(ones([1, 4]));
  expect(await again.stateDict().get('weight_u')!.toArray()).toEqual(await once.stateDict().get('weight_u')!.toArray());
});

describe('misuse', () => {
  test.each<[string, () => unknown]>([
    ['no such parameter', () => weightNorm(new nn.Linear(2, 3), 'weights')],
    ['no bias', () => weightNorm(new nn.Linear(2, 3, { bias: false }), 'bias')],
    ['twice', () => weightNorm(weightNorm(new nn.Linear(2, 3)))],
    ['both', () => spectralNorm(weightNorm(new nn.Linear(2, 3)))],
    ['a parameter of a child', () => weightNorm(new nn.Sequential(new nn.Linear(2, 3)))],
    ['no module', () => weightNorm(ones([2]) as never)],
    ['an axis that is not there', () => weightNorm(new nn.Linear(2, 3), 'weight', -1)],
    ['an axis that is not there, spectral', () => spectralNorm(new nn.Linear(2, 3), 'weight', { dim: 2 })],
    ['no iterations', () => spectralNorm(new nn.Linear(2, 3), 'weight', { nPowerIterations: 0 })],
    ['nothing to remove', () => removeWeightNorm(new nn.Linear(2, 3))],
    ['another kind to remove', () => removeSpectralNorm(weightNorm(new nn.Linear(2, 3)))],
    ['assigning the weight', () => (weightNorm(new nn.Linear(2, 3)).weight = new nn.Parameter(ones([3, 2])))],
  ])('%s', (_, run) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });

  test('leaves the layer as it was', () => {
    const layer = new nn.Linear(2, 3);
    const { weight } = layer as { weight: Parameter };
    expect(() => weightNorm(layer, 'weight', 7)).toThrow();
    expect(layer.weight).toBe(weight);
  });
});
