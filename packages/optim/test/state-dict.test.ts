/** Checkpoints: an optimizer that continues where another one stopped. */
import { loadSafetensors, Parameter, saveSafetensors, tensor, type Tensor, zeros } from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  Adam,
  flattenOptimizerState,
  type Optimizer,
  type OptimizerStateDict,
  SGD,
  StepLR,
  unflattenOptimizerState,
} from '../src/index.js';
import { cost, type FloatType, freshDevice, messagesOf, problem, small, train, trajectoryOf } from './helpers.js';

beforeEach(() => freshDevice());

const makers: [string, (params: Parameter[]) => Optimizer][] = [
  [
    'SGD',
    (p) =>
      new SGD(
        [
          { params: p.slice(0, 2), lr: 0.2 },
          { params: p.slice(2), dampening: 0.3 },
        ],
        { lr: 0.1, momentum: 0.9, weightDecay: 0.01 },
      ),
  ],
  ['SGD without momentum', (p) => new SGD(p, { lr: 0.1 })],
  ['Adam', (p) => new Adam([{ params: p.slice(0, 2) }, { params: p.slice(2), betas: [0.8, 0.9] }], { lr: 0.05 })],
];

describe.each(makers)('%s', (_, make) => {
  test.each<FloatType>(['float64', 'float32'])(
    'resumed from a file after three steps equals no interruption, %s',
    async (dtype) => {
      const whole = problem(dtype);
      const uninterrupted = make(whole.params);
      const losses = await train(uninterrupted, whole);

      const first = problem(dtype);
      const before = make(first.params);
      const schedule = new StepLR(before, { stepSize: 100 });
      const early = await train(before, first, { to: 3 });
      schedule.step();
      const model = first.params.map((p): [string, Tensor] => [p.label, p.detach()]);
      const { tensors, metadata } = flattenOptimizerState(before.stateDict());
      const bytes = await saveSafetensors(new Map([...model, ...tensors]), metadata);

      const file = loadSafetensors(bytes);
      const second = problem(dtype);
      const after = make(second.params);
      await train(after, second, { to: 2 }); // state of its own, to be replaced
      for (const p of second.params) p.assign(file.tensors.get(p.label)!);
      after.loadStateDict(unflattenOptimizerState(file));
      const late = await train(after, second, { from: 3 });

      expect([...early, ...late]).toEqual(losses);
      const [a, b] = await Promise.all([
        trajectoryOf(losses, second.params, after.stateDict()),
        trajectoryOf(losses, whole.params, uninterrupted.stateDict()),
      ]);
      expect(a).toEqual(b);
    },
  );
});

test('has PyTorch’s layout and names, and keeps its values when training goes on', async () => {
  const { p, loss } = small();
  const idle = new Parameter(tensor([0]), { name: 'idle' });
  const optimizer = new Adam([idle, p], { lr: 0.1, weightDecay: 0.5 });
  expect(optimizer.stateDict().state).toEqual({});
  loss().backward();
  await optimizer.step();
  const saved = optimizer.stateDict();
  const moment = await (saved.state[1]['exp_avg'] as Tensor).toArray();
  optimizer.zeroGrad();
  loss().backward();
  await optimizer.step();
  expect(await (saved.state[1]['exp_avg'] as Tensor).toArray()).toEqual(moment);
  expect(Object.keys(saved.state[1])).toEqual(['step', 'exp_avg', 'exp_avg_sq']);
  expect(saved.state[1]['step']).toBe(1);
  expect(saved.param_groups).toEqual([
    {
      ...{ lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.5, amsgrad: false, maximize: false },
      ...{ bias_correction: true, params: [0, 1] },
    },
  ]);
});

test('flattened: one tensor a name, numbers and groups in the metadata', async () => {
  const { p, loss } = small();
  const optimizer = new Adam([p]);
  loss().backward();
  await optimizer.step();
  const { tensors, metadata } = flattenOptimizerState(optimizer.stateDict(), 'generator');
  expect([...tensors.keys()]).toEqual(['generator.state.0.exp_avg', 'generator.state.0.exp_avg_sq']);
  expect(metadata).toMatchInlineSnapshot(`
    {
      "generator": "{"param_groups":[{"lr":0.001,"betas":[0.9,0.999],"eps":1e-8,"weight_decay":0,"amsgrad":false,"maximize":false,"bias_correction":true,"params":[0]}],"state":{"0":{"step":1}}}",
    }
  `);
});

