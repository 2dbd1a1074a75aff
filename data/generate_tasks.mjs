// Writes data/tasks/: four small labelled sets in the world of the bundled stories, the same bytes every time.
//
//   node data/generate_tasks.mjs
//
//   feeling     classification   how the person named first feels at the end: glad, sad or afraid       .tsv
//   entailment  entailment       premise, hypothesis: entailment, neutral, contradiction                .jsonl
//   similarity  similarity       two sentences, a score from 0 to 5: the share of facts that they share .csv
//   endings     multiple choice  context, question, two to four answers, the index of the right one     .jsonl
//
// Words, names and notation are those of generate_stories.mjs. Nothing but the content decides: a hypothesis is drawn in the
// same way for every label, wrong answers are the right ones of other stories of the same kind, and no two rows of a set, of
// train and dev together, differ in names alone. test/data/tasks.test.ts checks that the easy ways out do not work.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  BOYS,
  BUILDS,
  CHORES,
  COLOURS,
  CONTESTS,
  Draw,
  drawCast,
  FEARS,
  FOODS,
  finish,
  GIFTS,
  GIRLS,
  HE_ANIMALS,
  list,
  NOISES,
  PLACES,
  PLANTS,
  SHE_ANIMALS,
  SKILLS,
  STRANGERS,
  STUCK,
  THINGS,
} from './generate_stories.mjs';

const SEED = 20_262;

/** A part like 'a|b' is a choice; one with braces already says so itself. */
const choice = (part) => (part.includes('|') && !part.includes('{') ? `{${part}}` : part);

/** A text of this cast, with its spaces, articles and capitals. */
const say = (r, cast, text) => finish(r.expand(text, cast).replace(/\s+/g, ' ').replaceAll(' .', '.').trim());

/** The parts between the `mark`s that stand in no braces. */
function parts(text, mark) {
  const found = [''];
  let depth = 0;
  for (const c of text.replace(/\s+/g, ' ')) {
    depth += Number(c === '{') - Number(c === '}');
    if (c === mark && depth === 0) found.push('');
    else found[found.length - 1] += c;
  }
  return found.map((part) => part.trim());
}

/** Rows until every class of the turn has its share, none of them like another but for the names. */
function rows(count, classes, seed, draw) {
  const r = new Draw(seed);
  const seen = new Set();
  const found = [];
  let turn = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries > 100 * count) throw new Error('the templates repeat themselves too much for so many rows');
    if (turn.length === 0) turn = r.some(classes, classes.length);
    const row = draw(r, turn.at(-1));
    const key = withoutNames(JSON.stringify(row.texts));
    if (seen.has(key)) continue;
    seen.add(key);
    turn.pop();
    found.push(row);
  }
  return found;
}

const NAMES = [
  ...GIRLS,
  ...BOYS,
  ...SHE_ANIMALS,
  ...HE_ANIMALS,
  'Aunt \\w+',
  'Uncle \\w+',
  'Grandmother',
  'Grandfather',
].join('|');
const withoutNames = (text) =>
  text.replace(new RegExp(`\\b(?:${NAMES}|Mother|Father|[Ss]he|[Hh]er|[Hh]e|[Hh]im|[Hh]is)\\b`, 'g'), '*');

// ---- feeling: classification

