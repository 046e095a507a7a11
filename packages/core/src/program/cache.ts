/**
 * Compiled programs, by structure.
 */
import type { Backend, Executable } from '../backends/backend.js';
import type { Storage } from '../runtime/storage.js';
import { formatProgram } from './format.js';
import { lower, type Lowered } from './lower.js';
import { describeTrace, type Trace } from './trace.js';

export interface CompiledProgram extends Lowered {
  readonly executable: Promise<Executable>;
  readonly captured: readonly Storage[];
  /** Scheduled runs of it: it is not disposed of meanwhile. */
  uses: number;
  /** No longer in the cache: disposed of after its last run. */
  forgotten: boolean;
}

/** What `onCompile` listeners are told. */
export interface CompileReport {
  /** The backend's name. */
  readonly backend: string;
  /** Recorded operations, before lowering. */
  readonly recorded: number;
  /** Nodes of the program. */
  readonly nodes: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Milliseconds to lower (not counting the backend's own compilation, which goes on in the background). */
  readonly loweringMs: number;
  /** Milliseconds until the backend had compiled it. */
  readonly compiled: Promise<number>;
  /** What differs from the nearest program compiled before: empty for the first one. */
  readonly difference: readonly string[];
  /** The whole program as text. */
  text(): string;
  /** What was compiled and why, in a few lines: `console.log(String(report))`. */
  toString(): string;
}

export type CompileListener = (report: CompileReport) => void;

const listeners = new Set<CompileListener>();

/**
 * Calls `listener` at each compile, with what differs from the nearest program compiled before: find out why a loop
 * compiles anew (a batch of another size, a number that should be an input). Returns a function that stops it.
 *
 * @example
 * const stop = onCompile((report) => console.log(String(report)));
 */
export function onCompile(listener: CompileListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Programs kept; the least recently used go first. */
const CAPACITY = 64;

interface Entry {
  readonly key: Int32Array;
  readonly compiled: CompiledProgram;
  readonly lines: readonly string[];
}

export class ProgramCache {
  private readonly buckets = new Map<number, Entry[]>();
  private readonly order = new Set<Entry>();

  constructor(
    private readonly backend: Backend,
    private readonly counts: { compiles: number },
    /** Lets go of a constant that a program had captured. */
    private readonly letGo: (storage: Storage) => void,
  ) {}

  get size(): number {
    return this.order.size;
  }

  get(trace: Trace): CompiledProgram {
    const hash = hashOf(trace.key);
    const bucket = this.buckets.get(hash) ?? [];
    const known = bucket.find((entry) => equal(entry.key, trace.key));
    if (known) {
      this.order.delete(known);
      this.order.add(known);
      return known.compiled;
    }
    const start = performance.now();
    const lines = describeTrace(trace);
    const lowered = lower(trace, this.backend);
    const loweringMs = performance.now() - start;
    const executable = this.backend.compile(lowered.program, { scalars: scalarsOf(trace, lowered) });
    // The run that waits for it reports the error.
    executable.catch(() => this.forget(hash, entry));
    const compiled: CompiledProgram = { ...lowered, executable, uses: 0, forgotten: false };
    const entry: Entry = { key: trace.key, compiled, lines };
    this.counts.compiles++;
    if (listeners.size > 0) this.report(trace, entry, loweringMs, start);
    this.buckets.set(hash, [...bucket, entry]);
    this.order.add(entry);
    if (this.order.size > CAPACITY) {
      const oldest = this.order.values().next().value!;
      this.forget(hashOf(oldest.key), oldest);
    }
    return compiled;
  }

  /** A run of `program` is scheduled. */
  retain(program: CompiledProgram): void {
    program.uses++;
  }

  /** A run of `program` has ended. */
  release(program: CompiledProgram): void {
    if (--program.uses === 0 && program.forgotten) disposeOf(program);
  }

  private forget(hash: number, entry: Entry): void {
    if (entry.compiled.forgotten) return;
    entry.compiled.forgotten = true;
    if (entry.compiled.uses === 0) disposeOf(entry.compiled);
    this.order.delete(entry);
    for (const storage of entry.compiled.captured) this.letGo(storage);
    const rest = (this.buckets.get(hash) ?? []).filter((e) => e !== entry);
    if (rest.length > 0) this.buckets.set(hash, rest);
    else this.buckets.delete(hash);
  }

  private report(trace: Trace, entry: Entry, loweringMs: number, start: number): void {
    const { program, executable } = entry.compiled;
    const report: CompileReport = {
      backend: this.backend.name,
      recorded: trace.nodes.length,
      nodes: program.nodes.length,
      inputs: program.inputs.length,
      outputs: program.outputs.length,
      loweringMs,
      compiled: executable.then(() => performance.now() - start),
      difference: nearestDifference(
        entry.lines,
        [...this.order].map((e) => e.lines),
      ),
      text: () => formatProgram(program),
      toString: () => summarize(report),
    };
    report.compiled.catch(() => undefined);
    for (const listener of listeners) listener(report);
  }

  dispose(): void {
    for (const entry of this.order) disposeOf(entry.compiled);
    this.order.clear();
    this.buckets.clear();
  }
}

function scalarsOf(trace: Trace, { used }: Lowered): (number | undefined)[] {
  return used.map((i) => (trace.leaves[i]?.kind === 'scalar' ? trace.leaves[i].hostData()?.[0] : undefined));
}

function summarize({ backend, recorded, nodes, inputs, outputs, loweringMs, difference }: CompileReport): string {
  const head =
    `compiled for ${backend}: ${nodes} nodes from ${recorded} recorded operations, ${inputs} inputs, ` +
    `${outputs} outputs, lowered in ${loweringMs.toFixed(1)} ms`;
  return [head, ...difference.map((line) => `  ${line}`)].join('\n');
}

function disposeOf({ executable }: CompiledProgram): void {
  void executable.then((e) => e.dispose()).catch(() => undefined);
}

function hashOf(key: Int32Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i], 0x01000193);
  return hash >>> 0;
}

function equal(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const SHOWN_DIFFERENCES = 8;

/** The lines that the nearest earlier program does not have, and those that it has instead. */
function nearestDifference(lines: readonly string[], earlier: readonly (readonly string[])[]): string[] {
  let best: string[] | null = null;
  for (const other of earlier) {
    const mine = new Set(lines);
    const theirs = new Set(other);
    const difference = [
      ...other.filter((l) => !mine.has(l)).map((l) => `- ${l}`),
      ...lines.filter((l) => !theirs.has(l)).map((l) => `+ ${l}`),
    ];
    if (!best || difference.length < best.length) best = difference;
  }
  if (!best) return [];
  // The first lines of each side tell most: inputs come before nodes.
  const removed = best.filter((l) => l.startsWith('-'));
  const added = best.filter((l) => l.startsWith('+'));
  const shown = [...removed.slice(0, SHOWN_DIFFERENCES / 2), ...added.slice(0, SHOWN_DIFFERENCES / 2)];
  const hidden = best.length - shown.length;
  return hidden > 0 ? [...shown, `… and ${hidden} more lines`] : shown;
}
