// Writes data/tasks/: four small labelled sets in the world of the bundled stories, the same bytes every time.
//
//   node data/generate_tasks.mjs
//
//   feeling     classification   how the person named first feels at the end: glad, sad or afraid       .tsv
//   entailment  entailment       premise, hypothesis: entailment, neutral, contradiction                .jsonl
//   similarity  similarity       two sentences, a score from 0 to 5: the share of facts that they share .csv
//   endings     multiple choice  context, question, two to four answers, the index of the right one     .jsonl
//
// Cast, words and notation are those of generate_stories.mjs. Classes are balanced, and no two rows of a set, of train
// and dev together, differ in names alone. How far the easy ways lead (single words, one side of a pair, lengths) is
// measured in test/data/tasks.test.ts.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BOYS, Draw, drawCast, finish, GIRLS, HE_ANIMALS, list, SHE_ANIMALS } from './generate_stories.mjs';

const SEED = 20_262;

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

// What happens, by how it leaves the person: the same nouns on all sides, so that no noun tells. [S] subject, [O]
// object, [P] possessive: the name at the first mention, a pronoun later.
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
    there [foodwas] no [food] left for [O]; the ice was gone, and [S] could not skate; [S] did not learn to {swim|whistle|juggle};
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

// Facts: two values that exclude each other, how a premise says one of them, and how a hypothesis does.
const FACTS = [
  {
    alone: {
      premise: 'Nobody was with [him].|[he] was all by [himself].|No friend came along.',
      hypothesis: '[hero] was alone.|[hero] had no company.',
    },
    together: {
      premise: '[friend] came along.|[friend] was there too.|[he] held the [hand] of [friend].',
      hypothesis: '[hero] was not alone.|[hero] had company.',
    },
  },
  {
    sunny: {
      premise: 'The sun shone on <roofs>.|The sky was blue.|It was hot and bright.',
      hypothesis: 'It was a sunny day.|There was sunshine.',
    },
    rainy: {
      premise: 'Big drops fell on <roofs>.|Everything was wet.|Dark clouds came, and water ran down <roofs>.',
      hypothesis: 'It was a rainy day.|There was rain.',
    },
  },
  {
    day: {
      premise: 'It was noon.|It was early in the morning.|School was just over.',
      hypothesis: 'It was day.|It happened by day.',
    },
    night: {
      premise: 'It was midnight.|The moon and the stars came out.|Everyone else was asleep.',
      hypothesis: 'It was night.|It happened by night.',
    },
  },
  {
    full: {
      premise:
        '[he] had just eaten [fooda].|[elder] had given [him] [fooda], and [he] ate it all.|There [foodwas] more [food] than [he] could eat.',
      hypothesis: '[hero] was full.|[hero] had enough to eat.',
    },
    hungry: {
      premise: '[he] had no [food] left.|[he] had not eaten since yesterday.|A crow had stolen the [food].',
      hypothesis: '[hero] was hungry.|[hero] had nothing to eat.',
    },
  },
  {
    kept: {
      premise: '[he] took the [thing] home.|[he] held the [thing] tightly.|[he] put the [thing] back on its shelf.',
      hypothesis: '[hero] still has the [thing].|The [thing] is not lost.',
    },
    lost: {
      premise:
        '[he] could not find the [thing] any more.|[he] came home without the [thing].|The [thing] sank in the river.',
      hypothesis: '[hero] does not have the [thing] any more.|The [thing] is lost.',
    },
  },
  {
    new: {
      premise:
        'The [thing] came from the shop that week.|[elder] had just made the [thing].|It was the first day of the [thing].',
      hypothesis: 'The [thing] was new.|The [thing] was not old.',
    },
    old: {
      premise:
        "The [thing] had been [elder]'s for years.|Long ago [elder] had played with the [thing].|The [thing] was grey with dust.",
      hypothesis: 'The [thing] was old.|The [thing] was not new.',
    },
  },
];
const FACTS_OF_A_PREMISE = 2;

// About the first sentence of any premise. As in sets that people write, these hypotheses tell much by themselves: who
// contradicts denies, who adds something guesses at reasons.
const REMARKS = {
  entailment:
    '[hero] had a [thing].|There was a [thing].|Someone was [at].|One could see [hero] [at].|[hero] was not [at2].',
  contradiction:
    '[hero] did not have a [thing].|There was no [thing].|Nobody was [at].|One could not see [hero] [at].|[hero] was [at2].',
  neutral: `[hero] wanted to show the [thing] to [friend].|[hero] was waiting for [elder].|[hero] had paid for the [thing].|
    [hero] came back the next day.|[friend] had a [thing] too.`,
};
const REMARK_SHARE = 0.5;

