/**
 * Loading an optimizer's state dict: everything is checked first, then everything is taken.
 */
import { formatAval, isTensor, type Parameter, StateDictError, type Tensor } from '@fakkel/core';
import { camelCase, kindOf, type OptimizerOptions, type ParamGroup } from './param-groups.js';
import type { ParameterState } from './parameter-state.js';
import {
  checkLayout,
  type OptimizerStateDict,
  type ParamGroupStateDict,
  type ParameterStateDict,
} from './state-dict.js';

/** What loading needs to know of an optimizer. */
export interface Loading<O extends OptimizerOptions> {
  readonly name: string;
  readonly kinds: Readonly<Record<string, 'tensor' | 'number'>>;
  readonly groups: ParamGroup<O>[];
  stateOf(parameter: Parameter): ParameterState;
  initialState(parameter: Parameter, group: ParamGroup<O>): Readonly<Record<string, Tensor | number>>;
  validate(group: ParamGroup<O>): void;
}

export function loadStateDict<O extends OptimizerOptions>(into: Loading<O>, stateDict: OptimizerStateDict): void {
  checkLayout(into.name, stateDict);
  const { param_groups: saved, state } = stateDict;
  const misfits: string[] = [];
  if (saved.length !== into.groups.length) {
    misfits.push(
      `it has a different number of parameter groups: the optimizer has ${into.groups.length}, the state dict ${saved.length}`,
    );
    throw misfit(into.name, misfits);
  }
  const numberOf = new Map<number, Parameter>();
  into.groups.forEach(({ params }, i) => {
    const numbers = saved[i].params;
    if (numbers.length !== params.length) {
      misfits.push(
        `param_groups[${i}]: the optimizer has ${count(params.length)}, the state dict ${count(numbers.length)}`,
      );
    } else {
      numbers.forEach((number, j) => numberOf.set(number, params[j]));
    }
  });
  if (misfits.length > 0) throw misfit(into.name, misfits);

  const groups = into.groups.map((group, i) => readGroup(into, group, saved[i], i, misfits));
  for (const [key, entries] of Object.entries(state)) {
    const parameter = numberOf.get(Number(key));
    if (parameter) checkEntries(into, `state[${key}]`, parameter, entries, misfits);
    else misfits.push(`state[${key}]: no parameter group has a parameter of that number`);
  }
  if (misfits.length > 0) throw misfit(into.name, misfits);

  groups.forEach((group, i) => Object.assign(into.groups[i], group));
  into.groups.forEach((group, i) =>
    saved[i].params.forEach((number, j) => {
      const parameter = group.params[j];
      into.stateOf(parameter).load(state[number] ?? into.initialState(parameter, group));
    }),
  );
}

const count = (n: number): string => `${n} parameter${n === 1 ? '' : 's'}`;

function misfit(name: string, lines: readonly string[]): StateDictError {
  return new StateDictError(
    `${name}.loadStateDict: the state dict does not fit; nothing was loaded.\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
}

/** A group's options as they will be. Entries that are no options here (PyTorch's `foreach`, a `name`) are kept along. */
function readGroup<O extends OptimizerOptions>(
  into: Loading<O>,
  group: ParamGroup<O>,
  saved: ParamGroupStateDict,
  index: number,
  misfits: string[],
): ParamGroup<O> {
  const there = group as object as Record<string, unknown>;
  const read: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(saved)) {
    if (key === 'params') continue;
    const name = camelCase(key);
    const before = there[name];
    if (before !== undefined && !sameKind(before, value)) {
      misfits.push(
        `param_groups[${index}].${key}: expected ${Array.isArray(before) ? `${before.length} numbers` : `a ${typeof before}`}, got ${kindOf(value)}`,
      );
    } else {
      read[name] = Array.isArray(value) ? [...(value as unknown[])] : value;
    }
  }
  const candidate = { ...group, ...read };
  try {
    into.validate(candidate);
  } catch (error) {
    misfits.push(`param_groups[${index}]: ${(error as Error).message}`);
  }
  return candidate;
}

function sameKind(a: unknown, b: unknown): boolean {
  return Array.isArray(a) ? Array.isArray(b) && a.length === b.length : typeof a === typeof b;
}

function checkEntries<O extends OptimizerOptions>(
  into: Loading<O>,
  at: string,
  parameter: Parameter,
  entries: ParameterStateDict,
  misfits: string[],
): void {
  for (const [name, value] of Object.entries(entries)) {
    const where = `${at}.${name} (of '${parameter.label}')`;
    const kind = into.kinds[name];
    if (kind === undefined) {
      const known = Object.keys(into.kinds).join(', ') || 'nothing';
      misfits.push(`${where}: ${into.name} keeps no such state; it keeps ${known}`);
    } else if (value === null) {
      continue;
    } else if (kind === 'number') {
      if (typeof value !== 'number')
        misfits.push(
          `${where}: expected a number, got ${isTensor(value) ? 'a tensor: read it with await t.item()' : kindOf(value)}`,
        );
    } else if (!isTensor(value)) {
      misfits.push(`${where}: expected a tensor, got ${kindOf(value)}`);
    } else if (value.shape.join() !== parameter.shape.join()) {
      misfits.push(`${where}: the optimizer has ${formatAval(parameter)}, the state dict ${formatAval(value)}`);
    }
  }
}
