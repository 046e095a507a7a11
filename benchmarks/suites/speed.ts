/**
 * Time and memory of training steps and of inference: engines take turns on the same work.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { commandOf, ENGINE_TITLES, type EngineName } from '../engines/index.js';
import { EngineCannot, EngineProcess } from '../engines/process.js';
import type { Phase, Steps, Task } from '../engines/protocol.js';
import type { QuietWatch } from '../machine/quiet.js';
import type { NetworkName } from '../networks/index.js';
import type { Options } from '../options.js';
import { difference, show } from './compare.js';
import { writeFiles } from './files.js';

/** One engine on one network. Times are milliseconds, memory is bytes. */
export interface Measurement {
  readonly engine: EngineName;
  /** Steps, all rounds together; empty if it can't. */
  readonly ms: number[];
  /** Of each step, what was not the backend's `run`. */
  readonly outside: number[];
  readonly firstMs?: number;
  /** Losses of the first steps. */
  readonly losses: readonly number[];
  readonly baseline?: number;
  peak?: number;
  /** Why there are no figures. */
  readonly cannot?: string;
}

export interface Comparison {
  readonly network: NetworkName;
  readonly phase: Phase;
  readonly measurements: readonly Measurement[];
}

export interface SpeedResult {
  readonly comparisons: readonly Comparison[];
  readonly engines: Readonly<Record<string, string>>;
  /** Engines that disagree or fail; the command fails with them. */
  readonly faults: readonly string[];
}

/** Steps whose losses are compared. */
const CHECKED_STEPS = 3;
/** A turn lasts about so long: one step, or as many as are needed to be more than noise. */
const TURN_MS = 1000;
/** Before a turn: the threads of the engine before stop spinning. */
const PAUSE_MS = 200;

interface Contender {
  readonly process: EngineProcess;
  readonly measurement: Measurement;
  readonly checked: Steps;
}

export async function measureSpeed(
  options: Options,
  folder: string,
  watch: QuietWatch,
  say: (message: string) => void,
): Promise<SpeedResult> {
  const comparisons: Comparison[] = [];
  const engines: Record<string, string> = {};
  const faults: string[] = [];
  const available = options.engines.filter((name) => {
    const command = commandOf(name);
    if (typeof command === 'string') say((engines[name] = command));
    return typeof command !== 'string';
  });
  for (const network of options.networks) {
    const files = await writeFiles(folder, network, options.quick);
    for (const phase of options.phase) {
      const what = `${network}, ${phase}`;
      const contenders: Contender[] = [];
      const measurements: Measurement[] = [];
      for (const name of available) {
        say(`${what}: ${ENGINE_TITLES[name]}, first steps`);
        const found = await begin(name, { ...files, phase }, engines);
        if ('process' in found) contenders.push(found);
        const measurement = 'process' in found ? found.measurement : found;
        measurements.push(measurement);
        if (measurement.cannot && name !== 'tfjs') faults.push(`${what}: ${name}: ${measurement.cannot}`);
      }
      faults.push(...disagreements(what, contenders));
      await takeTurns(contenders, options, watch, (message) => say(`${what}: ${message}`));
      for (const { process, measurement } of contenders) {
        measurement.peak = process.peak;
        await process.end();
      }
      comparisons.push({ network, phase, measurements });
    }
  }
  return { comparisons, engines, faults };
}

/** Starts the engine and runs the steps whose losses are compared; without figures if it can't. */
async function begin(name: EngineName, task: Task, engines: Record<string, string>): Promise<Contender | Measurement> {
  const process = await EngineProcess.start(commandOf(name) as Exclude<ReturnType<typeof commandOf>, string>);
  const { title, threads } = process.hello;
  engines[name] = `${title}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  try {
    await process.load(task);
    const checked = await process.steps(CHECKED_STEPS);
    const { baseline } = process;
    const measurement = { engine: name, ms: [], outside: [], firstMs: checked.ms[0], losses: checked.losses, baseline };
    return { process, checked, measurement };
  } catch (error) {
    await process.end();
    const message = error instanceof Error ? error.message : String(error);
    return {
      engine: name,
      ms: [],
      outside: [],
      losses: [],
      cannot: error instanceof EngineCannot ? message : `failed: ${message}`,
    };
  }
}

/** PyTorch is the measure where it is there, else the first engine. */
function disagreements(what: string, contenders: readonly Contender[]): string[] {
  const judge = contenders.find(({ measurement }) => measurement.engine === 'pytorch') ?? contenders[0];
  return contenders.flatMap(({ measurement, checked }) => {
    const found = difference(checked, judge.checked);
    const engine = ENGINE_TITLES[measurement.engine];
    return found ? [`${what}: ${engine} does not agree with ${ENGINE_TITLES[judge.measurement.engine]}: ${found}`] : [];
  });
}

async function takeTurns(
  contenders: readonly Contender[],
  { rounds, quick }: Options,
  watch: QuietWatch,
  say: (message: string) => void,
): Promise<void> {
  if (contenders.length > 0) say(`losses ${show(contenders[0].checked.losses)}`);
  const turnMs = quick ? TURN_MS / 10 : TURN_MS;
  const counts = new Map<Contender, number>();
  for (const contender of contenders) {
    // Warm-up: a turn by the time of the last step, then a turn's steps by the time of the fastest.
    const { process, checked } = contender;
    const guess = stepsIn(turnMs, checked.ms.at(-1)!);
    const { ms } = await process.steps(guess);
    counts.set(contender, stepsIn(turnMs, Math.min(...ms)));
  }
  for (let round = 0; round < rounds; round++) {
    await watch.wait(say);
    for (const contender of contenders) {
      const { process, measurement } = contender;
      await sleep(PAUSE_MS);
      const { ms, outside, losses } = await watch.during(process.pid, () => process.steps(counts.get(contender)!));
      if (!losses.every(Number.isFinite)) throw new Error(`${process.hello.title}: the loss is not finite any more`);
      measurement.ms.push(...ms);
      measurement.outside.push(...(outside ?? []));
    }
  }
}

const stepsIn = (turnMs: number, stepMs: number): number => Math.min(200, Math.max(1, Math.round(turnMs / stepMs)));
