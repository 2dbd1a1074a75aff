// Writes data/stories/stories.jsonl: small original stories for children, one {"text": ...} a row, the same bytes every time.
//
//   node data/generate_stories.mjs
//
// A story is drawn in three steps. (1) A cast: a hero, a friend of the other sex (so that "he" and "she" are never in doubt),
// an older relative, a thing with a colour, places, food, weather. (2) A plot and its choices: what is lost and where, which
// helper fits the trouble, whether a promise is kept. (3) Words: the plot is a list of beats, each with several wordings.
//
// Notation of plots (PLOTS below). A blank line ends a beat; one of its lines is drawn. `---` begins a paragraph. `-` says
// nothing. `(flag)` and `(!flag)` at the start of a line keep it for stories with or without that flag.
//   {a|b}   one of them, may be nested       [slot]  remembered by this story       <list>  drawn afresh from a word list
// "a" becomes "an", and sentences get their capitals, at the end (finish).
//
// A story that would repeat a sentence or a run of eight words too often is thrown away (TooOften).
// Most of this file is words: they are data, and read best in one place.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SEED = 20_261;
const STORIES = 2_000;
const WORDS = { min: 60, max: 180 };
const MAX_BYTES = 1_050;
const MAX_SENTENCE_REPEATS = 12;
const MAX_EIGHT_WORD_REPEATS = 16;

// ---- words

const list = (text) => text.split(',').map((word) => word.trim());

const GIRLS =
  list(`Anna, Bella, Clara, Daisy, Ella, Emma, Freya, Grace, Hannah, Ivy, Jane, Kate, Lily, Lucy, Maya, Mia, Nina,
  Nora, Olive, Paula, Rosa, Ruth, Sara, Sofia, Tess, Vera, Wendy, Zoe`);
const BOYS =
  list(`Adam, Alex, Ben, Carlo, Daniel, David, Eli, Felix, Finn, George, Harry, Hugo, Jack, Jonas, Leo, Luke, Max, Milo,
  Noah, Oscar, Peter, Ravi, Sam, Simon, Theo, Tom, Will, Yusuf`);
const SHE_ANIMALS = list(
  'Bonnie, Clover, Dot, Fern, Hazel, Juniper, Nutmeg, Pearl, Pepper, Poppy, Rosie, Tilly, Willow',
);
const HE_ANIMALS = list('Acorn, Bramble, Chip, Dusty, Moss, Ollie, Patch, Pip, Rusty, Thistle, Toby, Tucker, Twig');
const SPECIES = list('rabbit, fox, bear, mouse, hedgehog, badger, squirrel, otter, mole, cat, beaver, dog');

const THINGS = [
  // noun, what one does with it (do, doing), how it gets away: blown by the wind, rolling, or just dropped
  ['kite', 'fly', 'flying', 'blown'],
  ['hat', 'wear', 'wearing', 'blown'],
  ['scarf', 'wear', 'wearing', 'blown'],
  ['pinwheel', 'play with', 'playing with', 'blown'],
  ['paper bird', 'play with', 'playing with', 'blown'],
  ['umbrella', 'carry', 'carrying', 'blown'],
  ['ball', 'play with', 'playing with', 'rolling'],
  ['marble', 'play with', 'playing with', 'rolling'],
  ['hoop', 'play with', 'playing with', 'rolling'],
  ['drum', 'play', 'playing', 'rolling'],
  ['toy cart', 'pull', 'pulling', 'rolling'],
  ['spinning top', 'play with', 'playing with', 'rolling'],
  ['whistle', 'blow', 'blowing', 'dropped'],
  ['flute', 'play', 'playing', 'dropped'],
  ['toy boat', 'play with', 'playing with', 'dropped'],
  ['book', 'read', 'reading', 'dropped'],
  ['lantern', 'carry', 'carrying', 'dropped'],
  ['bell', 'ring', 'ringing', 'dropped'],
  ['doll', 'play with', 'playing with', 'dropped'],
  ['horn', 'blow', 'blowing', 'dropped'],
  ['puppet', 'play with', 'playing with', 'dropped'],
  ['telescope', 'look through', 'looking through', 'dropped'],
  ['paint box', 'paint with', 'painting with', 'dropped'],
  ['skipping rope', 'jump with', 'jumping with', 'dropped'],
  ['music box', 'listen to', 'listening to', 'dropped'],
];

const PLACES = [
  ['river', 'by', 'among the reeds, under an old boat, between two wet stones, behind a fallen log'],
  ['forest', 'in', 'under a pile of leaves, inside a hollow tree, behind a mossy rock, beside a ring of mushrooms'],
  ['meadow', 'in', 'in the tall grass, next to a sleepy cow, behind the gate, between the yellow flowers'],
  ['garden', 'in', 'between the cabbages, under the apple tree, behind the shed, beside the watering can'],
  ['beach', 'on', 'in a rock pool, under a wooden boat, beside a heap of seaweed, behind a hill of sand'],
  ['market', 'at', 'under the fruit cart, behind the flower stall, between two barrels, inside a basket of onions'],
  ['hill', 'on', 'under a thorn bush, behind the big rock, in a rabbit hole, beside the stone wall'],
  ['farm', 'at', 'in the hay, behind the hen house, under the cart, beside the pigs'],
  ['pond', 'by', 'among the water lilies, under the bench, behind the willow, in a nest of dry grass'],
  ['park', 'in', 'under the slide, behind the fountain, beside the rose bed, in the sand box'],
  ['mill', 'at', 'behind the sacks of flour, under the wooden stairs, beside the big wheel, in an empty bucket'],
  ['orchard', 'in', 'under a pear tree, beside a ladder, in a box of plums, behind the beehive'],
  ['bridge', 'near', 'under the bridge, between two planks, beside the road sign, in a patch of nettles'],
  ['harbour', 'at', 'under a fishing net, behind a row of boats, inside a coil of rope, between two crates'],
  ['village square', 'in', "beside the well, under a bench, behind the baker's shop, next to the church door"],
  ['station', 'at', 'under a seat, behind the clock, beside a brown suitcase, next to the ticket window'],
  ['barn', 'in', 'on top of the hay, behind a wheel, under a torn sack, beside the old horse'],
  ['lake', 'by', "behind a flat rock, under the wooden pier, in the wet sand, beside a swan's nest"],
];

const FOODS = [
  // noun, an amount of it, plural?
  ['bread', 'a loaf of bread', false],
  ['cake', 'a small cake', false],
  ['cheese', 'a piece of cheese', false],
  ['honey', 'a jar of honey', false],
  ['soup', 'a pot of soup', false],
  ['pie', 'a warm pie', false],
  ['jam', 'a pot of jam', false],
  ['plums', 'a bag of plums', true],
  ['pears', 'a box of pears', true],
  ['apples', 'a basket of apples', true],
  ['cherries', 'a bowl of cherries', true],
  ['nuts', 'a bag of nuts', true],
  ['buns', 'a plate of buns', true],
  ['berries', 'a cup of berries', true],
  ['pancakes', 'a plate of pancakes', true],
  ['cookies', 'a tin of cookies', true],
];

const SEASONS = {
  spring: 'sunny, rainy, windy, mild',
  summer: 'sunny, hot, windy, bright',
  autumn: 'windy, foggy, rainy, golden',
  winter: 'cold, snowy, icy, grey',
};

const WEATHER_SCENES = {
  sunny: `The {sun shone|sky was blue} and <birds> {sang|called} {in the trees|over the roofs}.|
    The sun {was warm on [his] back|shone on <roofs>}.`,
  rainy: `{Small|Big|Soft} drops {fell|ran} {on|down} <roofs>.|The rain had {just stopped|stopped at noon}, and <roofs> were wet.`,
  windy: `The wind {pulled at|played with|shook} {the trees|the washing|every branch|<roofs>}.|
    {White|Grey} clouds {ran|flew|raced} over {the hills|the roofs|the fields}.`,
  mild: `{The air smelled of <flowers>|<flowers> grew along the road}.|The snow was gone, and <birds> were {busy|back|singing}.`,
  hot: `{Even|Only} <birds> {kept to the shade|were awake in the heat}.|The road was {hot and dusty|white with dust}.`,
  bright: `The light {danced|sparkled} on {the water|the windows|the leaves}.|{The grass|Every leaf} was {green|full of light}, and <birds> sang.`,
  foggy: `{The trees|The houses} looked like {ghosts|shadows|giants} in the fog.|The fog {hid|covered} <roofs>.`,
  golden: `{Red|Brown|Yellow} leaves {fell|floated down} on <roofs>.|The leaves were {red and yellow|gold and brown}, and <birds> were leaving.`,
  cold: `{The air|The wind} was so cold that [his] nose {turned red|hurt}.|{Smoke rose from every roof|<birds> sat close together in the cold}.`,
  snowy: `{Soft|White|Deep|Fresh} snow {covered|lay on} <roofs>.|Snow {fell on|covered} {the path|the fields|the hills}, and all was {quiet|still|white}.`,
  icy: `{The pond|The puddles|The stream} had {turned to ice|frozen in the night}.|Ice {hung from|covered|shone on} <roofs>.`,
  grey: `{Low|Dark|Heavy} clouds {hung|lay} over <roofs>.|There was no sun, and <birds> were {silent|quiet}.`,
};

// Lists for <name>: drawn afresh at every use.
const LISTS = {
  birds: list('the birds, the sparrows, the blackbirds, the geese, the crows, the robins, the doves'),
  flowers: list('roses, daisies, violets, bluebells, lilies, poppies, tulips'),
  roofs: list(
    'the roofs, the garden wall, the bridge, the fields, the old barn, the road, the church, the fence, the haystacks',
  ),
  glad: list('glad, happy, proud, very happy, pleased, full of joy, so glad, so happy'),
  sad: list('sad, upset, unhappy, very sad, close to tears, worried, so sad'),
  small: list('little, small, young'),
  soon: list('Soon, After a while, A little later, In the end, At last, Before long'),
  suddenly: list('Then, Just then, At that moment, Suddenly, A moment later'),
  quickly: list('quickly, at once, as fast as [he] could, without a word, right away'),
  slowly: list('slowly, carefully, step by step'),
  evening: list(
    'That evening, That night, At supper, At bedtime, When the moon came up, When the stars came out, Before bed',
  ),
  nextday: list(
    'The next day, The next morning, A day later, Two days later, On Sunday, The following day, A week later',
  ),
  friendly: list('friendly, kind, gentle, cheerful, clever, wise'),
};

const TRAITS =
  list(`kind, brave, curious, gentle, cheerful, quiet, busy, clever, shy, careful, patient, merry, lively, thoughtful,
  stubborn, dreamy, polite, honest`);
const COLOURS = list(
  'red, blue, green, yellow, white, black, brown, silver, golden, purple, orange, grey, pink, striped',
);
const HOBBIES =
  list(`singing, drawing, painting, dancing, telling stories, climbing trees, watching birds, baking, fishing, swimming,
  picking flowers, counting stars, collecting stones, looking at clouds, jumping in puddles, feeding the ducks, making music,
  digging in the garden, whittling wood, playing chess, writing poems, mending old things`);
const HOMES = `{in|inside} a {small|little|tiny|crooked|cosy|white|yellow} {house|cottage|cabin} {by|near|behind|beside} {the sea|the forest|the mill|
  a lake|a green hill|the station|the bakery|the old bridge|a windy hill|the river}|in a {quiet|busy|small|sleepy} {village|valley|town} {by|near} {the sea|
  the mountains|a river|a deep forest}|{on|near} a {big|small|quiet|busy} farm|{at|near} the edge of {the forest|the village|the town|the moor}`;

// What must fit each other: a place where a thing gets stuck, vain attempts, and animals that can fetch it from there.
const STUCK = [
  {
    how: 'high up in {an oak|a fir|a pear|a tall|an old} tree',
    where: 'in the tree',
    vain: list('jumped up three times, threw a stick at it, shook the trunk with both [hands], stood on a wobbly box'),
    close: 'but the branch was too high|but [he] could not reach it|but it only swung to and fro',
    who: list('squirrel, cat, crow, magpie, raven'),
    fetch: 'climbed from branch to branch|went up to the top|hopped along the branch|reached the highest branch',
    noRoll: true,
  },
  {
    how: 'in the middle of {the pond|the lake|the stream|a deep pool}',
    where: 'on the water',
    vain: list(
      'reached out with a long stick, threw small stones behind it, made waves with a branch, stepped into the cold water',
    ),
    close: 'but the water was too deep|but it only drifted farther away|but the stick was too short',
    who: list('duck, frog, swan, turtle, goose'),
    fetch: 'swam out|swam across the water|dived and came up beside it|paddled out',
  },
  {
    how: 'in a {deep|dark|narrow} hole',
    where: 'in the hole',
    vain: list(
      'pushed one arm into the hole, lay down and reached inside, dug with a flat stone, tied a hook to a string',
    ),
    close: 'but the hole was too deep|but it was too narrow|but [he] felt only cold earth',
    who: list('mouse, mole, weasel, shrew, vole'),
    fetch: 'crawled into the dark|slipped into the hole|went down without fear|dug a little tunnel',
    noBlow: true,
  },
  {
    how: 'on {the roof of the barn|the roof of the mill|the top of the church|the high wall}',
    where: 'on the roof',
    vain: list('looked for a ladder, threw a rope, stood on a barrel, poked at it with a broom'),
    close: 'but it was not long enough|but it was far too high|but nothing moved',
    who: list('pigeon, owl, stork, swallow, crow'),
    fetch: 'spread both wings|flew up|flew over the wall|rose into the air',
    noRoll: true,
  },
  {
    how: 'in {a thick thorn bush|a patch of nettles|the middle of a bramble}',
    where: 'in the thorns',
    vain: list(
      'pulled at the branches, crawled under the leaves, pushed the thorns away with a stick, wrapped a cloth around one arm',
    ),
    close: 'but the thorns were too sharp|but it hurt too much|but the branches sprang back',
    who: list('hedgehog, wren, lizard, shrew'),
    fetch: 'slipped between the thorns|walked right in|found a way through the branches|went under the leaves',
  },
];

