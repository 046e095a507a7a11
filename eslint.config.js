import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const sources = 'packages/*/src/**/*.ts';
const tests = [
  '**/*.test.ts',
  '**/*.test-d.ts',
  'packages/*/test/**',
  'examples/*/test/**',
  'docs/**',
  'test/**',
  'e2e/**',
  'benchmarks/**',
];

/** What published sources may not import: they run in browsers, and arrows between packages point one way (design §7). */
const noNode = {
  regex: '^node:',
  message: 'This code runs in browsers too: load Node modules with `await import()` where they are needed.',
};
const noCore = { regex: '^@fakkel/', message: 'core imports no other package of Fakkel.' };
const onlyCore = { regex: '^@fakkel/(?!core$)', message: 'This package may import @fakkel/core only.' };
/** The other arrows: what a package may import beside core. @param {string} name */
const coreAnd = (name) => ({
  regex: `^@fakkel/(?!(core|${name})$)`,
  message: `This package may import these of Fakkel only: core, ${name.replaceAll('|', ', ')}.`,
});

export default defineConfig(
  globalIgnores(['**/dist/', '**/.nx/', 'docs/api/', 'coverage/', '**/.cache/', 'runs/', 'test/docs/.*/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'no-undef': 'off', // TypeScript's work
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-implied-eval': 'error',
      'no-new-func': 'error', // content security policies
      'prefer-const': ['error', { destructuring: 'all' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      // Modules are callable: a class and the interface that gives it its call signature share a name.
      '@typescript-eslint/no-unsafe-declaration-merging': 'off',
      // Walking up a chain begins with `this`.
      '@typescript-eslint/no-this-alias': 'off',
      // An interface may be asynchronous where one implementation is not.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: [sources],
    ignores: tests,
    rules: {
      'no-console': 'error',
      'no-restricted-imports': ['error', { patterns: [noNode, onlyCore] }],
    },
  },
  {
    files: ['packages/core/src/**/*.ts'],
    ignores: tests,
    rules: { 'no-restricted-imports': ['error', { patterns: [noNode, noCore] }] },
  },
  {
    // The backend writes its graphs with the ONNX package.
    files: ['packages/backend-onnxruntime/src/**/*.ts'],
    ignores: tests,
    rules: { 'no-restricted-imports': ['error', { patterns: [noNode, coreAnd('onnx|onnx/lowering')] }] },
  },
  {
    files: ['packages/models/src/**/*.ts'],
    ignores: tests,
    rules: { 'no-restricted-imports': ['error', { patterns: [noNode, coreAnd('checkpoint|hub')] }] },
  },
  {
    files: ['packages/data/src/**/*.ts'],
    ignores: tests,
    rules: { 'no-restricted-imports': ['error', { patterns: [noNode, coreAnd('hub')] }] },
  },
  {
    // What runs in Node alone.
    files: ['packages/backend-onnxruntime/src/worker/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [coreAnd('onnx|onnx/lowering')] }] },
  },
  {
    // Tests reach into what types forbid: that is often their point.
    files: tests,
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
