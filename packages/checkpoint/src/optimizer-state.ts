/**
 * Optimizers in checkpoints.
 */
import { isTensor, type Tensor } from '@fakkel/core';
import { CheckpointError } from './errors.js';
import type { CheckpointValue } from './load.js';

/** The layout that `optimizer.loadStateDict()` of `@fakkel/optim` takes. */
export interface LoadedOptimizerState {
  state: Record<number, Record<string, Tensor | number | null>>;
  param_groups: ({ params: number[] } & Record<string, unknown>)[];
}

type Dict = Map<CheckpointValue, CheckpointValue>;

/**
 * The state of an optimizer, as {@link load} gives it, in the layout that `optimizer.loadStateDict()` takes: objects in the
 * place of Maps, and counters of steps, which PyTorch keeps in tensors, as numbers.
 *
 * @param value The optimizer's state dict, `checkpoint.get('optimizer')`.
 * @throws CheckpointError if it is no such state.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new Adam(net.parameters());
 * const file = await save({ model: net, optimizer: optimizer.stateDict() });
 * const checkpoint = await load(file);
 * optimizer.loadStateDict(await optimizerState(checkpoint.get('optimizer')));
 */
export async function optimizerState(value: CheckpointValue | undefined): Promise<LoadedOptimizerState> {
  const dict = asDict(value, 'an optimizer’s state');
  const [states, groups] = [dict.get('state'), dict.get('param_groups')];
  if (!(states instanceof Map) || !Array.isArray(groups)) {
    throw new CheckpointError(
      `optimizerState: expected a dict with state and param_groups, got one with ${[...dict.keys()].map(String).join(', ') || 'nothing'}`,
    );
  }
  const state: LoadedOptimizerState['state'] = {};
  for (const [index, entries] of states)
    state[Number(index)] = await entriesOf(asDict(entries, `the state of parameter ${Number(index)}`));
  return {
    state,
    param_groups: groups.map((group, i) => {
      const fields = Object.fromEntries(asDict(group, `param_groups[${i}]`)) as Record<string, unknown>;
      return { ...fields, params: fields.params as number[] };
    }),
  };
}

async function entriesOf(dict: Dict): Promise<Record<string, Tensor | number | null>> {
  const entries: [string, Tensor | number | null][] = [];
  for (const [name, value] of dict) {
    const isCounter = name === 'step' && isTensor(value) && value.numel() === 1;
    entries.push([name as string, isCounter ? await value.item() : (value as Tensor | number | null)]);
  }
  return Object.fromEntries(entries);
}

function asDict(value: CheckpointValue | undefined, what: string): Dict {
  if (value instanceof Map) return value;
  throw new CheckpointError(
    `optimizerState: expected ${what} in a Map, as load() gives it, got ${value === null ? 'null' : typeof value}`,
  );
}