const FEARS = [
  // afraid of what; why one must; the moment; what it was really like
  [
    'the dark',
    'the candle {went out|was gone}',
    'go to the {cellar|barn|shed} for a {new candle|box of matches|jar of oil}',
    'counted {ten|twenty|twelve} steps in the dark and found it',
    'the dark was only {quiet and soft|a room without light|as soft as a blanket}',
  ],
  [
    'thunder',
    'a {big|wild|terrible} storm came',
    'close the {window|gate|shutters} in the storm',
    'sang a {loud|silly|merry} song against the thunder and did it',
    'thunder was {only a noise|only a big drum in the sky|loud but harmless}',
  ],
  [
    'deep water',
    'a {kitten|puppy|duckling} fell into the {pond|river}',
    'swim out to it',
    'jumped in, swam out and brought it back',
    'the water could {carry [him]|hold [him] up}',
  ],
  [
    'the big dog next door',
    '{the ball|a letter|the newspaper} {landed|fell} in the next garden',
    'walk past the {kennel|big dog}',
    'held out {a bone|some bread|a sausage}, spoke softly and went past',
    'the dog only wanted {a friend|to play|company}',
  ],
  [
    'the high bridge',
    'the {doctor|baker|teacher} on the other side {was ill|needed help}',
    'cross the bridge with {some medicine|a letter|a lamp}',
    'looked straight ahead and {walked|went} to the other side',
    'the bridge was {strong|wide enough|safe and strong}',
  ],
  [
    'the old house',
    'a {kitten|lamb|puppy} cried inside the old house',
    'go inside',
    'pushed open the {heavy|creaking|dusty} door and carried the little animal out',
    'the old house was full of {dust and sunlight|nothing but dust|old chairs}',
  ],
  [
    'speaking in front of others',
    'the {school|village|town} needed a {speaker|singer|storyteller}',
    'stand on the stage',
    'looked at one friendly face and began',
    'everyone {listened|smiled|liked the words}',
  ],
];

const SKILLS = [
  // to do what; doing; how it goes wrong; advice; how it goes right; where one goes for it
  [
    'swim',
    'swimming',
    'sank like a stone|swallowed a lot of water|splashed and coughed',
    'Lie on your back and breathe|Kick with both legs|Let the water carry you',
    'floated like a leaf|swam from one side to the other|reached the far side',
    'to the lake|to the pond|to the beach',
  ],
  [
    'whistle',
    'whistling',
    'blew only air|made a sound like an old kettle|made no sound at all',
    'Make your lips small and round|Blow softly, not hard|Wet your lips first',
    'made a clear, high sound|whistled like a blackbird|whistled a whole song',
    'to the meadow|to the hill|to the garden',
  ],
  [
    'skate',
    'skating',
    'fell on the ice|slid into a bush|sat down with a bump',
    'Bend your knees|Look ahead and not at your feet|Push with one foot at a time',
    'glided over the ice|skated around the whole pond|made a wide, smooth turn',
    'to the pond|to the lake',
  ],
  [
    'ride a bicycle',
    'riding',
    'rolled into a hedge|fell into the grass|bumped into the fence',
    'Look at the road and not at the wheel|Push hard and do not stop|Hold on and look ahead',
    'rode down the whole lane|rode around the square|did not wobble at all',
    'to the park|to the village square|to the lane',
  ],
  [
    'knit',
    'knitting',
    'dropped every second loop|made a big knot|lost the end of the wool',
    'Count each loop|Go slowly and keep the wool loose|Start again and take your time',
    'made a straight, soft row|finished a whole scarf|made a warm cap',
    'to the window|to the fire',
  ],
  [
    'bake bread',
    'baking',
    'burned the crust|forgot the salt|made a loaf as hard as a brick',
    'Wait until the dough is twice as big|Do not open the oven too soon|Measure the flour first',
    'took a golden loaf out of the oven|baked a soft, brown loaf|made the best bread in the street',
    'to the kitchen|to the bakery',
  ],
  [
    'play the violin',
    'playing',
    'made a sound like an angry cat|broke a string|mixed up all the notes',
    'Hold the bow lightly|Listen before you play|Play one note at a time',
    'played a sweet, slow tune|played without a mistake|made the whole room dance',
    'to the garden|to the barn|to the attic',
  ],
  [
    'juggle',
    'juggling',
    'dropped all the apples|hit the lamp|threw too high',
    'Begin with two|Look up and not at your [hands]|Throw every apple at the same height',
    'kept three apples in the air|juggled for a whole minute|did not drop a single apple',
    'to the orchard|to the garden|to the yard',
  ],
  [
    'fish',
    'fishing',
    'caught an old boot|lost the hook|frightened all the fish',
    'Sit still and wait|Be as quiet as a stone|Watch the line and not the clouds',
    'caught a big, shiny fish|pulled in a fine fish|caught enough for supper',
    'to the river|to the lake|to the pond',
  ],
];

const BUILDS = [
  // what; from what; how it fails; what helps; what it is good for; where
  [
    'raft',
    '{old planks|thin logs} and {rope|string}',
    'came apart in the water|sank in the middle',
    'tie better knots|use dry logs',
    'sailed to the little island|floated down the stream',
    'by the river|by the lake|on the beach',
  ],
  [
    'tree house',
    '{boards|branches} and {nails|rope}',
    'slipped to one side|lost its floor',
    'choose a stronger branch|use longer nails',
    'looked out over the whole valley|had a picnic among the leaves',
    'in the forest|in the garden|in the orchard',
  ],
  [
    'hut',
    '{branches|sticks} and {moss|leaves|straw}',
    'fell down with a crash|leaked in the rain',
    'dig the posts into the ground|make the walls thicker',
    'sat inside and listened to the rain|told stories inside until dark',
    'in the forest|in the garden|on the hill|in the meadow',
  ],
  [
    'cart',
    '{a wooden box|an old crate} and {four wheels|two wheels}',
    'lost a wheel|rolled in a circle',
    'use a stronger axle|tighten the wheels',
    'rolled down the lane|carried wood to the neighbours',
    'in the yard|in the garden|behind the barn',
  ],
  [
    'bird house',
    '{thin boards|an old box} and {nails|glue}',
    'broke in two|was too small for any bird',
    'measure it first|cut the boards again',
    'watched two robins move in|saw a family of wrens move in',
    'in the garden|in the orchard|in the park',
  ],
  [
    'snow castle',
    '{snow|wet snow} and {a bucket|a spade}',
    'crumbled at the top|lost its tallest tower',
    'press the snow harder|pour some water over the walls',
    'stood on its walls like a king and a queen|put a candle in every window',
    'on the hill|in the garden|in the park',
  ],
  [
    'bridge',
    '{flat stones|logs} and {clay|rope}',
    'broke under the first step|was washed away',
    'put the biggest stones at the bottom|make it wider',
    'walked across with dry feet|let the ducks use it too',
    'over the stream|over the ditch|over the little river',
  ],
  [
    'scarecrow',
    '{straw|old clothes} and {a pole|two sticks}',
    'lost its head|fell on its nose',
    'tie it to a post|use a longer pole',
    'watched the crows fly away|gave it a hat and a name',
    'in the garden|at the farm|in the orchard|in the field',
  ],
];

const CHORES = [
  // what to do; how it looks when forgotten; how it looks when done
  [
    'water the {beans|tomatoes|roses}',
    'the {plants|leaves} {were dry|hung down}',
    'the {plants|leaves} stood up again',
  ],
  [
    'feed the {hens|ducks|goats|pigs}',
    'the animals were {hungry and loud|very hungry}',
    'the animals had {eaten everything|full bellies}',
  ],
  [
    'bring in the {washing|hay|laundry}',
    'a shower had made everything wet',
    'everything was {safe and dry|under the roof}',
  ],
  [
    'close the {gate|barn door|hen house}',
    'the {animals|hens} {had run away|were all over the garden}',
    'all the {animals|hens} were inside',
  ],
  ['cook the {beans|potatoes|carrots}', 'the pot was {cold and empty|still empty}', 'supper was {ready|on the table}'],
  [
    'stack the wood',
    'the wood {still lay in the yard|lay in the mud}',
    'the wood stood in a {neat|straight|high} pile',
  ],
  ['fetch {milk|cream} from the farm', 'the jug was still empty', 'the jug was full'],
  ['sweep the {kitchen|yard|stairs}', 'there was dust everywhere', 'the floor {shone|was clean}'],
];

const BABIES = [
  ['lamb', 'sheep', 'bleated', 'grass'],
  ['chick', 'hen', 'peeped', 'straw'],
  ['kitten', 'cat', 'mewed', 'a blanket'],
  ['duckling', 'duck', 'peeped', 'reeds'],
  ['puppy', 'dog', 'whined', 'a sack'],
  ['piglet', 'sow', 'squeaked', 'hay'],
  ['gosling', 'goose', 'peeped', 'moss'],
];

const NOISES = [
  // sound; first guess; second guess; what it was; what it did there
  ['tap, tap, tap', 'a {ghost|robber}', 'a loose branch', 'a woodpecker', 'was looking for {beetles|supper}'],
  [
    'scratch, scratch',
    'a {monster|wolf}',
    'the wind',
    'a hungry mouse',
    'was {dragging|rolling|pushing} a {nut|crust|pear} across the floor',
  ],
  [
    'drip, drip, drip',
    'a {giant|ghost}',
    'a sad fish',
    'a {hole in the roof|leaking bucket}',
    'was letting in the rain',
  ],
  ['hoo, hoo', 'a {ghost|goblin}', 'the old chimney', 'a young owl', 'was calling for its mother'],
  ['bump, bump', 'a {bear|troll}', 'a loose shutter', 'a goat', 'had {walked in at the open door|lost its way}'],
  ['rattle, rattle', 'a {robber|dragon}', 'the rain', 'a {hedgehog|cat}', 'had its head in a tin'],
  ['knock, knock', 'a {robber|giant}', 'an apple on the roof', 'a {tortoise|turtle}', 'was bumping against the door'],
  [
    'squeak, squeak',
    'a {goblin|witch}',
    'an old door',
    'a {bat|young bat}',
    'hung from a beam and stretched its wings',
  ],
  ['rustle, rustle', 'a {snake|troll}', 'some dry leaves', 'a {duck|hen}', 'was making a nest of paper'],
  ['clink, clink', 'a {robber|pirate}', 'the spoons', 'a {magpie|jackdaw}', 'had found the silver spoons'],
  ['buzz, buzz', 'a {dragon|giant fly}', 'an old clock', 'a {lost bee|beetle}', 'was caught in a jar'],
];

const PLANTS = [
  ['sunflower', 'seed', 'taller than the fence|as tall as the door', 'fed the birds with its seeds'],
  ['pumpkin', 'seed', 'bigger than a bucket|as round as the moon', 'made soup for the whole street'],
  ['apple tree', 'pip', 'as high as [his] shoulder|full of white flowers', 'promised to share the first apples'],
  ['bean plant', 'bean', 'up to the window|around the whole pole', 'cooked a big pot of beans'],
  ['tulip', 'bulb', 'brighter than a lamp|as red as fire', 'gave it to [elder]'],
  ['strawberry plant', 'root', 'wide and green|full of red berries', 'ate the berries with cream'],
  ['oak tree', 'acorn', 'as high as [his] knee|strong and straight', 'built a little fence around it'],
];

const STRANGERS = [
  // who, sex, burden, gift, what the gift is good for later
  [
    'old woman',
    'f',
    'a {heavy|big} {basket|bundle of wood}',
    'a {small|silver|round} mirror',
    'used the mirror to {signal a boat|send light into a dark cave}',
  ],
  [
    'old man',
    'm',
    'a {heavy|big} {sack|bundle of sticks}',
    'a {small|silver|brass} whistle',
    'blew the whistle and {called the dogs home|was found in the fog}',
  ],
  ['soldier', 'm', 'a {torn|heavy} {coat|bag}', 'a {brass|shiny} compass', 'found the way home with the compass'],
  [
    'pedlar',
    'm',
    'a cart with a {broken|stuck} wheel',
    'a {ball|roll} of strong {string|thread}',
    'mended {a net|a kite|a shoe} with the string',
  ],
  [
    'beekeeper',
    'f',
    'a {broken|heavy} {hive|box}',
    'a {jar|pot} of honey',
    'calmed a {crying child|hungry bear} with the honey',
  ],
  [
    'weaver',
    'f',
    'a {long|heavy} roll of cloth',
    'a {warm|woollen|blue} cloak',
    'wrapped a {cold lamb|shivering kitten} in the cloak',
  ],
  [
    'sailor',
    'm',
    'a {wet|heavy} {bag|chest}',
    'a {pink|white} shell',
    '{heard the sea|listened to the sea} in the shell and was not lonely any more',
  ],
];

const BREAKABLE = list(
  'cup, plate, vase, lamp, clock, mirror, flower pot, teapot, bowl, jug, music box, picture frame',
);
const GIFTS = [
  // a wish; the present; how it is made
  ['cold ears {all winter|in the wind}', 'warm [colour] {cap|scarf}', 'knitted', 'wool'],
  ['no horse to play with', 'wooden horse', 'carved', '{an old board|a piece of oak|a thick branch}'],
  ['no boat to play with', 'little sailing boat', 'carved', '{an old board|a piece of oak|a thick branch}'],
  ['a room that was too dark', '[colour] lantern', 'built', 'paper and wire'],
  ['no bag for {shells|stones|books}', '[colour] bag', 'sewed', 'cloth'],
  ['nothing to {draw|write} in', '[colour] notebook', 'bound', 'paper and thread'],
  ['no music at home', 'little flute', 'cut', 'a hollow reed'],
  ['a cold bed', '[colour] blanket', 'wove', 'wool'],
  ['a bare wall', 'picture of {the sea|the mountains|the village}', 'painted', 'bright colours'],
];

const CONTESTS = [
  // contest; prize; trouble of the rival; to do it; where
  [
    'running race',
    'a {golden|silver} cup',
    'tripped over a {root|stone} and {fell|hurt one foot}',
    'run',
    'in the park|on the hill|in the meadow|in the village square',
  ],
  [
    'boat race',
    'a {blue|red|striped} flag',
    'hit a rock and began to sink',
    'row',
    'on the lake|on the river|in the harbour',
  ],
  [
    'sledge race',
    'a {warm|woollen} blanket',
    'slid into a {ditch|deep snowdrift}',
    'steer',
    'on the hill|near the mill',
  ],
  [
    'swimming race',
    'a {silver|shiny} medal',
    'got a cramp and called for help',
    'swim',
    'in the lake|in the river|at the beach',
  ],
  [
    'cart race',
    'a {big|round} {cake|cheese}',
    'lost a wheel at the corner',
    'drive',
    'on the hill|in the village|at the farm',
  ],
  [
    'climbing contest',
    'a {brass|silver} bell',
    'got stuck on a high {branch|rock}',
    'climb',
    'in the forest|on the hill|in the park',
  ],
];

// ---- plots

const swims = (cast) => ['otter', 'beaver'].includes(cast.kind);

const INTRO = `
Once upon a time there {was|lived} a {<small> [kind]|[trait] [kind]|[trait] <small> [kind]} {named|called} [hero].
Once upon a time, [home], there lived a [trait] [kind] {named|called} [hero].
Once upon a time a [trait] [kind] {named|called} [hero] lived [home].
[hero] was a [trait] [kind] who lived [home].
[hero] was a {<small>|[trait]} [kind] who {loved|liked|enjoyed} [hobby].
There was once a [trait] [kind] {named|called} [hero] who {loved|liked} [hobby].
A [trait] [kind] {named|called} [hero] lived [home].
[home] lived a [trait] [kind] {named|called} [hero].
[hero], a [trait] <small> [kind], lived [home].

-
[he] {liked|loved} {[hobby2] and [hobby3]|both [hobby2] and [hobby3]|[hobby2], and {[friend]|[elder]} loved [hobby3]}.
(!newcomer) [his] {best|oldest|closest} friend was a [ftrait] [fkind] {named|called} [friend].
(!newcomer) {Every day|Every week|All year long} [he] {played|spent time|went out} with [friend], a [ftrait] [fkind].
[he] lived with [elder] and {an old|a fat|a sleepy|a grey} {cat|dog|goat|donkey|hen}.
(!newcomer) [he] and [friend] {did|shared|talked about} everything together, even [hobby2].
`;

