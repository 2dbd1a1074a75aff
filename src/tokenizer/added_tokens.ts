// Added tokens that are not special (GPT-NeoX's runs of spaces, Qwen's <tool_call>): they are found in a text before it is
// split, the longest one that begins first, as Hugging Face does: first those that are not normalized in the text as it
// is, then the others, normalized, in what the normalizer makes of the rest.
//
// Special tokens are not looked for: a text that spells one out is ordinary text to gpt (tokenizer.ts).

import { quoted } from '../base/format.js';
import { symbolsOf } from './byte_symbols.js';
import type { AddedToken } from './hf_file.js';
import type { Normalize, Refuse } from './hf_steps.js';

/** Not one of the tokens that merges make: special, or not spelled in stand-ins for bytes. */
export const standsOutside = ({ content, special }: AddedToken): boolean =>
  special || content !== symbolsOf(Buffer.from(content));

/** Gets normalized text between added tokens, or the id of an added token. */
export interface SectionSink {
  readonly text: (section: string) => void;
  readonly token: (id: number) => void;
}

/** Cuts a text at the added tokens. Throws what refuse makes for a token that eats the space around it. */
export function sectioning(
  tokens: readonly AddedToken[],
  normalize: Normalize | undefined,
  refuse: Refuse,
): (text: string, sink: SectionSink) => void {
  for (const { content, lstrip, rstrip, single_word } of tokens) {
    if (!lstrip && !rstrip && !single_word) continue;
    throw refuse(`the added token ${quoted(content)} is not special and has lstrip, rstrip or single_word`);
  }
  const raw = finder(tokens.filter((token) => !token.normalized).map(({ content, id }) => [content, id]));
  const later = tokens.filter((token) => token.normalized);
  const normalized = finder(later.map(({ content, id }) => [normalize ? normalize(content) : content, id]));
  return (text, sink) =>
    raw(text, {
      token: sink.token,
      text: (section) => normalized(normalize ? normalize(section) : section, sink),
    });
}

function finder(tokens: readonly (readonly [string, number])[]): (text: string, sink: SectionSink) => void {
  const ids = new Map(tokens.filter(([content]) => content !== ''));
  const whole = (text: string, sink: SectionSink): void => {
    if (text !== '') sink.text(text);
  };
  if (ids.size === 0) return whole;
  // The first alternative that matches is taken, so the longest stands first.
  const contents = [...ids.keys()].sort((a, b) => b.length - a.length);
  const regex = new RegExp(contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gu');
  return (text, sink) => {
    let done = 0;
    for (const { 0: content, index } of text.matchAll(regex)) {
      whole(text.slice(done, index), sink);
      sink.token(ids.get(content)!);
      done = index + content.length;
    }
    whole(text.slice(done), sink);
  };
}
