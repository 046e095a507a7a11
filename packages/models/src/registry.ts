/**
 * Models by name.
 */
import { FakkelError, nn } from '@fakkel/core';
import { alexnetOriginal } from './alexnet-original.js';
import { alexnet } from './alexnet.js';
import { builder, type Builder } from './builder.js';
import * as cifar from './cifar-resnet.js';
import { googlenet } from './googlenet.js';
import { lenet5Original } from './lenet5-original.js';
import { lenet5 } from './lenet5.js';
import { nearest, plainName } from './nearest.js';
import { checkOptions } from './options.js';
import * as resnets from './resnet.js';
import * as vggs from './vgg.js';
import type { WeightsOptions } from './weights/load-weights.js';

/** The builders of this package by name. A table, not calls that register: an import has no effect. */
export const BUILTIN_MODELS = {
  alexnet,
  alexnetOriginal,
  cifarPlain20: cifar.cifarPlain20,
  cifarPlain32: cifar.cifarPlain32,
  cifarPlain44: cifar.cifarPlain44,
  cifarPlain56: cifar.cifarPlain56,
  cifarPlain110: cifar.cifarPlain110,
  cifarResnet20: cifar.cifarResnet20,
  cifarResnet32: cifar.cifarResnet32,
  cifarResnet44: cifar.cifarResnet44,
  cifarResnet56: cifar.cifarResnet56,
  cifarResnet110: cifar.cifarResnet110,
  googlenet,
  lenet5,
  lenet5Original,
  resnet18: resnets.resnet18,
  resnet34: resnets.resnet34,
  resnet50: resnets.resnet50,
  resnet101: resnets.resnet101,
  resnet152: resnets.resnet152,
  resnext50_32x4d: resnets.resnext50_32x4d,
  resnext101_32x8d: resnets.resnext101_32x8d,
  resnext101_64x4d: resnets.resnext101_64x4d,
  vgg11: vggs.vgg11,
  vgg11Bn: vggs.vgg11Bn,
  vgg13: vggs.vgg13,
  vgg13Bn: vggs.vgg13Bn,
  vgg16: vggs.vgg16,
  vgg16Bn: vggs.vgg16Bn,
  vgg19: vggs.vgg19,
  vgg19Bn: vggs.vgg19Bn,
  wideResnet50_2: resnets.wideResnet50_2,
  wideResnet101_2: resnets.wideResnet101_2,
} as const;

/** The name of a model of this package. */
export type ModelName = keyof typeof BUILTIN_MODELS;

/** What the builder of a name makes: of a name that TypeScript does not know, some module. */
export type ModelOf<N extends string> = N extends ModelName
  ? (typeof BUILTIN_MODELS)[N] extends Builder<infer M, infer _>
    ? M
    : never
  : nn.Layer;

/** The options of the builder of a name. */
export type ModelOptions<N extends string> = N extends ModelName
  ? (typeof BUILTIN_MODELS)[N] extends Builder<infer _, infer O>
    ? O
    : never
  : Readonly<Record<string, unknown>>;

const registered = new Map<string, Builder>();

const builderOf = (name: string): Builder | undefined =>
  Object.hasOwn(BUILTIN_MODELS, name) ? (BUILTIN_MODELS[name as ModelName] as Builder) : registered.get(name);

const names = (): string[] => [...Object.keys(BUILTIN_MODELS), ...registered.keys()];

/** Which names {@link listModels} gives. `*` stands for any characters, `?` for one. */
export interface ListModelsOptions {
  /** Only names that match one of these. Default: all. */
  include?: string | readonly string[];
  /** No name that matches one of these. Default: none. */
  exclude?: string | readonly string[];
}

/**
 * The names of all models, those that were registered among them, in alphabetical order: torchvision's `list_models`.
 *
 * @param options `include` and `exclude` patterns, in which `*` stands for any characters and `?` for one.
 * @example
 * import { listModels } from '@fakkel/models';
 * listModels({ include: 'resnet*', exclude: ['*50', '*101'] }); // ['resnet152', 'resnet18', 'resnet34']
 */
export function listModels(options: ListModelsOptions = {}): string[] {
  if (typeof options !== 'object') {
    throw new TypeError(`listModels: patterns go into an object: listModels({ include: '${String(options)}' })`);
  }
  checkOptions('listModels', options, ['include', 'exclude']);
  const { include = '*', exclude = [] } = options;
  const included = matcher(include);
  const excluded = matcher(exclude);
  return names()
    .filter((name) => included(name) && !excluded(name))
    .sort();
}