const MEET_FRIEND = `
[friend], [his] [ftrait] friend, {came along|came by|was there too|came down the road}.
[friend], a [ftrait] [fkind], {came along|came by|was passing by|heard [him]}.
<suddenly> [his] friend [friend] {came along|came by|looked over the fence|came around the corner}.
On the way [he] met [friend], a [ftrait] [fkind].
`;

const BEDTIME = `
-
-
-
<evening> [hero] told [elder] {the whole story|all about it|about the [thing]|what had happened [at]}.
(byFriend) <evening> [hero] told [elder] everything about [friend].
(byFriend) <evening> [hero] {thought of|dreamed of|talked about} [friend] and {smiled|felt warm inside|was happy}.
(byFriend) <evening> [elder] {gave the two friends|brought out|put on the table} [fooda].
<evening> [hero] {fell asleep|went to bed|slept} {with a smile|with a happy heart|and dreamed of [dream]}.
When [hero] {went to bed|fell asleep}, [he] {was still smiling|dreamed of [dream]|held the [thing] tightly|could still hear the wind}.
`;

const PLOTS = {
  lost: [
    (c, r) => {
      c.spot2 = r.other(c.spots, c.spot);
      c.helper = r.one(list('magpie, dog, crow, hedgehog, goat, robin'));
      c.byFriend = r.chance(0.6);
    },
    `
[intro]

[he] had a [cthing] that [elder] had {made for [him]|given [him]|bought at the market|found long ago}.
[his] {dearest|favourite|best} {thing|treasure} was a [cthing], {a present from|a gift from} [elder].
[elder] had given [him] a [cthing], and [he] {loved it|took it everywhere|liked [doing] it}.

[oneday] [he] took it [to].
[oneday] [hero] went [to] to [do] it.
[oneday] [he] {ran|walked|went} [to] with the [cthing] {under one arm|in [his] [hands]}.
[scene] [hero] {ran|walked|went} [to] with the [thing].

{But on the way home|When it was time to go|After an hour of play|When [he] was tired}, the [thing] was {gone|not there any more|missing}.
But when [he] {looked around|looked down|wanted to go home}, the [cthing] was {gone|nowhere to be seen|not there}.
[he] {played|ran about|dreamed} for an hour, and then the [cthing] was {gone|lost}.

---
"My [cthing] is {gone|lost}," {said|cried|whispered} [hero], and [he] {was <sad>|began to cry|felt <sad>}.
[hero] was <sad>. "{Where is my [thing]|Where can my [thing] be|Who has seen my [thing]}?" [he] {asked|thought}, and {looked left and right|turned around twice|ran back}.
[hero] cried, "{Oh no, my [cthing]!|Where is my [cthing]?}" {A tear ran down [his] nose|[his] heart beat fast|[he] ran up and down}.

[he] {looked|searched} [spot2], but {there was nothing|it was not there|[he] found only {a shoe|a feather|an old nail|a snail|a spoon}}.
First [he] {looked|searched} [spot2], but {there was nothing|it was not there|[he] found only {a shoe|a feather|an old nail|a snail|a spoon}}.

(byFriend) [meetfriend]
(!byFriend) A <friendly> [helper] {saw|watched|heard} [him] {looking|searching|crying} and came {nearer|closer}.
(!byFriend) <suddenly> a [helper] {hopped|ran|came} out from behind a {bush|wall|cart}.

(byFriend) "Do not {worry|cry}, [hero]," said [friend]. "{Let us look together|Four eyes see more than two|I will help you {look|search}}."
(byFriend) "What have you lost?" [fhe] asked. "A [thing]? {Is it [colour]?|What colour is it?}" "{It is [colour]|Yes, a [colour] one}," said [hero].
(byFriend) [fhe] asked, "Where did you {last see|last have|put} the [thing]?" [hero] {thought hard|tried to remember|closed [his] eyes and thought}.
(!byFriend) "Are you looking for a [cthing]?" asked the [helper]. "{Come with me|Follow me}, [hero]. {I saw it this morning|I know where it is}."
(!byFriend) "I {saw|know} something [colour]," said the [helper]. "{Come and look|Follow me}, [hero]."

(byFriend) {They looked|Together they looked|The two friends looked} [spot], and there {it was|lay the [cthing]|was the [thing]}!
(byFriend) <soon> [friend] {called|shouted}, "{Look, something [colour]!|Here it is!|I see it, [hero]!}" The [thing] {was|lay} [spot].
(byFriend) [friend] looked [spot] and {pulled out|found|held up} the [cthing].
(!byFriend) The [helper] {led|took} [him] {to the place|back the way [he] had come}, and there, [spot], lay the [cthing].
(!byFriend) [spot], the [cthing] {lay|was waiting} {in the sun|safe and dry|in the shade|just as [he] had left it}.

---
(byFriend) [hero] {hugged|thanked} [friend] {twice|with all [his] heart|again and again}. "{You are a true friend|You have good eyes|I could not do it alone}," [he] said.
(!byFriend) [hero] gave the [helper] {some bread|a handful of nuts|a ripe plum|half of [his] lunch} and {said thank you|bowed|thanked it kindly}.

[he] {tied|fastened} a {string|ribbon|thread} to the [thing] and never {lost it|let it out of sight} again.
{After that|From that day} [hero] always put the [cthing] {in the same place|back on its shelf|beside [his] bed}.
(byFriend) From then on [he] let [friend] [do] the [thing] {whenever [fhe] wanted|every Sunday|as often as [fhe] liked}.
(byFriend) [hero] and [friend] took turns [doing] the [thing] until {sunset|supper|the moon rose}.

[bedtime]
`,
  ],

  stuck: [
    (c, r) => {
      const fits = STUCK.filter((s) => !(s.noRoll && c.away === 'rolling') && !(s.noBlow && c.away === 'blown'));
      const s = r.one(fits);
      c.how = s.how;
      [c.vain1, c.vain2] = r.some(s.vain, 2);
      c.close = `{${s.close}}`;
      c.where = s.where;
      c.helper = r.one(s.who.filter((who) => who !== c.kind && who !== c.fkind));
      c.fetch = `{${s.fetch}}`;
      c.hcolour = r.one(list('grey, brown, black, old, small, young, clever, quick'));
      c.shares = r.chance(0.5);
    },
    `
[intro]

[oneday] [hero] {was [doing]|wanted to [do]|went out to [do]} a [colour] [thing] [at].
[oneday] [hero] and [friend] {were playing|met} [at] with a [cthing].
[scene] [hero] {was|sat|stood} [at] with [his] [cthing].

(blown) {The wind|A gust of wind|A strong wind} {took|pulled|tore} the [thing] out of [his] [hands], and it {landed|came down|got stuck} [how].
(blown) {Whoosh, the|Then the} wind {carried|blew} the [thing] away, and it {landed|came down|got caught} [how].
(rolling) The [thing] {rolled|bounced|jumped} away {down the path|over the stones|faster and faster} and {landed|stopped|came to rest} [how].
(rolling) [he] {stumbled|slipped|looked away}, and the [thing] {rolled away|got away} and {landed|ended up} [how].
(dropped) {A cheeky|A big|A black} {jackdaw|crow|magpie} {took|stole|picked up} the [thing] and dropped it [how].
(!blown) [he] {tripped|slipped} on a {stone|root|wet leaf}, and the [thing] {flew|went} through the air and {landed|came down} [how].

---
[hero] [vain1], [close].
First [he] [vain1], [close].
"I can {do|manage} this {alone|myself}," said [hero]. [he] [vain1], [close].

Then [he] [vain2], {but the [thing] stayed [where]|and still the [thing] stayed [where]|but that did not help either|and that was even worse}.
[friend] [vain2], {but the [thing] stayed [where]|but that did not help either|and {tore|spoiled} [fhis] sleeve}.
-

"{I will never get it back|My [thing] is lost for ever|What shall I do now|I wish I had stayed at home}," {said|sighed|sobbed} [hero].
[hero] sat down {on a stone|on the ground|in the grass} and {put [his] head in [his] [hands]|sighed|looked at the [thing] [where]}.
[he] was <sad>, {for [elder] had made the [thing]|because it was [his] only [thing]|and the sun was going down}.

---
<suddenly> a [hcolour] [helper] {came by|looked up|stopped and looked}. "{Can I help you|What is the matter|Why are you sad}, [hero]?"
A [hcolour] [helper] {had seen it all|had been watching|was passing by}. "{Let me try|That is easy for me|I can get it}," it said.
"{You need|Why not ask} the [hcolour] [helper]," said [friend]. {So they asked|They called} the [helper] {politely|together|as nicely as they could}.

The [helper] [fetch] and {brought back|came back with} the [cthing].
The [helper] [fetch], {took|caught|pulled} the [thing] {gently|carefully|with a quick tug}, and {brought it back|gave it to [hero]}.
[hero] {watched|held [his] breath} as the [helper] [fetch]. {A moment later|Before long} [he] had the [cthing] {back|in [his] [hands]} again.

"{Thank you|You are wonderful|How clever you are}, [helper]," {said|cried} [hero]. "{What can I do for you|How can I thank you}?"
[hero] {danced|jumped|laughed} with joy and {stroked|thanked} the [helper].

(shares) The [helper] {was hungry|liked sweet things|had not eaten all day}, so [hero] {shared|fetched|brought} [fooda]. They ate [foodit] {side by side|together|in the sun}.
(shares) [hero] {ran home|went home} and {came back|returned} with [fooda], and the [helper] ate {every bite|with joy|half of [foodit]}.
(!shares) "{Be my friend|Come and see me again|Let me ride on your back one day}," said the [helper], and {that was all|[hero] promised}.
(!shares) The [helper] {only laughed|wanted nothing} and said, "{One day you will help me|Friends help each other|Just hold on to it next time}, [hero]."

After that [hero] {held the [thing] tightly|kept the [thing] on a string} and {waved to|greeted|looked out for} the [helper] {every day|every morning}.
What one cannot {do|manage} alone, {a friend|somebody else|a small helper} can {often do|do easily}, and [hero] {never forgot it|knew that now}.
[he] learned that it is {good|wise|no shame} to {ask for help|let others help}, and [he] {kept|tied up} the [thing] {well|safely}.
`,
  ],

  promise: [
    (c, r) => {
      [c.chore, c.neglect, c.done] = r.one(CHORES);
      c.chore = r.expand(c.chore, c);
      c.kept = r.chance(0.5);
    },
    `
[intro]

[oneday] [elder] had to go {to town|to the market|to a neighbour|away for an hour}. "{Please [chore], [hero].|Can you [chore], [hero]?|Please [chore] while I am away, [hero].}"
[oneday] [elder] said, "{I must go to town|I have to see the doctor|I must visit a friend}. {Please [chore], [hero].|Will you [chore], [hero]?}"

"I promise," said [hero], {and [he] meant it|and [he] waved|and [elder] left with a smile}.
"{Of course|Yes, [elder]}, I promise to [chore]," said [hero].
[hero] {nodded|put a hand on [his] heart} and {promised|gave [his] word} to [chore].

---
[meetfriend] "{Come [to] with me|Let us go [to]|I am going [to]}, [hero]. {We can [do] my [cthing]|I have a new [cthing]}!"
Then [friend] {knocked at the door|called from the gate|looked in at the window}. "{Come out, we can [do] my [cthing]|Come [to] with my [cthing] and me|I have a [cthing], come and see}!"

(kept) [hero] {wanted to go|looked at the [thing] for a long time|took one step}, but then [he] {thought of [elder]|remembered [his] promise}. "{I must [chore] first|First I have to [chore]|I gave my word}," [he] said.
(kept) It was hard to say no to a [cthing]. "{First I must|I promised to} [chore]," said [hero].
(!kept) [hero] {forgot everything|did not think twice|jumped up} and {ran|went} [to] with [friend].
(!kept) "{Just for a minute|Only for a little while}," said [hero], {but they played until the sun was low|and soon it was late}.

(kept) "{Then I will help you|Two are faster than one|Let us do it together}," said [friend], and {they set to work|put the [thing] down}.
(kept) [friend] was {cross|surprised|sad} for a moment. Then [fhe] said, "{A promise is a promise|You are right|I will wait for you}, [hero]."
(!kept) They [did] the [thing] [at] and {laughed|sang|shouted} until {the clock struck five|a bell rang far away|the shadows were long}.
(!kept) <suddenly> [hero] {stopped|stood still|turned pale}. "{My promise|I promised to [chore]|[elder] asked me to [chore]}!"

(kept) {Half an hour|An hour} later [done], and {both of them were tired|their [hands] were dirty|they went [to] together}.
(kept) [hero] worked {hard|fast|with a song on [his] lips}, and {soon|before long|in the end} [done].
(!kept) [he] ran home <quickly>, but [neglect].
(!kept) When [he] came home, [neglect], and [elder] stood at the {door|gate|window}.

---
(kept) When [elder] came {back|home} and saw it, [ehe] {smiled|was <glad>|kissed [him] on the nose}. "{I can trust you|You kept your word|Well done}, [hero]."
(kept) [elder] came home and {gave|brought} the two friends [fooda]. "{That is for keeping your word|You both earned it}," [ehe] said.
(!kept) "I {broke|forgot} my promise and I am sorry," said [hero], {and looked at the floor|and a tear fell on [his] shoe}. "{I will do it now|Let me make it good}."
(!kept) [hero] told the truth. "I went [to] with [friend]," [he] said. "{I am very sorry|It was wrong}, [elder]."

(kept) Then they {went|ran} [to] and [did] the [thing] until {dark|supper|the stars came out}.
(kept) That day the [cthing] was {more fun than ever|twice as much fun}, {because nothing was left undone|for [hero] had a light heart}.
(!kept) [elder] {sighed and took [his] [hand]|was not angry for long|gave [him] a hug}. They {did the work|began again} together, and {soon|before long|in the end} [done].
(!kept) [he] worked until [done], and [elder] {forgave [him]|helped [him] with the last bit|made [him] a cup of tea}.

(kept) First the {promise|work}, then the {play|fun}: [hero] {never forgot that|lived by that}.
(!kept) The next time [hero] {made a promise|gave [his] word}, [he] {tied a knot in [his] scarf|wrote it on [his] hand|kept it before doing anything else}.
-
`,
  ],

  sharing: [
    (c, r) => {
      c.accident = r.one(
        list(
          'had dropped it in the mud, had lost it on the way, had lost it in the river, had given it to a hungry dog',
        ),
      );
      c.later = r.chance(0.6);
    },
    `
[intro]

[oneday] [elder] {packed|gave [him]} [fooda] for {lunch|the day|the road}.
[oneday] [hero] took [fooda] and {walked|set out|went} [to].
[elder] had made [food] for [him], and [oneday2] [he] {carried|took} [foodit] [to].

{[at]|Near the [placen]|On the way} [he] {saw|met|found} [friend], a [ftrait] [fkind], who {looked <sad>|was sitting alone|had nothing to eat}.
[at], [spot], {sat|[he] found|[he] met} [friend], a [ftrait] [fkind], who {looked at the ground|said nothing|looked <sad>}.

---
"What is {wrong|the matter}, [friend]?" asked [hero] and sat down {beside|next to} [fhim].
[hero] asked, "{Have you eaten today|Are you hungry|Where is your lunch}, [friend]?"

[friend] {sighed|shook [fhis] head}. [fhe] had brought lunch too, but [fhe] [accident].
"I had {a lunch|a sandwich} this morning," said [friend], but now it was gone: [fhe] [accident].

[hero] looked at the [food]. There [foodwas] not {enough|quite enough} for two, and [he] was {very hungry|hungry too}.
There was only {enough|just enough} [food] for one, and [he] was {very hungry|hungry too}.
[hero] {held|looked at} the [food]. [he] could {already taste [foodit]|smell [foodit]}, and [his] stomach {growled|hurt}.

But a friend is {more than|worth more than} [food]. [hero] {cut|divided} everything in two and said, "{Half is for you|This is your half|Take the bigger half}."
"{We will share|Here, take half|Eat with me}," said [hero] at last, and gave [friend] {the bigger|the better|half, and then the sweetest} part.
[he] {thought for a moment|took a deep breath} and {gave half|held out half} to [friend].

[friend] {ate slowly|took a bite|took it with both [hands]} and {smiled|began to smile|laughed again}. "[foodbest] the best [food] in the world," [fhe] said.
They ate [spot], {and the [food] tasted better than ever|and even the crumbs were good}.
They {ate together|shared it to the last crumb} and {talked about|laughed about} {[hobby]|[hobby2]|school|the clouds}.

---
(later) <nextday> it was [hero] who was {hungry|sad}, for [he] had {forgotten [his] lunch|lost [his] bag|no lunch at all}.
(later) <nextday> [hero] was {cold and wet|ill in bed}, and [he] had {nothing hot to drink|no one to talk to}.
(!later) [friend] {showed|taught} [him] {a secret path|a new game|a bird's nest|how to whistle with grass} [at], and they {stayed|played} until {dusk|evening}.
(!later) Afterwards [friend] let [him] [do] [fhis] [cthing] {for the whole afternoon|until sunset}.

(later) <suddenly> [friend] came {with|and brought} [food2a]. "{You shared with me|Now it is my turn|Half for you, half for me}," [fhe] said.
(later) [friend] did not forget. [fhe] came {running|over the hill|through the rain} with [food2a] {for both of them|under [fhis] coat}.
(!later) {When [he] went home|In the evening} [hero] was still {a little hungry|hungry}, but [he] was <glad>.

{What is shared|Food that is shared|Lunch for two} {tastes sweeter|makes two happy|fills the heart too}, {thought [hero]|as [elder] always says}.
[hero] {smiled|laughed}. {Sharing|Giving half away} had {cost [him] little|made [him] richer} and given [him] a friend {for life|like [friend]}.
From then on they {always shared|shared} their lunch {on Mondays|[at]|every day}, {half and half|and nobody went hungry}.
-
`,
  ],

  brave: [
    (c, r) => {
      [c.fear, c.cause, c.must, c.deed, c.truth] = r
        .one(FEARS.filter(([fear]) => !(swims(c) && fear === 'deep water')))
        .map((part) => r.expand(part, c));
      c.friendHelps = r.chance(0.5);
    },
    `
[intro]

[he] {could do many things|was good at [hobby]|laughed a lot}, but [he] was {afraid|very afraid|terribly afraid} of [fear].
There was {one thing|only one thing} that [hero] {feared|did not like}: [fear].
Nobody knew that [hero] was {afraid|so afraid} of [fear].

(friendHelps) Only [friend], a [ftrait] [fkind], knew {about it|the secret}, and [fhe] never {laughed|told anyone}.
When others talked about it, [his] knees {shook|turned to butter|began to shake} and [he] {ran home|hid [spoth]}.
-

---
{One day|One evening|One [season] evening} it happened: [cause]. {Someone had to|[hero] had to} [must].
{One day|One evening|One [season] evening} [cause]. "{Somebody|Someone|One of us} {must|has to} [must]," said [elder].
{One day|One evening|One [season] evening} [hero] was {alone|at home|with [elder]} when [cause]. {There was no one else to|It was up to [him] to} [must].

[hero] {trembled|shook like a leaf|turned pale}. [his] heart {beat like a drum|jumped like a frog|was as loud as a clock}.
"I cannot do it," {whispered|thought} [hero], and [his] {mouth was dry|ears grew hot|[hands] were cold}.
[his] heart {beat like a drum|jumped like a frog|was as loud as a clock}, and [his] feet {would not move|felt like stones}.

(friendHelps) [friend] {took|held} [his] [hand]. "{I am right behind you|Being brave means being afraid and going anyway|You are not alone}, [hero]."
(friendHelps) "Think of {something nice|your [cthing]|[hobby]}," {whispered|said} [friend], "and {count to three|take one step at a time|breathe}."
(!friendHelps) Then [he] {remembered|thought of} the words of [elder]: "{Courage is fear that walks on|Only those who are afraid can be brave|One small step is enough}."
(!friendHelps) [he] {held|touched|pressed} [his] [cthing], {a present from [friend]|which always gave [him] luck}, and {took a step|felt a little better}.

[he] {swallowed hard|closed [his] eyes for a moment|took a deep breath}. Then [he] [deed].
<slowly> [he] went on. [he] [deed], {and nothing bad happened|and it was not so bad}.
[he] {bit [his] lip|made two fists|stood up straight}, and then [he] [deed].

---
{And what a surprise|How strange it was}: [truth]!
[he] {found|saw|learned} that [truth].
Then [hero] {laughed out loud|began to smile}, for [truth].

"You did it," {said|cried} {[elder]|[friend]}, {and gave [him] a hug|who was <glad>|and [hero] was <glad>}.
[elder] was {proud|very proud} of [him] and {gave|brought} [him] [fooda].
{[friend]|[elder]} {hugged|praised|kissed} [him], and [he] {grew|felt} {two inches|a little} taller.

{Today|Now|Since then} [hero] {still feels|feels} {small|a little afraid} {sometimes|now and then}, but [he] {knows what to do|goes on anyway}.
After that day [hero] {was not so afraid of|could even laugh about} [fear]{| any more}.
When [friend] was {afraid|scared} {of spiders|of the night|of the doctor} one day, it was [hero] who {held [fhis] hand|helped [fhim]}.
`,
  ],

  build: [
    (c, r) => {
      [c.work, c.stuff, c.fails, c.advice, c.use, c.at] = r
        .one(BUILDS)
        .map((part) => r.expand(part.includes('|') && !part.includes('{') ? `{${part}}` : part, c));
      if (/snow/.test(c.work)) setSeason(c, r, 'winter');
      else setSeason(c, r, r.one(['spring', 'summer', 'autumn']));
      c.adviser = r.chance(0.5)
        ? c.elder
        : r.expand('{a carpenter|an old beaver|the miller|the fisherman|a wise owl}', c);
    },
    `
[intro]

[oneday] [hero] {said|had an idea}: "{Let us|We could} build a [work] [at], [friend]."
[oneday] [hero] and [friend] {wanted|decided|made a plan} to build a [work] [at].
"{Shall we|Do you want to} build a [work] [at]?" [hero] asked [friend] [oneday2].

They {took|gathered|collected|found} [stuff] and {began|set to work|worked all morning}.
[hero] {brought|found|fetched} [stuff], and [friend] {drew a plan|brought some tools|rolled up [fhis] sleeves}.

[scene] They {worked|sang|laughed} and {hammered|hurried|did not rest} until {they were hungry|evening|it was dark}.
-

---
{But the|Alas, the} first [work] [fails].
<soon> it was {ready|finished}, but {at the first try|in the night|a moment later} the [work] [fails].
[friend] {clapped|cheered} {too soon|too early}, for the [work] [fails].

"{It is all your fault|You were too slow|You did it wrong}," {said|cried} [hero]. {[friend] turned red|[friend] {said nothing|looked away}}.
[hero] {kicked a stone|threw down [his] hat|wanted to give up}, but [friend] {only laughed|shook [fhis] head|wanted to try again}.
They {sat down|looked at each other} and were <sad>.
For a {minute|while} [hero] and [friend] {looked at the mess|said nothing|were <sad>}.

Then [adviser] {came by|came to see} and {looked at|walked around} it. "You must [advice]," {said [adviser]|was the advice}.
"{Next time|This time} we must [advice]," said [friend]. {[hero] nodded|[hero] said sorry and nodded}.
[adviser] {watched them|laughed kindly|had a good idea}. "{Why not [advice], [hero]?|Try to [advice], [hero].}"

So they {began again|started once more|tried a second time}, {and nobody hurried|more slowly|with more care}. {It took them {all day|two days|hours} to|It was hard to} [advice], {but it worked|but they did it}.
{The second time|On the second day} they {worked slowly|measured everything|helped each other}, {and it was fun|and nothing went wrong}.
<nextday> they {began again|built it again}, and [hero] {held|carried} while [friend] {tied|hammered|measured}.

---
{This time|Now} the [work] {was strong|held|stood firm}. They painted it [colour] and {gave it a name|wrote their names on it}.
{At last|In the end} {there it was|it stood [at]}: a [colour] [work], {strong and straight|the finest in the land}.
[hero] {painted|coloured} it [colour], and [friend] {tied|fastened} a {flag|bell|ribbon} to it.

<evening> they [use].
{Together|Side by side} they [use], {and [elder] waved to them|and both were <glad>}.
They [use] {that very day|the very same day}{ and ate [fooda]|, and they could not stop|, and nobody disturbed them}.

{[hero] knew now that|They learned that} {what falls down can be built again|two heads are better than one|mistakes are good teachers}.
"{We fell down, and we got up|The second try is often the best}," said [hero], and {[friend] agreed|they shook [hands]}.
-
`,
  ],

  contest: [
    (c, r) => {
      [c.contest, c.prize, c.trouble, c.verb, c.at] = r
        .one(CONTESTS)
        .map((part) => r.expand(part.includes('|') && !part.includes('{') ? `{${part}}` : part, c));
      c.theprize = c.prize.replace(/^an? /, 'the ');
      if (/sledge/.test(c.contest)) setSeason(c, r, 'winter');
      else setSeason(c, r, r.one(['spring', 'summer', 'autumn']));
      c.helps = r.chance(0.7);
    },
    `
[intro]

{Every [season]|Each year|Once a year} there was a [contest] [at], and {the winner|the best} {got|won} [prize].
[oneday] there was a [contest] [at]. The prize was [prize].
The [contest] [at] was {near|in a week}, and [hero] {dreamed of|wanted to win} [prize].

[hero] {practised|trained|got ready} {every day|for a month|from morning to night}. [friend] {practised too|did not practise at all|laughed at [him]}.
"{I will win|Nobody can beat me|You have no chance}," {said|boasted} [friend], who was {big and strong|very proud|very fast}.
[friend], a {proud|boastful|strong} [fkind], wanted {it|the prize} too. "{I always win|I am the best|You are too small}, [hero]," [fhe] said.

---
{A bell rang|A horn sounded|Someone waved a [colour] flag}, and {off they went|the [contest] began}.
[scene] {A bell rang|A horn sounded}, and the [contest] began.
On the day of the [contest] {[his] heart beat fast|everyone came to watch|[hero] could hardly eat}. "Ready, steady, go!" {cried|called} [elder].

At first [friend] was {far ahead|in front|faster}, {but then|and then} [fhe] [trouble].
[hero] and [friend] were {side by side|ahead of the others}. <suddenly> [friend] [trouble].
Half way to the {end|goal}, [friend] [trouble].

(helps) [hero] could {win now|see the goal}, but [he] {stopped|turned back|did not think twice}.
(helps) {For a moment|For one second} [he] thought of [theprize]. Then [he] {turned around|went back to [friend]|stopped}.
(!helps) [hero] {went past|saw it} and {did not stop|looked straight ahead}. [he] {won|was first}, and {everyone cheered|got [theprize]}.
(!helps) "{That serves you right|Now I will win}," {said|thought} [hero], and [he] {went on|hurried past} and won [theprize].

(helps) "{Hold on to me|Give me your hand|I am coming}, [friend]!" [he] {cried|shouted|called}, and {pulled|helped} [fhim] {up|out}.
(helps) [he] {helped|pulled} [fhim] {up|out} and {asked|said}, "{Are you hurt|Can you stand|Can you go on}, [friend]?"
(!helps) But when [he] {held|looked at} [theprize], [he] {felt <sad>|did not feel happy}. {Where was [friend] now|What had happened to [friend]}?
(!helps) Yet [he] {could not enjoy it|felt no joy}. {In [his] mind|Again and again} [he] saw the face of [friend].

(helps) {Arm in arm|Slowly, side by side|Together} they {reached|came to} the {end|goal}, {last of all|long after the others}.
(helps) They came in {last|after everyone else}, {but the people cheered|and nobody laughed}.
(!helps) So [he] {ran back|went back} <quickly> and {helped|lifted} [fhim]. "{I am sorry|I should have stopped}, [friend]," [he] said.
(!helps) [hero] {left|put down} the prize and {ran|went} to [friend]. "{Forgive me|I only thought of myself}," [he] said.

---
(helps) {The judge|The baker|The mayor|[elder]} {smiled|stood up} and gave [hero] [theprize]. "{This is for the kindest heart|The best one is the one who helps|You won something greater}."
(helps) {Another|A quick young} {girl|boy|goat|hare} won [theprize], but [hero] {won|had found} a friend.
(!helps) [friend] {was silent for a moment|looked at [him]} and then {smiled|held out [fhis] hand}. They {shared|put} the prize {between them|on a shelf [at]}.
(!helps) "{Now you have won|That was worth more than any prize}," said [elder], {and gave them both [fooda]|who had seen everything}.

"I was {proud|foolish|rude}," said [friend]. "{From now on|Next year} let us [verb] together." {[hero] liked that idea|And so they did}.
[friend] never {boasted|laughed at [him]} again, and {the next year|one year later} they {practised|trained} together.
{Winning is nice|A prize is nice|It is good to be fast}, {but helping is better|but a friend is better}, {thought|said} [hero].
`,
  ],

  stranger: [
    (c, r) => {
      const [who, sex, load, gift, good] = r.one(STRANGERS).map((part) => r.expand(part, c));
      Object.assign(c, { who, load, gift, good });
      c.sits = r.chance(0.5);
      Object.assign(
        c,
        sex === 'f' ? { whe: 'she', whim: 'her', whis: 'her' } : { whe: 'he', whim: 'him', whis: 'his' },
      );
    },
    `
[intro]

[oneday] [hero] {was on [his] way|was going|went} [to] when [he] {met|saw} a [who] with [load].
[scene] On the road [to] [hero] {met|saw|came upon} a [who] with [load].
[oneday] a [who] with [load] {came through the village|stopped at the gate}, and {nobody knew [whim]|everyone stared}.

The [who] {looked tired and hungry|could hardly walk|sat down and sighed}. "{I cannot go on|It is still so far|My feet hurt}," [whe] said.
Many people {walked|hurried} past the [who], {but nobody stopped|and some even laughed}.
[friend] whispered, "{Come on, we will be late|Do not look, [hero]|I do not know that [who]}," {but [hero] stopped|but [hero] shook [his] head}.

---
"{Can I help you|Where are you going|Is it heavy}?" [hero] asked {politely|kindly|in a small voice}.
[hero] {went closer|was shy but kind}. "{Let me carry that|I will help you|Please sit down and rest}," [he] said.

[he] {carried|pulled|pushed} it {up the hill|over the bridge|all the way [to]|to the next village}, {and [his] arms hurt|and [friend] helped too}.
[hero] {gave|offered} [whim] [fooda] and {some water|a place by the fire}, {and they talked about [hobby]|and the [who] told a long story}.
It was {heavy|hard work}, but [hero] {did not complain|sang all the way|did not stop} until they {got to the end of the road|saw the first roofs}.

"You have a {good|kind} heart, [hero]," said the [who], and {gave [him]|put into [his] [hand]} [gift]. "{Keep it well|One day it will help you}."
{At the crossroads|Before they parted} the [who] {gave|handed} [him] [gift]. "{It is not much, but it may help you|Take this, for it brings luck|This is all I have, but it is yours}," [whe] said.

---
[hero] {thanked [whim]|said goodbye} and {went home|ran to show it to [friend]}. {[elder] only smiled|Nobody knew what it was good for}.
[friend] {laughed at it|did not think much of it}, but [hero] {kept it safe|put it in [his] pocket}.
-

<nextday> [hero] [good]. {Then [he] understood|How [friend] stared|How useful it was}!
{Some weeks|Many days|A month} later, [oneday2], [hero] [good].
That {winter|summer|autumn|spring} [hero] [good], {and [friend] was amazed|and [elder] was proud}.

[hero] never saw the [who] again, but [he] {thought of|often thought of} [whim] {with a smile|when the wind blew}.
{Kindness comes back|A kind deed is never lost}, {says [elder]|said [friend]}, and [hero] {knows it is true|believes it}.
{From that day|After that} [friend] {stopped|looked up} too when {somebody|a stranger} needed {help|a hand}.
-
`,
  ],

  mistake: [
    (c, r) => {
      c.broken = r.one(BREAKABLE);
      c.owner = r.chance(0.5) ? c.elder : c.friend;
      const elder = c.owner === c.elder;
      Object.assign(c, { ohe: elder ? c.ehe : c.fhe, ohis: elder ? c.ehis : c.fhis, ohim: elder ? c.ehim : c.fhim });
      c.hides = r.chance(0.6);
      c.odd = r.chance(0.4);
    },
    `
[intro]

[oneday] [hero] was {[doing] a [cthing]|running|dancing|playing} {in|near} [owner]'s {kitchen|room}.
[oneday] [hero] {ran|jumped|danced} through [owner]'s kitchen with a [cthing].
[oneday] [hero] was {all alone|alone with the cat} in [owner]'s {kitchen|hall|room}.

{Crash, bang|Crash|Bang}, [owner]'s [colour2] [broken] {fell|dropped|slid} {to the floor|off the shelf|off the table} and {broke|cracked|went to pieces}.
[he] {turned too fast|did not look}, and [owner]'s [colour2] [broken] {fell|dropped} {to the floor|down} and {broke|cracked}.
[his] {elbow|foot|sleeve} {hit|touched} the [colour2] [broken] that [owner] loved, and it {broke|cracked|fell to pieces}.

---
(hides) [hero] {was frightened|turned red|looked around}. [he] {hid|pushed} the pieces {under the carpet|behind the stove|in a drawer|under [his] bed} and {ran away|said nothing}.
(hides) "Nobody {saw|heard} it," thought [hero], and [he] {hid|put} the pieces {under the carpet|behind the stove|in a drawer|under [his] bed}.
(!hides) [hero] {stood still|could not move|held [his] breath}. [he] could {run away|hide the pieces}, {but that would be wrong|but [owner] would be so sad}.

(hides) "Have you seen my [broken], [hero]?" {asked [owner] later|asked [owner] in the evening}. [hero] {shook [his] head|looked at [his] feet|said no}.
(hides) {Later|That evening} [owner] {looked for|searched everywhere for} the [broken]. "{Was it the cat|Where can it be}?" [ohe] {asked|wondered}.
(!hides) [his] {heart was heavy|cheeks were hot}, but [he] {picked up|gathered} the pieces and went to [owner].

(hides) But [he] could not {sleep|eat|laugh}. {[his] stomach hurt|The secret was as heavy as a stone|Even [food] did not taste good}.
(hides) {All night|All evening} [he] {lay awake|turned in bed} and {saw|thought of} [owner]'s sad face.

(hides) <nextday> [he] {took|fetched} the pieces and {went to [owner]|knocked at [owner]'s door}. "{It was me|I broke the [broken]|I must tell you something}," [he] {said|whispered}.
(!hides) "I broke your [broken]," [he] {said|whispered}. "{It was not the cat|I was not careful|I ran too fast}. I am {so|very} sorry."

---
[owner] was {quiet for a moment|silent} and {looked at the pieces|took [his] [hand]}. "{A [broken] can break|It is only a [broken]}, but {the truth must not|you told the truth}," [ohe] said.
"{Thank you for telling me|It takes courage to say that}, [hero]," said [owner]. "{I am a little sad|I liked that [broken]}, but I am not angry."
[owner] {was sad at first|sighed}, but then [ohe] {smiled|hugged [him]}. "{I forgive you|We all make mistakes}, [hero]," [ohe] said.

Together they {glued|mended|repaired} the [broken], {piece by piece|with a pot of glue}, and {drew a flower over the crack|it looked almost new|only one {small|thin} line was left}.
[hero] {worked|helped} {for a week|every Saturday} and {bought|made} [ohim] a new [broken], a [colour] one.
[hero] {bought|found|made} a new [colour] [broken], and [owner] {put|stood} it {in the window|where everyone could see it}.

[his] heart was {as light as a feather|light again}, and [he] {slept well|ate two plates of [food]|laughed again}.
[hero] was <glad>. {A lie is heavy|The truth is light}, [he] thought, {and sorry is a short word|and it was easy in the end}.
After that [hero] {never ran or jumped|walked slowly|was more careful} {when [he] held a [thing]|near anything made of glass|in [owner]'s {kitchen|room}}.
`,
  ],

  journey: [
    (c, r) => {
      c.alone = r.chance(0.4);
      [c.block1, c.pass1] = r
        .one([
          [
            'a {wide|fast|cold} {river|stream} {lay|ran} across the path',
            '{jumped from stone to stone|crossed on a fallen tree|found a ferry}',
          ],
          ['a {fallen|big} tree {blocked|lay across} the road', '{climbed over it|crawled under it|walked around it}'],
          ['the road went up a {steep|high|stony} hill', '{rested twice|walked slowly|held on to the grass}'],
        ])
        .map((part) => r.expand(part, c));
      [c.block2, c.pass2] = r
        .one([
          [
            'thick fog {came down|covered everything}',
            '{followed the sound of a bell|waited under a tree|walked beside the wall}',
          ],
          [
            'the road {split in two|ended at a crossroads}',
            '{asked a {shepherd|crow|farmer} for the way|looked at the sun|chose the left one}',
          ],
          [
            'a {big|cross|stubborn} {goose|goat|bull} {stood|was standing} in the way',
            '{gave it some bread|spoke to it kindly|waited until it left}',
          ],
          ['it {began to rain|grew dark}', '{hid under a cart|hid in a barn|walked on with a song}'],
        ])
        .map((part) => r.expand(part, c));
      c.far = r.one(
        list(
          'on the far side of the hills, on the other side of the forest, at the end of the valley, in the last house by the sea, at the foot of the mountains',
        ),
      );
      c.reason = r.expand('{was ill|had a birthday|was all alone|had hurt one leg|had not written for weeks}', c);
      c.they = c.alone ? c.he : 'they';
    },
    `
[intro]

[his] [ekin] lived [far], and [oneday2] a {letter|message} came: [ekin2] [reason].
[oneday] [hero] heard that [his] [ekin] [reason]. [ekin2] lived [far].

"I will {go|walk} there and {take|bring} [fooda]," said [hero], and {packed a bag|put on [his] boots}.
[hero] {packed|took} [fooda] and a [cthing] and {put on [his] boots|set out at once|closed the door}.

(!alone) "I am coming with you," said [friend], a [ftrait] [fkind], {and took [his] [hand]|and fetched [fhis] coat}.
(!alone) [friend], a [ftrait] [fkind], {went too|came along}, for {two are better than one|a long road is short with a friend}.
(alone) {[friend]|[elder]} {waved|called}, "{Be careful|Come back soon|Stay on the path}, [hero]!"

---
[scene] {At first|In the beginning} the road was {easy|smooth}.
{At first|For an hour} the road was {easy|smooth}, and <birds> {sang|flew ahead}.
-

{Then|But soon|After an hour} [block1]. {"What now?" thought [hero].|} [they] [pass1] and went on.
{Before long|After a mile} [block1], so [they] [pass1].

{In the afternoon|Later} [block2], {but|and} [hero] {was not afraid|did not turn back}. [they] [pass2].
{Then|Later} [block2]. [they] [pass2], and {the [food] stayed dry|nothing was lost|time went by}.

(!alone) "{My legs are tired|I want to go home|The road has no end}," said [friend]. {They shared a bit of the [food]|[hero] told [fhim] a story|[hero] gave [fhim] [his] [hand]}, and they {walked on|went on}.
(alone) [his] {feet|legs} {hurt|were tired}, but [he] thought of [his] [ekin] and {walked on|sang a song|went a little faster}.
-

---
{At last|When the sun went down|Just before dark} [they] saw {the light of a window|smoke above a roof|a small house}. {There stood|In the door stood} [ekin2].
[they] {arrived|came to the house} {in the evening|at sunset|when the stars came out} and {knocked|called}. "{Is that you|Can it be}, [hero]?"

[hero] {gave|handed} [ekin2] the [food] and the [cthing]. "{You came all this way|What a surprise|How brave you are}, [hero]," said [ekin2].
[ekin2] {laughed|cried} {with joy|for joy} and {ate|tasted} the [food] at once. "{Now I feel better|Nothing is as good as a visit}."

{They sat|All of them sat} {by the fire|at the table} and {talked|told stories} until {midnight|late}, and {the long road was forgotten|[hero] fell asleep in the chair}.
[hero] was {tired but|very tired and} <glad>. {The best gift|The best part of a gift} is {bringing it yourself|the way to the door}.
[hero] {slept|fell asleep} {by the fire|under a thick blanket} and dreamed of {the road|hills and rivers|[dream]}.
`,
  ],

  storm: [
    (c, r) => {
      c.storm = r.one(
        c.season === 'winter' ? list('snowstorm, blizzard, ice storm') : list('storm, thunderstorm, rainstorm, gale'),
      );
      c.snow = c.season === 'winter';
      c.shelter = r.expand('{an old|a small|an empty} {barn|cave|hut|mill|boat house}', c);
      c.shelterNoun = c.shelter.split(' ').slice(2).join(' ');
      c.guest = r.one(
        list('fox, lamb, owl, goat, pony, hare, kitten, donkey').filter((x) => x !== c.kind && x !== c.fkind),
      );
      c.warm = r.one(list('blanket, coat, scarf, shawl'));
    },
    `
[intro]

[oneday] [hero] and [friend] {were|played} [at] and {did not look at the sky|forgot the time}.
[oneday] [hero] {went|walked} [to] with [friend], {and they forgot the time|though [elder] had warned them}.
[oneday] [hero] and [friend] were {coming home|on their way home} from the [placen].

<suddenly> the sky {turned black|grew dark}, and a {big|terrible|wild} [storm] {began|broke loose|came over the hills}.
{Black|Dark} clouds {came over|covered} the hills. "A [storm] is coming," said [friend], {and [fhe] was right|and took [his] [hand]}.

(snow) The snow {fell so thick|flew so fast} that they could not see {the path|their own [hands]}.
(snow) {Soon the snow|The snow soon} {reached their knees|covered the path}, and the wind {howled|cut like a knife}.
(!snow) {The rain|Cold rain} {beat|fell} on them, and {a flash of lightning|the lightning} {lit the sky|split a tree}.
(!snow) The wind {bent the trees|howled}, and {in a minute|soon} they were {wet|wet to the skin}.

---
"{Look, over there|Run|This way}, [friend]!" {cried|shouted} [hero]. {They ran to|There was} [shelter]{|, half hidden by trees|, not far away}.
[hero] {saw|remembered} [shelter] {behind the trees|not far from there|at the end of the field}, and they ran {to it|inside}.

Inside sat a {wet|shivering|frightened} [guest]. {It was alone|It looked at them with big eyes|Nobody had let it in}.
In the corner they {found|heard} a {wet|shivering|small} [guest], {alone and cold|which had lost its way}.
There was a knock at the door of the [shelterNoun]. Outside stood a {wet|shivering|frightened} [guest].

"{Poor|You poor|Come here, little} [guest]," said [friend], and {wrapped|put} [fhis] [colour] [warm] around it.
[hero] {took off|had} a [colour] [warm]. It was {small|thin|old}, but {big enough for the [guest]|the [guest] was soon warm}.
They {put|laid} the [guest] between them and {pulled|spread} a [colour] [warm] over all three.

They {shared|ate} [fooda] and {told stories|sang} {to forget the [storm]|until the [storm] grew tired|while it roared outside}.
"{Are you afraid?" {asked|whispered} [friend]. "{A little|Not with you here}|Will it ever stop?" {asked|whispered} [friend]. "{Every [storm] stops|Soon|By morning}}," said [hero], and {they held [hands]|they listened together}.
{All night|For hours} the [storm] {howled|roared|raged} around the [shelterNoun], but inside it was {warm|dry and warm}, {three hearts side by side|and nobody was alone}.

---
In the morning {the sun shone|everything was quiet|the sky was clear}. The [guest] {knew the way|ran ahead} and {led|brought} them home.
{By morning|At sunrise} the [storm] was {over|gone}. [elder] {came with a lantern|found them} and {hugged them both|cried with joy}.
When the sky was {blue|clear} again, they {carried|took} the [guest] {home|to its mother}.

The [guest] {kept|got} the [colour] [warm] and {came to visit|visited them} {every Sunday|in spring|when the wind blew}.
"{We were never really alone|It was the best night of the year}," {said|thought} [hero], and {[friend] smiled|looked at [friend]}.
[hero] {has not forgotten|remembers} that night: {a [storm] outside and a friend inside|how warm a [colour] [warm] can be}.
[elder] {gave|brought} them [food2a], and {nobody was angry|they had to tell everything twice}.
`,
  ],

  present: [
    (c, r) => {
      [c.wish, c.made, c.makes, c.from] = r.one(GIFTS).map((part) => r.expand(part, c));
      c.secret = r.expand('{in the attic|in the shed|behind the barn|under the stairs|in the cellar}', c);
      c.days = r.expand('{three|four|five|six|ten}', c);
    },
    `
[intro]

[friend], a [ftrait] [fkind], {would have|had} a birthday {in [days] days|on Sunday|soon}. [hero] wanted to give [fhim] {something special|a surprise}.
It was {[days] days|almost a week} before {[friend]'s birthday|the birthday of [friend]}, and [hero] had no {money|present}.

[he] remembered that [friend] had [wish]{| at home}{.|, and that gave [him] an idea.}
"{Poor [friend] has|[friend] has} [wish]," [he] {thought|said to [elder]}. "{I know what to do|I have an idea}."
One day [friend] had {said|told [him]|complained} that [fhe] had [wish], {and [hero] had not forgotten|and that gave [hero] an idea}.

So [hero] sat [secret] and [makes] a [made] from [from].
{the same day|without a word|that very evening|in secret} [he] {fetched|bought|found} [from], hid [secret], and [makes] a [made].
{Every evening|Every day after school|Each night} [he] {worked|sat} [secret] and [makes] a [made] out of [from].

---
"{Come and play|Come [to]|Come and [do] the [thing]}, [hero]!" called [friend]. But [hero] {had no time|shook [his] head|said that it was not possible}.
[friend] {knocked|came} every day, but [hero] {never had time|had no time}. "{What are you doing [secret]|What are you hiding|Why can we not [do] the [thing]}, [hero]?" [fhe] asked.

[friend] {went home|walked away} <slowly>. "{[hero] does not like me any more|My friend has forgotten me}," [fhe] thought, and [fhe] was <sad>.
[friend] {was hurt|did not understand} and {sat|played} alone [at], {and a tear fell on [fhis] hand|and the day was long}.
{"It is a secret," said [hero].|[hero] turned red and said nothing.} [friend] {was <sad>|went [to] alone}.

It was {hard|not easy} to keep {quiet|the secret}, and once [hero] {almost told it|pricked [his] finger|had to begin again}.
[hero] was {sorry|sad} about it, but {a secret is a secret|[he] only smiled and kept on working}.
-

---
{On the birthday|At last the day came, and} [hero] {stood|knocked} at the door {of [friend]|with a parcel} {and hid something behind [his] back|in [his] best shirt}.
{When the birthday came|On the day itself} [friend] {got up late|expected nothing|was alone}. <suddenly> there was a knock: {it was [hero] with a parcel|[hero] and [elder] stood outside with [fooda]}.

[friend] {opened|tore open} the {paper|parcel}. {Inside was|Out came} a [made]! "{You made this for me|Is this for me}?" [fhe] {cried|asked}.
In the {paper|box} {lay|was} a [made], made {by [hero]|with love}. [friend] {could not speak|was <glad>|danced around the table}.

"{Now you know why|This is why|That was the reason why} I had no time," said [hero]. {They both laughed|[friend] hugged [him]}.
"And I thought you had forgotten me," said [friend]. "{Never|How could I}," said [hero], {and they ate [food]|and everyone laughed}.
"{That is what you were doing [secret]|So this was your secret}," said [friend], and {[fhe] gave [him] a kiss|they laughed for a long time}.

{From then on|Now} [friend] {showed|used} the [made] {every day|with pride}, and {the old trouble was forgotten|told everyone who had made it}.
{A gift|A present} from the {heart|[hands] of a friend} {is the best|is worth more than gold}, [friend] {said|thought}.
They {ate|shared} [fooda] and {played|sang} until {dark|the stars came out}.
`,
  ],

  skill: [
    (c, r) => {
      const [skill, doing, wrong, advice, right, where] = r.one(
        SKILLS.filter(([name]) => !(swims(c) && name === 'swim')),
      );
      c.to = r.one(where.split('|'));
      c.skill = skill;
      setSeason(c, r, skill === 'skate' ? 'winter' : r.one(['spring', 'summer', 'autumn']));
      c.practice = doing;
      [c.wrong1, c.wrong2] = r.some(wrong.split('|'), 2);
      c.tip = r.expand(`{${advice}}`, c);
      c.right = `{${right}}`;
      c.teacher = r.chance(0.5) ? c.elder : c.friend;
      const elder = c.teacher === c.elder;
      Object.assign(c, { the: elder ? c.ehe : c.fhe, his2: elder ? c.ehis : c.fhis });
      c.child = r.expand('{a smaller child|the youngest child in the village|a new child in the school}', c);
    },
    `
[intro]

[he] {wanted|had always wanted|dreamed of being able} to {learn to |}[skill], {like [teacher]|just like [teacher]|but did not know how}.
[teacher] could [skill], and [hero] wanted to {learn it too|do it too}.
"I {want|would like} to [skill]," said [hero] [oneday2], "{but I do not know how|and I will learn it before {winter|summer|my birthday}}."

[oneday] [he] {tried|tried it} for the first time, {but|and} [he] [wrong1].
[oneday] [he] {went|ran} [to] and tried, {but|and} [he] [wrong1].

---
[he] tried {again|once more|a second time} and [wrong2]. {Some children laughed|A {crow|goose|goat} laughed|[his] ears grew red}.
{The second time|On the second try} [he] [wrong2], {which was even worse|and everybody laughed}.

"{I am too small|I am too clumsy|I will never learn it|It is too hard for me}," {said|cried|sighed} [hero], and {sat down|wanted to go home|threw [his] cap on the ground}.
[hero] was <sad> and {hid [spoth]|wanted to give up|did not want to try again}.

[teacher] {sat down beside [him]|had seen it|put an arm around [him]}. "{I fell a hundred times|Nobody learns it in a day|I was just the same}," [the] said. "[tip]."
"[tip]," said [teacher]. "{And never give up|Then try again tomorrow|That is the whole secret}, [hero]."
[teacher] {smiled|laughed kindly}. "{Do you know my secret|May I tell you something}? [tip]."

[hero] {listened|nodded} and {practised|tried} {every day|each morning|after school|in the rain and in the sun}, {a little better each time|for a whole month}.
So [hero] {practised|went on [practice]} {for a week|for two weeks|day after day}, {even when it rained|and [he] did not give up}.
{Every day|Each day} [he] {went [to]|got up early} and {practised|tried again}. "[tip]," [he] {whispered|told [himself]}.

---
{And one day|Then, [oneday2],|On the tenth day} it {worked|happened}: [he] [right]!
<suddenly> [hero] [right]. {[he] could hardly believe it|"I can do it!" [he] cried}.
{At last|In the end} [hero] [right], {and [teacher] cheered|and [elder] clapped|and nobody laughed any more}.

[elder] {brought|came with|had} [fooda] {to celebrate|for [him]}, and [hero] was <glad>.
[teacher] {hugged|praised} [him]. "{I knew you could|You did not give up|Practice makes it easy}, [hero]."

{Later|In the autumn|The year after} [child] wanted to [skill] too. "[tip]," said [hero], and {smiled|took the child by the hand}.
{Now|Today} [hero] {helps|teaches} {others|small children|anyone who asks}, and [he] {always says|tells them}: "[tip]."
[hero] {knew now|learned} that {every master was a beginner|falling down is part of learning|small steps lead far}.
`,
  ],

  neighbour: [
    (c, r) => {
      c.newcomer = true;
      c.from = r.expand('{far away|the city|the mountains|an island|another country|the other side of the sea}', c);
      c.silent = r.chance(0.5);
      c.shared = r.one([c.hobby, c.hobby2]);
    },
    `
[intro]

[oneday] a new family {came to live|moved in} next door. They came from [from] and had a {[fson]|child} {named|called} [friend].
[oneday] {a cart|a van|a wagon} full of {chairs|boxes|beds} stopped next door. A [ftrait] [fkind] {named|called} [friend] got out.
[friend], a [ftrait] [fkind] from [from], was new in the {village|street|school}.

(silent) [friend] {did not say a word|sat alone|only looked at the ground}, and the others {did not ask [fhim] to play|thought [fhe] was proud}.
(silent) {In the breaks|Every day} [friend] {stood|sat} {alone|apart} [at], {and nobody knew why|and looked at the clouds}.
(!silent) [friend] {spoke in a strange way|wore strange shoes|did not know their games}, and {some laughed|the others whispered}.
(!silent) The other children {laughed at [fhis] hat|could not say [fhis] name}, {so [friend] stayed at home|and that hurt}.

---
[hero] {watched|saw it} from the {window|fence}. "[friend] looks <sad>," [he] said to [elder].
"{Why does [friend] never play|Does [friend] not like us}?" [hero] asked. [elder] said, "{Perhaps [fhe] is shy|Someone must take the first step|Go and ask [fhim]}."

[hero] was {shy|nervous} too, but [he] took [fooda] and {knocked|went to the door}.
So [he] {took|packed} [his] [cthing] and {went over|climbed over the fence}. "{Would you like to [do] it|Do you want to play with me|Can you show me how to [do] it}?"
<nextday> [hero] {sat down|went and sat} next to [fhim]. "Do you like [shared]?" [he] asked.

(silent) At first [friend] {said nothing|only looked at [him]|did not know what to say}. Then [fhe] {smiled|nodded|laughed} {for the first time|a little|and came closer}.
(!silent) [friend] {opened [fhis] mouth|was surprised} and then {smiled|laughed}. "{In my old home|Where I come from} {we did that too|everyone likes [shared]}," [fhe] said.
[friend] looked up. "I {like|love} [shared]," [fhe] {said|whispered}, "but {I have nobody to do it with|I was afraid to ask}."

(!silent) [friend] {taught|showed} [him] {a song|a game|a dance|a word} from [from], and [hero] {taught|showed} [fhim] {the best place [at]|the secret path [to]}.
[friend] {brought out|fetched} [food2a] from [fhis] {bag|kitchen}, {which was new to [hero]|which they ate {on the step|in the sun|under a tree}}.
It turned out that both of them {loved|liked} [shared]. {They talked until dark|The afternoon was too short}.

---
{The other children|The others} {came closer|saw them laughing} and {asked|wanted} {to join in|to play too}.
<nextday> {everyone|the whole street} {met|played} [at], and [friend] {was in the middle|laughed the loudest}.
[hero] {took|brought} [friend] [to] and {said|told the others}, "This is my friend [friend], {who comes from [from]|who is good at [shared]}."

{A stranger|Someone new} is {only|just} a friend {you do not know yet|who has not been asked}, {said [elder]|thought [hero]}.
{Now|Since then} [hero] and [friend] go [to] {every day|together}, and {nobody sits alone|they share everything}.
"{I am glad you knocked|You took the first step}," said [friend], and [hero] {turned red|smiled}.
`,
  ],

  baby: [
    (c, r) => {
      const [baby, mother, cry, bed] = r.one(
        BABIES.filter(
          ([baby, mother]) =>
            mother !== c.kind && mother !== c.fkind && (c.hand === 'hand' || !/lamb|puppy|piglet/.test(baby)),
        ),
      );
      Object.assign(c, { baby, mother, cry, bed });
      c.mark = r.expand('{a white spot on its nose|one black ear|a brown tail|grey feet|a dark stripe on its back}', c);
      c.owner = r.one(list('farmer, shepherd, widow, fisherman, charcoal burner, farmhand, clockmaker'));
    },
    `
[intro]

[oneday] [hero] {heard|noticed} a small {sound|cry|noise} [at]. [spot] {sat|stood} a [baby] with [mark].
[oneday] [hero] {found|saw} a {tiny|lost|cold} [baby] [spot] [at]. It had [mark].
[scene] [at], [spot], [hero] {found|saw} a {tiny|lost} [baby] with [mark].

It [cry] and {shook with cold|looked at [him]|could hardly stand}. {Its mother was nowhere [at]|There was no [mother] to be seen|Far and wide there was no [mother]}.
"{Are you lost|Where is your mother}, little [baby]?" [he] asked. It [cry] {softly|sadly|twice}.

"{I will look after you|Do not be afraid|We will find your mother}," {said|whispered} [hero], and {picked it up|put it under [his] coat|stroked its head}.
[hero] {picked it up|warmed it} with both [hands] and {carried it home|took it to [friend]}.

---
[he] made it a bed of [bed] and {gave it warm milk|fed it with a spoon}, but it {would not eat|cried for its mother|only [cry]}.
[friend] {came to help|brought some milk} and they {made it a bed|gave it a bed} of [bed], {and it slept a little|but still it [cry]}.

"{Can I keep|May I keep|May we keep} the [baby]{|, [elder]}?" asked [hero]. "{It needs its mother|Think how its mother must feel}," said [elder].
[hero] {wanted to keep it|already loved it}, but [friend] said, "{It misses its mother|Somewhere its mother is looking for it}, [hero]."
[hero] {would have liked to keep|wanted to keep} the [baby]. But [he] knew that {a [baby] is not a toy|somewhere a [mother] was calling}.

So they {went from door to door|walked from farm to farm} and asked, "Who has lost a [baby] with [mark]?"
<nextday> they {asked everyone|went [to2] and asked}: "{Is there a|Have you seen a} [mother] without {her|a} [baby]?"
They {asked the miller|asked the postman|called at every gate}, but {nobody knew anything|everyone shook their heads}.

{At the last door|On the far side of the hill|Behind the {mill|church|bridge}} a [owner] said, "{My [mother] has been calling all {night|day}|One of my {little ones|animals} is missing|That {must be|sounds like} my [baby]}."
<suddenly> [hero] {heard|saw} a [mother] {behind a hedge|on the other side of the fence|[at2]}, {calling and calling|all alone}.
<soon> they {came to|met} a [owner], who {had lost|was looking for} a [baby] with [mark].

---
The [mother] {came running|lifted her head}, and the [baby] [cry] with joy. {They put their noses together|Nobody could part the two|The [mother] licked its ears|It hid under her at once}.
When the [baby] saw the [mother], it [cry] and {ran to her|jumped out of [his] arms}.

[hero] {had a tear in [his] eye|was sad and glad at once}, but {[friend] took [his] [hand]|[elder] put an arm around [him]|it was right}.
"Goodbye, little [baby]," said [hero], and {it was hard to let go|[he] waved for a long time}.

{A neighbour|Someone|The people there} {gave|brought} them [fooda]. "{Come and visit it|You may visit it} {any day|every Sunday}," {was the promise|[hero] heard}.
{In spring|A year later|In summer} the [baby] was {big|a big [mother]}, but it {still knew|came running to} [hero], {and [he] knew it by {its mark|[mark]}|and [friend] laughed}.
{Love sometimes means|To love means sometimes} {letting go|bringing someone home}, [elder] said, and [hero] {understood|nodded}.
`,
  ],

  growing: [
    (c, r) => {
      [c.plant, c.seed, c.tall, c.harvest] = r.one(PLANTS);
      setSeason(c, r, 'spring');
      c.at = r.one(
        list(
          'in the garden, behind the house, by the fence, near the well, at the edge of the meadow, beside the path',
        ),
      );
      c.tall = r.expand(`{${c.tall}}`, c);
      c.harvest = r.expand(c.harvest, c);
      c.weeks = r.expand('{two|three|four|five|six}', c);
      c.digs = r.chance(0.5);
    },
    `
[intro]

{In spring|One day in spring|[oneday]} [elder] gave [him] a [seed]. "{One day it will be|Out of this comes} a [plant]," said [elder].
{In spring|[oneday]} [hero] found a [seed] {on the path|in an old box|under the stairs|in an empty pot}. "{If you plant it, it may become|Plant it and you will see} a [plant]," said [elder].

[hero] {dug a hole|filled a [colour] pot with earth} [at], {put in|laid in} the [seed] and {gave it water|covered it}.
[hero] and [friend] planted the [seed] {in a [colour] pot|[at]} and {gave it water|sang to it}.

---
{The next day|After one day} [he] {looked|ran to look}. {Nothing|There was nothing but earth}. After [weeks] days, still {nothing|not a leaf}.
[he] {looked|came} every morning, but {there was only earth|nothing happened} for [weeks] weeks.

(digs) "{It is dead|It is asleep|Let us dig it up}," said [friend], and {began to dig|took a spoon}. "{Stop|No, wait}," said [hero]. "{It needs time|It works in the dark}."
(digs) [friend] {grew tired of waiting|lost heart} and {wanted to dig it up|poured too much water on it}. [hero] {held [fhis] arm|stopped [fhim] just in time}.
(!digs) "{You must be patient|Good things take time|Roots come first}," said [elder]. {[hero] sighed|So [hero] waited}.
(!digs) {A snail came|A hen came|Two crows came} to {eat it|dig it up}, but [hero] {chased it away|built a fence|kept watch}.

{It rained|The sun shone}, {and then it was dry|and the days grew warm}. [hero] {carried water|pulled the weeds|kept on hoping} and {told the [seed] stories|did not give up}.
[hero] {gave it water|carried water from the well} {every evening|each morning}, {even when [he] was tired|and [friend] helped}.
-

{Then, one morning|After [weeks] weeks|And then, [oneday2],} {there was something green|a green tip came out of the earth}! "{Look|Come quickly}, [friend]!" [he] {cried|called}.
{One morning|[oneday]} [friend] {shouted|called}, "{It is there|I see a leaf}, [hero]!" A {tiny|small} green {leaf|tip} {looked out of|stood in} the earth.

---
The [plant] grew and grew. {By summer|In the end} it was [tall].
{Day by day|Week by week} it {grew|climbed|stretched}, until the [plant] was [tall].

{People came|The neighbours came} to {look at|admire} it. {"What is your secret?" they asked.|"How did you do it?" asked the baker.} "{Water and waiting|Just a little patience}," said [hero].
[friend] was {ashamed|amazed}. "{I am glad we did not dig it up|You were right to wait|It was there all the time}," [fhe] said.
[hero] was <glad> and {drew a picture of it|measured it every day|told everyone about the little [seed]}.

{In the end|Then} [hero] and [friend] [harvest].
{In autumn|When it was time} they [harvest], and {put one [seed] aside for next year|[elder] was proud}.
"{Next year|In spring} we will plant {another|two}," said [friend], {and [hero] laughed|and held up a tiny [seed]}.
`,
  ],

  quarrel: [
    (c, r) => {
      c.tears = r.chance(0.5);
      const soft = c.blown || c.thing === 'book';
      c.rips = c.tears && soft;
      c.breaks = c.tears && !soft;
      c.solution = r.expand('{take turns|use it together|share it day by day}', c);
      c.first = r.chance(0.5);
    },
    `
[intro]

[oneday] [hero] and [friend] found a [cthing] [spot] [at].
[oneday] [elder] gave [hero] and [friend] {one|a single} [cthing] {to share|for both}.
[scene] [at] [hero] and [friend] {found|saw} a [cthing] [spot].

"{It is mine|I saw it first|I want it}," {said|cried} [hero]. "No, {I saw it first|it is mine}," {said|cried} [friend], and {pulled|held on}.
Both {wanted|took hold of} the [thing]. "{Let go|Give it to me}, [friend]!" {cried|shouted} [hero]. "{You let go|Never}, [hero]!"
[hero] wanted to [do] it {first|at once}, but [friend] {would not let go|wanted that too}. {They pulled and pushed|Their voices grew loud}.

(rips) They pulled {harder, until|so hard that} the [thing] {tore|ripped} {with a loud noise|from top to bottom|right in the middle}.
(breaks) They pulled {harder, until|so hard that} the [thing] {cracked|broke} {with a loud noise|in two|right in the middle}.
(!tears) {While they quarrelled|In the middle of the quarrel} {the [thing] fell into a puddle|a {dog|goat|crow} took the [thing] and ran away}.

---
"{Now look what you have done|You always spoil everything|I will never play with you again}," {said|cried} [hero], and {ran home|turned away}.
[hero] went {left|home by the river}, and [friend] went {right|home by the mill}. {Neither looked back|Neither said goodbye}.
They did not {speak|say a word} to each other {for two days|for three days|all week}, {and the days were long|and nobody laughed}.

[hero] {sat|stood} alone [at2] and {thought of [friend]|tried to like [hobby] alone}. {It was no fun|The whole world seemed grey}.
"{What is a [thing]|What good is a [thing]} without {a friend|[friend]}?" {asked [elder] softly|thought [hero] at night}.
{At home|At supper} [hero] did not {touch|want} the [food]. "{Did you quarrel|Where is [friend]}?" asked [elder]. [hero] {nodded|sighed}.

(first) <nextday> [hero] {went|walked} to [friend]. "I am sorry," [he] said. "{You matter more than a [thing]|I was selfish}."
(first) [hero] {took a deep breath|swallowed [his] pride} and knocked at [friend]'s door. "{I was wrong|Please forgive me}, [friend]."
(!first) <nextday> [friend] stood at the {gate|door} with [fooda]. "{I am sorry|I miss you|Let us be friends again}, [hero]," [fhe] said.
(!first) Then [friend] {came|knocked} and {held out [fhis] hand|looked at the ground}. "{I was wrong|I am sorry}, [hero]. {I shouted at you|I only thought of myself}."

(first) "I am sorry too," said [friend], {and they hugged|and [fhe] smiled at last}.
(!first) "I am sorry too," said [hero], {and they hugged|and both began to laugh}.
{Both|The two friends} {laughed|cried a little}, and {the quarrel was over|then everything was good again}.

---
(tears) Together they {glued|mended} the [thing] {with great care|on the kitchen table}, and {decided|agreed} to [solution].
(!tears) Together they {looked for|found} the [cthing], {washed it|dried it in the sun}, and {decided|agreed} to [solution].
"{How shall we do it|What shall we do with the [thing]}?" asked [friend]. "{Let us|We could} [solution]," said [hero], {and so they did|and that was easy}.

{On Mondays [hero] had the [thing], and on Tuesdays [friend] had it|[hero] had the [thing] in the morning, and [friend] in the afternoon}, {and on Sundays they had it together|and nobody counted}.
The [thing] was {not new any more|a little crooked now}, but the friendship was {stronger than before|as good as new}.
{Sorry|Two small words} can {mend|heal} more than glue, [elder] said, and {they believed it|both nodded}.
They {laughed about it for years|never quarrelled about a [thing] again}, {at least not for long|and [elder] was <glad>}.
`,
  ],

  noise: [
    (c, r) => {
      [c.sound, c.guess1, c.guess2, c.real, c.act] = r.one(NOISES).map((part) => r.expand(part, c));
      c.room = r.one(list('attic, cellar, kitchen, shed, barn, hall, pantry'));
      c.tool = r.expand('{a candle|a lantern|a broom|a wooden spoon|a frying pan}', c);
      c.living = !c.real.includes('hole') && !c.real.includes('bucket');
      c.staysover = r.chance(0.5);
      c.they = c.staysover ? 'they' : c.he;
      c.them = c.staysover ? 'them' : c.him;
      c.guess1x = c.guess1.replace(/^an? /, '');
    },
    `
[intro]

(staysover) [oneday] [friend] {came to stay for the night|stayed with [hero] for the night}, and they {talked about|thought only of} [hobby] until {late|bedtime}.
(staysover) [friend] {spent the night|slept} at [hero]'s house [oneday2]. They ate [food] and {whispered|laughed|told stories} until {late|bedtime}.
(staysover) [oneday] [hero] {asked|invited} [friend] to {stay|sleep} at [his] house. After {supper|the [food]} they {went to bed|put out the lamp}.
(!staysover) {One night|One [weather] night} [hero] {lay in bed|could not sleep} and {listened to the clock|looked at the moon|thought about [hobby]}.

{At midnight|In the middle of the night|Late at night|When all was quiet} {there was a {sound|noise} in|something made a {sound|noise} in|a strange {sound|noise} came from} the [room]: "[sound]."
"[sound]," {it went in|it came from} the [room]. [hero] {sat up|held [his] breath|opened one eye}{| and listened| in the dark}.

"{Did you hear that|What is that|What can that be} in the [room]?" {whispered|asked} [hero]. {[he] pulled the [colour] blanket up to [his] nose|[his] heart beat fast|It was quiet for a moment}.
[hero] {pulled|drew} the [colour] blanket {over [his] head|up to [his] chin|over both ears}, but {there it was again|it did not help|it came again}: "[sound]."
{There it was again|It came once more|It did not stop}: "[sound]." [hero] {hid under|pulled up} the [colour] blanket and {shivered|counted to ten|did not move}.

---
(staysover) "It is [guess1]," {whispered|said} [friend], and [fhe] {shook|hid behind a pillow}. "No," said [hero], "it is only [guess2]."
(staysover) [friend] {thought of|was sure it was} [guess1], but [hero] said, "{Perhaps it is only|I think it is} [guess2]."
(!staysover) "{That must be|Perhaps it is} [guess1]," thought [hero]. "{Or is it|Or maybe} just [guess2]{?|.}"
(!staysover) [hero] {thought of|was sure it was} [guess1]. Then [he] {told [himself]|hoped} that it was only [guess2].

[they] {waited|listened}, but the {sound|noise} {did not stop|grew louder|came nearer}.
{"There is only one way to find out," said [hero].|It did not stop.} {[his] knees shook a little|The floor was cold under [his] feet}.
-

(staysover) {Hand in hand|On tiptoe} they went to the [room]. [hero] {held|carried} [tool], and [friend] {held on to [his] sleeve|closed [fhis] eyes}.
(!staysover) [hero] took [tool] and went {on tiptoe|step by step} to the [room]. {Each stair creaked|The stairs creaked under [his] feet|A cold wind blew under the [colour2] door}.
(!staysover) {With [tool]|Armed with [tool]} [he] {crept|walked} to the [room] and {stopped outside|listened at the door|put one ear to the wall}.

{<slowly> [hero] opened the door|[hero] counted to three and opened the door}, and {there was|what did [he] see? It was} [real], which [act].
{It was not [guess1] at all|There was no [guess1x]}. It was [real], which [act].
There, {in the moonlight|in the corner}, was [real]. It [act], and {that was all|nothing more}.

---
(staysover) [friend] {began to laugh|laughed|held [fhis] sides}. "{We were afraid of|So that was} our [guess1x]," [fhe] said, {and [hero] laughed too|and they laughed until [elder] woke up}.
(!staysover) [hero] {laughed out loud|had to laugh}. "{So you are my [guess1x]|And I thought you were [guess1]|You are a funny [guess1x]}," [he] said{| softly}.
"{What is going on in the [room]|Why are you not in bed, [hero]|Who is in the [room]}?" {asked|called} [elder], and {then everybody laughed|[hero] told the whole story}.

(living) [they] {gave it some bread|carried it outside|let it out|showed it the way out}, and {it was soon gone|it disappeared in the night|then the [room] was quiet}.
(!living) {[they] put a pot under it|In the morning [elder] mended it}, and {then the [room] was quiet|everyone could sleep again}.

{In the light|With a light} {fear is small|most ghosts are small}, [elder] said, and {[hero] slept until noon|gave [them] [fooda]|[hero] had to smile}.
After that, when {something went "[sound]"|[hero] heard a noise} at night, [he] {was not afraid|got up and looked|only smiled}.
[hero] {went back to bed|slept well}. {The next morning|At breakfast} [they] told everyone about the {terrible|great} [guess1x] in the [room].
`,
  ],

  borrowed: [
    (c, r) => {
      c.care = r.chance(0.5);
      c.mishap = r.expand(
        '{left it out in the rain|lost it on the way home|dropped it on the stairs|forgot it [at]}',
        c,
      );
      c.work = r.expand(
        '{carried wood|washed bottles|swept the street|picked {beans|pears}|delivered letters} for {the baker|the miller|the innkeeper|a farmer}',
        c,
      );
    },
    `
[intro]

[friend] had a [cthing], {the only one in the village|and [fhe] was very proud of it}. [hero] {wanted to [do] it too|could not stop looking at it}.
[friend], a [ftrait] [fkind], {owned|had} a [cthing]. {How [hero] wished for one|[hero] had never seen a finer one}!

[oneday] [he] asked, "May I {borrow|have} your [thing] {for a day|until tomorrow|for one hour}?" [friend] {thought about it|was not sure}.
[oneday] [hero] {asked|said}, "{Please lend me your [thing], [friend].|Could I borrow your [thing], [friend]?} I will {be careful|bring it back}."

"{Take good care of it|Bring it back before dark|It was a gift from my aunt}," said [friend], and {gave it to [him]|put it into [his] [hands]}.
[friend] {gave it to [him]|held it out <slowly>}. "{I trust you|You are my friend}, [hero]. {Please be careful|Bring it back by evening}."

[hero] {took it|carried it} [to] and {was busy [doing] it|could not stop [doing] it} {until evening|all afternoon}.
{What a day|How happy [he] was}! [hero] {took the [thing] [to]|ran [to] with the [thing]} and {showed it to everyone|forgot the time}.

---
(care) <suddenly> {it began to rain|two big boys came|a dog jumped up}, and [hero] {hid the [thing] under [his] coat|held the [thing] with both [hands]|put the [thing] in a safe place}.
(care) {A boy|A girl} offered [him] {a silver coin|a knife|ten marbles} for the [thing]. "{It is not mine|It belongs to [friend]}," said [hero].
(!care) But [he] was {careless|tired|in a hurry} and [mishap].
(!care) {Then|Alas,} [he] [mishap]. {"What will [friend] say?" [he] thought.|[his] face turned white.}

(care) {It grew late|The sun went down}, and {[his] legs were tired|the road was long}, but [hero] {went|walked} to [friend] {first|before going home}.
(care) [he] {cleaned|polished|wiped} the [thing] with {a soft cloth|[his] sleeve} and {ran back|went back} to [friend].
(!care) The [colour] [thing] was {spoiled|ruined|gone}. [hero] wanted to {hide|run away|say nothing}, but {[elder] shook [ehis] head|that would not be right}.
(!care) [he] {could not eat|did not sleep}. "{A friend must know the truth|You must tell [friend]}," said [elder].

(care) "{Here is your [thing]|I brought it back}," said [hero], "and {a bag of nuts as thanks|here is a flower for you}."
(care) [friend] {had been waiting at the window|stood at the gate}. "{You came|There you are}," [fhe] {said|cried}, and {was <glad>|looked at the [thing]. It was clean and whole}.
(!care) So [hero] went to [friend] and said, "{Something bad has happened|I was careless with your [thing]}. {I will make it good|I am so sorry}, [friend]."
(!care) [friend] {cried|turned away} when [fhe] heard it. "{I trusted you|It was my only [thing]}," [fhe] said.

---
(!care) For {a week|two weeks|ten days} [hero] [work]. {With the money|Then} [he] {bought|got} a new [thing], [colour] {like the old one|as before}.
(!care) [hero] [work] {every day|after school} until [he] could buy a new [colour] [thing].
(care) "{You may borrow it again|You can have it every Sunday}," said [friend]. "{Now I know I can trust you|You are careful}."
(care) [friend] {smiled|thought for a moment}. "{Let us [do] it together tomorrow|From now on it belongs to both of us}," [fhe] said.

(!care) [friend] {looked at it|took it}. "{You worked so hard for me|It is even finer}," [fhe] said, and {gave [him] [fhis] hand|hugged [him]}.
(!care) When [friend] {saw it|heard how hard [he] had worked}, {[fhe] forgave [him]|[fhis] anger melted away}.
(care) [hero] {jumped for joy|was <glad>} and {went home singing|told [elder] everything}.

{What is borrowed|A borrowed thing} {must be|should be} {treated like gold|carried home again}, {says [elder]|thought [hero]}.
{Trust|The trust of a friend} is {slow to grow|like glass}, and [hero] {held it tightly|never forgot that}.
{On Sunday|The next week} they {both|went [to] and} {had fun [doing] it|took turns [doing] the [thing]} and {ate [food]|laughed like before}.
`,
  ],
};

