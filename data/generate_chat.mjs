// Writes data/chat/chat.jsonl: small talk between "You" and "Bot" in the world of the stories, one conversation a row, the same
// bytes every time.
//
//   node data/generate_chat.mjs
//
// A conversation greets (or not), goes through two to four topics and says goodbye (or not). A topic is one exchange, or two of
// which the second needs the first: a name that is told early is asked for later, so that an answer is in the context and
// nowhere else. Every question has several wordings. The docs use it: docs/tutorial.md.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SEED = 8_011;
const CONVERSATIONS = 1_000;

// ---- words

const list = (text) => text.split(',').map((word) => word.trim());

const NAMES = list(
  'Anna, Ben, Clara, Daniel, Ella, Finn, Grace, Hugo, Ivy, Jack, Lily, Max, Nina, Oscar, Rosa, Sam, Tess, Theo, Will, Zoe',
);
const COLOURS = list('red, blue, green, yellow, white, brown, golden, grey');
const THINGS = list('kite, hat, ball, drum, book, toy boat, scarf, whistle, umbrella, toy cart');
const PLACES = list(
  'in the garden, by the river, under the bed, at school, on the hill, in the kitchen, near the old bridge',
);
const FOODS = list('apple pie, bread with honey, soup, pancakes, plums, warm milk');
const NUMBERS = list('one, two, three, four, five, six, seven, eight, nine, ten');
const OPPOSITES = [
  'hot cold',
  'big small',
  'day night',
  'happy sad',
  'fast slow',
  'old new',
  'up down',
  'wet dry',
  'early late',
];
const COLOUR_OF = [
  'snow white',
  'grass green',
  'the sky blue',
  'a lemon yellow',
  'milk white',
  'a strawberry red',
  'a bear brown',
];
const SOUNDS = [
  'dog says woof',
  'cat says meow',
  'cow says moo',
  'duck says quack',
  'sheep says baa',
  'mouse says squeak',
];
const HOMES = [
  'bird lives in a nest',
  'bee lives in a hive',
  'fox lives in a den',
  'fish lives in the water',
  'mole lives under the ground',
];
const WEATHER = [
  ['It is raining', 'Take your umbrella and put on your boots'],
  ['It is snowing', 'Put on your scarf and your warm hat'],
  ['The sun is shining', 'Then let us play outside'],
  ['It is very windy', 'It is a good day to fly a kite'],
  ['It is getting dark', 'Then it is time to go home'],
];
const FEELINGS = [
  ['I am sad', 'I am sorry to hear that. Do you want to hear a story'],
  ['I am so happy today', 'That is lovely! What made you happy'],
  ['I am tired', 'Then you should sleep a little. Good night'],
  ['I am hungry', 'Let us eat [food]'],
  ['I am bored', 'We could play with your [thing]'],
  ['I am afraid of the dark', 'Do not worry. I will leave a little light on'],
];

// ---- topics: a function of the draw gives the exchanges, [what You say, what Bot says]

