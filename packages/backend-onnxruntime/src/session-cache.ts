/**
 * Sessions that are kept, least recently used out first: each holds native memory that no collector sees.
 */
import type { EngineSession } from './engines/engine.js';

/** A session that may be dropped and built again. */
export interface CachedSession {
  build: () => Promise<EngineSession>;
  session: Promise<EngineSession> | null;
  /** Runs and builds that are under way: it is not released meanwhile. */
  uses: number;
}

/** Enough for the programs of an epoch: training, a smaller last batch, evaluation, metrics, each of them twice. */
export const DEFAULT_SESSIONS = 24;

export class SessionCache {
  private readonly order = new Set<CachedSession>();
  builds = 0;

  constructor(private readonly capacity = DEFAULT_SESSIONS) {}

  get size(): number {
    return this.order.size;
  }

  /** Calls `use` with the session, built if it is not there; it stays until `use` is done. */
  async with<T>(entry: CachedSession, use: (session: EngineSession) => Promise<T>): Promise<T> {
    entry.uses++;
    try {
      return await use(await this.session(entry));
    } finally {
      if (--entry.uses === 0 && !this.order.has(entry)) await this.drop(entry);
    }
  }

  /** Builds it ahead of its first use. */
  async open(entry: CachedSession): Promise<void> {
    await this.with(entry, async () => undefined);
  }

  private session(entry: CachedSession): Promise<EngineSession> {
    this.order.delete(entry);
    this.order.add(entry);
    // Before anything is awaited: two first uses at once share one session.
    return (entry.session ??= this.build(entry));
  }

  private async build(entry: CachedSession): Promise<EngineSession> {
    try {
      await this.trim();
      this.builds++;
      return await entry.build();
    } catch (error) {
      entry.session = null;
      this.order.delete(entry);
      throw error;
    }
  }

  /** Releases it, now or when its last run is done. */
  async drop(entry: CachedSession): Promise<void> {
    this.order.delete(entry);
    if (entry.uses > 0) return;
    const { session } = entry;
    entry.session = null;
    await session?.then((s) => s.release()).catch(() => undefined);
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.order].map((entry) => this.drop(entry)));
  }

  private async trim(): Promise<void> {
    for (const entry of [...this.order]) {
      if (this.order.size <= this.capacity) return;
      if (entry.uses === 0 && entry.session) await this.drop(entry);
    }
  }
}
