// Imports point downwards. A layer (a folder of src) may import what is listed here; everything else is an error.
//
//   { cli api } -> commands -> { train eval generate report } -> model -> ops -> backends -> base
//                      data -> tokenizer      checkpoint -> config -> base
const allowed = {
  cli: ['commands', 'config', 'base'],
  api: ['commands', 'eval', 'generate', 'report', 'model', 'tokenizer', 'checkpoint', 'config', 'base'],
  commands: [
    'train',
    'eval',
    'generate',
    'report',
    'selftest',
    'model',
    'data',
    'tokenizer',
    'checkpoint',
    'ops',
    'backends',
    'config',
    'base',
  ],
  train: ['model', 'data', 'checkpoint', 'ops', 'config', 'base'],
  generate: ['model', 'tokenizer', 'config', 'base'],
  report: ['config', 'base'],
  selftest: ['ops', 'backends', 'base'],
  model: ['ops', 'config', 'base'],
  ops: ['backends', 'base'],
  backends: ['base'],
  eval: ['model', 'generate', 'tokenizer', 'config', 'base'],
  data: ['tokenizer', 'config', 'base'],
  tokenizer: ['config', 'base'],
  checkpoint: ['config', 'base'],
  config: ['base'],
  base: [],
};

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(allowed).map(([layer, below]) => ({
      name: `${layer}-imports-only-downwards`,
      severity: 'error',
      from: { path: `^src/${layer}/` },
      to: { path: '^src/', pathNot: `^src/(${[layer, ...below].join('|')})/` },
    })),
    {
      name: 'every-folder-is-a-layer',
      comment: 'a new folder of src needs a line in `allowed`',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${Object.keys(allowed).join('|')})/` },
      to: {},
    },
    {
      name: 'tfjs-only-through-base',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/base/' },
      to: { path: '@tensorflow/' },
    },
    {
      name: 'no-tensors-outside-the-model-side',
      comment: 'data, tokenizers, checkpoints, reports and configs work on arrays: they start fast and test alone',
      severity: 'error',
      from: { path: '^src/(data|tokenizer|checkpoint|report|config)/' },
      to: { path: '(^src/base/tf(_wasm|_webgpu)?\\.ts$)|(@tensorflow/)', reachable: true },
    },
    {
      name: 'no-tensors-in-plans',
      comment: 'gpt plan allocates nothing, and is instant',
      severity: 'error',
      from: { path: '^src/commands/plan[.]ts' },
      to: { path: '(^src/base/tf(_wasm)?\\.ts$)|(@tensorflow/)', reachable: true },
    },
    {
      name: 'terminal-only-in-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: 'node_modules/(commander|cli-progress)/' },
    },
    {
      name: 'no-tests-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(build|dist)/' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default', 'types'], exportsFields: ['exports'] },
  },
};
