/**
 * The workers of an epoch: requests go to the one with the least to do, and each is answered once.
 */
import type { Work } from '../epoch.js';
import { receiveError } from './errors.js';
import type { FromWorker, Load, Loaded, Memory, Open, Shared } from './protocol.js';
import { send } from './samples.js';
import { startThread, type Thread, type WebWorkerFactory } from './start.js';
import { WorkerError } from './worker-error.js';

interface Pending {
  readonly work: Work;
  readonly resolve: (loaded: Loaded) => void;
  readonly reject: (error: Error) => void;
}

/** A worker, as the loader's thread sees it. */
interface Member {
  readonly id: number;
  readonly thread: Thread;
  readonly pending: Map<number, Pending>;
  /** Why it takes no requests any more. */
  failure?: WorkerError;
}

export class WorkerPool {
  /** Whether all workers are there. */
  healthy = true;
  private readonly members: Member[] = [];
  private epoch = 0;
  private nextTicket = 0;
  /** Memory of batches that have become tensors, for batches to come. */
  private readonly spares: Memory[] = [];
  private readonly shared: Shared | undefined;

  private constructor(
    readonly numWorkers: number,
    /** How errors call the dataset. */
    private readonly dataset: string,
  ) {
    this.shared =
      typeof SharedArrayBuffer === 'function'
        ? {
            epoch: new Int32Array(new SharedArrayBuffer(4)),
            at: new Float64Array(new SharedArrayBuffer(8 * numWorkers)).fill(-1),
          }
        : undefined;
  }

  static async open(
    numWorkers: number,
    dataset: string,
    setUp: Pick<Open, 'dataset' | 'collate' | 'initFn'>,
    webWorker?: WebWorkerFactory,
  ): Promise<WorkerPool> {
    const pool = new WorkerPool(numWorkers, dataset);
    const ids = Array.from({ length: numWorkers }, (_, id) => id);
    const started = await Promise.allSettled(ids.map((id) => startThread(`fakkel-data-${id}`, webWorker)));
    for (const [id, result] of started.entries()) {
      if (result.status === 'fulfilled') pool.add(id, result.value, setUp);
    }
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) {
      await pool.terminate();
      throw failed.reason;
    }
    return pool;
  }

  /** Asks for a batch; it may come before those that were asked for earlier. */
  async request({ indices, seeds, raws }: Work, baseSeed: bigint): Promise<Loaded> {
    const sent = raws && (await send(raws));
    const member = this.members.reduce((a, b) => (b.pending.size < a.pending.size ? b : a));
    if (member.failure) throw member.failure;
    const memory = this.spares.pop();
    const load: Load = {
      kind: 'load',
      ticket: this.nextTicket++,
      epoch: this.epoch,
      workerSeed: BigInt.asIntN(64, baseSeed + BigInt(member.id)),
      indices,
      seeds,
      raws: sent?.sent,
      memory,
    };
    return new Promise((resolve, reject) => {
      member.pending.set(load.ticket, { work: { indices, seeds }, resolve, reject });
      member.thread.post(load, [...(sent ? [sent.memory] : []), ...(memory instanceof ArrayBuffer ? [memory] : [])]);
    });
  }

  /** Takes memory that is read no more. */
  recycle(memory: Memory): void {
    this.spares.push(memory);
  }

  /** What has been asked for is not needed any more. */
  cancel(): void {
    this.epoch++;
    if (this.shared) Atomics.store(this.shared.epoch, 0, this.epoch);
  }

  /** Whether the process stays as long as there are workers. */
  hold(held: boolean): void {
    for (const { thread } of this.members) thread.hold(held);
  }

  /** Ends all threads, whatever they do; resolves when they are gone. */
  async terminate(): Promise<void> {
    this.healthy = false;
    await Promise.all(
      this.members.map(async (member) => {
        member.failure ??= this.failure(member, 'was ended');
        await member.thread.terminate();
      }),
    );
  }

  /** What the workers are at. */
  describe(): string {
    return this.members
      .filter(({ pending }) => pending.size > 0)
      .map((member) => `worker ${member.id}${this.at(member) === undefined ? '' : ` is at sample ${this.at(member)}`}`)
      .join(', ');
  }

  private add(id: number, thread: Thread, setUp: Pick<Open, 'dataset' | 'collate' | 'initFn'>): void {
    const member: Member = { id, thread, pending: new Map() };
    this.members.push(member);
    thread.onMessage((message) => this.settle(member, message));
    thread.onEnd((why, cause) => this.lose(member, this.failure(member, why, cause)));
    thread.post({ kind: 'open', ...setUp, id, numWorkers: this.numWorkers, shared: this.shared }, []);
  }

  private settle(member: Member, message: FromWorker): void {
    if (message.kind === 'broken') {
      const cause = receiveError(message.error);
      const text = `DataLoader: ${this.nameOf(member)} can't make ${this.dataset}: ${cause.message}`;
      this.lose(member, new WorkerError(text, member.id, undefined, { cause }));
      return;
    }
    const pending = member.pending.get(message.ticket);
    if (!pending) return;
    const { work, resolve, reject } = pending;
    member.pending.delete(message.ticket);
    if (message.kind !== 'failed') return resolve(message);
    const { index } = message;
    const cause = receiveError(message.error);
    const what = index === undefined ? `a batch of samples ${list(work.indices)}` : `sample ${index}`;
    const text = `DataLoader: ${what} of ${this.dataset}, in ${this.nameOf(member)}: ${cause.message}`;
    reject(new WorkerError(text, member.id, index, { cause }));
  }

  private failure(member: Member, why: string, cause?: unknown): WorkerError {
    const index = this.at(member);
    const where = index === undefined ? '' : `; it was at sample ${index} of ${this.dataset}`;
    return new WorkerError(`DataLoader: ${this.nameOf(member)} ${why}${where}`, member.id, index, { cause });
  }

  /** The worker is gone, and what it was asked for with it. */
  private lose(member: Member, failure: WorkerError): void {
    this.healthy = false;
    member.failure ??= failure;
    for (const { reject } of member.pending.values()) reject(member.failure);
    member.pending.clear();
  }

  private nameOf({ id }: Member): string {
    return `worker ${id} of ${this.numWorkers}`;
  }

  /** The sample that it is at. */
  private at({ id }: Member): number | undefined {
    const index = this.shared?.at[id] ?? -1;
    return index < 0 ? undefined : index;
  }
}

function list(indices: readonly number[]): string {
  return indices.length <= 8 ? indices.join(', ') : `${indices.slice(0, 8).join(', ')}, …`;
}
