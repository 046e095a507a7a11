/** What every optimizer promises: groups, what a step touches, what it compiles, and what it says of mistakes. */
import { Cell, memory, nn, noGrad, ones, Parameter, stats, tensor, zeros, type Tensor } from '@fakkel/core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Adam, CosineAnnealingLR, Optimizer, SGD, type Params, type UpdateContext } from '../src/index.js';
import { cost, freshDevice, messagesOf, problem, small } from './helpers.js';

const any = (value: unknown): any => value;

beforeEach(() => freshDevice());

describe('a step', () => {
  test('is one run with forward and backward pass, and compiles one program', async () => {
    const { p, loss } = small();
    const optimizer = new SGD([p], { lr: 0.1, momentum: 0.9 });
    const counts = await cost(async () => {
      for (let i = 0; i < 100; i++) {
        optimizer.zeroGrad();
        loss().backward();
        await optimizer.step();
      }
    });
    expect(counts).toEqual({ compiles: 1, runs: 100 });
  });

  test.each<[string, number, (p: Parameter) => Optimizer]>([
    ['SGD', 3, (p) => new SGD([p], { lr: 0.1, momentum: 0.9 })],
    ['Adam', 4, (p) => new Adam([p], { lr: 0.1 })],
  ])('%s: a cosine schedule over 100 steps compiles one program', async (_, size, make) => {
    const p = new Parameter(ones(size));
    const optimizer = make(p);
    const scheduler = new CosineAnnealingLR(optimizer, { tMax: 100 });
    const counts = await cost(async () => {
      for (let i = 0; i < 100; i++) {
        optimizer.zeroGrad();
        p.square().sum().backward();
        await optimizer.step();
        scheduler.step();
      }
    });
    expect(counts).toEqual({ compiles: 1, runs: 100 });
    expect(optimizer.paramGroups[0].lr).toBeCloseTo(0, 15);
  });

  test('every number may change every step: no new program', async () => {
    const { p, loss } = small();
    const sgd = new SGD([p], { lr: 0.1, momentum: 0.9 });
    const adam = new Adam([p], { lr: 0.1 });
    const step = async (optimizer: Optimizer): Promise<void> => {
      optimizer.zeroGrad();
      loss().backward();
      await optimizer.step();
    };
    await step(sgd);
    await step(adam);
    const { compiles } = await cost(async () => {
      for (let i = 1; i < 6; i++) {
        Object.assign(sgd.paramGroups[0], {
          lr: 0.1 / i,
          momentum: 0.9 / i,
          dampening: 0.01 * i,
          weightDecay: 0.01 * i,
        });
        Object.assign(adam.paramGroups[0], {
          lr: 0.1 / i,
          betas: [0.9 / i, 0.99 / i],
          eps: 1e-8 * i,
          weightDecay: 0.01 * i,
        });
        await step(sgd);
        await step(adam);
      }
    });
    expect(compiles).toBe(0);
  });

  test('two groups with other numbers are the program of two groups with the same', async () => {
    const make = (lrs: [number, number], dampening: [number, number]) => {
      const params = [0, 1].map((i) => new Parameter(tensor([1, 2, 3]), { name: `p${i}` }));
      const groups = params.map((p, i) => ({ params: p, lr: lrs[i], dampening: dampening[i] }));
      const optimizer = new SGD(groups, { momentum: 0.9 });
      return async (): Promise<void> => {
        optimizer.zeroGrad();
        params[0].mul(params[1]).sum().backward();
        await optimizer.step();
      };
    };
    const equal = make([0.1, 0.1], [0, 0]);
    await equal();
    const other = make([0.1, 0.3], [0.1, 0.2]);
    expect(await cost(other)).toEqual({ compiles: 0, runs: 1 });
    expect(await cost(other)).toEqual({ compiles: 0, runs: 1 });
  });

  test('momentum 0 keeps no state; switched on by a schedule it begins then', async () => {
    const { p, loss } = small();
    const optimizer = new SGD([p], { lr: 0.1 });
    const before = memory().bytes.optimizer;
    const step = async (): Promise<void> => {
      optimizer.zeroGrad();
      loss().backward();
      await optimizer.step();
    };
    await step();
    expect(memory().bytes.optimizer).toBe(before);
    expect(optimizer.stateDict().state).toEqual({});
    optimizer.paramGroups[0].momentum = 0.9;
    await step();
    expect(memory().bytes.optimizer - before).toBe(8);
    expect(Object.keys(optimizer.stateDict().state[0])).toEqual(['momentum_buffer']);
  });

  test('what is recorded after step() sees the new values, awaited or not', async () => {
    const { p, loss } = small();
    const optimizer = new SGD([p], { lr: 0.25 });
    loss().backward();
    const done = optimizer.step();
    const after = p.mul(1);
    expect(await after.toArray()).toEqual([0.5, -1]);
    await done;
    expect(await p.toArray()).toEqual([0.5, -1]);
  });

  test('parameters without a gradient keep value and state; a frozen one costs nothing', async () => {
    const { p, loss } = small();
    const idle = new Parameter(tensor([5]), { name: 'idle' });
    const optimizer = new Adam([idle, p], { lr: 0.1, weightDecay: 0.5 });
    loss().backward();
    await optimizer.step();
    expect(await idle.toArray()).toEqual([5]);
    expect(Object.keys(optimizer.stateDict().state)).toEqual(['1']);
    const runs = stats().runs;
    optimizer.zeroGrad();
    await optimizer.step(); // no gradients at all: nothing to do, as in PyTorch
    expect(stats().runs).toBe(runs);
  });

  test('is recorded without gradients, and makes nothing visible', async () => {
    const { p, loss } = small();
    const optimizer = new Adam([p]);
    const value = loss();
    value.backward();
    await optimizer.step();
    expect(p.requiresGrad).toBe(true);
    expect(p.isLeaf).toBe(true);
    const results = memory().buffers.result;
    optimizer.zeroGrad();
    loss().backward();
    await optimizer.step();
    expect(memory().buffers.result).toBe(results);
  });

  test('with a closure: gradients are on inside noGrad too, and its value is handed back', async () => {
    const { p, loss } = small();
    const optimizer = new SGD([p], { lr: 0.25 });
    const value = await noGrad(() =>
      optimizer.step(() => {
        optimizer.zeroGrad();
        const inner = loss();
        inner.backward();
        return inner;
      }),
    );
    expect(await value.item()).toBe(5);
    expect(await p.toArray()).toEqual([0.5, -1]);
  });

  test('with a gradient that a step has used throws before anything changes', async () => {
    const { p, loss } = small();
    const { p: q, loss: other } = small();
    const optimizer = new SGD([q, p], { lr: 0.25, momentum: 0.9 });
    loss().backward();
    await optimizer.step();
    loss().backward();
    other().backward();
    await expect(optimizer.step()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: step: the gradient of p was made partly before and partly after the last step(). Call optimizer.zeroGrad() before backward(): PyTorch would silently add the new gradient to the old one here.]`,
    );
    expect(await q.toArray()).toEqual([1, -2]);
  });

  test('that fails takes the numbers of the state back, too', async () => {
    const { p, loss } = small();
    const optimizer = new Adam([p], { lr: 0.1 });
    const step = (scale: Tensor | number): Promise<void> => {
      optimizer.zeroGrad();
      loss().mul(scale).backward();
      return optimizer.step();
    };
    await step(1);
    const before = await p.toArray();
    const run = vi.spyOn(any(p.device)._runtime.backend, 'upload').mockImplementation(() => {
      throw new Error('no room');
    });
    const first = step(2);
    const second = step(3);
    await expect(first).rejects.toThrow('no room');
    await expect(second).rejects.toThrow('no room');
    run.mockRestore();
    expect(await p.toArray()).toEqual(before);
    expect(optimizer.stateDict().state[0]['step']).toBe(1);
    await step(1);
    expect(optimizer.stateDict().state[0]['step']).toBe(2);
  });

  test('an option that is no number is an error that names it', async () => {
    const { p, loss } = small();
    const optimizer = new SGD([p], { lr: 0.1 });
    optimizer.paramGroups[0].lr = any(undefined);
    loss().backward();
    await expect(optimizer.step()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: SGD: lr of parameter group 0 must be a number, got undefined]`,
    );
    optimizer.paramGroups[0].lr = NaN;
    await expect(optimizer.step()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: SGD: lr of parameter group 0 must be a number, got NaN]`,
    );
    expect(await p.toArray()).toEqual([1, -2]);
  });
});

describe('state', () => {
  test('lives in cells that memory() lists, and goes with dispose()', async () => {
    const { p, loss } = small();
    const before = memory().bytes.optimizer;
    const optimizer = new Adam([p]);
    loss().backward();
    await optimizer.step();
    expect(memory().bytes.optimizer - before).toBe(16);
    optimizer.dispose();
    expect(memory().bytes.optimizer).toBe(before);
    await expect(optimizer.step()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: Adam: step() after dispose(): the state is gone. Make another optimizer.]`,
    );
  });

  test('follows its parameter to another device', async () => {
    const results: unknown[] = [];
    for (const moves of [false, true]) {
      const net = new nn.Linear(2, 1);
      for (const p of net.parameters()) p.assign(ones(p.shape));
      const optimizer = new Adam(net.parameters(), { lr: 0.1 });
      for (let i = 0; i < 4; i++) {
        if (moves && i === 2) net.to(await freshDevice());
        optimizer.zeroGrad();
        net(tensor([[1, 2]]))
          .square()
          .sum()
          .backward();
        await optimizer.step();
      }
      results.push(await net.weight.toArray());
    }
    expect(results[0]).toEqual(results[1]);
  });

  test('100 steps hold live buffers constant', async () => {
    const task = problem('float32');
    const optimizer = new Adam(task.params, { lr: 0.01 });
    const live: number[] = [];
    for (let i = 0; i < 100; i++) {
      optimizer.zeroGrad();
      task.loss(1).backward();
      await optimizer.step();
      live.push(stats().backend.liveBuffers);
    }
    expect(new Set(live.slice(1)).size).toBe(1);
  });
});

