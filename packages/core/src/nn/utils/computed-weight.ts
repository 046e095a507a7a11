/**
 * Weights that are computed from other cells of their module: what weight and spectral normalization share.
 *
 * The field becomes a property with a getter. It gives the weight as it is now, to `forward` as to a user, with no hook
 * that could have been missed and no copy that could be old; it is no parameter, so state dicts and optimizers see the
 * cells that it is computed from and nothing else.
 */
import { FakkelError } from '../../errors.js';
import { noGrad } from '../../graph/modes.js';
import { describe } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { composed } from '../../ops/compose.js';
import { Parameter } from '../../runtime/cell.js';
import { Module } from '../module.js';

type Getter = (this: Module) => Tensor;

/** How a weight is computed, by its getter; clones of a module have the same getter. */
const KINDS = new WeakMap<Getter, string>();

/** A module's fields by name. */
export const fieldsOf = (module: Module): Record<string, unknown> => module as unknown as Record<string, unknown>;

function getterOf(module: Module, name: string): Getter | undefined {
  const property: { get?: Getter } | undefined = Object.getOwnPropertyDescriptor(module, name);
  return property?.get;
}

/** Takes a parameter out of its module. */
export function takeParameter(kind: string, module: Module, name: string): Parameter {
  checkModule(kind, module);
  const getter = getterOf(module, name);
  const other = getter && KINDS.get(getter);
  const layer = module.constructor.name;
  if (other) {
    const remedy = `remove${other[0].toUpperCase()}${other.slice(1)}(module, '${name}')`;
    throw new FakkelError(`${kind}: '${name}' of ${layer} is computed by ${other} already. Call ${remedy} first.`);
  }
  const parameter = fieldsOf(module)[name];
  if (!(parameter instanceof Parameter)) {
    const own = Object.entries(module).flatMap(([key, value]) => (value instanceof Parameter ? [key] : []));
    throw new FakkelError(
      `${kind}: ${layer} has no parameter '${name}' of its own. It has: ${own.join(', ') || 'none'}`,
    );
  }
  delete fieldsOf(module)[name];
  return parameter;
}

function checkModule(kind: string, module: unknown): asserts module is Module {
  if (!(module instanceof Module)) throw new TypeError(`${kind}: expected a module, got ${describe(module)}`);
}

/** Makes `module[name]` what `compute` gives. Returns whether a module's weight (still) comes from here. */
export function defineWeight(
  kind: string,
  module: Module,
  name: string,
  compute: (module: Module) => Tensor,
): (module: Module) => boolean {
  const getter: Getter = function () {
    return composed(() => compute(this));
  };
  KINDS.set(getter, kind);
  Object.defineProperty(module, name, {
    get: getter,
    set() {
      throw new FakkelError(
        `${kind}: '${name}' is computed from other parameters. Assign to those, or load a state dict, or undo ${kind} first.`,
      );
    },
    enumerable: false,
    configurable: true,
  });
  return (module) => getterOf(module, name) === getter;
}

/** Makes a computed weight a parameter again, with the value that it has, and drops the fields it was computed from. */
export function restoreParameter(kind: string, module: Module, name: string, parts: readonly string[]): void {
  checkModule(`remove ${kind}`, module);
  const getter = getterOf(module, name);
  if (!getter || KINDS.get(getter) !== kind) {
    throw new FakkelError(`${kind} of '${name}' not found in ${module.constructor.name}: nothing to remove`);
  }
  const fields = fieldsOf(module);
  const parameter = new Parameter(noGrad(() => getter.call(module)));
  delete fields[name];
  for (const part of parts) delete fields[part];
  fields[name] = parameter;
}
