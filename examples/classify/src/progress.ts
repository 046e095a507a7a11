/**
 * What is shown while files are downloaded and read: a bar in a terminal, a line for each file elsewhere.
 */
import type { WeightsProgress } from '@fakkel/models';
import cliProgress from 'cli-progress';

export interface Notes {
  /** A line of its own. */
  note(line: string): void;
  weights(progress: WeightsProgress): void;
  /** Leaves the terminal as it was. */
  stop(): void;
}

const VERB = { download: 'downloading', load: 'reading' } as const;

export function createNotes(stream: NodeJS.WriteStream): Notes {
  let bar: cliProgress.SingleBar | undefined;
  let shown = '';
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const note = (line: string): void => {
    stop();
    stream.write(`${line}\n`);
  };
  return {
    note,
    stop,
    weights({ phase, file, loaded, total }) {
      const title = `${VERB[phase]} ${file}`;
      if (title !== shown) {
        stop();
        shown = title;
        if (!stream.isTTY || process.env['CI']) note(title);
        else {
          bar = new cliProgress.SingleBar({
            stream,
            format: `${title} {bar} {percentage} % of {size}`,
            barCompleteChar: '█',
            barIncompleteChar: '░',
            barsize: 30,
            hideCursor: true,
            clearOnComplete: true,
          });
          bar.start(total ?? 0, 0, {
            size: total === undefined ? 'an unknown size' : `${(total / 1e6).toFixed(1)} MB`,
          });
        }
      }
      bar?.update(loaded);
    },
  };
}
