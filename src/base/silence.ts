// TensorFlow.js prints banners and warnings of its own to the console; a command line shows only what it means to.

/** Runs `body` with console.warn and console.log switched off. */
export async function silenced<T>(body: () => Promise<T>): Promise<T> {
  const { warn, log } = console;
  console.warn = () => {};
  console.log = () => {};
  try {
    return await body();
  } finally {
    console.warn = warn;
    console.log = log;
  }
}