// What happens, by how it leaves the person: the same nouns on all sides, so that no noun tells. [S] subject, [O] object,
// [P] possessive: the name at the first mention, a pronoun later.
const EVENTS = {
  glad: parts(
    `[S] found [P] [cthing] [spot]; [S] got [P] [cthing] back; [S] won the {running|boat|sledge|cart} race;
    the big dog {licked [P] [hands]|lay down beside [O] and slept|wanted to play with [O]}; the noise in the [room] was only [P] kitten;
    the storm was over, and the sun {came out|shone on [O]}; [S] swam to the other side of the {lake|pond|river};
    [S] saw the lights of home in the dark; [S] came to the end of the high bridge; [elder] {brought|gave} [O] [fooda];
    {everyone|the whole village} came to [P] birthday; [S] sang on the stage, and everyone {clapped|cheered};
    the {lamb|kitten|puppy} {found its mother|slept in [P] arms}; a green tip came out where [S] had planted the seed;
    [S] {ate|shared} [fooda] with [elder]; [S] {skated|danced} over the ice and did not fall once; [S] learned to {swim|whistle|juggle};
    the raft {held|floated}, and [S] sailed to the island; [S] climbed the tree and {picked|ate} the ripest pears;
    a friend came to stay with [O] {for a week|for the summer}; [elder] {hugged|praised} [O]; the fog was gone, and [S] saw [P] own house;
    [P] tree house stood {firm|strong and straight}; the old lady {forgave|thanked} [O]`,
    ';',
  ),
  sad: parts(
    `[S] lost [P] [cthing] [at2]; [P] [cthing] {broke in two|was gone for ever}; [S] {came in last in|lost} the {running|boat|sledge|cart} race;
    the old dog was ill and would not play with [O]; [P] kitten {would not eat|was gone}; the storm broke [P] [cthing];
    [P] toy boat sank in the {lake|pond|river}; [S] had to leave home; [S] dropped [P] [food] from the high bridge;
    [elder] was ill and {did not know|could not speak to} [O]; nobody came to [P] birthday; [S] sang on the stage, and everyone {laughed at [O]|went home};
    the {lamb|kitten|puppy} {died|was gone, and [S] sat alone}; the hens dug up the seed that [S] had planted;
    there was no [food] left for [O]; the ice was gone, and [S] could not skate; [S] did not learn to {swim|whistle|juggle};
    the raft sank, and [P] work was for nothing; the tree that [S] loved was cut down; [P] {best|only} friend moved {far away|to the city};
    [elder] went away and did not say goodbye to [O]; the fog hid the boat, and [S] {missed it|could not wave goodbye};
    [P] tree house fell down; the old lady {would not speak to|turned away from} [O]`,
    ';',
  ),
  afraid: parts(
    `[S] saw a wolf near [P] [cthing]; a robber {looked at|wanted} [P] [cthing]; a bull ran after [O] in the race;
    the big dog {showed [O] its teeth|ran after [O]|growled at [O]}; the noise in the [room] {came nearer|grew louder}, and [S] hid;
    the storm {shook the house|put out the light}, and [S] hid; the water of the {lake|pond|river} was over [P] head;
    [S] heard steps behind [O] in the dark; the high bridge {shook|began to break} under [O]; a big shadow stood behind [elder] and [O];
    thunder shook the house on [P] birthday; [S] stood on the stage, and [P] knees shook; a {snake|wolf} looked at the {lamb|kitten|puppy} and at [O];
    something moved in the earth under [P] feet; a bear smelled the [food] in [P] bag; the ice {cracked|broke} under [O];
    something in the deep water touched [P] foot; the raft came apart far from the shore, and [S] held on; [S] hung from a thin branch high in the tree;
    a strange man {followed|called} [O] in the dark; [elder] did not come back for [O], and it grew dark; something growled at [O] in the fog;
    the tree house shook in the wind, and [S] could not get down; an old witch {looked at|laughed at} [O] in the night`,
    ';',
  ),
};
const FEELINGS = Object.keys(EVENTS);
const ROOMS = list('attic, cellar, kitchen, shed, barn, hall, pantry');

const SETTINGS = parts(
  `[hero] was a [trait] [kind]; [hero] went [to]; [hero] was [at]; [oneday] [hero] was [at];
    [hero], a [trait] [kind], {liked|loved} [hobby]; [hero] and [friend] were [at]; [hero] and [friend] went [to]`,
  ';',
);

