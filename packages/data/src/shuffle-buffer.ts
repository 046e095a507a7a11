/**
 * A shuffle buffer, by numbers alone: it decides which sample leaves without having the samples, so that its position can
 * be found again without reading what came before.
 */
import type { Generator } from '@fakkel/core';

/**
 * Samples wait in a buffer; when it is full, each that arrives takes the place of one at random, which leaves. At the end
 * those that are left leave in random order.
 */
export class ShuffleBuffer {
  /** Numbers of the samples that wait. */
  readonly waiting: number[] = [];

  /**
   * @param size - Of the buffer; 0 keeps the order.
   * @param generator - One draw for each sample that leaves, none without a buffer.
   */
  constructor(
    private readonly size: number,
    private readonly generator: Generator,
  ) {}

  /** A sample arrives; returns the number of the one that leaves for it, once the buffer is full. */
  arrive(number: number): number | undefined {
    if (this.size === 0) return number;
    if (this.waiting.length < this.size) {
      this.waiting.push(number);
      return undefined;
    }
    const place = this.draw();
    const leaving = this.waiting[place];
    this.waiting[place] = number;
    return leaving;
  }

  /** No more arrive: the number of the next to leave, until none is left. */
  leave(): number | undefined {
    if (this.waiting.length === 0) return undefined;
    const place = this.draw();
    const leaving = this.waiting[place];
    const last = this.waiting.pop()!;
    if (place < this.waiting.length) this.waiting[place] = last;
    return leaving;
  }

  private draw(): number {
    return this.generator.random() % this.waiting.length;
  }
}
