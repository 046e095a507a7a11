/**
 * Whether the machine does anything else: two processes on two cores ruin each other's figures.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { familyTicks, machineTicks } from './processes.js';

/** Of the processors' time: what a quiet machine spends on keeping itself going. */
const QUIET_SHARE = 0.06;
/** Of the processors' time during a measured turn: past it, figures are not to be trusted. */
const DISTURBED_SHARE = 0.1;

/** Waits for a quiet machine before turns, and watches what others do during them. */
export class QuietWatch {
  /** Shares of the processors' time that other processes took during turns. */
  private readonly shares: number[] = [];
  private gaveUp = false;

  /** @param budgetMs How long all waiting together may take. */
  constructor(private budgetMs: number) {}

  /** Waits for a quiet second, if there is waiting time left. */
  async wait(say: (message: string) => void): Promise<void> {
    let said = false;
    for (;;) {
      const before = machineTicks();
      if (!before || this.gaveUp) return;
      await sleep(1000);
      const after = machineTicks()!;
      const share = (after.busy - before.busy) / (after.total - before.total);
      if (share <= QUIET_SHARE) return;
      this.budgetMs -= 1000;
      if (this.budgetMs <= 0) {
        this.gaveUp = true;
        say(`the machine does not get quiet (${percent(share)} busy): measuring all the same`);
        return;
      }
      if (!said) say(`waiting for a quiet machine (${percent(share)} busy)`);
      said = true;
    }
  }

  /** Runs a turn of the process, and notes what the others did meanwhile. */
  async during<T>(pid: number, turn: () => Promise<T>): Promise<T> {
    const before = machineTicks();
    const own = before ? familyTicks(pid) : 0;
    const result = await turn();
    const after = machineTicks();
    if (before && after && after.total > before.total) {
      const others = after.busy - before.busy - (familyTicks(pid) - own);
      this.shares.push(Math.max(0, others / (after.total - before.total)));
    }
    return result;
  }

  /** Whether the figures can be trusted. */
  get quiet(): boolean | undefined {
    if (this.shares.length === 0) return undefined;
    return !this.gaveUp && this.shares.filter((share) => share > DISTURBED_SHARE).length <= this.shares.length / 10;
  }

  get summary(): string {
    if (this.quiet === undefined) return 'Whether the machine was quiet is not known: this system has no /proc/stat.';
    const mean = this.shares.reduce((sum, share) => sum + share, 0) / this.shares.length;
    const disturbed = this.shares.filter((share) => share > DISTURBED_SHARE).length;
    const what =
      `other processes took ${percent(mean)} of the processors during ${this.shares.length} measured turns, ` +
      `more than ${percent(DISTURBED_SHARE)} in ${disturbed} of them`;
    return this.quiet
      ? `The machine was quiet: ${what}.`
      : `THE MACHINE WAS NOT QUIET, take no figure from this: ${what}.`;
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
