// Writes packages/onnx/src/generated/onnx-ml.ts from packages/onnx/schema/onnx-ml.proto, which is ONNX 1.12's file,
// unchanged: `node tools/generate-onnx.mjs`.
// Needs `protoc` on the path (Debian: apt-get install protobuf-compiler); npx brings ts-proto.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

const options = [
  'env=browser', // Uint8Array for bytes, not Buffer
  'importSuffix=.js',
  'esModuleInterop=true',
  'forceLong=bigint', // int64 keeps its 64 bits
  'useOptionals=all', // a message literal names only what it holds
  'noDefaultsForOptionals=true', // an attribute that is 0 is written all the same: ONNX's checker asks which field is present
  'initializeFieldsAsUndefined=false',
  'comments=false', // they are in the schema
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'outputTypeRegistry=false',
  'exportCommonSymbols=false',
];

const root = new URL('../packages/onnx/', import.meta.url);
mkdirSync(new URL('src/generated/', root), { recursive: true });
execFileSync(
  'npx',
  [
    ...['--yes', '--package', 'ts-proto@2.18.0', 'protoc', '--proto_path=schema', '--ts_proto_out=src/generated'],
    `--ts_proto_opt=${options.join(',')}`,
    'schema/onnx-ml.proto',
  ],
  { cwd: root, stdio: 'inherit' },
);