const TOPICS = [
  ({ pick }) => {
    const [a, b] = pick(OPPOSITES).split(' ');
    const [word, answer] = pick([
      [a, b],
      [b, a],
    ]);
    return [
      [
        pick([`What is the opposite of ${word}?`, `Tell me the opposite of ${word}.`]),
        `The opposite of ${word} is ${answer}.`,
      ],
    ];
  },
  ({ pick, below }) => {
    const i = below(NUMBERS.length - 1);
    return pick([
      [
        [
          pick([`What comes after ${NUMBERS[i]}?`, `Which number comes after ${NUMBERS[i]}?`]),
          `After ${NUMBERS[i]} comes ${NUMBERS[i + 1]}.`,
        ],
      ],
      [
        [
          pick([`What comes before ${NUMBERS[i + 1]}?`, `Which number comes before ${NUMBERS[i + 1]}?`]),
          `Before ${NUMBERS[i + 1]} comes ${NUMBERS[i]}.`,
        ],
      ],
    ]);
  },
  ({ pick }) => {
    const words = pick(COLOUR_OF).split(' ');
    const colour = words.pop();
    const thing = words.join(' ');
    return [
      [pick([`What colour is ${thing}?`, `Do you know the colour of ${thing}?`]), `${upper(thing)} is ${colour}.`],
    ];
  },
  ({ pick }) => {
    const [animal, sound] = pick(SOUNDS).split(' says ');
    return [
      [pick([`What does a ${animal} say?`, `What sound does a ${animal} make?`]), `A ${animal} says "${sound}".`],
    ];
  },
  ({ pick }) => {
    const [animal, home] = pick(HOMES).split(' lives ');
    return [[`Where does a ${animal} live?`, `A ${animal} lives ${home}.`]];
  },
  ({ pick }) => {
    const [said, answer] = pick(WEATHER);
    return [[pick([`${said}.`, `${said}. What shall I do?`]), `${answer}.`]];
  },
  ({ pick }) => {
    const [said, answer] = pick(FEELINGS);
    const text = answer.replace('[food]', pick(FOODS)).replace('[thing]', pick(THINGS));
    return [[`${said}.`, /^(I am sorry|That is lovely)/.test(text) ? `${text}?` : `${text}.`]];
  },
  ({ pick }) => {
    const [thing, place] = [pick(THINGS), pick(PLACES)];
    return [
      [pick([`I have lost my ${thing}.`, `My ${thing} is gone.`]), `Oh no! Where did you see your ${thing} last?`],
      [pick([`I think it was ${place}.`, `It was ${place}.`]), `Then let us look for the ${thing} ${place}.`],
    ];
  },
  ({ pick }) => {
    const [thing, colour] = [pick(THINGS), pick(COLOURS)];
    return [
      [`I have a ${colour} ${thing}.`, pick([`A ${colour} ${thing}! How nice.`, `I like ${colour} things.`])],
      [
        pick([`What colour is my ${thing}?`, `Do you remember the colour of my ${thing}?`]),
        `Your ${thing} is ${colour}.`,
      ],
    ];
  },
  ({ pick }) => [
    [pick(['Who are you?', 'What is your name?', 'What are you?']), 'I am Bot, a very small model that likes stories.'],
  ],
  ({ pick }) => {
    const food = pick(FOODS);
    return [
      [`I like ${food}.`, `${upper(food)} is good. I like it too.`],
      [pick(['What do I like to eat?', 'What is my favourite food?']), `You like ${food}.`],
    ];
  },
];

const upper = (text) => text[0].toUpperCase() + text.slice(1);

/** Conversations as texts. A shorter list is a beginning of a longer one. */
export function generateChat(count = CONVERSATIONS) {
  const draw = random(SEED);
  const conversations = new Set();
  while (conversations.size < count) conversations.add(conversation(draw));
  return [...conversations];
}

function conversation(draw) {
  const { pick, below } = draw;
  const name = below(3) === 0 ? pick(NAMES) : null;
  const turns = [];
  const hello = pick(['Hello', 'Hi', 'Good morning']);
  if (name !== null)
    turns.push([
      pick([`${hello}, I am ${name}.`, `${hello}! My name is ${name}.`]),
      `${hello}, ${name}! How can I help you?`,
    ]);
  else if (below(2) === 0) turns.push([pick([`${hello}!`, `${hello}, Bot.`]), `${hello}! What is your name?`]);
  const topics = new Set();
  for (let n = 2 + below(3); topics.size < n; ) topics.add(pick(TOPICS));
  const told = [...topics].map((topic) => topic(draw));
  if (name !== null && below(2) === 0)
    told.push([[pick(['What is my name?', 'Do you know my name?']), `Your name is ${name}.`]]);
  turns.push(...told.flat());
  if (below(3) === 0)
    turns.push([
      pick(['Goodbye!', 'Bye, Bot.', 'I must go now.']),
      name === null ? 'Goodbye! Come back soon.' : `Goodbye, ${name}! Come back soon.`,
    ]);
  return turns.map(([you, bot]) => `You: ${you}\nBot: ${bot}\n`).join('');
}

/** mulberry32: small, seeded, the same everywhere. */
function random(seed) {
  let state = seed;
  const below = (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
  return { below, pick: (from) => from[below(from.length)] };
}

/** The file's text. */
export const toJsonl = (conversations) => conversations.map((text) => `${JSON.stringify({ text })}\n`).join('');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('chat/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL('chat.jsonl', folder), toJsonl(generateChat()));
}
