// Every check of the repository in one command: `npm run verify`.
//
//   --require-browser   a missing browser fails instead of skipping the browser tests (CI)
//   --only a,b          run these steps alone (see the list below)
//
// Later steps run although an earlier one failed; only what needs a build is left out when the build fails.
// The last line counts the tests of all runs: `N passed, N failed, N skipped`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: { 'require-browser': { type: 'boolean', default: false }, only: { type: 'string' } },
});

const scratch = mkdtempSync(path.join(os.tmpdir(), 'fakkel-verify-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const env = {
  ...process.env,
  PATH: `${path.join(root, 'node_modules', '.bin')}${path.delimiter}${process.env['PATH'] ?? ''}`,
  // nx: no daemon, no cloud, no telemetry, plain output.
  NX_DAEMON: 'false',
  NX_NO_CLOUD: 'true',
  NX_TUI: 'false',
  DO_NOT_TRACK: '1',
  ...(options['require-browser'] ? { FAKKEL_REQUIRE_BROWSER: '1' } : {}),
};

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} commands  run one after the other in a shell, from the root of the repository
 * @property {boolean} [tests]    a vitest run, whose tests are counted; `{json}` is where its results go
 * @property {boolean} [needsBuild]
 */
const report = '--reporter=default --reporter=json --outputFile.json={json}';
/** @type {Step[]} */
const steps = [
  { name: 'install', commands: ['node tools/ensure-installed.mjs'] },
  { name: 'lock', commands: ['node tools/check-lock.mjs'] },
  { name: 'format', commands: ['prettier --check --log-level warn .'] },
  // In two parts: each project's types are in memory at once, and all of them are more than Node's heap.
  {
    name: 'lint',
    commands: ['eslint --max-warnings 0 packages', 'eslint --max-warnings 0 --ignore-pattern packages .'],
  },
  { name: 'typecheck', commands: ['nx run-many -t typecheck --outputStyle static', 'tsc -p tsconfig.json'] },
  { name: 'build', commands: ['nx run-many -t build --outputStyle static'] },
  { name: 'unit', commands: [`vitest run ${report}`], tests: true },
  { name: 'types', commands: [`vitest run --typecheck.only ${report}`], tests: true },
  { name: 'packages', commands: ['nx run-many -t check-package --outputStyle static'], needsBuild: true },
  { name: 'knip', commands: ['knip --no-config-hints'] },
  { name: 'docs', commands: ['typedoc --logLevel Warn'] },
  { name: 'e2e', commands: [`vitest run --root e2e ${report}`], tests: true, needsBuild: true },
];

const only = options.only?.split(',');
const unknown = only?.filter((name) => !steps.some((step) => step.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`verify: no step named ${unknown.join(', ')}; there are ${steps.map((step) => step.name).join(', ')}`);
  process.exit(1);
}

/**
 * @param {string} command
 * @returns {Promise<boolean>} whether it succeeded
 */
function run(command) {
  return new Promise((resolve) => {
    const child = spawn(command, { cwd: root, env, shell: true, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.on('exit', (code) => resolve(code === 0));
  });
}

const counts = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const skipped = [];

/**
 * Adds the tests in a vitest JSON report. A file that fails before its first test counts as one failed test.
 * @param {string} file
 * @param {boolean} succeeded
 */
function count(file, succeeded) {
  /** @type {{ testResults: { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  let results;
  try {
    results = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    if (!succeeded) counts.failed++; // the run itself broke
    return;
  }
  let failed = 0;
  for (const { name, status, assertionResults } of results.testResults) {
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) failed++;
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') failed++;
      else {
        counts.skipped++;
        skipped.push(`${path.relative(root, name)}: ${test.fullName}`);
      }
    }
  }
  counts.failed += succeeded ? failed : Math.max(failed, 1);
}

/** @param {number} since */
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const started = performance.now();
/** @type {{ name: string, outcome: 'ok' | 'FAILED' | 'left out', time: string }[]} */
const outcomes = [];

const chosen = steps.filter((step) => !only || only.includes(step.name));
console.log(`verify: ${chosen.map((step) => step.name).join(', ')}`);
for (const step of chosen) {
  const begin = performance.now();
  const missing = ['install', ...(step.needsBuild ? ['build'] : [])].find((name) =>
    outcomes.some((outcome) => outcome.name === name && outcome.outcome !== 'ok'),
  );
  if (missing) {
    console.log(`\n=== ${step.name}: left out, because ${missing} failed`);
    outcomes.push({ name: step.name, outcome: 'left out', time: '' });
    continue;
  }
  console.log(`\n=== ${step.name}`);
  const json = path.join(scratch, `${step.name}.json`);
  let succeeded = true;
  for (const command of step.commands) succeeded = (await run(command.replace('{json}', json))) && succeeded;
  if (step.tests) count(json, succeeded);
  outcomes.push({ name: step.name, outcome: succeeded ? 'ok' : 'FAILED', time: seconds(begin) });
  console.log(`=== ${step.name}: ${succeeded ? 'ok' : 'FAILED'} in ${seconds(begin)}`);
}

console.log(`\n=== summary (${seconds(started)})`);
for (const { name, outcome, time } of outcomes) {
  console.log(`  ${name.padEnd(12)}${outcome.padEnd(10)}${time.padStart(8)}`);
}
if (skipped.length > 0) console.log(`\nSkipped tests:\n${skipped.map((name) => `  ${name}`).join('\n')}`);
const bad = outcomes.filter((outcome) => outcome.outcome !== 'ok').map((outcome) => outcome.name);
if (bad.length > 0) console.log(`\nFailed steps: ${bad.join(', ')}`);
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = bad.length > 0 || counts.failed > 0 ? 1 : 0;
