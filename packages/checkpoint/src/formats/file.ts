/**
 * What every format gives: the values of a file, with tensors that are not read yet.
 */
import { CheckpointError } from '../errors.js';
import type { ByteSource } from '../io/source.js';
import type { Pickled } from '../pickle/classes.js';
import { ITEM_SIZE, type TensorEntry } from '../tensors.js';

export interface CheckpointFile {
  readonly source: ByteSource;
  readonly value: Pickled;
  /** For messages. */
  readonly kind: string;
  close(): Promise<void>;
}

/** A small file may describe huge tensors (a stride of 0 repeats); what all of them may take beyond the file's size. */
const EXPANSION = 8;
const EXPANSION_BYTES = 1 << 28;

/** The tensors of a file: views that are the same are one, read once. */
export class TensorTable {
  private readonly views = new Map<string, TensorEntry>();
  private readonly numbers = new Map<TensorEntry['storage'], number>();
  private bytes = 0;

  constructor(
    private readonly file: string,
    private readonly fileSize: number,
  ) {}

  add(entry: TensorEntry): TensorEntry {
    const number = this.numbers.get(entry.storage) ?? this.numbers.size;
    this.numbers.set(entry.storage, number);
    const key = `${number} ${entry.fileDtype} ${entry.offset} ${entry.shape.join()} ${entry.strides.join()}`;
    const same = this.views.get(key);
    if (same) return same;
    this.views.set(key, entry);
    this.bytes += entry.elements * ITEM_SIZE[entry.fileDtype];
    if (this.bytes > EXPANSION * this.fileSize + EXPANSION_BYTES) {
      throw new CheckpointError(
        `${this.file}: its tensors would take ${this.bytes} bytes and more, the file has ${this.fileSize}: they overlap or are expanded ` +
          `(strides of 0). In Python, save x.clone()`,
      );
    }
    return entry;
  }
}