describe('groups', () => {
  test('are filled with the defaults, and printed as in PyTorch', () => {
    const [a, b] = [new Parameter(zeros(2)), new Parameter(zeros(2))];
    const optimizer = new SGD([{ params: [a], lr: 0.5, name: 'head' }, { params: b }], { lr: 0.1, momentum: 0.9 });
    expect(optimizer.toString()).toMatchInlineSnapshot(`
      "SGD (
      Parameter Group 0
          dampening: 0
          lr: 0.5
          maximize: false
          momentum: 0.9
          name: head
          nesterov: false
          weightDecay: 0

      Parameter Group 1
          dampening: 0
          lr: 0.1
          maximize: false
          momentum: 0.9
          nesterov: false
          weightDecay: 0
      )"
    `);
    expect(new Adam([a]).toString()).toMatchInlineSnapshot(`
      "Adam (
      Parameter Group 0
          amsgrad: false
          betas: [0.9, 0.999]
          biasCorrection: true
          eps: 1e-8
          lr: 0.001
          maximize: false
          weightDecay: 0
      )"
    `);
  });

  test('can be added', async () => {
    const { p, loss } = small();
    const { p: q, loss: other } = small();
    const optimizer = new SGD([p], { lr: 0.25 });
    optimizer.addParamGroup({ params: q, lr: 0.125 });
    loss().add(other()).backward();
    await optimizer.step();
    expect(await p.toArray()).toEqual([0.5, -1]);
    expect(await q.toArray()).toEqual([0.75, -1.5]);
  });

  test('what makes no sense is an error that teaches', () => {
    const p = (): Parameter => new Parameter(zeros(1), { name: 'fc.weight' });
    const cases = {
      'no parameters': () => new SGD([], { lr: 0.1 }),
      'a module': () => new SGD(any(new nn.Linear(1, 1)), { lr: 0.1 }),
      'one parameter': () => new SGD(any(p()), { lr: 0.1 }),
      'a number': () => new Adam(any(3)),
      'named parameters': () => new Adam(any(new nn.Linear(1, 1).namedParameters())),
      'a tensor': () => new Adam(any([zeros(1)])),
      'a cell': () => new Adam(any([new Cell(zeros(1))])),
      'a string': () => new Adam(any(['weight'])),
      'a duplicate': () => {
        const twice = p();
        return new SGD([twice, twice], { lr: 0.1 });
      },
      'one parameter in two groups': () => {
        const twice = p();
        return new SGD([{ params: twice }, { params: [twice] }], { lr: 0.1 });
      },
      'a group without params': () => new SGD(any([{ params: [p()] }, { lr: 1 }]), { lr: 0.1 }),
      'no learning rate': () => new SGD([p()], any({})),
      'no learning rate in one group': () => new SGD([{ params: p(), lr: 1 }, { params: p() }]),
      'a negative learning rate': () => new SGD([p()], { lr: -0.1 }),
      'a negative momentum': () => new SGD([p()], { lr: 0.1, momentum: -1 }),
      'a negative weight decay in a group': () => new SGD([{ params: p(), weightDecay: -1 }], { lr: 0.1 }),
      'Nesterov without momentum': () => new SGD([p()], { lr: 0.1, nesterov: true }),
      'Nesterov with dampening': () => new SGD([p()], { lr: 0.1, momentum: 0.9, dampening: 0.1, nesterov: true }),
      'PyTorch’s spelling': () => new SGD([p()], any({ lr: 0.1, weight_decay: 1e-4 })),
      'PyTorch’s spelling in a group': () => new SGD(any([{ params: p(), weight_decay: 1e-4 }]), { lr: 0.1 }),
      'another spelling in a group': () => new SGD(any([{ params: p(), weightdecay: 1e-4 }]), { lr: 0.1 }),
      'a number in place of options': () => new SGD([p()], any(0.1)),
      'a typing error': () => new Adam([p()], any({ epsilon: 1e-4 })),
      'Adam: a negative learning rate': () => new Adam([p()], { lr: -1 }),
      'Adam: a negative eps': () => new Adam([p()], { eps: -1 }),
      'Adam: a beta of 1': () => new Adam([p()], { betas: [0.9, 1] }),
      'Adam: betas that are one number': () => new Adam([p()], { betas: any(0.9) }),
    };
    expect(messagesOf(cases)).toMatchInlineSnapshot(`
      "no parameters
          FakkelError: SGD: the optimizer got an empty parameter list. Are the layers assigned to fields of the module, and not kept in a plain array?
      a module
          TypeError: SGD: expected parameters, got a Linear. Write new SGD(net.parameters(), { … }).
      one parameter
          TypeError: SGD: expected an iterable of parameters or groups, got one tensor. Put it in an array: [p].
      a number
          TypeError: Adam: expected an iterable of parameters or groups, got number 3. Write new Adam(net.parameters(), { … }).
      named parameters
          TypeError: Adam: expected a Parameter at index 0, got a pair of name and parameter. Pass net.parameters(), not net.namedParameters().
      a tensor
          TypeError: Adam: expected a Parameter at index 0, got a tensor. Optimizers assign to cells: make it one with new Parameter(tensor).
      a cell
          TypeError: Adam: expected a Parameter at index 0, got a tensor. Optimizers assign to cells: make it one with new Parameter(tensor).
      a string
          TypeError: Adam: expected a Parameter at index 0, got string weight
      a duplicate
          FakkelError: SGD: a parameter group has duplicate parameters ('fc.weight' comes twice)
      one parameter in two groups
          FakkelError: SGD: some parameters appear in more than one parameter group: 'fc.weight'
      a group without params
          TypeError: SGD: a parameter group must be an object { params, … }, got an object of class Object with lr
      no learning rate
          FakkelError: SGD: 'lr' is required: give it in the options, or in every parameter group
      no learning rate in one group
          FakkelError: SGD: 'lr' is required: give it in the options, or in every parameter group
      a negative learning rate
          FakkelError: SGD: Invalid learning rate: -0.1. It must be a number ≥ 0.
      a negative momentum
          FakkelError: SGD: Invalid momentum value: -1. It must be a number ≥ 0.
      a negative weight decay in a group
          FakkelError: SGD: Invalid weightDecay value: -1. It must be a number ≥ 0.
      Nesterov without momentum
          FakkelError: SGD: Nesterov momentum requires a momentum and zero dampening, got momentum 0 and dampening 0.
      Nesterov with dampening
          FakkelError: SGD: Nesterov momentum requires a momentum and zero dampening, got momentum 0.9 and dampening 0.1.
      PyTorch’s spelling
          FakkelError: SGD: unknown option 'weight_decay'. Write weightDecay.
      PyTorch’s spelling in a group
          FakkelError: SGD: unknown option 'weight_decay'. Write weightDecay.
      another spelling in a group
          FakkelError: SGD: unknown option 'weightdecay'. Write weightDecay.
      a number in place of options
          TypeError: SGD: options come in an object, got number 0.1. Write new SGD(params, { lr: 0.1 }).
      a typing error
          FakkelError: Adam: unknown option 'epsilon'. There are: lr, betas, eps, weightDecay, amsgrad, maximize, biasCorrection.
      Adam: a negative learning rate
          FakkelError: Adam: Invalid learning rate: -1. It must be a number ≥ 0.
      Adam: a negative eps
          FakkelError: Adam: Invalid epsilon value: -1. It must be a number ≥ 0.
      Adam: a beta of 1
          FakkelError: Adam: Invalid beta parameter at index 1: 1. It must be ≥ 0 and < 1.
      Adam: betas that are one number
          FakkelError: Adam: betas must be two numbers, such as [0.9, 0.999], got 0.9."
    `);
  });
});

test('an optimizer of one’s own', async () => {
  class SignSGD extends Optimizer<{ lr: number }> {
    constructor(params: Params<{ lr: number }>, options: { lr: number }) {
      super(params, options);
    }
    protected get stateKinds() {
      return { count: 'number' } as const;
    }
    protected update({ parameter, gradient, group, input, number }: UpdateContext<{ lr: number }>) {
      const next = parameter.sub(gradient.sign().mul(input('lr', group.lr)));
      return { parameter: next, state: { count: (number('count') ?? 0) + 1 } };
    }
  }
  const { p, loss } = small();
  const optimizer = new SignSGD([p], { lr: 0.5 });
  loss().backward();
  await optimizer.step();
  expect(await p.toArray()).toEqual([0.5, -1.5]);
  expect(optimizer.stateDict()).toEqual({ state: { 0: { count: 1 } }, param_groups: [{ lr: 0.5, params: [0] }] });
});