function entailment(r, label) {
  const cast = drawCast(r);
  // A claim about a fact first, without a look at the label: it cannot tell. Then a premise in which it is true, false
  // or open.
  const asked = r.one(FACTS);
  const claimed = r.one(Object.keys(asked));
  const remark = r.chance(REMARK_SHARE) ? REMARKS[label] : null;
  const answer = remark
    ? []
    : { entailment: [claimed], contradiction: [r.other(Object.keys(asked), claimed)], neutral: [] }[label];
  const said = r
    .some(
      FACTS.filter((fact) => fact !== asked),
      FACTS_OF_A_PREMISE - answer.length,
    )
    .map((fact) => fact[r.one(Object.keys(fact))]);
  const facts = r.some([...said, ...answer.map((value) => asked[value])], FACTS_OF_A_PREMISE);
  const first = '[hero] {was|sat|stood} [at] with a [thing].';
  const premise = say(r, cast, [first, ...facts.map((fact) => fact.premise)].map((text) => wording(r, text)).join(' '));
  const hypothesis = say(r, cast, wording(r, remark ?? asked[claimed].hypothesis));
  return { texts: [premise, hypothesis], premise, hypothesis, label };
}

const wording = (r, wordings) => r.one(parts(wordings, '|'));

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
};
// What two sentences can have in common, in tenths of the score.
const SHARED = { thing: 20, deed: 15, hero: 5, place: 5, colour: 5 };
// A few of each, so that the same ones meet often.
const FEW = {
  things: list('kite, drum, lantern, doll, umbrella, book'),
  colours: list('red, blue, yellow, white, black, silver'),
  places: list('by the river, in the forest, on the beach, at the market, on the hill, in the barn'),
};
const SCORES = Array.from({ length: 11 }, (_, i) => 5 * i);

