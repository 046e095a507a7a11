import { describe, expect, test } from 'vitest';
import { nn, tensor, type Tensor } from '../../index.js';

class Double extends nn.Module {
  override forward(x: Tensor): Tensor {
    return x.mul(2);
  }
}
class AddOne extends nn.Module {
  override forward(x: Tensor): Tensor {
    return x.add(1);
  }
}

describe('Sequential', () => {
  test('calls its modules one after the other', async () => {
    const net = new nn.Sequential(new Double(), new AddOne());
    expect(await net(tensor([1, 2])).toArray()).toEqual([3, 5]);
    expect(await new nn.Sequential()(tensor([1])).toArray()).toEqual([1]);
  });

  test('names come from positions, an object, a Map or pairs, in their order', () => {
    const keys = (net: nn.Sequential): string[] => net.namedChildren().map(([name]) => name);
    expect(keys(new nn.Sequential(new Double(), new AddOne()))).toEqual(['0', '1']);
    expect(keys(new nn.Sequential({ b: new Double(), a: new AddOne() }))).toEqual(['b', 'a']);
    expect(
      keys(
        new nn.Sequential(
          new Map([
            ['b', new Double()],
            ['0', new Double()],
          ]),
        ),
      ),
    ).toEqual(['b', '0']);
    expect(
      keys(
        new nn.Sequential([
          ['7', new Double()],
          ['1', new AddOne()],
        ]),
      ),
    ).toEqual(['7', '1']);
  });

  test('a child may be called as a method or field of modules', async () => {
    const named = {
      train: new Double(),
      forward: new AddOne(),
      length: new Double(),
      _modules: new AddOne(),
      toString: new Double(),
    };
    const net = new nn.Sequential(named);
    expect(
      net
        .eval()
        .train()
        .namedChildren()
        .map(([name]) => name),
    ).toEqual(Object.keys(named));
    expect(await net(tensor([1])).toArray()).toEqual([14]);
    expect(net.length).toBe(5);
    expect(net.getSubmodule('forward')).toBe(named.forward);
  });

  test('at, set, append, insert, extend and iteration', () => {
    const [a, b, c, d] = [new Double(), new AddOne(), new Double(), new AddOne()];
    const net = new nn.Sequential(a, b).append(c);
    expect([...net]).toEqual([a, b, c]);
    expect(net.at(-1)).toBe(c);
    net.insert(1, d);
    expect([...net]).toEqual([a, d, b, c]);
    net.set(0, d);
    expect(net.at(0)).toBe(d);
    net.extend([a]);
    expect(net.length).toBe(5);
    expect(() => net.at(5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Sequential: index 5 is out of range for 5 modules]`,
    );
    expect(() => net.insert(9, a)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Sequential.insert: index 9 is out of range for 5 modules]`,
    );
  });

  test('what is no module', () => {
    expect(() => new nn.Sequential(nn.ReLU as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: Sequential: expected a module for '0', got the function or class ReLU. Make an instance with new, or wrap a function in a Module of your own.]`,
    );
    expect(() => new nn.Sequential(new Double(), 3 as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: Sequential: expected a module for '1', got number 3.]`,
    );
    expect(() => new nn.Sequential({ act: ((x: Tensor) => x.relu()) as never })).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: Sequential: expected a module for 'act', got the function or class act. Make an instance with new, or wrap a function in a Module of your own.]`,
    );
    expect(() => new nn.Sequential({ 'a.b': new Double() })).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: Sequential: a name may not be empty or contain '.', got 'a.b']`,
    );
  });

  test('a subclass with fields of its own: the chain first', () => {
    class Net extends nn.Sequential {
      extra = new nn.Linear(2, 1);
      constructor() {
        super(new nn.Linear(2, 2));
      }
    }
    expect([...new Net().stateDict().keys()]).toEqual(['0.weight', '0.bias', 'extra.weight', 'extra.bias']);
  });

  test('a clone has children of its own', async () => {
    const net = new nn.Sequential(new nn.Linear(2, 2));
    const copy = net.clone();
    nn.init.zeros_((net.at(0) as nn.Linear).weight);
    expect(copy.at(0)).not.toBe(net.at(0));
    expect(await (copy.at(0) as nn.Linear).weight.abs().sum().item()).toBeGreaterThan(0);
    expect(copy.toString()).toBe(net.toString());
  });
});

describe('ModuleList and ModuleDict', () => {
  test('are part of the tree', () => {
    class Net extends nn.Module {
      list = new nn.ModuleList([new nn.Linear(2, 3), new nn.Linear(3, 1, { bias: false })]);
      dict = new nn.ModuleDict({ train: new nn.Linear(1, 1), eval: new Double() });
    }
    const net = new Net();
    expect([...net.stateDict().keys()]).toEqual([
      'list.0.weight',
      'list.0.bias',
      'list.1.weight',
      'dict.train.weight',
      'dict.train.bias',
    ]);
    expect(net.eval().dict.get('eval').training).toBe(false);
  });

  test('a dict is used as a Map is', () => {
    const [a, b] = [new Double(), new AddOne()];
    const dict = new nn.ModuleDict<nn.Module>({ a }).set('b', b);
    expect([...dict.keys()]).toEqual(['a', 'b']);
    expect([...dict.values()]).toEqual([a, b]);
    expect([...dict]).toEqual([
      ['a', a],
      ['b', b],
    ]);
    expect(dict.has('c')).toBe(false);
    expect(() => dict.get('c')).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: ModuleDict: no module 'c'. There are: a, b]`,
    );
    expect(dict.delete('a')).toBe(true);
    expect(dict.size).toBe(1);
    dict.clear();
    expect(dict.size).toBe(0);
  });

  test('can not be called', () => {
    expect(() => (new nn.ModuleList() as unknown as () => void)()).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: ModuleList: it is a list and can't be called; call its modules, or use Sequential]`,
    );
    expect(() => (new nn.ModuleDict() as unknown as () => void)()).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: ModuleDict: it holds modules and can't be called; call the one you want: dict.get(name)(x)]`,
    );
  });
});

test('modules in a list and modules one by one are not the same: the error says which', () => {
  const any = (value: unknown): any => value;
  const [a, b] = [new Double(), new AddOne()];
  const messages = [
    () => new nn.Sequential(any([a, b])),
    () => new nn.Sequential(any([1, 2])),
    () => new (any(nn.ModuleList))(a, b),
    () => new nn.ModuleList(any(a)),
    () => new nn.ModuleDict(any([a, b])),
  ].map((make) => {
    try {
      make();
    } catch (error) {
      return String(error);
    }
    return 'no error';
  });
  expect(messages).toMatchInlineSnapshot(`
    [
      "TypeError: Sequential: expected pairs of name and module in a list, got a list of modules. Layers come one by one: new nn.Sequential(a, b), or new nn.Sequential(...layers).",
      "TypeError: Sequential: expected pairs of name and module in a list, got a list with number 1. Layers come one by one: new nn.Sequential(a, b), or new nn.Sequential(...layers).",
      "TypeError: ModuleList: expected one array of modules. Write new nn.ModuleList([a, b]); modules one by one are for nn.Sequential.",
      "TypeError: ModuleList: expected one array of modules. Write new nn.ModuleList([a, b]); modules one by one are for nn.Sequential.",
      "TypeError: ModuleDict: expected pairs of name and module in a list, got a list of modules. Give them names: new nn.ModuleDict({ a, b }); without names there is new nn.ModuleList([a, b]).",
    ]
  `);
  expect(new nn.ModuleList(new nn.Sequential(a, b))).toHaveLength(2);
});
