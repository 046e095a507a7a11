/**
 * Cells over a backend: a training loop holds its buffers constant, and a failed run changes nothing.
 */
import { Cell, commit, grad, Parameter, tensor, type Device } from '@fakkel/core';
import { expectClose, EXACT } from '../compare.js';
import type { BackendTest, SuiteContext } from '../options.js';
import { onDevice, type Session } from '../session.js';

export function cellTests(context: SuiteContext): BackendTest[] {
  return Object.entries(TESTS).map(([name, body]) => ({
    id: `cells/${name}`,
    run: () => {
      const failing = { next: false };
      const beforeRun = (): void => {
        if (!failing.next) return;
        failing.next = false;
        throw new Error('the kit made this run fail');
      };
      return onDevice(context.backend, (session) => body(session, failing), { beforeRun });
    },
  }));
}

type Body = (session: Session, failing: { next: boolean }) => Promise<void>;

async function expectValue(
  what: string,
  actual: Promise<ArrayLike<number>>,
  expected: readonly number[],
): Promise<void> {
  expectClose(what, await actual, expected, [expected.length], EXACT);
}

async function expectFailure(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (String(error).includes('the kit made this run fail')) return;
    throw error;
  }
  throw new Error('expected the run to fail');
}

function step(parameter: Parameter, velocity: Cell, device: Device): void {
  const x = tensor([1, 2, 3], { device });
  const [gradient] = grad(parameter.mul(x).square().sum(), [parameter]);
  velocity.assign(velocity.mul(0.5).add(gradient!));
  parameter.assign(parameter.sub(velocity.mul(0.125)));
}

const TESTS: Record<string, Body> = {
  'a loop of steps holds its buffers constant': async ({ device, backend }) => {
    const parameter = new Parameter(tensor([1, 1, 1], { device }));
    const velocity = new Cell(tensor([0, 0, 0], { device }));
    const held: number[] = [];
    for (let i = 0; i < 12; i++) {
      step(parameter, velocity, device);
      await commit([parameter, velocity], device);
      held.push(backend.held.size);
    }
    if (new Set(held.slice(2)).size > 1) throw new Error(`buffers held after each step: ${held.join(', ')}`);
  },

  'a failed run leaves cells as they were': async ({ device }, failing) => {
    const cell = new Cell(tensor([1, 2, 3], { device }), { name: 'weights' });
    cell.assign(cell.mul(2));
    await commit([cell], device);
    failing.next = true;
    cell.assign(cell.add(10));
    await expectFailure(commit([cell], device));
    await expectValue('the cell after the failure', cell.data(), [2, 4, 6]);
    cell.assign(cell.add(1));
    await commit([cell], device);
    await expectValue('the cell after the next step', cell.data(), [3, 5, 7]);
  },

  'inputs of a failed run can be read': async ({ device }, failing) => {
    const x = tensor([1, 2, 3], { device });
    const y = x.mul(2);
    await expectValue('before', y.data(), [2, 4, 6]);
    failing.next = true;
    await expectFailure(y.add(x).data());
    await expectValue('x', x.data(), [1, 2, 3]);
    await expectValue('y', y.data(), [2, 4, 6]);
    await expectValue('the sum, recorded again', y.add(x).data(), [3, 6, 9]);
  },

  'a snapshot keeps its value while the cell is donated': async ({ device }) => {
    const cell = new Cell(tensor([1, 2, 3], { device }));
    cell.assign(cell.mul(2));
    await commit([cell], device);
    const snapshot = cell.detach();
    cell.assign(cell.mul(2));
    await commit([cell], device);
    await expectValue('the snapshot', snapshot.data(), [2, 4, 6]);
    await expectValue('the cell', cell.data(), [4, 8, 12]);
  },
};
