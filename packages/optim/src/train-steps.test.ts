import { manualSeed, nn, randint, randn, stats, type Tensor } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { Adam } from './adam.js';
import { SGD } from './sgd.js';
import { trainSteps } from './train-steps.js';

const criterion = new nn.CrossEntropyLoss();

function setUp() {
  manualSeed(0);
  const net = new nn.Sequential(new nn.Linear(6, 8), new nn.BatchNorm1d(8), new nn.ReLU(), new nn.Linear(8, 3));
  const batches = [0, 1, 2, 3].map(() => ({ x: randn([5, 6]), y: randint(0, 3, [5]) }));
  return { net, batches };
}

const items = (losses: readonly Tensor[]) => Promise.all(losses.map((loss) => loss.item()));

async function weights(net: nn.Module) {
  const state = net.stateDict();
  return Promise.all([...state.values()].map((t) => t.toArray()));
}

describe.each([
  ['SGD with momentum', (net: nn.Module) => new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 })],
  ['Adam', (net: nn.Module) => new Adam(net.parameters(), { lr: 0.01 })],
])('%s', (_, make) => {
  test('four steps are one run, and the numbers of four single steps', async () => {
    const single = setUp();
    const one = make(single.net);
    const expected: number[] = [];
    for (const { x, y } of single.batches) {
      one.zeroGrad();
      const loss = criterion(single.net(x), y);
      loss.backward();
      await one.step();
      expected.push(await loss.item());
    }

    const together = setUp();
    const before = stats();
    const losses = await trainSteps(make(together.net), together.batches, ({ x, y }) => criterion(together.net(x), y));
    const after = stats();
    expect(after.runs - before.runs).toBe(1);
    expect(await items(losses)).toEqual(expected);
    expect(await weights(together.net)).toEqual(await weights(single.net));
  });
});

test('calls of as many batches share one program', async () => {
  const { net, batches } = setUp();
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  await trainSteps(optimizer, batches, ({ x, y }) => criterion(net(x), y));
  const { compiles } = stats();
  for (let i = 0; i < 3; i++) await trainSteps(optimizer, batches, ({ x, y }) => criterion(net(x), y));
  expect(stats().compiles).toBe(compiles);
});

test('an error in a batch: the steps before it have happened, as one by one', async () => {
  const { net, batches } = setUp();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const before = await weights(net);
  const failing = trainSteps(optimizer, batches, ({ x, y }) => {
    if (x === batches[2].x) throw new Error('no such image');
    return criterion(net(x), y);
  });
  await expect(failing).rejects.toThrow('no such image');
  const after = await weights(net);

  const other = setUp();
  await trainSteps(new SGD(other.net.parameters(), { lr: 0.1 }), other.batches.slice(0, 2), ({ x, y }) =>
    criterion(other.net(x), y),
  );
  expect(after).toEqual(await weights(other.net));
  expect(after).not.toEqual(before);
});

test('batches that break off: the error is theirs, and no promise is left behind', async () => {
  const { net, batches } = setUp();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  function* broken() {
    yield batches[0];
    throw new Error('the file ends');
  }
  await expect(trainSteps(optimizer, broken(), ({ x, y }) => criterion(net(x), y))).rejects.toThrow('the file ends');
  const other = setUp();
  await trainSteps(new SGD(other.net.parameters(), { lr: 0.1 }), other.batches.slice(0, 1), ({ x, y }) =>
    criterion(other.net(x), y),
  );
  expect(await weights(net)).toEqual(await weights(other.net));
});

test('a run that fails undoes all of its steps', async () => {
  const { net, batches } = setUp();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const parameters = () => Promise.all([...net.parameters()].map((parameter) => parameter.toArray()));
  const before = await parameters();
  const labels = [batches[0].y, randint(7, 8, [5]).add(randint(0, 1, [5]))];
  const failing = trainSteps(optimizer, [0, 1], (i) => criterion(net(batches[i].x), labels[i]));
  await expect(failing).rejects.toThrow();
  expect(await parameters()).toEqual(before);
});

test('no batch, and a loss that waits, are errors', async () => {
  const { net, batches } = setUp();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  await expect(trainSteps(optimizer, [], () => net(batches[0].x))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: trainSteps: expected at least one batch, got none]`,
  );
  const waiting = trainSteps(optimizer, batches, (async () => net(batches[0].x)) as never);
  await expect(waiting).rejects.toThrow('trainSteps: lossOf returned a promise');
});
