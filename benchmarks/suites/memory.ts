/**
 * Resident memory of Fakkel over many steps, and over many shapes.
 */
import { commandOf } from '../engines/index.js';
import { EngineProcess } from '../engines/process.js';
import type { Options } from '../options.js';
import { formatNumber, formatTable } from '../report/table.js';
import { writeFiles } from './files.js';

const MIB = 2 ** 20;
/** Growth after warm-up that is no growth: what a collector or an allocator has at hand, more or less. */
const SLACK = 16 * MIB;

export interface Sample {
  readonly after: number;
  readonly bytes: number;
}

export interface MemoryResult {
  /** Resident bytes after so many training steps of LeNet. */
  readonly steps: readonly Sample[];
  /** After so many batch sizes, each two steps, more than the session cache holds; then all of them again. */
  readonly shapes: readonly Sample[];
  readonly faults: readonly string[];
}

const SHAPES = 50;

export async function measureMemory(
  options: Options,
  folder: string,
  say: (message: string) => void,
): Promise<MemoryResult> {
  const name = options.engines.find((engine) => engine === 'reference' || engine === 'fakkel') ?? 'fakkel';
  // Of the whole batch of 64 in --quick too: there are to be 50 sizes of it.
  const task = { ...(await writeFiles(folder, 'lenet', false)), phase: 'train' as const };
  const inProcess = async (work: (process: EngineProcess) => Promise<void>): Promise<void> => {
    const process = await EngineProcess.start(commandOf(name) as Exclude<ReturnType<typeof commandOf>, string>);
    try {
      await process.load(task);
      await work(process);
    } finally {
      await process.end();
    }
  };

  const steps: Sample[] = [];
  const marks = options.quick ? [10, 20, 50] : [100, 500, 1000, 2000];
  await inProcess(async (process) => {
    let done = 0;
    for (const after of marks) {
      say(`LeNet, ${after} training steps`);
      await process.steps(after - done);
      done = after;
      steps.push({ after, bytes: resident(process) });
    }
  });

  const shapes: Sample[] = [];
  await inProcess(async (process) => {
    const passes = options.quick ? 1 : 3;
    for (let i = 0; i < passes * SHAPES; i++) {
      await process.steps(2, 64 - (i % SHAPES));
      if ((i + 1) % 10 > 0) continue;
      say(`LeNet, ${i + 1} batch sizes`);
      shapes.push({ after: i + 1, bytes: resident(process) });
    }
  });

  const faults = options.quick
    ? []
    : [
        ...growth('training steps', steps[1], steps.at(-1)!),
        ...growth(
          'batch sizes',
          shapes.find(({ after }) => after === SHAPES)!,
          shapes.at(-1)!,
        ),
      ];
  return { steps, shapes, faults };
}

function resident(process: EngineProcess): number {
  const bytes = process.resident;
  if (bytes === undefined) throw new Error('the memory suite reads /proc, which this system has not got');
  return bytes;
}

function growth(what: string, from: Sample, to: Sample): string[] {
  const grown = to.bytes - from.bytes;
  if (grown <= SLACK) return [];
  return [`memory grows: ${formatNumber(grown / MIB)} MiB from ${from.after} to ${to.after} ${what}`];
}

export function memoryTables({ steps, shapes }: MemoryResult): string {
  const table = (what: string, samples: readonly Sample[]): string =>
    formatTable(
      [{ title: what }, { title: 'resident MiB' }],
      samples.map(({ after, bytes }) => [String(after), formatNumber(bytes / MIB)]),
    );
  return `${table('training steps of LeNet', steps)}\n\n${table('batch sizes, in turn', shapes)}`;
}
