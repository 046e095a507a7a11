/**
 * The command line.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { ENGINE_NAMES, type EngineName } from './engines/index.js';
import type { Phase } from './engines/protocol.js';
import { NETWORK_NAMES, type NetworkName } from './networks/index.js';

export const SUITES = ['speed', 'memory', 'reference', 'data'] as const;

export interface Options {
  readonly suite: (typeof SUITES)[number];
  readonly networks: readonly NetworkName[];
  readonly engines: readonly EngineName[];
  readonly phase: readonly Phase[];
  readonly rounds: number;
  /** Seconds. */
  readonly wait: number;
  readonly quick: boolean;
  /** Of `--suite data`: numbers of workers. */
  readonly workers: readonly number[];
  readonly json?: string;
}

const PHASES = ['train', 'infer'] as const satisfies readonly Phase[];

/**
 * Reads the command line.
 *
 * @throws CommanderError after printing what is wrong, or the help.
 */
export function parseOptions(argv: readonly string[]): Options {
  const command = new Command('npm run benchmark --')
    .description('Fakkel beside other frameworks on this machine: the same weights, batches and labels, in turns.')
    .addOption(new Option('--suite <name>', 'what to measure').choices(SUITES).default('speed'))
    .addOption(new Option('--memory', 'as --suite memory').implies({ suite: 'memory' }))
    .option('--networks <list>', NETWORK_NAMES.join(','), listOf(NETWORK_NAMES), NETWORK_NAMES)
    .option('--engines <list>', ENGINE_NAMES.join(','), listOf(ENGINE_NAMES), ['fakkel', 'pytorch', 'tfjs'])
    .option('--phase <list>', PHASES.join(','), listOf(PHASES), PHASES)
    .option('--rounds <number>', 'turns of each engine', wholeNumber, 7)
    .option('--wait <seconds>', 'how long to wait for a quiet machine, all in all', wholeNumber, 120)
    .option('--quick', 'tiny batches and two rounds: whether it works, not how fast it is', false)
    .option('--workers <list>', 'of --suite data: numbers of workers', wholeNumbers, [0, 1, 2])
    .option('--json <file>', 'write all figures to this file')
    .exitOverride();
  command.parse(argv, { from: 'user' });
  const options = command.opts<Options>();
  return options.quick ? { ...options, rounds: Math.min(options.rounds, 2), wait: Math.min(options.wait, 5) } : options;
}

/** A list such as `a,b`, each of it one of `names`. */
function listOf<T extends string>(names: readonly T[]): (text: string) => readonly T[] {
  return (text) =>
    text.split(',').map((part) => {
      const name = names.find((known) => known === part.trim());
      if (name === undefined) throw new InvalidArgumentError(`Allowed are ${names.join(', ')}, with commas between.`);
      return name;
    });
}

function wholeNumbers(text: string): readonly number[] {
  if (/^\d+(,\d+)*$/.test(text)) return text.split(',').map(Number);
  throw new InvalidArgumentError('Expected whole numbers with commas between.');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number from 1 up.');
}
