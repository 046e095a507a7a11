/**
 * The command line.
 */
import { Command, InvalidArgumentError, Option } from 'commander';

export interface Options {
  /** Paths or addresses of images. */
  readonly images: readonly string[];
  /** A name of the zoo; left out, it is what the weights say, or {@link DEFAULT_MODEL}. */
  readonly model?: string;
  /** 'DEFAULT', another published entry, a file, or an address. */
  readonly weights: string;
  readonly labels?: string;
  readonly top: number;
  readonly crops: 1 | 10;
  readonly device: string;
  readonly json: boolean;
  readonly list: boolean;
}

export const DEFAULT_MODEL = 'resnet50';

/**
 * Reads the command line.
 *
 * @param argv without the names of Node and the script.
 * @throws CommanderError after printing what is wrong, or the help.
 */
export function parseOptions(argv: readonly string[], configure: (command: Command) => Command = (c) => c): Options {
  const command = configure(
    new Command('fakkel-classify')
      .description('Names what is in images, with any network of the zoo.')
      .argument('[images...]', 'image files (JPEG, PNG, WebP, GIF, TIFF, AVIF) or addresses of some')
      .option('-m, --model <name>', `network (default: what the weights say, else ${DEFAULT_MODEL})`)
      .option(
        '-w, --weights <source>',
        'DEFAULT, another published entry such as IMAGENET1K_V1, a file (.pth, .pt, .safetensors) or an address',
        'DEFAULT',
      )
      .option(
        '-l, --labels <file>',
        'names of the classes, one a line (default: those that the weights were published with)',
      )
      .option('-k, --top <number>', 'classes to show', wholeNumber, 5)
      .addOption(
        new Option('--crops <number>', 'views of an image whose answers are averaged')
          .choices(['1', '10'])
          .default('1'),
      )
      .option('-d, --device <name>', 'engine, such as cpu, reference, onnxruntime:cuda', 'cpu')
      .option('--json', 'print JSON', false)
      .option('--list', 'print the networks and the weights that are published for them', false)
      .exitOverride(),
  );
  command.parse(argv, { from: 'user' });
  const typed = command.opts<Omit<Options, 'images' | 'crops'> & { crops: '1' | '10' }>();
  if (command.args.length === 0 && !typed.list) command.error('error: name at least one image. See --help.');
  return { ...typed, crops: typed.crops === '10' ? 10 : 1, images: command.args };
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1 up.');
}
