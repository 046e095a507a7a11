/**
 * `npm run benchmark`: Fakkel beside other frameworks on this machine.
 */
import { CommanderError } from 'commander';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeMachine, formatMachine } from './machine/describe.js';
import { QuietWatch } from './machine/quiet.js';
import { type Options, parseOptions } from './options.js';
import { costsTable, footnotes, timesTable } from './report/speed.js';
import { dataTable, measureData } from './suites/data.js';
import { measureMemory, memoryTables } from './suites/memory.js';
import { measureReference } from './suites/reference.js';
import { measureSpeed } from './suites/speed.js';

/** Progress goes to stderr: stdout is the report. */
const say = (message: string): void => console.error(message);

/** What `--json` writes; with faults, the command fails. */
type Report = Readonly<Record<string, unknown>> & { readonly faults: readonly string[] };

/** Runs the suite, prints its report and gives what `--json` writes. */
async function run(options: Options, folder: string): Promise<Report> {
  const machine = describeMachine();
  console.log(`${formatMachine(machine)}\n`);
  const watch = new QuietWatch(options.wait * 1000);
  switch (options.suite) {
    case 'speed': {
      const result = await measureSpeed(options, folder, watch, say);
      for (const title of Object.values(result.engines)) console.log(`- ${title}`);
      console.log(`\n${watch.summary}\n\n${timesTable(result, options)}\n`);
      for (const note of footnotes(result, options)) console.log(`- ${note}`);
      console.log(`\n${costsTable(result, options)}`);
      return { machine, quiet: watch.quiet, watch: watch.summary, options, ...result };
    }
    case 'memory': {
      const result = await measureMemory(options, folder, say);
      console.log(memoryTables(result));
      return { machine, ...result };
    }
    case 'reference': {
      const { report, ...result } = await measureReference(options, folder, watch, say);
      console.log(`${watch.summary}\n\n${report}`);
      return { machine, quiet: watch.quiet, ...result, faults: [] };
    }
    case 'data': {
      const result = await measureData(options, folder, watch, say);
      for (const title of result.titles) console.log(`- ${title}`);
      console.log(`\n${watch.summary}\n\n${result.images}\n\n${dataTable(result)}`);
      return { machine, quiet: watch.quiet, watch: watch.summary, ...result };
    }
    default:
      return options.suite satisfies never;
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'fakkel-benchmark-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

try {
  const options = parseOptions(process.argv.slice(2));
  const result = await run(options, folder);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
  for (const fault of result.faults) console.error(`error: ${fault}`);
  process.exitCode = result.faults.length > 0 ? 1 : 0;
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode; // it has said what is wrong
  } else {
    process.exitCode = 1;
    console.error(error);
  }
}
