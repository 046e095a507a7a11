/**
 * What is shown while training: a bar in a terminal, plain lines in a file, a pipe or CI.
 */
import cliProgress from 'cli-progress';
import { count, duration, lossText, percent } from './format.js';
import type { EpochRecord } from './history.js';

/** Where an epoch stands. */
export interface EpochStatus {
  readonly epoch: number;
  readonly epochs: number;
  /** Images done, of all in the epoch. */
  readonly images: number;
  readonly total: number;
  /** Means so far. */
  readonly loss: number;
  readonly accuracy: number;
  readonly imagesPerSecond: number;
}

export interface Progress {
  /** A line of its own. */
  note(line: string): void;
  /** After each training step. */
  step(status: EpochStatus): void;
  /** After each validation. */
  epochDone(record: EpochRecord, epochs: number, imagesPerSecond: number): void;
  /** Leaves the terminal as it was. */
  stop(): void;
}

/** Where to write: `process.stdout`, or anything with `write`. */
export type Output = Pick<NodeJS.WriteStream, 'write'> & Partial<NodeJS.WriteStream>;

export function createProgress(output: Output): Progress {
  // CI systems may pretend to be terminals, and keep every frame of a bar in their logs.
  const bar = output.isTTY === true && !process.env['CI'];
  return bar ? new BarProgress(output as NodeJS.WriteStream) : new LineProgress(output);
}

/** A bar for the present epoch, which its summary replaces. */
class BarProgress implements Progress {
  private bar: cliProgress.SingleBar | null = null;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  note(line: string): void {
    this.stop();
    this.stream.write(`${line}\n`);
  }

  step(status: EpochStatus): void {
    if (!this.bar) {
      this.bar = new cliProgress.SingleBar({
        stream: this.stream,
        format: (options, params, { status }: { status: EpochStatus }) =>
          `${epochName(status)} ${cliProgress.Format.BarFormat(params.progress, options)} ${measures(status)}`,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: Math.min(30, Math.max(8, (this.stream.columns || 80) - 68)), // what the words leave of the line
        hideCursor: true,
        clearOnComplete: true,
      });
      this.bar.start(status.total, status.images, { status });
    }
    this.bar.update(status.images, { status });
  }

  epochDone(record: EpochRecord, epochs: number, imagesPerSecond: number): void {
    this.note(summary(record, epochs, imagesPerSecond));
  }

  stop(): void {
    this.bar?.stop();
    this.bar = null;
  }
}

/** A line an epoch; in long epochs one every ten seconds, too. */
class LineProgress implements Progress {
  private last = performance.now();

  constructor(private readonly output: Output) {}

  note(line: string): void {
    this.output.write(`${line}\n`);
    this.last = performance.now();
  }

  step(status: EpochStatus): void {
    if (performance.now() - this.last < 10_000 || status.images === status.total) return;
    this.note(`${epochName(status)}  ${count(status.images)} of ${count(status.total)} images  ${measures(status)}`);
  }

  epochDone(record: EpochRecord, epochs: number, imagesPerSecond: number): void {
    this.note(summary(record, epochs, imagesPerSecond));
  }

  stop(): void {}
}

function epochName({ epoch, epochs }: { epoch: number; epochs: number }): string {
  return `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`;
}

function measures({ loss, accuracy, images, total, imagesPerSecond }: EpochStatus): string {
  const left = duration((total - images) / imagesPerSecond);
  return `loss ${lossText(loss)}  accuracy ${percent(accuracy)}  ${count(imagesPerSecond)} images/s  ETA ${left}`;
}

function summary({ epoch, train, validation, seconds }: EpochRecord, epochs: number, imagesPerSecond: number): string {
  return (
    `${epochName({ epoch, epochs })}  training loss ${lossText(train.loss)}  accuracy ${percent(train.accuracy)}  ` +
    `validation loss ${lossText(validation.loss)}  accuracy ${percent(validation.accuracy)}  ` +
    `${duration(seconds)}  ${count(imagesPerSecond)} images/s`
  );
}
