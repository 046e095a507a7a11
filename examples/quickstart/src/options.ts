/**
 * The command line.
 */
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Checkpoint } from './checkpoint.js';
import { DATA_SETS } from './data.js';
import { UsageError } from './errors.js';
import { MODELS, type ModelName } from './model.js';

/** What the numbers of a run depend on: a checkpoint keeps it. */
export interface Settings {
  readonly data: string;
  readonly model: ModelName;
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  /** What the learning rate is multiplied by after each epoch. */
  readonly gamma: number;
  readonly optimizer: 'sgd' | 'adam';
  readonly seed: number;
}

export interface Options extends Settings {
  /** Default: cpu, or what a checkpoint says. */
  readonly device?: string;
  /** Folder for everything that is written. Default: runs/quickstart, or where a checkpoint is. */
  readonly output?: string;
  /** A checkpoint, or the folder it is in. */
  readonly resume?: string;
  readonly report: boolean;
  /** The settings that were typed: a checkpoint has the last word on the others. */
  readonly given: Partial<Settings>;
}

/** Where none is named, and the optimizer is not the data set's own. */
const DEFAULT_LR = { sgd: 0.01, adam: 0.001 } as const;

type Recipe = Pick<Settings, 'epochs' | 'batchSize' | 'optimizer' | 'lr' | 'gamma'>;

/** What goes well with few images: many epochs, and a rate that falls slowly. */
const FEW: Recipe = { epochs: 12, batchSize: 32, optimizer: 'sgd', lr: DEFAULT_LR.sgd, gamma: 0.95 };

/**
 * With 60,000: few epochs, small batches, and a rate that falls fast. Chosen by the validation images of Fashion-MNIST.
 */
const MANY: Recipe = { epochs: 5, batchSize: 16, optimizer: 'adam', lr: 0.002, gamma: 0.5 };

const recipeOf = (data: string): Recipe => (data === 'mnist' || data === 'fashion-mnist' ? MANY : FEW);

/**
 * Reads the command line.
 *
 * @param argv without the names of Node and the script.
 * @throws CommanderError after printing what is wrong, or the help.
 */
export function parseOptions(argv: readonly string[], configure: (command: Command) => Command = (c) => c): Options {
  const command = configure(
    new Command('npm run quickstart --')
      .description('Trains LeNet-5, shows how it learns, and writes the weights and a report with pictures.')
      .option('--data <name>', `data set (${DATA_SETS.join(', ')}) or a folder with IDX files`, dataSet, 'digits')
      .addOption(new Option('--model <name>', 'network').choices(MODELS).default('lenet5'))
      .option(
        '--epochs <number>',
        `how often to go through the training images (default: ${FEW.epochs}; ${MANY.epochs} with MNIST and Fashion-MNIST)`,
        wholeNumber(1),
      )
      .option(
        '--batch-size <number>',
        `images in a training step (default: ${FEW.batchSize}; ${MANY.batchSize} with those)`,
        wholeNumber(1),
      )
      .addOption(
        new Option(
          '--optimizer <name>',
          `update rule (default: ${FEW.optimizer}; ${MANY.optimizer} with those)`,
        ).choices(Object.keys(DEFAULT_LR)),
      )
      .option('--lr <number>', `learning rate (default: ${FEW.lr}; ${MANY.lr} with those)`, positive)
      .option(
        '--gamma <number>',
        `what the rate is multiplied by after each epoch (default: ${FEW.gamma}; ${MANY.gamma} with those)`,
        positive,
      )
      .option('--seed <number>', 'of the split, the initial weights and the order', wholeNumber(0), 0)
      .option('--device <name>', 'engine, such as cpu, reference, onnxruntime:cuda (default: cpu, the fastest one)')
      .option('--output <folder>', 'where to write (default: runs/quickstart; with --resume, where the checkpoint is)')
      .option('--resume <checkpoint>', 'continue a run that was stopped: its checkpoint, or the folder it is in')
      .option('--no-report', 'write no report')
      .addHelpText('after', '\nCtrl-C saves a checkpoint, which --resume continues exactly. Again, it stops at once.')
      .exitOverride(),
  );
  command.action(() => undefined).allowExcessArguments();
  command.parse(argv, { from: 'user' });
  if (command.args.length > 0) {
    command.error(
      `error: unexpected argument '${command.args.join(' ')}'. npm passes options on after two dashes only: ` +
        `npm run quickstart -- --epochs 3`,
    );
  }

  const typed = command.opts<Partial<Options>>();
  const recipe = recipeOf(typed.data!);
  const isOwn = typed.optimizer === undefined || typed.optimizer === recipe.optimizer;
  const values = { ...recipe, ...(isOwn ? {} : { lr: DEFAULT_LR[typed.optimizer] }), ...typed } as Options;
  const given = Object.fromEntries(
    Object.entries(settingsOf(values)).filter(([name]) => command.getOptionValueSource(name) === 'cli'),
  );
  return { ...values, given };
}

/** The part of the options that the numbers depend on. */
export function settingsOf({ data, model, epochs, batchSize, optimizer, lr, gamma, seed }: Settings): Settings {
  return { data, model, epochs, batchSize, optimizer, lr, gamma, seed };
}

/**
 * The settings of a run that is continued: those of its checkpoint. Only the number of epochs may be another one;
 * anything else would make it another run.
 *
 * @throws UsageError naming the option that does not fit.
 */
export function settingsToResume({ file, state }: Checkpoint, given: Partial<Settings>): Settings {
  const saved = state.settings;
  const { epochs: _, ...others } = given;
  refuseOtherSettings(file, saved, others);
  const epochs = given.epochs ?? saved.epochs;
  const begun = state.history.epochs.length + (state.epoch.images > 0 ? 1 : 0);
  if (epochs < begun) {
    throw new UsageError(`--epochs ${epochs}: the run in ${file} is in epoch ${begun} already.`);
  }
  return { ...saved, epochs };
}

/** @throws UsageError if an option was typed that is not as in the run of the checkpoint. */
export function refuseOtherSettings<S extends object>(file: string, saved: S, given: Partial<S>): void {
  for (const name of Object.keys(given) as (keyof S & string)[]) {
    if (given[name] === saved[name]) continue;
    const option = flag(name);
    throw new UsageError(
      `--resume: ${file} is a run with ${option} ${String(saved[name])}, which can't go on with ${option} ` +
        `${String(given[name])}. Leave ${option} out to continue it, or leave --resume out to start anew.`,
    );
  }
}

/** What to type to get a run with these settings. */
export function commandOf(settings: Settings): string {
  const options = Object.entries(settingsOf(settings)).map(([name, value]) => {
    const text = String(value);
    return `${flag(name)} ${/[^\w./-]/.test(text) ? `'${text}'` : text}`;
  });
  return `npm run quickstart -- ${options.join(' ')}`;
}

export const flag = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** A folder as an absolute path: a run may be continued from another one. */
const dataSet = (text: string): string => (DATA_SETS.includes(text) ? text : path.resolve(text));

export function wholeNumber(from: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= from) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${from} up.`);
  };
}

export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number greater than 0, such as 0.01.');
}