function feeling(r, label) {
  const cast = { ...drawCast(r), room: r.one(ROOMS) };
  const hero = { S: cast.he, O: cast.him, P: cast.his };
  const friend = { S: cast.fhe, O: cast.fhim, P: cast.fhis };
  /** By name at the first mention, if one is given, and by pronoun after it. */
  const event = (text, words, name) => {
    const named = name ? text.replace(/\[[SOP]\]/, (slot) => (slot === '[P]' ? `${name}'s` : name)) : text;
    return r.expand(named, { ...cast, ...words });
  };
  const [own, other, unlike] = [label, r.one(FEELINGS), r.other(FEELINGS, label)].map((of) => r.one(EVENTS[of]));
  const [first, second] = r.some([event(own, hero, cast.hero), event(other, friend, cast.friend)], 2);
  const told = {
    alone: `${r.one(SETTINGS)}. {<soon>|<suddenly>|That day} ${event(own, hero)}.`,
    last: `${event(unlike, hero, cast.hero)}. {But then|But soon|<nextday>|An hour later} ${event(own, hero)}.`,
    'before what is told': `${event(own, hero, cast.hero)}. {The day before|In the morning|An hour before}, ${event(unlike, hero)}.`,
    'beside a friend': `[hero] and [friend] were [at]. ${first}. {But|Then} ${second}.`,
  };
  const form = r.one([
    'alone',
    'alone',
    'alone',
    'last',
    'last',
    'last',
    'before what is told',
    'beside a friend',
    'beside a friend',
  ]);
  if (other === own) return feeling(r, label);
  return { texts: [say(r, cast, told[form])], label };
}

// ---- entailment

// A fact: values that exclude each other, how a premise says it (in its first sentence or in one of its own), and how a
// hypothesis does.
const FACTS = {
  colour: {
    values: COLOURS,
    hypothesis: 'The [thing] was [value].|It was a [value] [thing].|[hero] had a [value] [thing].',
  },
  place: {
    values: PLACES.map(([noun, preposition]) => `${preposition} the ${noun}`),
    hypothesis: '[hero] was [value].|It happened [value].|[value] one could see [hero].',
  },
  weather: {
    values: list('sunny, rainy, foggy, snowy, stormy'),
    hypothesis: 'It was a [value] day.|The day was [value].|It was [value].',
  },
  time: {
    values: list('in the morning, at noon, in the afternoon, in the evening'),
    hypothesis: 'It happened [value].|It was [value].|[hero] was there [value].',
  },
  giver: {
    values: list('Grandmother, Mother, Aunt Mina, Aunt Berta, Grandfather, Father, Uncle Ned, Uncle Karl'),
    says: 'It was a {present|gift} from [value].|[value] had {made it for|given it to} [him].',
    hypothesis: '[value] gave [him] the [thing].|The [thing] came from [value].',
  },
  food: {
    values: FOODS.map(([, amount]) => amount),
    says: '[he] had only [value] for lunch.|[he] ate nothing but [value].',
    hypothesis: '[hero] ate [value].|Lunch was [value].|There was [value] to eat.',
  },
  outcome: {
    values: list('keeps, loses, breaks, gives'),
    says: {
      keeps:
        '{In the end|Later} [he] {took the [thing] home|put the [thing] back on its shelf|hung the [thing] over [his] bed}.',
      loses:
        '{In the end|Later} [he] {could not find the [thing] anywhere|came home without the [thing]|dropped the [thing] into a deep river}.',
      breaks: '{In the end|Later} the [thing] {cracked|went to pieces|fell in two}.',
      gives:
        '{In the end|Later} [he] {let [friend] keep the [thing]|put the [thing] into the [hands] of [friend] for ever}.',
    },
    hypothesis: {
      keeps: '[hero] still has the [thing].|The [thing] is safe with [hero].',
      loses: 'The [thing] is lost.|[hero] lost the [thing].',
      breaks: 'The [thing] is broken.|[hero] broke the [thing].',
      gives: '[friend] has the [thing] now.|[hero] gave the [thing] to [friend].',
    },
  },
};
const FACT_NAMES = Object.keys(FACTS);
const FACTS_OF_A_PREMISE = 3;

