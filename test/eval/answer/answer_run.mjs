// Answers requests on one backend: run as a process of its own by cuda.test.ts, whose simulated GPU a process must find when
// it starts.
//
//   node test/eval/answer/answer_run.mjs native|cuda
//
// Prints one line of JSON: the answers, and the stock kernels of TensorFlow.js that a GPU's tensors were copied for.
// It runs what `npm run build` made in dist/.
import { registerCuda } from '../../../dist/backends/cuda_backend.js';
import { registerNative } from '../../../dist/backends/native_backend.js';
import { tf } from '../../../dist/base/tf.js';
import { resolveModel } from '../../../dist/config/model_shape.js';
import { ModelConfig } from '../../../dist/config/schema.js';
import { modelAnswerer } from '../../../dist/eval/answer/answerer.js';
import { Gpt } from '../../../dist/model/gpt.js';
import { initialValues } from '../../../dist/model/init.js';
import { registerCoreKernels } from '../../../dist/ops/core/register.js';
import { ByteTokenizer } from '../../../dist/tokenizer/byte.js';

const [name] = process.argv.slice(2);
const backend = name === 'cuda' ? registerCuda({ env: process.env }) : registerNative({});
registerCoreKernels(backend, name);
await tf.setBackend(name);

const tokenizer = new ByteTokenizer();
const config = { arch: 'gpt3', n_ctx: 48, n_layer: 2, n_head: 2, n_embd: 128, window_size: 9, initializer_range: 0.2 };
const shape = resolveModel(ModelConfig.parse(config), tokenizer.vocabSize);
const model = new Gpt(shape, initialValues(shape, 1));
const shots = 'Two and two are four.\n';
const requests = ['The bear', 'A longer question than that: why?', ''].flatMap((question) =>
  [' a', ' b', ' a long answer'].map((continuation) => ({
    kind: 'loglikelihood',
    context: shots + question,
    continuation,
  })),
);
requests.push({ kind: 'rolling', text: 'Once there was a bear who could not sleep, and so he counted stars.' });
const answers = await modelAnswerer(model, tokenizer, { batch_tokens: 32 }).answer(requests);
console.log(JSON.stringify({ answers, fallbacks: Object.fromEntries(backend.fallbacks ?? []) }));
