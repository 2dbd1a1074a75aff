// The only file that imports TensorFlow.js. Everything else says `import { tf } from '.../base/tf.js'`.
//
// The small packages instead of the union `@tensorflow/tfjs`, which costs 270 MB of node_modules. tfjs-core's gradient
// table is bundled at build (bundle_gradients.mjs says why). Importing this file takes about 0.15 s: commands
// import it lazily, so that --help and configuration errors do not pay for it.

import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '#tfjs-gradients';

export { MathBackendCPU, tf };