function entailment(r, label) {
  const cast = drawCast(r);
  // The hypothesis first, without a look at the label: it cannot tell. Then a premise in which it is true, false or open.
  const asked = r.one(FACT_NAMES);
  const claimed = r.one(FACTS[asked].values);
  const others = FACT_NAMES.filter((name) => name !== asked);
  const said = r.some(others, label === 'neutral' ? FACTS_OF_A_PREMISE : FACTS_OF_A_PREMISE - 1);
  const values = Object.fromEntries(said.map((name) => [name, r.one(FACTS[name].values)]));
  if (label === 'entailment') values[asked] = claimed;
  if (label === 'contradiction') values[asked] = r.other(FACTS[asked].values, claimed);

  const { colour = '', place, weather, time } = values;
  const first = [
    weather ? `on a ${weather} day` : '',
    `[hero] {was [doing]|went out with} a ${colour} [thing]`,
    place ?? '',
    time ?? '',
  ].join(' ');
  const more = ['giver', 'food', 'outcome']
    .filter((name) => name in values)
    .map((name) => r.expand(wording(r, FACTS[name].says, values[name]), { ...cast, value: values[name] }));
  const premise = say(r, cast, [`${first}.`, ...more].join(' '));
  const hypothesis = say(r, { ...cast, value: claimed }, wording(r, FACTS[asked].hypothesis, claimed));
  return { texts: [premise, hypothesis], premise, hypothesis, label };
}

const wording = (r, wordings, value) => r.one(parts(typeof wordings === 'string' ? wordings : wordings[value], '|'));

// ---- similarity

// One event in several wordings; each names hero, thing, colour and place.
const DEEDS = {
  lose: `[hero] lost a [cthing] [at].|[at] the [cthing] of [hero] was gone.|[hero] could not find the [cthing] [at] any more.
    |When [hero] looked around [at], the [cthing] was missing.`,
  find: `[hero] found a [cthing] [at].|[at] [hero] came upon a [cthing].|[hero] looked down and saw a [cthing] [at].
    |A [cthing] lay [at], and [hero] picked it up.`,
  break: `[hero] broke a [cthing] [at].|[at] the [cthing] of [hero] went to pieces.|[hero] fell on a [cthing] [at], and it cracked.
    |With a loud crack the [cthing] fell out of the [hands] of [hero] [at].`,
  make: `[hero] made a [cthing] [at].|[at] [hero] sat all day and built a [cthing].|[hero] worked [at] until the [cthing] was ready.
    |From old wood and string [hero] put together a [cthing] [at].`,
  give: `[hero] gave a [cthing] to a child [at].|[at] a child got a [cthing] from [hero].|"This is for you," said [hero] to a child [at] and held out a [cthing].
    |[hero] had a [cthing] for a child [at], as a present.`,
  steal: `A crow stole the [cthing] of [hero] [at].|[at] a crow flew away with the [cthing] of [hero].|[hero] saw a crow take the [cthing] [at].
    |A crow came down [at], and then [hero] had no [cthing].`,
  wash: `[hero] washed a [cthing] [at].|[at] [hero] made a dirty [cthing] clean.|[hero] took water and a cloth to a [cthing] [at].
    |The [cthing] was full of mud, so [hero] cleaned it [at].`,
  sell: `[hero] sold a [cthing] [at].|[at] [hero] got three coins for a [cthing].|A farmer paid [hero] for a [cthing] [at].
    |[hero] stood [at] and called, "Who will buy a [cthing]?"`,
};
// What two sentences can have in common, in tenths of the score.
const SHARED = { deed: 20, thing: 15, hero: 5, place: 5, colour: 5 };
const SCORES = Array.from({ length: 11 }, (_, i) => 5 * i);

function similarity(r, score) {
  const names = Object.keys(SHARED);
  const subsets = Array.from({ length: 2 ** names.length }, (_, mask) => names.filter((_, i) => mask & (1 << i)));
  const same = r.one(subsets.filter((subset) => subset.reduce((sum, name) => sum + SHARED[name], 0) === score));
  const a = drawCast(r);
  const b = drawCast(r);
  const own = (name, mine, theirs) => (same.includes(name) ? mine : theirs());
  const hero = own('hero', a.hero, () => (b.hero === a.hero ? b.friend : b.hero));
  const thing = own('thing', a.thing, () =>
    r.other(
      THINGS.map(([noun]) => noun),
      a.thing,
    ),
  );
  const at = own('place', a.at, () =>
    r.other(
      PLACES.map(([noun, preposition]) => `${preposition} the ${noun}`),
      a.at,
    ),
  );
  const colour = own('colour', a.colour, () => r.other(COLOURS, a.colour));
  const deed = r.one(Object.keys(DEEDS));
  const deed2 = own('deed', deed, () => r.other(Object.keys(DEEDS), deed));
  // Never the same wording, also of two deeds: the form of a sentence must not say which deeds are the same.
  const [first, second] = r.some([0, 1, 2, 3], 2);
  const texts = [
    say(r, a, parts(DEEDS[deed], '|')[first]),
    say(r, { ...a, hero, thing, at, cthing: `${colour} ${thing}` }, parts(DEEDS[deed2], '|')[second]),
  ];
  return { texts: r.chance(0.5) ? texts : texts.reverse(), score };
}

