import { defineConfig } from 'vitest/config';

/** These tests see the packages as users do: built and packed, without the condition `@fakkel/source`. Build first. */
export default defineConfig({
  test: {
    include: ['{packed,browser}/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
