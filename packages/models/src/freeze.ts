/**
 * Freezing the first layers of a network.
 */
import { FakkelError, nn } from '@fakkel/core';
import { nearest } from './nearest.js';

/**
 * Freezes all layers that come before the one that is named, in the order of `nn.Module.namedModules`, which is that
 * of the state dict: their parameters get no gradients any more, which are not computed either, and optimizers leave them
 * as they are.
 *
 * Frozen layers stay in evaluation mode, whatever `train()` says: batch normalization uses its running statistics and does
 * not move them, and dropout passes everything. So does a copy that `clone()` makes. Modules that have the named one inside
 * are not frozen, only their own parameters are.
 *
 * When to use: for transfer learning from few images. First the classifier alone, `freeze(net, 'fc')`; then, with a
 * smaller learning rate, the last stage too: `freeze(unfreeze(net), 'layer4')`.
 *
 * @param until Dotted name of the first module that is trained, `'layer4'` or `'features.24'`. Without it, all are frozen.
 * @returns the model.
 * @throws FakkelError for a name that no module has.
 * @example
 * import { adapt, freeze, resnet18 } from '@fakkel/models';
 * const net = freeze(adapt(resnet18(), { numClasses: 5 }), 'fc');
 * net.namedParameters().filter(([, p]) => p.requiresGrad).map(([name]) => name); // ['fc.weight', 'fc.bias']
 */
export function freeze<M extends nn.Module>(model: M, until?: string): M {
  if (!(model instanceof nn.Module)) throw new TypeError("freeze: expected a module, freeze(net, 'fc')");
  const named = model.namedModules();
  const end = until === undefined ? named.length : named.findIndex(([name]) => name === until);
  if (end < 1) {
    const known = named.map(([name]) => name).filter(Boolean);
    const close = nearest(until ?? '', known);
    throw new FakkelError(
      `freeze: no module '${String(until)}' below ${model.constructor.name}. ` +
        (close.length > 0 ? `Did you mean ${close.join(', ')}?` : `There are: ${known.join(', ')}`),
    );
  }
  const frozen = new Map(named.slice(0, end));
  for (const [name, parameter] of model.namedParameters()) {
    if (frozen.has(name.slice(0, Math.max(0, name.lastIndexOf('.'))))) parameter.requiresGrad_(false);
  }
  for (const [name, module] of frozen) {
    const above = until !== undefined && (name === '' || until.startsWith(`${name}.`));
    if (!above) module.train = stayInEval;
  }
  model.train(model.training);
  return model;
}

/**
 * Undoes {@link freeze}: all parameters are trained, and all layers are in the mode of the model.
 *
 * @returns the model.
 * @example
 * import { freeze, lenet5, unfreeze } from '@fakkel/models';
 * const net = unfreeze(freeze(lenet5(), 'fc2'));
 */
export function unfreeze<M extends nn.Module>(model: M): M {
  if (!(model instanceof nn.Module)) throw new TypeError('unfreeze: expected a module, unfreeze(net)');
  const whole = model.train === stayInEval;
  for (const module of model.modules()) {
    if (module.train === stayInEval) delete (module as { train?: unknown }).train;
  }
  model.requiresGrad_(true);
  return model.train(whole || model.training);
}

/** In place of a frozen module's `train`; a field, so that copies have it. */
function stayInEval(this: nn.Module): nn.Module {
  return nn.Module.prototype.train.call(this, false);
}