function similarity(r, score) {
  const names = Object.keys(SHARED);
  const subsets = Array.from({ length: 2 ** names.length }, (_, mask) => names.filter((_, i) => mask & (1 << i)));
  const same = r.one(subsets.filter((subset) => subset.reduce((sum, name) => sum + SHARED[name], 0) === score));
  const [a, b] = [drawCast(r), drawCast(r)].map((cast) => {
    const [thing, colour, at] = [r.one(FEW.things), r.one(FEW.colours), r.one(FEW.places)];
    return { ...cast, thing, colour, at, cthing: `${colour} ${thing}` };
  });
  const own = (name, mine, theirs) => (same.includes(name) ? mine : theirs());
  const hero = own('hero', a.hero, () => (b.hero === a.hero ? b.friend : b.hero));
  const thing = own('thing', a.thing, () => r.other(FEW.things, a.thing));
  const at = own('place', a.at, () => r.other(FEW.places, a.at));
  const colour = own('colour', a.colour, () => r.other(FEW.colours, a.colour));
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

// Troubles: what happens, what someone with a good heart does, and what a bad friend would do. People of the stories
// have a good heart.
const TROUBLES = [
  {
    context: '[friend] had {lost|dropped|forgotten} [fhis] lunch.',
    good: '[hero] {gave|held out} half of the [food] to [friend].|[hero] {shared|divided} the [food] with [friend].|"Eat with me," said [hero] to [friend].',
    bad: '[hero] {ate|took} all the [food] and gave [friend] nothing.|[hero] hid the [food] from [friend].|"It is mine," said [hero] to [friend].',
  },
  {
    context: '[hero] broke {a|the} {cup|vase|lamp|clock|jug} of [elder].',
    good: '[hero] told [elder] the truth.|[hero] said sorry and {glued|mended} it.|[hero] went to [elder] with the pieces.',
    bad: '[hero] told [elder] a lie.|[hero] hid it under the {carpet|stove|bed}.|[hero] said that it was the cat.',
  },
  {
    context: '[hero] found a {lost|little} {lamb|kitten|puppy|duckling} [at].',
    good: '[hero] took it back to its mother.|[hero] {warmed|fed} it and looked for its mother.|[hero] carried it home in both [hands].',
    bad: '[hero] chased it into the {river|mud|forest}.|[hero] {laughed at|frightened} it and ran away.|[hero] threw stones at it and went home.',
  },
  {
    context: '[friend] fell in the {running|sledge|cart|boat} race.',
    good: '[hero] {stopped|turned back} and helped [fhim] up.|[hero] held out a [hand] to [friend].|[hero] asked, "Are you hurt, [friend]?"',
    bad: '[hero] {laughed|smiled} and went past [fhim].|[hero] did not look at [friend].|[hero] cried, "Now I will win, [friend]!"',
  },
  {
    context: 'an old {woman|lady} came by with a heavy {basket|bag|sack}.',
    good: '[hero] carried it for her.|[hero] {helped|thanked} her and went with her.|[hero] {gave|brought} her a cup of water.',
    bad: '[hero] hid from her.|[hero] {laughed at|hurried past} her and ran on.|[hero] {took|stole} her cup of water.',
  },
  {
    context: '[friend] was new in the {school|village|street} and {sat|stood} alone.',
    good: '[hero] {sat down beside|smiled at} [fhim].|[hero] asked [friend] to play.|[hero] shared [his] [thing] with [friend].',
    bad: '[hero] {turned away from|laughed at} [fhim].|[hero] did not let [friend] play.|[hero] hid [his] [thing] from [friend].',
  },
  {
    context: '[hero] lost the [cthing] of [friend].',
    good: '[hero] told [friend] and said sorry.|[hero] worked and bought a new [thing].|[hero] looked for it until dark.',
    bad: '[hero] told [friend] a lie.|[hero] said, "I never had a [thing]."|[hero] ran away and did not care.',
  },
  {
    context: '[hero] had promised to {feed the hens|water the beans|stack the wood|close the gate}.',
    good: '[hero] did it before [he] went to play.|[hero] kept [his] promise.|"First I must work," said [hero].',
    bad: '[hero] forgot it and went to play.|[hero] broke [his] promise.|"Work is not for me," said [hero].',
  },
  {
    context: 'in the storm a wet {fox|lamb|goat|hare} stood at the door.',
    good: '[hero] let it in and gave it a blanket.|[hero] {dried|warmed} it by the fire.|"Poor thing, come in," said [hero].',
    bad: '[hero] shut the door and laughed at it.|[hero] {chased|pushed} it into the rain.|"Bad thing, go away," said [hero].',
  },
  {
    context: '[friend] was {afraid|scared} of {the dark|thunder|the old house}.',
    good: '[hero] took [fhis] [hand].|[hero] went with [fhim] and held the lantern.|"You are not alone," said [hero].',
    bad: '[hero] laughed at [fhim].|[hero] {frightened|pushed} [fhim] and hid the lantern.|"You are a baby," said [hero].',
  },
  {
    context: '[hero] and [friend] both wanted the [cthing].',
    good: '[hero] {let|helped} [friend] have it first.|[hero] shared the [thing].|"We will take turns," said [hero].',
    bad: '[hero] {took|pulled} it out of the [hands] of [friend].|[hero] broke the [thing].|"I want it for me alone," said [hero].',
  },
  {
    context: '[hero] {fell|slipped} on the ice {at the first try|three times}.',
    good: '[hero] {got up|smiled} and tried again.|[hero] {practised|tried} every day.|"Soon I will learn it," said [hero].',
    bad: '[hero] {cried|shouted} and gave up.|[hero] {kicked|pushed} a friend.|"It is all your fault," said [hero].',
  },
];
const MISFIT_SHARE = 0.4; // of wrong answers: a good deed in another trouble

function ending(r, k) {
  const cast = drawCast(r);
  const [trouble, ...others] = r.some(TROUBLES, k);
  const answers = [trouble.good, ...others.map(({ good }) => (r.chance(MISFIT_SHARE) ? good : trouble.bad))];
  const context = say(
    r,
    cast,
    `{|${r.one(SETTINGS)}. }{<nextday>|One day|One {morning|afternoon|evening}} ${trouble.context}`,
  );
  const question = say(r, cast, 'What did [hero] do {then|next}?');
  const texts = answers.map((text) => say(r, cast, wording(r, text)));
  if (new Set(texts).size < k) return ending(r, k);
  const order = r.some(
    texts.map((_, i) => i),
    k,
  );
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
