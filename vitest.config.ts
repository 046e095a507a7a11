import { defineConfig } from 'vitest/config';

/** Unit and cross-cutting tests of all packages, on their sources. The tests of packed packages and of the browser are in `e2e/`. */
const conditions = ['@fakkel/source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@fakkel/source', 'node'] } },
  test: {
    include: ['{packages,examples}/*/{src,test}/**/*.test.ts', '{docs,tools,test}/**/*.test.ts'],
    typecheck: { tsconfig: './tsconfig.test-d.json', include: ['packages/*/{src,test}/**/*.test-d.ts'] },
    passWithNoTests: true,
    testTimeout: 20_000,
  },
});
