import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

// A path in a variable: the generator is plain JavaScript without types.
const generator = new URL('../../data/generate_chat.mjs', import.meta.url).href;
const { generateChat, toJsonl } = (await import(generator)) as {
  generateChat(count?: number): string[];
  toJsonl(conversations: readonly string[]): string;
};
const file = readFileSync(new URL('../../data/chat/chat.jsonl', import.meta.url), 'utf8');
const conversations = generateChat();

describe('the bundled conversations', () => {
  test('the file is what the generator writes, byte for byte', () => {
    expect(toJsonl(conversations) === file).toBe(true);
  });

  test('a thousand different ones of You and Bot in turn, without a word left to fill in', () => {
    expect(new Set(conversations).size).toBe(1000);
    expect(conversations.filter((text) => !/^(You: [A-Z][^\n[\]]+\nBot: [A-Z][^\n[\]]+\n){1,10}$/.test(text))).toEqual(
      [],
    );
  });

  test('what was told is what is remembered', () => {
    const wrong = conversations.filter((text) => {
      const name = /Your name is (\w+)\./.exec(text)?.[1];
      const [, thing, colour] = /Your (?!name)([a-z ]+) is ([a-z]+)\./.exec(text) ?? [];
      const toldName = name === undefined || new RegExp(`(I am|My name is) ${name}\\.`).test(text);
      const toldColour = thing === undefined || text.includes(`I have a ${colour} ${thing}.`);
      return !toldName || !toldColour;
    });
    expect(wrong).toEqual([]);
    expect(conversations.filter((text) => text.includes('Your name is')).length).toBeGreaterThan(100);
  });
});
