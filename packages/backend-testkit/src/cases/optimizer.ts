/**
 * Adapters of optimizer updates. The Python script gives the op's own numbers and flags, and the names of the state.
 */
import {
  adadeltaUpdate,
  adagradUpdate,
  adamaxUpdate,
  adamUpdate,
  lambUpdate,
  larsUpdate,
  nadamUpdate,
  radamUpdate,
  rmspropUpdate,
  sgdUpdate,
  type Tensor,
} from '@fakkel/core';
import { adapter, type Adapter } from './adapter.js';

const update = (run: (update: never) => object): Adapter =>
  adapter<{ readonly state: readonly string[] }>(([parameter, gradient, ...kept], { state, ...numbers }) => {
    const named = Object.fromEntries(kept.map((t, i) => [state[i], t]));
    const result = run({ parameter, gradient, ...named, ...numbers } as never) as Readonly<Record<string, Tensor>>;
    return ['parameter', ...state].map((name) => result[name]);
  });

export const optimizerAdapters: Readonly<Record<string, Adapter>> = {
  sgdUpdate: update(sgdUpdate),
  adagradUpdate: update(adagradUpdate),
  adadeltaUpdate: update(adadeltaUpdate),
  rmspropUpdate: update(rmspropUpdate),
  larsUpdate: update(larsUpdate),
  adamUpdate: update(adamUpdate),
  adamaxUpdate: update(adamaxUpdate),
  nadamUpdate: update(nadamUpdate),
  radamUpdate: update(radamUpdate),
  lambUpdate: update(lambUpdate),
};
