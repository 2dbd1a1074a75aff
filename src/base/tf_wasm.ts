// TensorFlow.js's wasm backend, for machines without a compiler. Imported only when it is used.

import { createRequire } from 'node:module';
import path from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { tf } from './tf.js';

/**
 * Makes backend `wasm` ready, and gives it the one kernel that training needs and it lacks: UnsortedSegmentSum, the
 * gradient of the embedding lookup, on the host.
 */
export async function openWasm(): Promise<void> {
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${path.dirname(main)}${path.sep}`);
  if (tf.getKernel('UnsortedSegmentSum', 'wasm') === undefined) {
    tf.registerKernel({
      kernelName: 'UnsortedSegmentSum',
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs, backend }) => {
        const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
        const { numSegments } = attrs as { numSegments: number };
        const host = backend as unknown as {
          readSync(id: tf.DataId): Float32Array;
          makeOutput(shape: number[], dtype: string, offset: undefined, values: Float32Array): tf.TensorInfo;
        };
        const ids = host.readSync(segmentIds.dataId);
        const values = host.readSync(x.dataId);
        const width = values.length / ids.length;
        const sums = new Float32Array(numSegments * width);
        for (let i = 0; i < ids.length; i++) {
          for (let c = 0; c < width; c++) sums[ids[i]! * width + c]! += values[i * width + c]!;
        }
        return host.makeOutput([numSegments, ...x.shape.slice(segmentIds.shape.length)], 'float32', undefined, sums);
      },
    });
  }
}