// ---- drawing

/** sfc32: 32-bit integer arithmetic alone, so that every machine draws the same numbers. */
class Draw {
  #s;

  constructor(seed) {
    this.#s = [0x9e3779b9, 0x243f6a88, seed | 0, 1];
    for (let i = 0; i < 16; i++) this.#next();
  }

  #next() {
    const [a, b, c, d] = this.#s;
    const out = (a + b + d) | 0;
    this.#s = [b ^ (b >>> 9), (c + (c << 3)) | 0, (((c << 21) | (c >>> 11)) + out) | 0, (d + 1) | 0];
    return out >>> 0;
  }

  one(items) {
    return items[Math.floor((this.#next() / 2 ** 32) * items.length)];
  }

  chance(p) {
    return this.#next() / 2 ** 32 < p;
  }

  some(items, n) {
    const left = [...items];
    return Array.from({ length: n }, () => left.splice(left.indexOf(this.one(left)), 1)[0]);
  }

  other(items, taken) {
    return this.one(items.filter((item) => item !== taken));
  }

  /** Chooses among {a|b}, innermost first, then fills in <list> and [slot] from left to right until none is left. */
  expand(text, cast) {
    const inner = /\{([^{}]*)\}/;
    while (inner.test(text)) text = text.replace(inner, (_, choices) => this.one(choices.split('|')));
    const hole = /\[(\w+)\]|<(\w+)>/;
    const found = hole.exec(text);
    if (!found) return text;
    const [mark, slot, name] = found;
    const value = slot ? cast[slot] : this.one(LISTS[name] ?? []);
    if (value === undefined) throw new Error(`nothing to put for ${mark} in: ${text}`);
    return this.expand(
      text.replace(mark, () => value),
      cast,
    );
  }
}

const PRONOUNS = {
  f: { he: 'she', him: 'her', his: 'her', himself: 'herself' },
  m: { he: 'he', him: 'him', his: 'his', himself: 'himself' },
};
const PAST = {
  fly: 'flew',
  wear: 'wore',
  carry: 'carried',
  pull: 'pulled',
  play: 'played',
  blow: 'blew',
  read: 'read',
  ring: 'rang',
  'play with': 'played with',
  'look through': 'looked through',
  'paint with': 'painted with',
  'jump with': 'jumped with',
  'listen to': 'listened to',
};
const ELDERS = {
  f: list('Grandmother, Mother, Aunt Mina, Aunt Berta'),
  m: list('Grandfather, Father, Uncle Ned, Uncle Karl'),
};
const KIN = { grandmother: 'Grandmother', grandfather: 'Grandfather', aunt: 'Aunt Lena', uncle: 'Uncle Bruno' };

/** Everything that a story remembers, drawn before its plot. */
function drawCast(r) {
  const animals = r.chance(0.4);
  const sex = r.one(['f', 'm']);
  const [name, kind] = drawCharacter(r, sex, animals);
  const [friend, fkind] = drawCharacter(r, sex === 'f' ? 'm' : 'f', animals || r.chance(0.15), [name, kind]);
  const fp = PRONOUNS[sex === 'f' ? 'm' : 'f'];
  const esex = r.one(['f', 'm']);
  const ep = PRONOUNS[esex];
  const [thing, act, doing, away] = r.one(THINGS);
  const [colour, colour2] = r.some(COLOURS, 2);
  const [place, place2] = r.some(PLACES, 2);
  const spots = list(place[2]);
  const [food, food2] = r.some(FOODS, 2);
  const [trait, ftrait] = r.some(TRAITS, 2);
  const [hobby, hobby2, hobby3] = r.some(HOBBIES, 3);
  const elder = r.one(ELDERS[esex]);
  const kin = r.one(Object.keys(KIN).filter((k) => KIN[k] !== elder));
  const cast = {
    hero: name,
    kind,
    ...PRONOUNS[sex],
    trait,
    hand: animals ? 'paw' : 'hand',
    hands: animals ? 'paws' : 'hands',
    friend,
    fkind,
    ftrait,
    fhe: fp.he,
    fhim: fp.him,
    fhis: fp.his,
    fson: fp.he === 'she' ? 'daughter' : 'son',
    blown: away === 'blown',
    rolling: away === 'rolling',
    dropped: away === 'dropped',
    elder,
    ehe: ep.he,
    ehim: ep.him,
    ehis: ep.his,
    ekin: kin,
    ekin2: KIN[kin],
    thing,
    colour,
    colour2,
    cthing: `${colour} ${thing}`,
    do: act,
    doing,
    away,
    did: PAST[act],
    placen: place[0],
    at: `${place[1]} the ${place[0]}`,
    to: `to the ${place[0]}`,
    spots,
    spot: r.one(spots),
    at2: `${place2[1]} the ${place2[0]}`,
    to2: `to the ${place2[0]}`,
    food: food[0],
    fooda: food[1],
    foodit: food[2] ? 'them' : 'it',
    foodwas: food[2] ? 'were' : 'was',
    foodbest: food[2] ? 'These are' : 'This is',
    food2a: food2[1],
    hobby,
    hobby2,
    hobby3,
    home: `{${HOMES}}`,
    spoth:
      '{under the bed|behind the door|behind a tree|in the barn|under the table|behind the curtain|in the cupboard}',
    dream:
      '{ships|birds|a garden|stars|clouds|a castle|an island|a train|horses} {and the sea|in the moonlight|made of [food]|far away|and music|in the snow}',
    meetfriend: `{${lines(MEET_FRIEND).join('|')}}`,
    oneday: `{one [weather] {morning|afternoon|day}|on a [weather] {morning|afternoon|day} in [season]|one {day|morning|afternoon}|
      one {day|morning} in [season]|one [season] {day|morning|afternoon}|early one [weather] morning|one {Saturday|Sunday|Monday}}`,
    oneday2: '{one {day|morning|afternoon|Saturday|Sunday}|one [weather] {day|morning|afternoon}|one day in [season]}',
  };
  setSeason(cast, r, r.one(Object.keys(SEASONS)));
  return cast;
}

function drawCharacter(r, sex, animal, taken = []) {
  if (!animal) return [r.one(sex === 'f' ? GIRLS : BOYS), sex === 'f' ? 'girl' : 'boy'];
  return [r.one(sex === 'f' ? SHE_ANIMALS : HE_ANIMALS), r.other(SPECIES, taken[1])];
}

function setSeason(cast, r, season) {
  const weather = r.one(list(SEASONS[season]));
  Object.assign(cast, { season, weather, scene: `{${WEATHER_SCENES[weather]}}` });
}

const lines = (block) =>
  block
    .trim()
    .split(/\n(?! {4})/)
    .map((line) => line.trim())
    .filter(Boolean);

/** A plot's text to paragraphs of beats, each a list of [flag, wording]. */
function parsePlot(text) {
  const whole = text.replace('[intro]', INTRO.trim()).replace('[bedtime]', BEDTIME.trim());
  return whole.split(/^---$/m).map((paragraph) =>
    paragraph
      .trim()
      .split(/\n\s*\n/)
      .map((beat) =>
        beat.split('\n').map((line) => {
          const [, flag = '', wording] = /^(?:\((!?\w+)\) )?(.*)$/.exec(line.trim());
          return [flag, wording === '-' ? '' : wording];
        }),
      ),
  );
}

function tell(plot, r) {
  const cast = drawCast(r);
  const [setUp, beats] = plot;
  setUp(cast, r);
  const holds = (flag) => flag === '' || (flag.startsWith('!') ? !cast[flag.slice(1)] : Boolean(cast[flag]));
  const paragraphs = beats.map((paragraph) =>
    paragraph
      .map((beat) => beat.filter(([flag]) => holds(flag)))
      .filter((wordings) => wordings.length > 0)
      .map((wordings) => r.expand(r.one(wordings)[1], cast))
      .join(' ')
      .trim(),
  );
  return introduceFriend(finish(paragraphs.filter(Boolean).join('\n\n')), cast, r);
}

// What may follow speech without a full stop before it.
const VERBS = 'said|asked|cried|called|shouted|whispered|thought|sobbed|sighed|wondered|came|it went';

/** Spaces, articles and capitals. */
function finish(text) {
  return text
    .replace(/[ \t]*\n[ \t]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .replace(/\b([Aa]) (?=[aeiou]|hour|honest)/g, '$1n ')
    .replace(/(^|\n\n)([a-z])/g, (_, before, letter) => before + letter.toUpperCase())
    .replace(/([.!?] )([a-z])/g, (_, before, letter) => before + letter.toUpperCase())
    .replace(/(," (?:[\w' ]+), ")([a-z])/g, (_, before, letter) => `${before}~${letter}`)
    .replace(/([.!?:,] ")([a-z])/g, (_, before, letter) => before + letter.toUpperCase())
    .replaceAll('~', '')
    .replace(/((?:^|\n\n|[.!?]" )")([a-z])/g, (_, before, letter) => before + letter.toUpperCase())
    .replace(
      new RegExp(`([.!?]" )(?!(?:(?:he|she|it|they) )?(?:${VERBS})\\b)([a-z])`, 'g'),
      (_, before, letter) => before + letter.toUpperCase(),
    );
}

/** The first mention outside speech says that this is a friend, later ones do not say it again. */
function introduceFriend(text, cast, r) {
  const { friend, fkind, ftrait, his } = cast;
  let speech = false;
  let first = -1;
  for (let i = 0; i < text.length && first < 0; i++) {
    if (text[i] === '"') speech = !speech;
    else if (!speech && text.startsWith(friend, i)) first = i;
  }
  if (first < 0) return text;
  const apposition = new RegExp(`(${friend}), (?:${his} ${ftrait} friend|an? ${ftrait} ${fkind})(?:,|(?=[.!]))`, 'g');
  const known =
    cast.newcomer ||
    /(?:named|called|friend) $/.test(text.slice(0, first)) ||
    text.slice(first).search(apposition) === 0;
  const rest = text
    .slice(first)
    .replace(apposition, (whole, name, at, all) =>
      at === 0 ? whole : all.startsWith(' who', at + whole.length) ? `${name},` : name,
    );
  if (known) return text.slice(0, first) + rest;
  const starts = first === 0 || /(?:[.!?]"? |\n)$/.test(text.slice(0, first));
  const label = r.expand('[his] {|good |old |best |}friend ', cast);
  return text.slice(0, first) + (starts ? label[0].toUpperCase() + label.slice(1) : label) + rest;
}

/** Counts what is repeated over the corpus: sentences (between full stops) and runs of eight words. */
class TooOften {
  #counts = new Map();

  /** True and counted, or false and not counted when it would make anything too frequent. */
  admit(text) {
    const keys = [
      ...sentences(text).map((s) => [s, MAX_SENTENCE_REPEATS]),
      ...eights(text).map((s) => [s, MAX_EIGHT_WORD_REPEATS]),
    ];
    if (keys.some(([key, most]) => (this.#counts.get(key) ?? 0) >= most)) return false;
    for (const [key] of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return true;
  }
}

/** The sentences of a story: what stands between full stops, question and exclamation marks, without quotation marks. */
export const sentences = (text) =>
  text
    .split(/[.!?]/)
    .map((s) => s.replace(/\s+/g, ' ').replace(/^[" ]+|[" ]+$/g, ''))
    .filter(Boolean);

const eights = (text) => {
  const words = text.split(/\s+/);
  return words.slice(7).map((_, i) => `8 ${words.slice(i, i + 8).join(' ')}`);
};

/** All stories, always the same ones. Throws when a plot says something that no cast can fill in. */
export function generateStories(count = STORIES) {
  const r = new Draw(SEED);
  const plots = Object.values(PLOTS).map(([setUp, text]) => [setUp, parsePlot(text)]);
  const often = new TooOften();
  const stories = [];
  let turn = [];
  for (let tries = 0; stories.length < count; tries++) {
    if (tries > 20 * count) throw new Error('the plots repeat themselves too much for so many stories');
    if (turn.length === 0) turn = r.some(plots, plots.length);
    const story = tell(turn.pop(), r);
    const words = story.split(/\s+/).length;
    if (words < WORDS.min || words > WORDS.max || story.length > MAX_BYTES || !often.admit(story)) continue;
    stories.push(story);
  }
  return stories;
}

/** The bytes of stories.jsonl. */
export const toJsonl = (stories) => stories.map((text) => `${JSON.stringify({ text })}\n`).join('');

// The same world for data/generate_tasks.mjs.
export { BOYS, Draw, drawCast, finish, GIRLS, HE_ANIMALS, list, SHE_ANIMALS };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = fileURLToPath(new URL('stories/stories.jsonl', import.meta.url));
  const text = toJsonl(generateStories());
  writeFileSync(target, text);
  console.log(`${target}: ${STORIES} stories, ${text.length} bytes`);
}
