/**
 * Samples of files in class folders: what all such datasets have in common.
 */
import { FakkelError } from '@fakkel/core';
import { Dataset, type SampleContext } from './dataset.js';
import type { FolderFiles } from './folder-files.js';
import { checkIndex } from './host-array.js';
import type { TransformOptions } from './image-sample.js';
import { MissingPackageError } from './image.js';
import { shared, StringTable } from './shared-memory.js';

/** What to do about files that can't be read. */
export interface UnreadableOptions {
  /**
   * - 'error' (default): loading one is an error that names it.
   * - 'skip': every file is read once when the dataset is opened, and those that can't be are left out. For up to some
   *   100,000 files: it costs as much as half an epoch of loading.
   * - 'replace': loading one gives the next readable file of its class instead, in the order of the dataset. For any
   *   number of files, and runs that must not stop; indices, targets and the length of epochs are as they were.
   *
   * What was left out or replaced is in `unreadable`, and in a warning.
   */
  unreadable?: 'error' | 'skip' | 'replace';
  /** Called as files are read for 'skip'. */
  onProgress?: (progress: { checked: number; total: number }) => void;
}

/** A file that can't be read. */
export interface UnreadableFile {
  readonly path: string;
  readonly reason: string;
}

/** Files read at a time by 'skip'. */
const AT_ONCE = 8;

/** What the datasets of this family are told beside which files there are. */
export type FolderOptions<S, T, U> = TransformOptions<S, T, U> & UnreadableOptions & { allowEmpty?: boolean };

/** Pairs of what is made of a file and its class index. */
export abstract class FolderDataset<S, T = S, U = number> extends Dataset<[T, U]> {
  /** The folder of the class folders. */
  readonly root: string;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** The class index of each sample. */
  readonly targets: Int32Array;
  /** Files that were left out (`unreadable: 'skip'`) or replaced so far, in this thread (`'replace'`). */
  readonly unreadable: UnreadableFile[] = [];
  private readonly paths: StringTable;

  /** For workers; what there is to call is the class's `open`. */
  constructor(
    protected readonly files: FolderFiles,
    private readonly common: FolderOptions<S, T, U>,
  ) {
    super();
    if (typeof files !== 'object' || files === null || !('paths' in files)) {
      throw new TypeError(
        `${new.target.name}: the folder is read asynchronously. Write await ${new.target.name}.open(root, { … }).`,
      );
    }
    this.root = files.root;
    this.classes = files.classes;
    this.targets = files.targets;
    this.paths = StringTable.revive(files.paths);
  }

  /** The sample in a file. */
  protected abstract load(path: string): S | Promise<S>;

  /** The same with other files. */
  protected abstract withFiles(files: FolderFiles): this;

  get length(): number {
    return this.targets.length;
  }

  /** Index of each class. */
  get classToIdx(): Record<string, number> {
    return Object.fromEntries(this.classes.map((name, i) => [name, i]));
  }

  /** Path and class index of each sample. */
  get samples(): [path: string, target: number][] {
    return Array.from(this.targets, (target, i) => [this.pathOf(i), target]);
  }

  /** Path of the file of sample `index`. */
  pathOf(index: number): string {
    checkIndex(`${this.constructor.name}.pathOf`, index, this.length);
    return `${this.root}/${this.paths.at(index)}`;
  }

  async get(index: number, context?: SampleContext): Promise<[T, U]> {
    checkIndex(`${this.constructor.name}.get`, index, this.length);
    const { transform, targetTransform, unreadable } = this.common;
    const sample = await (unreadable === 'replace' ? this.loadOrReplace(index) : this.loadOrThrow(index));
    const target = this.targets[index];
    return [
      transform ? transform(sample, context) : (sample as unknown as T),
      targetTransform ? targetTransform(target) : (target as U),
    ];
  }

  private async loadOrThrow(index: number): Promise<S> {
    const path = this.pathOf(index);
    try {
      return await this.load(path);
    } catch (cause) {
      throw new FakkelError(
        `${this.constructor.name}: sample ${index}, ${path}, can't be read: ${reasonOf(cause, path)}. Remove the file, or ` +
          `open the folder with unreadable: 'skip' or 'replace'.`,
        { cause },
      );
    }
  }

  private async loadOrReplace(index: number): Promise<S> {
    const target = this.targets[index];
    for (let i = 0; i < this.length; i++) {
      const other = (index + i) % this.length;
      if (this.targets[other] !== target) continue;
      const path = this.pathOf(other);
      const isKnown = (): boolean => this.unreadable.some((file) => file.path === path);
      if (isKnown()) continue;
      try {
        return await this.load(path);
      } catch (error) {
        if (error instanceof MissingPackageError) throw error;
        if (isKnown()) continue; // found by another call meanwhile
        const reason = reasonOf(error, path);
        this.unreadable.push({ path, reason });
        warn(`${this.constructor.name}: ${path} can't be read (${reason}): another of its class takes its place.`);
      }
    }
    throw new FakkelError(`${this.constructor.name}: no file of the class ${this.classes[target]} can be read`);
  }

  /** Itself; with `unreadable: 'skip'` one without the files that can't be read. */
  protected async checked(): Promise<this> {
    if (this.common.unreadable !== 'skip') return this;
    const reasons = new Map<number, string>();
    let next = 0;
    let done = 0;
    const check = async (): Promise<void> => {
      while (next < this.length) {
        const i = next++;
        try {
          await this.load(this.pathOf(i));
        } catch (error) {
          reasons.set(i, reasonOf(error, this.pathOf(i)));
        }
        this.common.onProgress?.({ checked: ++done, total: this.length });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, check));
    return reasons.size === 0 ? this : this.without(reasons);
  }

  private without(reasons: ReadonlyMap<number, string>): this {
    const kept = Array.from(this.targets.keys()).filter((i) => !reasons.has(i));
    const targets = shared(Int32Array.from(kept, (i) => this.targets[i]));
    const lost = this.classes.filter((_, c) => this.targets.includes(c) && !targets.includes(c));
    const bad = [...reasons].sort(([a], [b]) => a - b).map(([i, reason]) => ({ path: this.pathOf(i), reason }));
    const list = bad.slice(0, 5).map(({ path, reason }) => `  ${path}: ${reason}`);
    const more = bad.length > list.length ? [`  and ${bad.length - list.length} more`] : [];
    const what = `${this.constructor.name}: ${bad.length} of ${this.length} files can't be read`;
    if (lost.length > 0 && !this.common.allowEmpty) {
      throw new FakkelError(
        [`${what}, and none is left of the classes ${lost.join(', ')}:`, ...list, ...more].join('\n'),
      );
    }
    warn([`${what} and are left out (all are in dataset.unreadable):`, ...list, ...more].join('\n'));
    const paths = StringTable.from(kept.map((i) => this.paths.at(i)));
    const rest = this.withFiles({ ...this.files, paths, targets });
    rest.unreadable.push(...bad);
    return rest;
  }
}

/** The reason without the path, which is named beside it. */
function reasonOf(error: unknown, path: string): string {
  return (error instanceof Error ? error.message : String(error)).replace(`${path}: `, '');
}

function warn(message: string): void {
  // eslint-disable-next-line no-console -- what is left out of a dataset must not be silent
  console.warn(message);
}
