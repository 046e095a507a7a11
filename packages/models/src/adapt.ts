/**
 * Adapting a trained network to other classes or other images.
 */
import { FakkelError, isTensor, nn, noGrad, OutOfRangeError, type Tensor } from '@fakkel/core';
import { checkOptions } from './options.js';

/** What {@link adapt} changes. */
export interface AdaptOptions {
  /** Classes that the network shall tell apart. Its classifiers start anew, also where the number stays as it is. */
  numClasses?: number;
  /** Channels of the images that it shall take. */
  inChannels?: number;
  /**
   * Dotted names of the classifiers, `'head'` or `['fc', 'aux1.fc2', 'aux2.fc2']`, where they aren't found, or wrong ones
   * are. Default: the last layer with weights, and the last linear layers of other modules with as many outputs, which
   * are auxiliary classifiers.
   */
  classifier?: string | readonly string[];
}

/**
 * Adapts a network, trained as a rule, to other classes or to images of other channels; everything else stays as it is.
 * It changes the model that it is given, and returns it. Make the optimizer afterwards: the parameters that are replaced
 * are new ones.
 *
 * - `numClasses`: the classifier gets new weights, of PyTorch's default initialization, and as many outputs; so do
 *   auxiliary classifiers (GoogLeNet's). The classifier is the last layer with weights, which must be an
 *   `nn.Linear`.
 * - `inChannels`: the first convolution gets weights for as many channels, made of those that it has, as timm makes them.
 *   For one channel they are summed over channels: a grey image gives what it gave as a colour image of equal channels.
 *   For others they are repeated cyclically, times old / new, so that equal channels give what they gave. The model's
 *   check of its input follows.
 *
 * When to use: for transfer learning, with {@link freeze}.
 *
 * @returns the model.
 * @throws FakkelError where the last layer with weights is none that can be replaced, the first none that can be changed,
 * or a network rescales its channels itself.
 * @example
 * import { randn } from '@fakkel/core';
 * import { adapt, resnet18 } from '@fakkel/models';
 * const net = adapt(resnet18(), { numClasses: 5, inChannels: 1 });
 * net(randn([1, 1, 64, 64])).shape; // [1, 5]
 */
export function adapt<M extends nn.Module>(model: M, options: AdaptOptions): M {
  if (!(model instanceof nn.Module)) throw new TypeError('adapt: expected a module, adapt(net, { numClasses: 10 })');
  checkOptions('adapt', options, ['numClasses', 'inChannels', 'classifier']);
  const { numClasses, inChannels, classifier } = options;
  for (const [name, value] of Object.entries({ numClasses, inChannels })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      throw new OutOfRangeError(`adapt: ${name} is a whole number of at least 1, got ${String(value)}`);
    }
  }
  if (numClasses === undefined && inChannels === undefined) {
    throw new FakkelError('adapt: nothing to do. Give numClasses, inChannels, or both.');
  }
  // Both are found before either is changed.
  const heads = numClasses === undefined ? [] : classifiers(model, classifier);
  const first = inChannels === undefined ? undefined : firstConvolution(model);
  for (const head of heads) replaceOutputs(head, numClasses!);
  if (first) replaceInputs(first, inChannels!);
  return model;
}

type Weighted = [name: string, module: nn.Module & { weight: Tensor }];

/** Layers with a weight of two axes or more: not normalization, nor activations with a slope. */
const weighted = (model: nn.Module): Weighted[] =>
  model.namedModules().filter((entry): entry is Weighted => {
    const [, module] = entry;
    return 'weight' in module && isTensor(module.weight) && module.weight.ndim >= 2;
  });

function classifiers(model: nn.Module, names?: string | readonly string[]): nn.Linear[] {
  if (names !== undefined) return [names].flat().map((name) => checkHead(model, [name, model.getSubmodule(name)]));
  const last = weighted(model).at(-1);
  if (!last) throw new FakkelError(`adapt: no layer of ${model.constructor.name} has weights, so none is a classifier`);
  const head = checkHead(model, last);
  // In other modules the last linear layer with as many outputs; the layers before it are no classifiers.
  const others = model.modules().flatMap((module) => {
    const linear = module
      .children()
      .filter((child) => child instanceof nn.Linear)
      .at(-1);
    return linear && linear.outFeatures === head.outFeatures ? [linear] : [];
  });
  return [...new Set([...others, head])];
}

function checkHead(model: nn.Module, [name, head]: readonly [string, nn.Module]): nn.Linear {
  const model_ = model.constructor.name;
  if (!(head instanceof nn.Linear)) {
    throw new FakkelError(
      `adapt: the classifier of ${model_} must be a Linear, but '${name}' is ${head.toString().split('\n')[0]}. ` +
        (head instanceof nn.ConvNd
          ? 'Replace the convolution: assign one with as many output channels as there are classes. '
          : 'Replace it yourself. ') +
        "Or name another layer: adapt(net, { numClasses, classifier: 'fc' }).",
    );
  }
  checkReplaceable(name, head);
  return head;
}

function replaceOutputs(head: nn.Linear, numClasses: number): void {
  const { inFeatures, weight, bias } = head;
  const { dtype, device } = weight;
  const fresh = new nn.Linear(inFeatures, numClasses, { bias: bias !== null, dtype: dtype as 'float32', device });
  // The module stays, and with it its hooks and every place that it is kept in.
  Object.assign(head, { outFeatures: numClasses, weight: fresh.weight, bias: fresh.bias });
}

type Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d;

function firstConvolution(model: nn.Module): Convolution {
  const found = weighted(model)[0] as Weighted | undefined;
  const [name, first] = found ?? ['', model];
  const isConvolution = first instanceof nn.Conv1d || first instanceof nn.Conv2d || first instanceof nn.Conv3d;
  if (!isConvolution || first.groups !== 1) {
    throw new FakkelError(
      `adapt: the first layer with weights of ${model.constructor.name} must be a convolution without groups, ` +
        (found ? `but '${name}' is ${first.toString().split('\n')[0]}` : 'and there is none') +
        '. Replace it yourself.',
    );
  }
  if ('transformInput' in model && model.transformInput === true) {
    throw new FakkelError(
      `adapt: ${model.constructor.name} rescales three channels itself (transformInput). Set net.transformInput = false ` +
        'first, and normalize images with mean 0.5 and standard deviation 0.5.',
    );
  }
  checkReplaceable(name, first);
  return first;
}

function replaceInputs(convolution: Convolution, inChannels: number): void {
  const { weight, inChannels: before } = convolution;
  if (inChannels === before) return;
  const adapted = noGrad(() => {
    const old = weight.detach();
    if (inChannels === 1) return old.sum(1, true);
    const rounds = Math.ceil(inChannels / before);
    const repeated = old.repeat([1, rounds, ...convolution.kernelSize.map(() => 1)]);
    return repeated.narrow(1, 0, inChannels).mul(before / inChannels);
  });
  Object.assign(convolution, {
    inChannels,
    weight: new nn.Parameter(adapted, { requiresGrad: weight.requiresGrad }),
  });
}

/** Throws where the weight is no parameter of the layer, but computed from others. */
function checkReplaceable(name: string, layer: { weight: Tensor }): void {
  if (layer.weight instanceof nn.Parameter && 'value' in Object.getOwnPropertyDescriptor(layer, 'weight')!) return;
  throw new FakkelError(
    `adapt: the weight of '${name}' is computed from other parameters. Remove weight or spectral normalization first.`,
  );
}
