/**
 * Random programs against a plain interpreter: recording, reading, assigning, stepping, snapshots, flushes, drops and
 * moves in any order, with small and large values, under small and large budgets, awaited or not, with failing runs.
 * The interpreter computes each value at once in float64 and knows which cell versions it came from; the framework
 * must give the same number, or, where the design allows it, say why it can't.
 */
import {
  AutogradError,
  Cell,
  cat,
  flush,
  memory,
  nn,
  noGrad,
  Parameter,
  setMemoryBudget,
  StaleTensorError,
  stats,
  tensor,
  type Backend,
  type Device,
  type Tensor,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { expect, test } from 'vitest';
import { freshDevice } from './helpers.js';

/** A number made eagerly, with how its gradient flows. */
interface Known {
  readonly data: readonly number[];
  readonly requiresGrad: boolean;
  readonly parents: readonly [Known, (g: readonly number[]) => number[]][];
  /** Where it is a version of a cell. */
  readonly version?: Model;
  /** The versions that it was computed from. */
  readonly deps: ReadonlySet<Known>;
  /** `backward` has gone through it. */
  consumed?: boolean;
}

/** A cell and what it should hold. */
interface Model {
  readonly name: string;
  readonly cell: Cell;
  head: Known;
  grad: readonly number[] | null;
  gradState: 'none' | 'pending' | 'spent' | 'mixed';
}

interface Handle {
  readonly tensor: Tensor;
  readonly known: Known;
  /** Small and made where the user can name it, of what could be had then, or a snapshot: reading it never fails. */
  readonly safe: boolean;
  readonly made: string;
}

function random(seed: number): { below: (n: number) => number; chance: (p: number) => boolean; number: () => number } {
  const next = (): number => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { below: (n) => Math.floor(next() * n), chance: (p) => next() < p, number: () => next() * 2 - 1 };
}

const NOTHING: ReadonlySet<Known> = new Set();
const constant = (data: readonly number[]): Known => ({ data, requiresGrad: false, parents: [], deps: NOTHING });
/** Whether a cell that it read has changed: then it may be stale, and its tape is gone. */
const isPast = (k: Known): boolean => [...k.deps].some((v) => v.version!.head !== v);

function derived(
  grad: boolean,
  data: readonly number[],
  ...parents: [Known, (g: readonly number[]) => number[]][]
): Known {
  const through = parents.filter(([p]) => p.requiresGrad);
  const deps = new Set(parents.flatMap(([p]) => [...(p.version ? [p] : p.deps)]));
  return grad && through.length > 0
    ? { data, requiresGrad: true, parents: through, deps }
    : { data, requiresGrad: false, parents: [], deps };
}

/** Everything behind a value that gradients flow through, each once, the value first. */
function tapeOf(root: Known): Known[] {
  const order: Known[] = [];
  const seen = new Set<Known>();
  const visit = (k: Known): void => {
    if (seen.has(k)) return;
    seen.add(k);
    for (const [p] of k.parents) visit(p);
    order.push(k);
  };
  visit(root);
  return order.reverse();
}

const plus = (a: readonly number[], b: readonly number[]): number[] => a.map((v, i) => v + b[i]);

interface Options {
  /** Elements of every value: past 8,192 they stay on the device, past 131,072 they are no output by themselves. */
  readonly size: number;
  readonly budget: number | null;
  readonly failures: boolean;
  readonly steps: number;
}

/** One random program; throws with the list of what it did if a number is wrong. */
async function runProgram(seed: number, { size, budget, failures, steps }: Options): Promise<void> {
  const rng = random(seed);
  let failNext = false;
  const device: Device = await freshDevice((backend): Backend => {
    const compile: Backend['compile'] = async (program) => {
      const executable = await backend.compile(program);
      return {
        dispose: () => executable.dispose(),
        run: async (inputs, donated) => {
          if (failNext) {
            failNext = false;
            throw new Error('injected failure');
          }
          return executable.run(inputs, donated);
        },
      };
    };
    return new Proxy(backend, {
      get: (target, name) => (name === 'compile' ? compile : (Reflect.get(target, name) as unknown)),
    });
  });
  if (budget !== null) setMemoryBudget(budget, device);
  const small = size * 8 <= 64 * 1024;
  const log: string[] = [];
  const problems: string[] = [];
  const waiting: Promise<void>[] = [];

  const numbers = (): number[] => Array.from({ length: size }, (_, i) => (i < 8 ? rng.number() : (i % 7) / 7 - 0.4));
  const upload = (data: readonly number[]): Tensor => tensor(Float64Array.from(data), { dtype: 'float64', device });

  const models: Model[] = [];
  for (let i = 0; i < 4; i++) {
    const data = numbers();
    const isParameter = i < 2;
    const cell = isParameter
      ? new Parameter(upload(data), { name: `p${i}` })
      : new Cell(upload(data), { name: `c${i}` });
    const model = { name: `${isParameter ? 'p' : 'c'}${i}`, cell, grad: null, gradState: 'none' } as unknown as Model;
    model.head = { data, requiresGrad: isParameter, parents: [], version: model, deps: NOTHING };
    models.push(model);
  }
  const momentum = rng.chance(0.5) ? 0.9 : 0;
  const parameters = models.slice(0, 2);
  const optimizer = new SGD(
    parameters.map((m) => m.cell as Parameter),
    { lr: 0.1, momentum },
  );
  const velocity = new Map<Model, number[]>(parameters.map((m) => [m, new Array<number>(size).fill(0)]));
  let handles: Handle[] = [];

  const move = (model: Model, data: readonly number[]): void => {
    model.head = { data, requiresGrad: model.cell.requiresGrad, parents: [], version: model, deps: NOTHING };
  };
  const close = (a: ArrayLike<number>, b: readonly number[]): boolean =>
    a.length === b.length && b.every((v, i) => Math.abs(a[i] - v) <= 1e-9 * (1 + Math.abs(v)));
  const wrong = (what: string): void => void problems.push(`${what}\n  ${log.join('\n  ')}`);

  /** Values that a cell was given (those that the user can't name are the cell's alone), and what reads them. */
  const given = new Set<Known>();
  const mayBeStale = (h: Handle): boolean => !h.safe && (isPast(h.known) || given.has(h.known));
  /** An operand of what is being recorded may be stale. */
  let usedPast = false;
  /** An operand: a cell now, a handle, or fresh data. */
  const operand = (): [Tensor, Known, string] => {
    const pick = rng.below(10);
    if (pick < 5 || (handles.length === 0 && pick < 9)) {
      const m = models[rng.below(4)];
      return [m.cell, m.head, m.name];
    }
    if (pick < 9) {
      const h = handles[rng.below(handles.length)];
      if (mayBeStale(h)) usedPast = true;
      return [h.tensor, h.known, `(${h.made})`];
    }
    const data = numbers();
    return [upload(data), constant(data), 'data'];
  };

  const expression = (grad: boolean): [Tensor, Known, string] => {
    const [a, ka, na] = operand();
    const [b, kb, nb] = operand();
    const k = rng.number();
    switch (rng.below(8)) {
      case 0:
        return [
          a.add(b),
          derived(grad, plus(ka.data, kb.data), [ka, (g) => [...g]], [kb, (g) => [...g]]),
          `${na} + ${nb}`,
        ];
      case 1: {
        const data = ka.data.map((v, i) => v - kb.data[i]);
        return [a.sub(b), derived(grad, data, [ka, (g) => [...g]], [kb, (g) => g.map((v) => -v)]), `${na} - ${nb}`];
      }
      case 2: {
        const data = ka.data.map((v, i) => v * kb.data[i]);
        const to = (other: Known) => (g: readonly number[]) => g.map((v, i) => v * other.data[i]);
        return [a.mul(b), derived(grad, data, [ka, to(kb)], [kb, to(ka)]), `${na} * ${nb}`];
      }
      case 3:
        return [
          a.mul(k),
          derived(
            grad,
            ka.data.map((v) => v * k),
            [ka, (g) => g.map((v) => v * k)],
          ),
          `${na} * ${k.toFixed(2)}`,
        ];
      case 4: {
        const data = ka.data.map(Math.tanh);
        return [a.tanh(), derived(grad, data, [ka, (g) => g.map((v, i) => v * (1 - data[i] ** 2))]), `tanh ${na}`];
      }
      case 5: {
        const mean = ka.data.reduce((s, v) => s + v, 0) / size;
        return [
          b.add(a.mean()),
          derived(
            grad,
            kb.data.map((v) => v + mean),
            [kb, (g) => [...g]],
            [ka, (g) => new Array<number>(size).fill(g.reduce((s, v) => s + v, 0) / size)],
          ),
          `${nb} + mean ${na}`,
        ];
      }
      case 6: {
        const cut = 1 + rng.below(size - 1);
        const turn = (v: readonly number[], at: number): number[] => [...v.slice(at), ...v.slice(0, at)];
        return [
          cat([a.narrow(0, cut, size - cut), a.narrow(0, 0, cut)]),
          derived(grad, turn(ka.data, cut), [ka, (g) => turn(g, size - cut)]),
          `turn ${na}`,
        ];
      }
      default: {
        const half = size / 2;
        const flip = (v: readonly number[], rows: number): number[] =>
          v.map((_, i) => v[(i % rows) * (size / rows) + Math.floor(i / rows)]);
        return [
          a.reshape([2, half]).transpose(0, 1).reshape([size]),
          derived(grad, flip(ka.data, 2), [ka, (g) => flip(g, half)]),
          `transpose ${na}`,
        ];
      }
    }
  };

  /** Keeps numbers small: what grows goes through tanh. */
  const bounded = (grad: boolean): [Tensor, Known, string] => {
    const [t, k, n] = expression(grad);
    if (k.data.every((v) => Math.abs(v) < 10)) return [t, k, n];
    const data = k.data.map(Math.tanh);
    return [t.tanh(), derived(grad, data, [k, (g) => g.map((v, i) => v * (1 - data[i] ** 2))]), `tanh(${n})`];
  };

  const recordOne = (): void => {
    const where = rng.below(4);
    let made: [Tensor, Known, string] | undefined;
    usedPast = false;
    if (where === 0) {
      class Hidden extends nn.Module {
        forward(): void {
          made = bounded(true);
        }
      }
      new Hidden()();
    } else if (where === 1) {
      made = noGrad(() => bounded(false));
    } else {
      made = bounded(true);
    }
    const [t, known, name] = made!;
    const kept = rng.chance(0.1);
    if (kept) t.keep();
    if (usedPast) given.add(known);
    handles.push({ tensor: t, known, safe: !usedPast && (kept || (where > 0 && small)), made: name });
    log.push(`h = ${name}${where === 0 ? ' hidden' : where === 1 ? ' noGrad' : ''}${kept ? ' keep' : ''}`);
  };

  const check = async (t: Tensor, expected: readonly number[], mayFail: boolean, what: string): Promise<void> => {
    const at = log.length;
    try {
      const got = await t.data();
      if (!close(got, expected)) {
        wrong(`${what} (read at ${at}): got ${got.slice(0, 4).join()}, expected ${expected.slice(0, 4).join()}`);
      }
    } catch (error) {
      if (!(mayFail && error instanceof StaleTensorError)) wrong(`${what} (read at ${at}): ${String(error)}`);
    }
  };

  const later = async (reading: Promise<void>): Promise<void> => {
    if (rng.chance(0.5)) await reading;
    else {
      waiting.push(reading);
      for (let i = rng.below(5); i > 0; i--) await Promise.resolve();
    }
  };

  const backward = (): void => {
    const [t, known, name] = bounded(true);
    if (!known.requiresGrad) return;
    const tape = tapeOf(known);
    const gone = tape.some((k) => k.version && k.version.head !== k);
    if (!gone && (isPast(known) || tape.some((k) => k.consumed || given.has(k)))) return;
    const retainGraph = rng.chance(0.2);
    log.push(`backward ${name}${retainGraph ? ' retain' : ''}`);
    try {
      t.sum().backward({ retainGraph });
    } catch (error) {
      if (!gone || !(error instanceof AutogradError)) wrong(`backward: ${String(error)}`);
      return;
    }
    if (gone) {
      wrong('backward went through a weight that has been replaced');
      return;
    }
    const grads = new Map<Known, readonly number[]>([[known, new Array<number>(size).fill(1)]]);
    for (const k of tape) {
      const g = grads.get(k)!;
      for (const [parent, back] of k.parents) {
        const there = grads.get(parent);
        grads.set(parent, there ? plus(there, back(g)) : back(g));
      }
    }
    for (const k of tape) {
      if (!retainGraph && k.parents.length > 0) k.consumed = true;
      const model = k.version;
      if (!model) continue;
      const g = grads.get(k)!;
      const spent = model.gradState === 'spent' || model.gradState === 'mixed';
      model.grad = model.grad && model.gradState !== 'spent' ? plus(model.grad, g) : g;
      model.gradState = spent ? 'mixed' : 'pending';
    }
  };

  const step = async (): Promise<void> => {
    const used = parameters.filter((m) => m.gradState !== 'none');
    const refused = used.some((m) => m.gradState !== 'pending');
    log.push(`step${refused ? ' (refused)' : ''}`);
    const stepping = optimizer.step().then(
      () => refused && wrong('step: a mixed gradient was used'),
      (error: unknown) => !(refused && error instanceof AutogradError) && wrong(`step: ${String(error)}`),
    ) as Promise<void>;
    if (!refused) {
      for (const m of used) {
        const v = velocity.get(m)!.map((v, i) => momentum * v + m.grad![i]);
        velocity.set(m, v);
        move(
          m,
          m.head.data.map((w, i) => w - 0.1 * v[i]),
        );
        m.gradState = 'spent';
      }
    }
    await later(stepping);
  };

  const assign = (): void => {
    const m = models[rng.below(4)];
    if (rng.chance(0.3)) {
      usedPast = false;
      const [t, k, name] = operand();
      if (usedPast) return;
      given.add(k);
      m.cell.assign(t);
      move(m, k.data);
      log.push(`${m.name} := ${name}`);
      return;
    }
    const write = (): void => {
      usedPast = false;
      const [t, k, name] = noGrad(() => bounded(false));
      if (usedPast) return;
      m.cell.assign(t);
      move(m, k.data);
      log.push(`${m.name} := ${name}`);
    };
    if (rng.chance(0.5)) write();
    else {
      class Hidden extends nn.Module {
        forward(): void {
          write();
        }
      }
      new Hidden()();
    }
  };

  /** Runs fail among others that don't. Each cell must end at a value that some of its writes, in order, give. */
  const storm = async (): Promise<void> => {
    await Promise.all(waiting.splice(0));
    await flush(device);
    const possible = new Map<Model, number[][]>(models.map((m) => [m, [[...m.head.data]]]));
    const reads: Promise<unknown>[] = [];
    log.push('storm');
    for (let i = 2 + rng.below(6); i > 0; i--) {
      if (rng.chance(0.4)) failNext = true;
      const m = models[rng.below(4)];
      const data = numbers();
      const before = possible.get(m)!;
      switch (rng.below(4)) {
        case 0:
          m.cell.assign(upload(data));
          possible.set(m, [data]);
          break;
        case 1:
          m.cell.assign(upload(data).mul(2));
          possible.set(m, [...before, data.map((v) => 2 * v)]);
          break;
        default:
          noGrad(() => m.cell.assign(m.cell.add(upload(data))));
          possible.set(m, [...before, ...before.map((v) => plus(v, data))]);
      }
      if (rng.chance(0.3))
        reads.push(
          m.cell
            .mul(2)
            .data()
            .catch(() => undefined),
        );
      if (rng.chance(0.5)) reads.push(m.cell.data().catch(() => undefined));
      if (rng.chance(0.2)) reads.push(flush(device).catch(() => undefined));
      for (let k = rng.below(12); k > 0; k--) await Promise.resolve();
    }
    await Promise.all(reads);
    failNext = false;
    await flush(device);
    for (const m of models) {
      const got = await m.cell.data().catch((error: unknown) => error as Error);
      handles = [];
      if (got instanceof Error) wrong(`${m.name} has no value after failures: ${got.message}`);
      else if (!possible.get(m)!.some((data) => close(got, data))) wrong(`${m.name} after failures`);
      else move(m, [...got]);
      m.cell.grad = null;
      m.gradState = 'none';
      m.grad = null;
    }
  };

  const actions: [number, () => void | Promise<void>][] = [
    [8, recordOne],
    [3, assign],
    [2, backward],
    [2, step],
    [
      2,
      () => {
        optimizer.zeroGrad();
        for (const m of parameters) m.gradState = 'none';
        for (const m of parameters) m.grad = null;
        log.push('zeroGrad');
      },
    ],
    [
      4,
      async () => {
        if (handles.length === 0) return;
        const h = handles[rng.below(handles.length)];
        log.push(`read (${h.made})`);
        await later(check(h.tensor, h.known.data, mayBeStale(h), h.made));
      },
    ],
    [
      2,
      async () => {
        const m = models[rng.below(4)];
        log.push(`read ${m.name}`);
        await later(check(m.cell, m.head.data, false, m.name));
      },
    ],
    [
      1,
      async () => {
        const m = parameters[rng.below(2)];
        const gradient = m.cell.grad;
        if ((gradient === null) !== (m.gradState === 'none')) wrong(`grad of ${m.name}: ${m.gradState}`);
        if (!gradient) return;
        log.push(`read gradient of ${m.name} (${m.gradState})`);
        await later(check(gradient, m.grad!, m.gradState === 'spent', `gradient of ${m.name}`));
      },
    ],
    [
      1,
      () => {
        const m = models[rng.below(4)];
        const clone = rng.chance(0.3);
        handles.push({
          tensor: clone ? noGrad(() => m.cell.clone()) : m.cell.detach(),
          known: constant(m.head.data),
          safe: true,
          made: `snapshot of ${m.name}`,
        });
        log.push(`snapshot ${m.name}${clone ? ' clone' : ''}`);
      },
    ],
    [
      1,
      async () => {
        log.push('flush');
        await later(flush(device).catch((error: unknown) => wrong(`flush: ${String(error)}`)));
      },
    ],
    [
      1,
      () => {
        handles = handles.filter(() => rng.chance(0.6));
        log.push('drop');
      },
    ],
  ];
  if (failures) actions.push([1, storm]);
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);
  for (let i = 0; i < steps && problems.length === 0; i++) {
    let pick = rng.below(total);
    const action = actions.find(([weight]) => (pick -= weight) < 0)!;
    await action[1]();
  }
  await Promise.all(waiting);
  await flush(device).catch((error: unknown) => wrong(`last flush: ${String(error)}`));
  for (const h of handles) await check(h.tensor, h.known.data, mayBeStale(h), h.made);
  for (const m of models) await check(m.cell, m.head.data, false, m.name);
  await flush(device);
  // At rest every buffer of the backend is accounted for, and every cell has one at most.
  const report = memory(device);
  const { liveBuffers } = stats(device).backend;
  if (report.totalBuffers !== liveBuffers) wrong(`memory() counts ${report.totalBuffers} of ${liveBuffers} buffers`);
  const { parameter, state, optimizer: states, gradient, result, activation } = report.buffers;
  if (parameter > 2 || state > 2 || states > 2 || gradient > 2) wrong(`too many: ${JSON.stringify(report.buffers)}`);
  if (budget !== null && report.bytes.result + report.bytes.activation > budget) {
    wrong(`${result} results and ${activation} activations pass the budget`);
  }
  for (const m of models) m.cell.dispose();
  optimizer.dispose();
  await flush(device);
  const left = memory(device).buffers;
  if (left.parameter + left.state + left.optimizer + left.gradient > 0) wrong(`after dispose: ${JSON.stringify(left)}`);
  if (problems.length > 0) throw new Error(`seed ${seed}: ${problems[0]}`);
}

async function runAll(from: number, count: number, options: Options): Promise<void> {
  const errors: string[] = [];
  for (let seed = from; seed < from + count; seed++) {
    try {
      await runProgram(seed, options);
    } catch (error) {
      errors.push((error as Error).message);
    }
  }
  expect(errors, errors.sort((a, b) => a.length - b.length)[0]).toEqual([]);
}

test('small values', () => runAll(1, 200, { size: 4, budget: null, failures: false, steps: 60 }));
test('values that stay on the device', () =>
  runAll(1000, 20, { size: 10_000, budget: null, failures: false, steps: 40 }));
test('values that stay on the device, under a budget of two', () =>
  runAll(2000, 25, { size: 10_000, budget: 160_000, failures: false, steps: 40 }));
test('no budget at all', () => runAll(3000, 20, { size: 10_000, budget: 0, failures: false, steps: 40 }));
test('values that are no output by themselves', () =>
  runAll(4000, 2, { size: 140_000, budget: null, failures: false, steps: 30 }));
test('failing runs', () => runAll(5000, 150, { size: 4, budget: null, failures: true, steps: 50 }));
test('failing runs on large values', () =>
  runAll(6000, 20, { size: 10_000, budget: 160_000, failures: true, steps: 40 }));
