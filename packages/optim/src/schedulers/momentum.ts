/**
 * The momentum that schedules move against the learning rate: SGD's, or the first of Adam's betas.
 */
import { FakkelError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import type { ParamGroup } from '../param-groups.js';
import { checkOptimizer } from './lr-scheduler.js';

type Momenta = ParamGroup & { momentum?: number; betas?: readonly [number, number] };

/**
 * Whether the optimizer's momentum is its first beta.
 *
 * @throws FakkelError if it has no momentum.
 */
export function usesBeta1(name: string, optimizer: unknown): boolean {
  checkOptimizer(name, optimizer);
  if ('betas' in optimizer.defaults) return true;
  if ('momentum' in optimizer.defaults) return false;
  throw new FakkelError(
    `${name}: ${optimizer.name} has neither momentum nor betas to cycle. Pass cycleMomentum: false.`,
  );
}

/** Sets the momentum of every group. */
export function setMomenta({ paramGroups }: Optimizer, momenta: readonly number[]): void {
  (paramGroups as Momenta[]).forEach((group, i) => {
    if (group.betas) group.betas = [momenta[i], group.betas[1]];
    else group.momentum = momenta[i];
  });
}