test('loading compiles nothing and changes no program', async () => {
  const { p, loss } = small();
  const optimizer = new SGD([p], { lr: 0.1, momentum: 0.9 });
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    loss().backward();
    await optimizer.step();
  };
  await step();
  const saved = optimizer.stateDict();
  await step();
  const value = await (saved.state[0]['momentum_buffer'] as Tensor).toArray();
  const counts = await cost(async () => {
    optimizer.loadStateDict(saved);
    expect(await (optimizer.stateDict().state[0]['momentum_buffer'] as Tensor).toArray()).toEqual(value);
    await step();
  });
  expect(counts).toEqual({ compiles: 0, runs: 1 });
});

test('a state without entries begins anew', async () => {
  const { p, loss } = small();
  const optimizer = new SGD([p], { lr: 0.25, momentum: 0.9, dampening: 0.5 });
  const fresh = optimizer.stateDict();
  loss().backward();
  await optimizer.step();
  optimizer.loadStateDict(fresh);
  p.assign(tensor([1, -2]));
  optimizer.zeroGrad();
  loss().backward();
  await optimizer.step();
  expect(await p.toArray()).toEqual([0.5, -1]); // the first step is not dampened
});

describe('what does not fit is named, and nothing is loaded', () => {
  const params = (): Parameter[] => [
    new Parameter(zeros(2, 3), { name: 'fc.weight' }),
    new Parameter(zeros(2), { name: 'fc.bias' }),
  ];
  const adam = (): OptimizerStateDict => ({
    state: {
      0: { step: 1, exp_avg: zeros(2, 3), exp_avg_sq: zeros(2, 3) },
      1: { step: 1, exp_avg: zeros(2), exp_avg_sq: zeros(2) },
    },
    param_groups: [
      { lr: 0.5, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0, amsgrad: false, maximize: false, params: [0, 1] },
    ],
  });

  test('another state dict', () => {
    const optimizer = new Adam(params(), { lr: 0.1 });
    const changes: Record<string, (saved: any) => any> = {
      'no state dict': () => null,
      'a Map, such as a module’s state dict': () => new Map(),
      'another number of groups': (s) => ({ ...s, param_groups: [...s.param_groups, { params: [] }] }),
      'another number of parameters': (s) => ({ ...s, param_groups: [{ ...s.param_groups[0], params: [0] }] }),
      'a group without parameters': (s) => ({ ...s, param_groups: [{ lr: 1 }] }),
      'another shape': (s) => (((s.state[1].exp_avg = zeros(3)), (s.state[0].exp_avg_sq = zeros(3, 2))), s),
      'another optimizer’s state': (s) => ({ ...s, state: { 0: { momentum_buffer: zeros(2, 3) } } }),
      'a number for a tensor and a tensor for a number': (s) => (
        (s.state[0].step = tensor(1)),
        (s.state[0].exp_avg = 1),
        s
      ),
      'a parameter that is in no group': (s) => ((s.state[7] = s.state[1]), s),
      'options of another kind': (s) => (Object.assign(s.param_groups[0], { lr: '0.1', betas: 0.9 }), s),
      'options outside their range': (s) => ((s.param_groups[0].lr = -1), s),
    };
    const cases = Object.entries(changes).map(
      ([name, change]) => [name, () => optimizer.loadStateDict(change(adam()))] as const,
    );
    expect(messagesOf(Object.fromEntries(cases))).toMatchInlineSnapshot(`
      "no state dict
          StateDictError: Adam.loadStateDict: expected { state, param_groups }, as stateDict() and unflattenOptimizerState() give it, got null
      a Map, such as a module’s state dict
          StateDictError: Adam.loadStateDict: expected { state, param_groups }, as stateDict() and unflattenOptimizerState() give it, got an object of class Map
      another number of groups
          StateDictError: Adam.loadStateDict: the state dict does not fit; nothing was loaded.
            it has a different number of parameter groups: the optimizer has 1, the state dict 2
      another number of parameters
          StateDictError: Adam.loadStateDict: the state dict does not fit; nothing was loaded.
            param_groups[0]: the optimizer has 2 parameters, the state dict 1 parameter
      a group without parameters
          StateDictError: Adam.loadStateDict: param_groups[0] has no list 'params' of parameter numbers
      another shape
          StateDictError: Adam.loadStateDict: the state dict does not fit; nothing was loaded.
            state[0].exp_avg_sq (of 'fc.weight'): the optimizer has float32[2,3], the state dict float32[3,2]
            state[1].exp_avg (of 'fc.bias'): the optimizer has float32[2], the state dict float32[3]
      another optimizer’s state
          StateDictError: Adam.loadStateDict: the state dict does not fit; nothing was loaded.
            state[0].momentum_buffer (of 'fc.weight'): Adam keeps no such state; it keeps step, exp_avg, exp_avg_sq, max_exp_avg_sq
      a number for a tensor and a tensor for a number
          StateDictError: Adam.loadStateDict: the state dict does not fit; nothing was loaded.
            state[0].step (of 'fc.weight'): expected a number, got a tensor: read it with await t.item()
            state[0].exp_avg (of 'fc.weight'): expected a tensor, got number 1
      a parameter that is in no group
          StateDictError: Adam.loadStateDict: the state dict does not fit; nothing was loaded.
            state[7]: no parameter group has a parameter of that number
      options of another kind
          StateDictError: Adam.loadStateDict: the state dict does not fit; nothing was loaded.
            param_groups[0].lr: expected a number, got string 0.1
            param_groups[0].betas: expected 2 numbers, got number 0.9
      options outside their range
          StateDictError: Adam.loadStateDict: the state dict does not fit; nothing was loaded.
            param_groups[0]: Adam: Invalid learning rate: -1. It must be a number ≥ 0."
    `);
    expect(optimizer.paramGroups[0].lr).toBe(0.1);
    expect(optimizer.stateDict().state).toEqual({});
  });

  test('a file that holds no optimizer', () => {
    expect(() =>
      unflattenOptimizerState({ tensors: new Map(), metadata: { format: 'pt' } }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[StateDictError: unflattenOptimizerState: the metadata has no entry 'optimizer' (it has: format), so this file holds no optimizer saved with flattenOptimizerState(…, 'optimizer')]`,
    );
    expect(() =>
      unflattenOptimizerState({ tensors: new Map(), metadata: { optimizer: '{' } }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[StateDictError: unflattenOptimizerState: the metadata entry 'optimizer' is not JSON]`,
    );
    expect(() =>
      unflattenOptimizerState({ tensors: new Map(), metadata: { optimizer: '[]' } }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[StateDictError: unflattenOptimizerState: the metadata entry 'optimizer' must hold param_groups and state]`,
    );
    const metadata = { optimizer: '{"param_groups":[],"state":{}}' };
    expect(() =>
      unflattenOptimizerState({ tensors: new Map([['optimizer.state.x', zeros(1)]]), metadata }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[StateDictError: unflattenOptimizerState: expected optimizer.state.<number>.<name>, got 'optimizer.state.x']`,
    );
  });
});

test('PyTorch’s own entries are taken: unknown options, no buffer, null', () => {
  const p = new Parameter(zeros(2));
  const optimizer = new SGD([p], { lr: 0.1 });
  optimizer.loadStateDict({
    state: { 0: { momentum_buffer: null } },
    param_groups: [
      {
        lr: 0.5,
        momentum: 0,
        dampening: 0,
        weight_decay: 0.1,
        nesterov: false,
        maximize: false,
        foreach: null,
        differentiable: false,
        initial_lr: 1,
        params: [0],
      },
    ],
  });
  expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.5, weightDecay: 0.1, initialLr: 1 });
});