function matcher(patterns: string | readonly string[]): (name: string) => boolean {
  const expressions = [patterns].flat().map((pattern) => {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${source}$`);
  });
  return (name) => expressions.some((expression) => expression.test(name));
}

/**
 * The builder of a name: torchvision's `get_model_builder`.
 *
 * Spelling is forgiving where there is no doubt: 'wide_resnet50_2' and 'vgg16_bn', torchvision's names, find
 * `wideResnet50_2` and `vgg16Bn`.
 *
 * @throws FakkelError for an unknown name, with those that are closest.
 * @example
 * import { getModelBuilder } from '@fakkel/models';
 * const net = getModelBuilder('lenet5')({ inChannels: 3 });
 */
export function getModelBuilder<N extends ModelName | (string & {})>(
  name: N,
): Builder<ModelOf<N> & nn.Module, ModelOptions<N>> {
  if (typeof name !== 'string') throw new TypeError(`getModelBuilder: expected a name, got ${String(name)}`);
  const plain = plainName(name);
  const found = builderOf(name) ?? builderOf(names().find((known) => plainName(known) === plain) ?? '');
  if (!found) {
    const close = nearest(name, names());
    throw new FakkelError(
      `There is no model '${name}'. ` +
        (close.length > 0 ? `Did you mean ${close.join(', ')}? ` : '') +
        'listModels() has all names; registerModel adds one.',
    );
  }
  return found as unknown as Builder<ModelOf<N> & nn.Module, ModelOptions<N>>;
}

/**
 * A model by its name: torchvision's `get_model`.
 *
 * @param name One of {@link listModels}.
 * @param options Those of the builder of that name. With `weights` the result is a promise.
 * @throws FakkelError for an unknown name, with those that are closest.
 * @example
 * import { createModel } from '@fakkel/models';
 * const net = createModel('resnet18', { numClasses: 10 });
 * net.fc.outFeatures; // 10
 */
export function createModel<N extends ModelName | (string & {})>(
  name: N,
  options: ModelOptions<N> & WeightsOptions,
): Promise<ModelOf<N>>;
export function createModel<N extends ModelName | (string & {})>(
  name: N,
  options?: ModelOptions<N> & { weights?: undefined },
): ModelOf<N>;
export function createModel(name: string, options?: object): unknown {
  return (getModelBuilder(name) as (options?: object) => unknown)(options);
}

/**
 * Adds a model of one's own, so that {@link createModel} and {@link listModels} know it.
 *
 * With `weights` among its options it loads them as others do; there are no published ones that it knows, so `weights` is
 * an address or a path.
 *
 * @param name Letters, digits and `_`, beginning with a letter, as of a function.
 * @param make Makes the model, given the options of {@link createModel}.
 * @returns the builder, to be called directly too.
 * @throws FakkelError for a name that is taken, or that differs from one in case or underscores only.
 * @example
 * import { nn } from '@fakkel/core';
 * import { createModel, registerModel } from '@fakkel/models';
 * interface PerceptronOptions {
 *   hidden?: number;
 * }
 * export const perceptron = registerModel(
 *   'perceptron',
 *   ({ hidden = 32 }: PerceptronOptions) =>
 *     new nn.Sequential(new nn.Flatten(), new nn.Linear(784, hidden), new nn.ReLU(), new nn.Linear(hidden, 10)),
 * );
 * const net = createModel('perceptron', { hidden: 64 });
 */
export function registerModel<M extends nn.Module, O extends object>(
  name: string,
  make: (options: O) => M,
): Builder<M, O> {
  if (typeof name !== 'string' || !/^[a-z]\w*$/i.test(name)) {
    throw new FakkelError(
      `registerModel: a name has letters, digits and _, and begins with a letter; got ${JSON.stringify(name)}`,
    );
  }
  if (typeof make !== 'function' || make instanceof nn.Module || make.prototype instanceof nn.Module) {
    throw new TypeError(
      `registerModel: expected a function of options that makes '${name}'; ` +
        'write (options) => new Net(options) for a class Net.',
    );
  }
  const taken = names().find((known) => plainName(known) === plainName(name));
  if (taken !== undefined) {
    throw new FakkelError(
      `registerModel: '${name}' is taken${taken === name ? '' : `, by '${taken}'`}. Give it a name of its own.`,
    );
  }
  const made = builder(name, make);
  registered.set(name, made as unknown as Builder);
  return made;
}
