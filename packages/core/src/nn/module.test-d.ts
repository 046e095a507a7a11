/**
 * What a module takes and returns is what its forward does.
 */
import { expectTypeOf, test } from 'vitest';
import { nn, type Tensor } from '../index.js';

declare const x: Tensor;

test('layers map a tensor to a tensor', () => {
  const conv = new nn.Conv2d(1, 6, 5);
  expectTypeOf(conv(x)).toEqualTypeOf<Tensor>();
  expectTypeOf(new nn.MaxPool2d(2)(x)).toEqualTypeOf<Tensor>();
  // @ts-expect-error a layer takes one tensor
  conv(x, x);
  // @ts-expect-error and needs it
  conv();
  // @ts-expect-error which is no number
  conv(3);
});

test('a module of a user: arguments, optional ones included, and what it returns', () => {
  class Net extends nn.Module {
    conv = new nn.Conv2d(1, 6, 5);
    override forward(input: Tensor, mask?: Tensor, scale = 1) {
      const features = this.conv(input).mul(scale);
      return { features, masked: mask ? features.mul(mask) : null };
    }
  }
  const net = new Net();
  expectTypeOf(net(x)).toEqualTypeOf<{ features: Tensor; masked: Tensor | null }>();
  expectTypeOf(net(x, x, 2)).toEqualTypeOf<{ features: Tensor; masked: Tensor | null }>();
  expectTypeOf<Parameters<Net['forward']>>().toEqualTypeOf<
    [input: Tensor, mask?: Tensor | undefined, scale?: number]
  >();
  // @ts-expect-error a mask is a tensor
  net(x, 'mask');
});

test('a subclass with more arguments', () => {
  class Base extends nn.Module {
    override forward(input: Tensor): Tensor {
      return input;
    }
  }
  class WithTemperature extends Base {
    override forward(input: Tensor, temperature = 1): Tensor {
      return input.div(temperature);
    }
  }
  expectTypeOf(new WithTemperature()(x, 2)).toEqualTypeOf<Tensor>();
  const bases: Base[] = [new Base(), new WithTemperature()];
  expectTypeOf(bases[0](x)).toEqualTypeOf<Tensor>();
});

test('several outputs stay a tuple', () => {
  class Pair extends nn.Module {
    override forward(a: Tensor, b: Tensor): [Tensor, Tensor] {
      return [a, b];
    }
  }
  const [a, b] = new Pair()(x, x);
  expectTypeOf(a).toEqualTypeOf<Tensor>();
  expectTypeOf(b).toEqualTypeOf<Tensor>();
});

test('optional arguments of layers', () => {
  const up = new nn.ConvTranspose2d(2, 2, 3);
  expectTypeOf(up(x, [4, 4])).toEqualTypeOf<Tensor>();
  expectTypeOf(up(x)).toEqualTypeOf<Tensor>();
});

test('Sequential maps a tensor to a tensor, and takes what does', () => {
  const net = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.Sequential({ fc: new nn.Linear(2, 2) }));
  expectTypeOf(net(x)).toEqualTypeOf<Tensor>();
  expectTypeOf(net.at(0)(x)).toEqualTypeOf<Tensor>();
  class Two extends nn.Module {
    override forward(a: Tensor, b: Tensor): Tensor {
      return a.add(b);
    }
  }
  // @ts-expect-error a chain has one tensor to give
  new nn.Sequential(new Two());
  // @ts-expect-error a class is no module
  new nn.Sequential(nn.ReLU);
});

test('losses take two tensors', () => {
  const criterion = new nn.CrossEntropyLoss();
  expectTypeOf(criterion(x, x)).toEqualTypeOf<Tensor>();
  // @ts-expect-error a loss needs a target
  criterion(x);
});

test('lists and dicts keep the type of their modules', () => {
  const list = new nn.ModuleList([new nn.Linear(1, 2), new nn.Linear(2, 3)]);
  expectTypeOf(list.at(0)).toEqualTypeOf<nn.Linear>();
  for (const layer of list) expectTypeOf(layer(x)).toEqualTypeOf<Tensor>();
  const dict = new nn.ModuleDict({ a: new nn.Linear(1, 2) });
  expectTypeOf(dict.get('a')(x)).toEqualTypeOf<Tensor>();
  // @ts-expect-error a list can't be called
  void list(x);
});

test('options are named, and known', () => {
  // @ts-expect-error the stride is an option
  new nn.Conv2d(1, 6, 5, 2);
  // @ts-expect-error no such option
  new nn.Conv2d(1, 6, 5, { strides: 2 });
  // @ts-expect-error no such padding
  new nn.Conv2d(1, 6, 5, { padding: 'full' });
});

test('parameters and buffers are tensors', () => {
  const layer = new nn.Linear(1, 2);
  expectTypeOf(layer.weight).toExtend<Tensor>();
  expectTypeOf(layer.bias).toEqualTypeOf<nn.Parameter | null>();
  expectTypeOf(layer.parameters()).toEqualTypeOf<nn.Parameter[]>();
  expectTypeOf(layer.train()).toEqualTypeOf<nn.Linear>();
  expectTypeOf(nn.init.zeros_(layer.weight)).toEqualTypeOf<nn.Parameter>();
});
