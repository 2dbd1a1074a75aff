// `gpt completion`: the command tree as a script for a shell, or as the manual page.

import { bashCompletion } from './completion/bash.js';
import { fishCompletion } from './completion/fish.js';
import { manPage } from './completion/man.js';
import { completedCommands } from './completion/words.js';
import { zshCompletion } from './completion/zsh.js';
import type { CompletionOptions, Run } from './options.js';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export const run: Run<CompletionOptions> = async ({ shell, tree }, { out, version }) => {
  out(shell === 'man' ? manPage(tree, version) : SCRIPTS[shell](completedCommands(tree)));
  return 0;
};
