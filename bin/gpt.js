#!/usr/bin/env node
// Starts the compiled command line. Plain syntax, so that an old Node can still read the message.

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 17)) {
  process.stderr.write(`error: gpt needs Node 20.17 or newer; this is ${process.version}\n`);
  process.exit(3);
}
import('../dist/cli/main.js').then(
  ({ main }) => main(),
  (error) => {
    const missing = error?.code === 'ERR_MODULE_NOT_FOUND' && /dist\/cli\/main\.js/.test(error.message);
    process.stderr.write(missing ? 'error: gpt is not built yet: run `npm ci` in its folder\n' : `${error?.stack}\n`);
    process.exit(missing ? 3 : 1);
  },
);
