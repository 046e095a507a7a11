/**
 * What is on the device beside programs' intermediates: contents of cells, results and activations under a budget.
 */
import type { Backend } from '../backends/backend.js';
import { HOST_RESULT_BYTES, type MemoryRole, type Storage } from './storage.js';

/** Bytes and buffers on the device, by why they are held. */
export interface MemoryReport {
  /** Bytes by role. */
  readonly bytes: Readonly<Record<MemoryRole, number>>;
  /** Buffers by role. */
  readonly buffers: Readonly<Record<MemoryRole, number>>;
  readonly totalBytes: number;
  readonly totalBuffers: number;
}

const ROLES: readonly MemoryRole[] = [
  'parameter',
  'buffer',
  'optimizer',
  'gradient',
  'state',
  'result',
  'activation',
  'data',
];

export class DeviceMemory {
  /** Every storage that has a buffer. */
  private readonly resident = new Set<Storage>();
  /** What may be let go when there is need of room, least recently used first. */
  private readonly evictable = new Set<Storage>();
  private evictableBytes = 0;

  constructor(
    private readonly backend: Backend,
    /** Bytes that results and activations may take. */
    public budget: number,
    /** Copies a buffer to the host before it is let go. */
    private readonly spill: (storage: Storage) => void,
  ) {}

  /** The storage has got a buffer. */
  arrived(storage: Storage): void {
    this.resident.add(storage);
  }

  /** The buffer was consumed by a run. */
  donated(storage: Storage): void {
    storage.buffer = null;
    this.forget(storage);
  }

  /** Lets the buffer go now; the host copy, if there is one, stays. */
  release(storage: Storage): void {
    if (storage.buffer) {
      this.backend.release(storage.buffer);
      storage.buffer = null;
    }
    this.forget(storage);
  }

  private forget(storage: Storage): void {
    this.resident.delete(storage);
    if (this.evictable.delete(storage)) this.evictableBytes -= storage.bytes;
  }

  pin(storage: Storage): void {
    storage.pins++;
  }

  unpin(storage: Storage): void {
    if (--storage.pins > 0) return;
    if (storage.retired) this.retire(storage);
    if (storage.retired || storage.kind === 'cell' || storage.keepOnDevice) return;
    // What is on the host goes from the device, unless it is large and used again and again.
    if (storage.onHost && (storage.bytes <= HOST_RESULT_BYTES || storage.uploads < 2)) this.release(storage);
    else this.touch(storage);
  }

  /** Nobody owns the contents any more: they go when the last run that reads them has ended; a snapshot goes to the host. */
  retire(storage: Storage): void {
    storage.retired = true;
    if (storage.pins > 0 || !storage.buffer) return;
    if (storage.shared && !storage.onHost) this.spill(storage);
    else this.release(storage);
  }

  /** Marks as just used and makes room. */
  touch(storage: Storage): void {
    if (!storage.buffer) return;
    if (this.evictable.delete(storage)) this.evictableBytes -= storage.bytes;
    this.evictable.add(storage);
    this.evictableBytes += storage.bytes;
    this.makeRoom();
  }

  /** What is pinned stays until it is not. */
  private makeRoom(): void {
    for (const old of this.evictable) {
      if (this.evictableBytes <= this.budget) break;
      if (old.pins > 0) continue;
      this.evictable.delete(old);
      this.evictableBytes -= old.bytes;
      if (old.shared && !old.onHost) this.spill(old);
      else this.release(old);
    }
  }

  report(): MemoryReport {
    const bytes = Object.fromEntries(ROLES.map((role) => [role, 0])) as Record<MemoryRole, number>;
    const buffers = { ...bytes };
    let totalBytes = 0;
    for (const storage of this.resident) {
      bytes[storage.role] += storage.bytes;
      buffers[storage.role]++;
      totalBytes += storage.bytes;
    }
    return { bytes, buffers, totalBytes, totalBuffers: this.resident.size };
  }
}

/** The report as a table: what an out-of-memory error prints. */
export function formatMemory(report: MemoryReport): string {
  const rows = ROLES.filter((role) => report.buffers[role] > 0).map(
    (role) =>
      `  ${role.padEnd(11)}${String(report.buffers[role]).padStart(6)} buffers ${String(report.bytes[role]).padStart(12)} bytes`,
  );
  return [`on the device: ${report.totalBuffers} buffers, ${report.totalBytes} bytes`, ...rows].join('\n');
}