// ---- endings: multiple choice

// Kinds of story: what is drawn from a table row, the context, a question, and the right answer. Wrong answers are those of
// other rows of the table.
const KINDS = [
  {
    table: STUCK.map(({ how, vain, who, fetch }) => ({
      how,
      vain: vain.join('|'),
      who: who.filter((name) => STUCK.filter((other) => other.who.includes(name)).length === 1).join('|'),
      fetch,
    })),
    context:
      'The [cthing] of [hero] {landed|got stuck} [how]. [hero] [vain], but it did not help.|The [cthing] of [hero] was [how], and [hero] [vain].',
    question: 'Who {helped [him]|got the [thing] back}?',
    answer: 'A [who] [fetch].',
  },
  {
    table: NOISES.map(([sound, guess, , real, act]) => ({ sound, guess, real, act })),
    context:
      '{At midnight|In the night} something in the [room] went "[sound]." {"It is [guess]," thought [hero].|[hero] {sat up in bed|hid under the blanket}.}',
    question: 'What was it?',
    answer: 'It was [real], which [act].',
  },
  {
    table: CHORES.map(([chore, neglect]) => ({ chore, end: neglect })),
    context:
      '"{Please|Will you} [chore], [hero]," said [elder]. But [hero] {forgot it|played [at] all day|ran [to] with [friend]}.',
    question: 'What did [elder] see in the evening?',
    answer: '[elder] saw that [end].',
  },
  {
    table: CHORES.map(([chore, , done]) => ({ chore, end: done })),
    context: '"{Please|Will you} [chore], [hero]," said [elder]. [hero] {kept the promise|did it at once|worked hard}.',
    question: 'What did [elder] see in the evening?',
    answer: '[elder] saw that [end].',
  },
  {
    table: SKILLS.map(([skill, , wrong, tip]) => ({ skill, wrong, tip })),
    context: '[hero] wanted to [skill], but [he] [wrong].|[hero] tried to [skill] [oneday2] and [wrong].',
    question: 'What did [elder] {say|tell [him]}?',
    answer: '"[tip]."',
  },
  {
    table: SKILLS.map(([skill, , , , right]) => ({ skill, right })),
    context:
      '[hero] wanted to [skill] and {practised for weeks|did not give up|tried it every day}.|[elder] {taught|showed} [hero] how to [skill].',
    question: 'What happened {one day|in the end|at last}?',
    answer: '[hero] [right].',
  },
  {
    table: FEARS.map(([fear, cause, must, deed]) => ({ fear, cause, must, deed })),
    context: '[hero] was afraid of [fear]. But then [cause].|[hero], who was afraid of [fear], had to [must].',
    question: 'What did [hero] do?',
    answer: '[hero] [deed].',
  },
  {
    table: BUILDS.map(([work, stuff, fails, advice]) => ({ work, stuff, fails, advice })),
    context: '[hero] and [friend] {built|made} a [work] from [stuff]. But it [fails].',
    question: 'What did [elder] say?',
    answer: '"You must [advice]."',
  },
  {
    table: BUILDS.map(([work, stuff, , , use]) => ({ work, stuff, use })),
    context:
      '[hero] and [friend] {built|made} a [work] from [stuff].|The [work] of [hero] and [friend] was {ready|finished} at last.',
    question: 'What did they do {then|in the end}?',
    answer: 'They [use].',
  },
  {
    table: GIFTS.map(([wish, made, makes, from]) => ({ wish, made, makes, from })),
    context:
      '[friend] had [wish], and [hero] {wanted to help|knew it|had an idea}.|[hero] heard that [friend] had [wish].',
    question: 'What did [hero] do for [friend]?',
    answer: '[hero] [makes] a [made] from [from].',
  },
  {
    table: CONTESTS.map(([contest, prize, trouble]) => ({ contest, prize, trouble })),
    context:
      '[hero] and [friend] took part in a [contest]. {The prize was [prize].|[friend] was in front.|[elder] called, "Ready, steady, go!"}',
    question: 'What happened to [friend]?',
    answer: '[friend] [trouble].',
  },
  {
    table: PLANTS.map(([plant, seed, tall, harvest]) => ({ plant, seed, tall, harvest })),
    context:
      '[hero] planted a [seed] [at2], and it became a [plant].|The [plant] of [hero] grew and grew, until it was [tall].',
    question: 'What did [hero] do {then|in the end}?',
    answer: '[hero] [harvest].',
  },
  {
    table: STRANGERS.map(([who, , load, gift, good]) => ({ who, load, gift, good })),
    context: '[hero] helped a [who] with [load] and got [gift].|A [who] with [load] gave [hero] [gift].',
    question: 'What was it good for {later|one day}?',
    answer: '[hero] [good].',
  },
];

