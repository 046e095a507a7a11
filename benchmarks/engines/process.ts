/**
 * An engine in a process of its own, so that its memory is its own, and one engine's threads don't slow down another's.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { peakMemory, resetPeak, residentMemory } from '../machine/processes.js';
import type { LoaderRequest } from '../data/protocol.js';
import type { Hello, Reply, Request, Steps, Task } from './protocol.js';

/** How an engine is started. */
export interface EngineCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The engine has not got what the task needs; the message says what. */
export class EngineCannot extends Error {}

export class EngineProcess {
  /** Bytes resident before a network was there; undefined where the system does not say. */
  baseline: number | undefined;
  hello!: Hello;
  private stderr = '';
  private readonly lines: AsyncIterator<string>;
  private readonly exited: Promise<void>;

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-4000)));
    child.stdin.on('error', () => undefined); // that it has ended is said by its exit
    child.on('error', (error) => (this.stderr += error.message));
    this.exited = new Promise((resolve) => child.once('close', () => resolve()));
  }

  static async start({ command, args, env }: EngineCommand): Promise<EngineProcess> {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const engine = new EngineProcess(child);
    engine.hello = await engine.reply<Hello>();
    engine.baseline = residentMemory(engine.pid);
    return engine;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Reads a network in; what that took for a moment does not count as memory of a step. */
  async load(task: Task): Promise<void> {
    await this.request({ op: 'load', ...task });
    resetPeak(this.pid);
  }

  steps(count: number, rows?: number): Promise<Steps> {
    return this.request<Steps>({ op: 'steps', count, ...(rows !== undefined && { rows }) });
  }

  get resident(): number | undefined {
    return residentMemory(this.pid);
  }

  get peak(): number | undefined {
    return peakMemory(this.pid);
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.exited;
    clearTimeout(timer);
  }

  /** Asks what this engine knows: see `protocol.ts`, and `data/protocol.ts` for loaders. */
  async request<T>(request: Request | LoaderRequest): Promise<T> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.reply<T>();
  }

  private async reply<T>(): Promise<T> {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) {
        await this.exited;
        throw new Error(`${this.hello?.title ?? this.child.spawnfile} ended unexpectedly:\n${this.stderr}`);
      }
      if (!value.startsWith('{')) continue; // what a library prints of its own accord
      const reply = JSON.parse(value) as Reply<T>;
      if ('ok' in reply) return reply.ok;
      if ('cannot' in reply) throw new EngineCannot(reply.cannot);
      throw new Error(`${this.hello?.title}: ${reply.error}`);
    }
  }
}
