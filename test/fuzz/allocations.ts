// Counts what a reader asks for, at the moment it asks: the largest single request, in bytes.
//
// process.memoryUsage() sees only what is left when a reader has returned, and a request for 2^40 bytes that fails
// leaves nothing. So the constructors of ArrayBuffer, of the typed arrays and of Array are wrapped, and Buffer's
// functions, by which all code of gpt and of its dependencies gets memory of a size that a file names. Not seen: Node's
// own reading of whole files (their size is the file's), strings and objects (held by the heap limits of worker.ts).

const TYPED = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const;

let largest = 0;
const count = (bytes: number): void => {
  if (bytes > largest) largest = bytes;
};

/** The largest request since the last call, in bytes. */
export function takeLargest(): number {
  const bytes = largest;
  largest = 0;
  return bytes;
}

/** Wraps the constructors of this process, for good. */
export function watchAllocations(): void {
  wrap('ArrayBuffer', 1);
  wrap('Array', 8);
  for (const name of TYPED) wrap(name, globalThis[name].BYTES_PER_ELEMENT);
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const original = Buffer[name].bind(Buffer);
    Buffer[name] = (size: number, ...rest: []) => {
      count(size);
      return original(size, ...rest);
    };
  }
  const concat = Buffer.concat.bind(Buffer);
  Buffer.concat = (list, total) => {
    count(total ?? list.reduce((sum, bytes) => sum + bytes.length, 0));
    return concat(list, total);
  };
}

type Constructor = new (...args: unknown[]) => object;

function wrap(name: string, width: number): void {
  const original = (globalThis as unknown as Record<string, Constructor>)[name]!;
  const wrapped: Constructor = new Proxy(original, {
    construct(target, args: unknown[], newTarget): object {
      count(width * lengthOf(args));
      return Reflect.construct(target, args, newTarget === wrapped ? target : newTarget);
    },
    apply(target, self, args) {
      count(width * lengthOf(args)); // Array(n) without new
      return Reflect.apply(target as unknown as () => unknown, self, args);
    },
  });
  Object.defineProperty(globalThis, name, { value: wrapped, writable: true, configurable: true });
  // slice(), map() and filter() of typed arrays look here for the constructor of the copy. Array stays as it is: its
  // copies are no longer than their source, and V8 would take slow paths in everything.
  if (name !== 'Array') {
    Object.defineProperty(original.prototype, 'constructor', { value: wrapped, writable: true, configurable: true });
  }
}

/** Elements that a constructor is asked for; 0 for a view of a buffer that exists. */
function lengthOf([first]: unknown[]): number {
  if (typeof first === 'number') return first;
  const length = typeof first === 'object' && first !== null ? (first as { length?: unknown }).length : 0;
  return typeof length === 'number' ? length : 0;
}
