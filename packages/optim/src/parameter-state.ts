/**
 * What an optimizer keeps of one parameter: tensors in cells, and numbers.
 */
import { Cell, type Parameter, type Tensor, zerosLike } from '@fakkel/core';
import { hidden } from './hidden.js';

/** Where a failed step goes back to. */
export interface Before {
  readonly epoch: object;
  readonly updates: number;
  readonly numbers: ReadonlyMap<string, number>;
  readonly written: ReadonlySet<string>;
}

export class ParameterState {
  /** Tensors by PyTorch's names, zeros at first. */
  private readonly cells = new Map<string, Cell>();
  private numbers = new Map<string, number>();
  /** Tensors that an update has written: what PyTorch, which makes them then, has in its state dict. */
  private written = new Set<string>();
  private updates = 0;
  /** Another one after a state dict was loaded: a step from before that fails has nothing to put back. */
  private epoch: object = {};

  constructor(private readonly parameter: Parameter) {}

  /** The tensor's cell, on the parameter's device. */
  cell(name: string): Cell {
    const there = this.cells.get(name);
    if (there?.device === this.parameter.device) return there;
    const value = hidden(() => (there ? there.detach().to(this.parameter.device) : zerosLike(this.parameter)));
    there?.dispose();
    const cell = new Cell(value, { name: `${name} of ${this.parameter.label}`, role: 'optimizer' });
    this.cells.set(name, cell);
    return cell;
  }

  /** Whether an update has written the tensor. */
  has(name: string): boolean {
    return this.written.has(name);
  }

  number(name: string): number | undefined {
    return this.numbers.get(name);
  }

  /** Takes an update's new values, and says what was before. Cells are assigned to, and returned, too. */
  move(values: Readonly<Record<string, Tensor | number | undefined>>): { cells: Cell[]; before: Before } {
    const { epoch } = this;
    const before: Before = {
      epoch,
      updates: this.updates++,
      numbers: new Map(this.numbers),
      written: new Set(this.written),
    };
    const cells: Cell[] = [];
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) continue;
      if (typeof value === 'number') {
        this.numbers.set(name, value);
        continue;
      }
      const cell = this.cell(name);
      cell.assign(value);
      this.written.add(name);
      cells.push(cell);
    }
    return { cells, before };
  }

  /** The run failed, and so did those of later updates: core has put the cells back, here go the numbers. */
  undo(before: Before): void {
    // Where an earlier update has failed too, it went back further.
    if (this.epoch !== before.epoch || this.updates <= before.updates) return;
    this.updates = before.updates;
    this.numbers = new Map(before.numbers);
    this.written = new Set(before.written);
  }

  /** Snapshots, for a state dict; null where there is nothing yet. */
  entries(): Record<string, Tensor | number> | null {
    if (this.numbers.size + this.written.size === 0) return null;
    const tensors = [...this.written].map((name): [string, Tensor] => [name, this.cells.get(name)!.detach()]);
    return Object.fromEntries<Tensor | number>([...this.numbers, ...tensors]);
  }

  /** Takes what a state dict holds, or what there is before the first update; other tensors begin anew. */
  load(entries: Readonly<Record<string, Tensor | number | null>>): void {
    this.epoch = {};
    this.numbers = new Map();
    const old = this.written;
    this.written = new Set();
    for (const [name, value] of Object.entries(entries)) {
      if (value === null) continue;
      if (typeof value === 'number') {
        this.numbers.set(name, value);
        continue;
      }
      const cell = this.cell(name);
      cell.assign(hidden(() => value.detach().to(cell.device).to(cell.dtype)));
      this.written.add(name);
    }
    for (const name of old) {
      if (!this.written.has(name)) this.cell(name).assign(hidden(() => zerosLike(this.parameter)));
    }
  }

  dispose(): void {
    for (const cell of this.cells.values()) cell.dispose();
    this.cells.clear();
    this.written.clear();
    this.numbers.clear();
  }
}
