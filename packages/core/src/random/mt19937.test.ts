import { expect, test } from 'vitest';
import { Mt19937 } from './mt19937.js';

test('the reference implementation: default seed, first and 10,000th word', () => {
  const engine = new Mt19937(5489);
  expect(engine.next()).toBe(3499211612);
  // C++ [rand.predef]: "The 10000th consecutive invocation of … mt19937 produces the value 4123659995."
  for (let i = 2; i < 10_000; i++) engine.next();
  expect(engine.next()).toBe(4123659995);
});

test('seeds count modulo 2^32', () => {
  expect(new Mt19937(-1).next()).toBe(new Mt19937(0xffffffff).next());
});

test('a copy goes on by itself', () => {
  const engine = new Mt19937(1);
  for (let i = 0; i < 1000; i++) engine.next();
  const copy = new Mt19937(0);
  copy.copyFrom(engine);
  const next = engine.next();
  engine.next();
  expect(copy.next()).toBe(next);
});

test('skip is so many draws, wherever in a block it begins', () => {
  for (const before of [0, 1, 623, 624, 700]) {
    for (const count of [0, 1, 3, 623, 624, 625, 5000]) {
      const [skipped, drawn] = [new Mt19937(7), new Mt19937(7)];
      for (const engine of [skipped, drawn]) for (let i = 0; i < before; i++) engine.next();
      skipped.skip(count);
      for (let i = 0; i < count; i++) drawn.next();
      expect([skipped.left, skipped.position], `${before} + ${count}`).toEqual([drawn.left, drawn.position]);
      expect(skipped.next()).toBe(drawn.next());
    }
  }
});