function ending(r, k) {
  const cast = { ...drawCast(r), room: r.one(ROOMS) };
  const kind = r.one(KINDS);
  const [right, ...wrong] = r.some(kind.table, k).map((row) => {
    // Each part of the row is drawn once: the context and the answer agree.
    const drawn = Object.entries(row).map(([name, part]) => [name, r.expand(choice(part), cast)]);
    return { ...cast, ...Object.fromEntries(drawn) };
  });
  const context = say(r, right, wording(r, kind.context));
  const question = say(r, right, kind.question);
  const texts = [right, ...wrong].map((row) => say(r, row, kind.answer));
  const order = r.some(
    texts.map((_, i) => i),
    k,
  );
  if (new Set(texts).size < k) return ending(r, k);
  return {
    texts: [context, question],
    context,
    question,
    answers: order.map((i) => texts[i]),
    label: order.indexOf(0),
  };
}

// ---- files

const tsv = (rows) => ['sentence\tlabel', ...rows.map(({ texts, label }) => `${texts[0]}\t${label}`)];
const csv = (rows) => [
  'sentence1,sentence2,score',
  ...rows.map(({ texts, score }) =>
    [...texts.map((t) => `"${t.replaceAll('"', '""')}"`), (score / 10).toFixed(1)].join(','),
  ),
];
const jsonl = (rows) => rows.map(({ texts, ...row }) => JSON.stringify(row));

const TASKS = [
  { name: 'feeling', ext: 'tsv', train: 399, dev: 99, classes: FEELINGS, draw: feeling, lines: tsv },
  {
    name: 'entailment',
    ext: 'jsonl',
    train: 360,
    dev: 99,
    classes: ['entailment', 'neutral', 'contradiction'],
    draw: entailment,
    lines: jsonl,
  },
  { name: 'similarity', ext: 'csv', train: 352, dev: 99, classes: SCORES, draw: similarity, lines: csv },
  { name: 'endings', ext: 'jsonl', train: 300, dev: 99, classes: [2, 3, 4], draw: ending, lines: jsonl },
];

/** 'feeling/train.tsv' -> its text, for all files, always the same ones. */
export function generateTasks() {
  const files = new Map();
  for (const [i, { name, ext, train, dev, classes, draw, lines }] of TASKS.entries()) {
    const all = rows(train + dev, classes, SEED + i, draw);
    files.set(`${name}/train.${ext}`, `${lines(all.slice(0, train)).join('\n')}\n`);
    files.set(`${name}/dev.${ext}`, `${lines(all.slice(train)).join('\n')}\n`);
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of generateTasks()) {
    const target = fileURLToPath(new URL(`tasks/${name}`, import.meta.url));
    mkdirSync(fileURLToPath(new URL('.', `file://${target}`)), { recursive: true });
    writeFileSync(target, text);
    console.log(`${target}: ${text.length} bytes`);
  }
}
