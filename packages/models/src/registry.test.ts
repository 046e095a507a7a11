import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { nn, randn, type Tensor } from '@fakkel/core';
import * as models from './index.js';
import { createModel, getModelBuilder, listModels, registerModel, type AlexNet, type ResNet } from './index.js';

class Tiny extends nn.Module {
  fc: nn.Linear;
  constructor({ width = 2 }: { width?: number } = {}) {
    super();
    this.fc = new nn.Linear(width, 3);
  }
  override forward(x: Tensor): Tensor {
    return this.fc(x);
  }
}

describe('listModels', () => {
  test('has every builder of the package, under the name that it is exported by', () => {
    const builders = Object.entries(models).filter(([, value]) => typeof value === 'function' && 'modelName' in value);
    expect(builders.map(([name, value]) => [name, (value as models.Builder).modelName])).toEqual(
      builders.map(([name]) => [name, name]),
    );
    expect(listModels()).toEqual(builders.map(([name]) => name).sort());
    expect(listModels()).toHaveLength(33);
  });

  test('every builder in the sources is exported', () => {
    const here = new URL('.', import.meta.url);
    const exported = readdirSync(here)
      .filter((file) => file.endsWith('.ts') && !file.includes('.test') && file !== 'registry.ts')
      .flatMap((file) => [...readFileSync(new URL(file, here), 'utf8').matchAll(/^export const (\w+) = (\w+)\(/gm)])
      .filter(([, , call]) => ['builder', 'resnet', 'vgg', 'residual', 'plain'].includes(call))
      .map(([, name]) => name);
    expect(exported.sort()).toEqual(listModels());
  });

  test('a pattern alone: an error that shows where it goes', () => {
    expect(() => listModels('resnet*' as never)).toThrow("listModels({ include: 'resnet*' })");
    expect(() => listModels({ exlude: '*' } as never)).toThrow(/Did you mean exclude/);
  });

  test('patterns', () => {
    expect(listModels({ include: 'resnet*' })).toEqual(['resnet101', 'resnet152', 'resnet18', 'resnet34', 'resnet50']);
    expect(listModels({ include: ['lenet*', 'vgg1?'], exclude: ['*Original', '*13'] })).toEqual([
      'lenet5',
      'vgg11',
      'vgg16',
      'vgg19',
    ]);
    expect(listModels({ include: 'resnet(18|34)' })).toEqual([]);
    expect(listModels({ include: [] })).toEqual([]);
  });
});

describe('createModel', () => {
  test('the model that the builder of that name makes', () => {
    const net = createModel('cifarResnet20', { numClasses: 7 });
    expectTypeOf(net).toEqualTypeOf<models.CifarResNet>();
    expect(net.fc.outFeatures).toBe(7);
    expect(createModel('lenet5')(randn([1, 1, 32, 32])).shape).toEqual([1, 10]);
  });

  test('types follow the name', () => {
    const make = () => createModel('resnet18', { numClasses: 7 });
    expectTypeOf(make).returns.toEqualTypeOf<ResNet>();
    expectTypeOf(() => createModel('alexnet', { weights: 'DEFAULT' })).returns.resolves.toEqualTypeOf<AlexNet>();
    expectTypeOf(() => createModel('mine', { anything: 1 })).returns.toEqualTypeOf<nn.Layer>();
    // @ts-expect-error -- an option of another model
    expect(() => createModel('resnet18', { dropout: 0 })).toThrow("resnet18: unknown option 'dropout'");
    expect(() => createModel('resnet18', { pretrained: true } as object)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: resnet18: unknown option 'pretrained', torchvision's of before 0.13. Published weights are loaded by a builder: await resnet18({ weights: 'DEFAULT' }).]`,
    );
  });

  test.each([
    ['wide_resnet50_2', 'wideResnet50_2'],
    ['vgg16_bn', 'vgg16Bn'],
    ['ResNet18', 'resnet18'],
    ['resnext50_32x4d', 'resnext50_32x4d'],
  ])("%s, in another's spelling, is %s", (spelling, name) => {
    expect(getModelBuilder(spelling).modelName).toBe(name);
  });

  test('unknown names', () => {
    expect(() => createModel('resnet19')).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: There is no model 'resnet19'. Did you mean resnet18, resnet34, resnet50? listModels() has all names; registerModel adds one.]`,
    );
    expect(() => createModel('googlnet')).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: There is no model 'googlnet'. Did you mean googlenet? listModels() has all names; registerModel adds one.]`,
    );
    expect(() => createModel('transformer')).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: There is no model 'transformer'. listModels() has all names; registerModel adds one.]`,
    );
    expect(() => createModel('')).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: There is no model ''. listModels() has all names; registerModel adds one.]`,
    );
    expect(() => createModel('constructor')).toThrow("There is no model 'constructor'");
    expect(() => createModel(models.resnet18 as never)).toThrow(TypeError);
  });
});

describe('registerModel', () => {
  test('a model of one’s own is made and listed as others are', () => {
    const builder = registerModel('tiny_test', (options: { width?: number }) => new Tiny(options));
    expectTypeOf(builder({ width: 4 })).toEqualTypeOf<Tiny>();
    expect(listModels({ include: 'tiny*' })).toEqual(['tiny_test']);
    expect(listModels()).toHaveLength(34);
    expect(getModelBuilder('tiny_test')).toBe(builder);
    expect(createModel('tiny_test', { width: 4 })(randn([1, 4])).shape).toEqual([1, 3]);
    expect(() => registerModel('tiny_test', () => new Tiny())).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: registerModel: 'tiny_test' is taken. Give it a name of its own.]`,
    );
  });

  test('what can not be registered', () => {
    const make = () => new Tiny();
    expect(() => registerModel('resnet18', make)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: registerModel: 'resnet18' is taken. Give it a name of its own.]`,
    );
    expect(() => registerModel('VGG16_bn', make)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: registerModel: 'VGG16_bn' is taken, by 'vgg16Bn'. Give it a name of its own.]`,
    );
    for (const name of ['', '2net', 'my net', 'a/b', 7, '__proto__']) {
      expect(() => registerModel(name as string, make), String(name)).toThrow('registerModel: a name has letters');
    }
    expect(() => registerModel('tiny2', Tiny as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: registerModel: expected a function of options that makes 'tiny2'; write (options) => new Net(options) for a class Net.]`,
    );
    expect(() => registerModel('tiny2', make() as never)).toThrow(TypeError);
    expect(listModels({ include: 'tiny2' })).toEqual([]);
  });
});
