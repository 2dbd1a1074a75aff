# Makes what the tests of tokenizers compare with, by the reference implementations:
#
#   oniguruma.json   pieces that `tokenizers` (Hugging Face, Rust, with Oniguruma) cuts texts into by patterns
#   hf.json          tokenizer.json files of every kind of step, and the ids that `tokenizers` gives texts
#   gpt1/            OpenAI's two files of GPT-1, of the same form and with a made-up vocabulary
#   gpt1.json        ids by OpenAI's rules (ftfy 6, spaCy 3.8 without its later joining of '' , the merges as written below)
#                    and by openai-gpt's tokenizer.json in `tokenizers`
#   english.json     tokens of spaCy's English
#
#   python3 -m venv venv && venv/bin/pip install tokenizers==0.23.2 spacy==3.8.16 ftfy==6.3.1 && venv/bin/python make.py

import json
import re
from pathlib import Path

import ftfy
import spacy
from tokenizers import Regex, Tokenizer, pre_tokenizers

HERE = Path(__file__).parent


def write(name, value):
    """One case a line, so that a change shows as a change."""
    body = ",\n".join(
        f"{json.dumps(key)}: "
        + ("[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in part) + "\n]" if isinstance(part, list) else json.dumps(part, ensure_ascii=False))
        for key, part in value.items()
    )
    (HERE / name).write_text("{" + body + "}\n", encoding="utf-8")


# ---- patterns

CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TIKTOKEN = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERNS = [CL100K, TIKTOKEN, O200K, DEEPSEEK] + [
    *(r"\p{N}{1,3}+", r"\p{N}{1,3}", r"\w+", r"\W+", r"[^\W\d_]+", r"\s+", r"\S+?(?=\s|$)", r"\d+", r"\h+", r"[^\s\p{L}\p{N}]++"),
    *(r"(?i:'s|'k|'LL)", r"(?i:x)y", r"(?i:[sk\s1]b?)", r"a|(?i)b|c", r"^a", r"a$", r"\A.", r".\z", r".+", r"(?m:.+)", r"(?>a+)b|.", r"a++b|.", r"x{,2}y"),
    *(r"[[:punct:]]+", r"\p{Punct}+", r"[[:alpha:]]+", r"[^[:space:]]+", r"\p{Alnum}+", r"\p{Han}+", r"\p{Greek}+", r"\p{Cyrillic}|\p{hiragana}"),
    *(r"[a-z&&[^b]]+", r"[\s&&[^\n]]+", r"[a-c[x-z]]+", r"[\p{^L}]+", r"[\u4e00-\u9fff]+", r"[一-龥぀-ゟ゠-ヿ]+", r"[-+*/]+", r"[\]\[]+"),
    *(r"(?<=a)\n", r"(?<!a)b", r"(\d)(?#comment)\d", r"(?<year>\d)\d", r"\x41|\x{e9}|\u00e9", r"(a|b)*?c", r" ?\p{L}+|\{2\}"),
]
PATTERN_TEXTS = [
    "1234567 ab_é\u0301 x\u0085\ufeff!?$ 'S'ſ 'K aaa\naab xxx xxy 漢٣ ",
    "It's HE'LL don'T 12345 foo.\n\n  bar\r\n\tbaz [x]{2} +-*/ ΑΒγ привет ひらカタ 一二 ",
    "a\na\n",
    "ABC bcd Éé Aaab aab _a1 c\u00a0d\u2003e\u3000f²½Ⅷ ǅ ʰ ﬁ Kelvin'S",
    "def f(x):\n\treturn x**2  # größe\n\n\n",
    " ",
    "\n",
]
write(
    "oniguruma.json",
    {
        "texts": PATTERN_TEXTS,
        "cases": [
            {"pattern": p, "pieces": [[piece for piece, _ in pre_tokenizers.Split(Regex(p), "isolated").pre_tokenize_str(t)] for t in PATTERN_TEXTS]}
            for p in PATTERNS
        ],
    },
)

# ---- byte-level BPE

SYMBOLS = {}
extra = 256
for b in range(256):
    if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174:
        SYMBOLS[b] = chr(b)
    else:
        SYMBOLS[b] = chr(extra)
        extra += 1
CORPUS = """the owl and the fox, they'll 123 1234 don't DON'T HE'LL we've the the owl owl fox
    return x == 12\n\n\n  the moon's light; 2024, 3.14159 café naïve größe привет мир 日本語 日本 漢字 👍👍🏽 e\u0301 ﬁn
"""


def merges_of(words, count, symbol):
    """Byte pair training, the plain way."""
    words = [[symbol(c) for c in w] for w in words]
    merges = []
    for _ in range(count):
        pairs = {}
        for w in words:
            for pair in zip(w, w[1:]):
                pairs[pair] = pairs.get(pair, 0) + 1
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        for w in words:
            i = 0
            while i + 1 < len(w):
                if (w[i], w[i + 1]) == best:
                    w[i : i + 2] = [w[i] + w[i + 1]]
                i += 1
    return merges


words = [w.encode() for w in re.findall(r"\s*\S+", CORPUS)]
MERGES = merges_of(words, 120, SYMBOLS.get)
VOCAB = {s: i for i, s in enumerate([*SYMBOLS.values(), *dict.fromkeys(a + b for a, b in MERGES)])}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
GPT2 = {**BYTES, "use_regex": True}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def added(id, content, special=False, normalized=False):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": normalized, "special": special}
    return {"id": id, "content": content, **flags}


N = len(VOCAB)
KINDS = {
    "gpt2": {"pre_tokenizer": GPT2},
    "gpt2 spelled out": {"pre_tokenizer": sequence(split(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), BYTES)},
    "roberta": {"pre_tokenizer": {**GPT2, "add_prefix_space": True}, "eot": "</s>"},
    "gpt4": {"pre_tokenizer": sequence(split(CL100K, "Removed", True), BYTES)},
    "gpt4, tiktoken's pattern": {"pre_tokenizer": sequence(split(TIKTOKEN), BYTES)},
    "o200k": {"pre_tokenizer": sequence(split(O200K), BYTES)},
    "llama3": {"pre_tokenizer": sequence(split(CL100K), BYTES), "ignore_merges": True, "eot": "<|end_of_text|>"},
    "qwen2": {"normalizer": {"type": "NFC"}, "pre_tokenizer": sequence(split(CL100K.replace("{1,3}", "")), BYTES), "eot": "<|im_end|>", "added": [added(N + 1, "<tool_call>")]},
    "deepseek": {"pre_tokenizer": sequence(split(r"\p{N}{1,3}"), split(r"[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), BYTES), "eot": "<｜end▁of▁sentence｜>"},
    "starcoder": {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": True}, GPT2)},
    "falcon": {
        "pre_tokenizer": sequence(
            {"type": "Punctuation", "behavior": "Contiguous"}, GPT2, {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]")
        )
    },
    "neox": {"normalizer": {"type": "NFC"}, "pre_tokenizer": GPT2, "added": [added(N + 1, "    ", normalized=True), added(N + 2, "  "), added(N + 3, "\n\n", normalized=True)]},
    "bytes": {"pre_tokenizer": BYTES},
    "merged with previous": {"pre_tokenizer": sequence(split(r"[,.!]|\n", "MergedWithPrevious"), BYTES)},
    "merged with next": {"pre_tokenizer": sequence(split(r"[,.!]|\n", "MergedWithNext"), BYTES)},
    "contiguous": {"pre_tokenizer": sequence(split(r"[,.!]|\n", "Contiguous"), BYTES)},
    "a string": {"pre_tokenizer": sequence({"type": "Split", "pattern": {"String": "."}, "behavior": "Isolated", "invert": False}, BYTES)},
    "normalizers": {
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": r"\d"}, "content": "0"}, {"type": "NFC"}]},
        "pre_tokenizer": GPT2,
    },
}
TEXTS = [
    "the owl and the fox, they'll 123 1234",
    "DON'T HE'LL don't we've 'S ſ'ſ",
    "    return x == 12\n\n\n  the moon's light; 2024, 3.14159!!\r\n\tend.\n",
    "café cafe\u0301 naïve größe ΟΔΟΣ ﬁn ① ² Ⅷ İ",
    "привет мир 日本語 漢字 👍👍🏽 ٣٤ हिन्दी",
    "a  b   c    d     e\n\n\nf  ",
    "<|endoftext|> <tool_call>x</tool_call></s> <|end_of_text|><|im_end|>",
    "the\u0085fox\ufeffowl\u00a0\u2003x\u3000y",
    "foo(bar)[1]/path.to+x-1*2; \"q\" 'r' ..., 12,345.67",
    "",
    " ",
    "\n",
]


def file_of(kind):
    eot = kind.get("eot", "<|endoftext|>")
    tokens = [added(N, eot, special=True), *kind.get("added", [])]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": tokens,
        "normalizer": kind.get("normalizer"),
        "pre_tokenizer": kind["pre_tokenizer"],
        "post_processor": None,
        "decoder": GPT2,
        "model": {
            "type": "BPE",
            "ignore_merges": kind.get("ignore_merges", False),
            "vocab": {**VOCAB, **{t["content"]: t["id"] for t in tokens}},
            "merges": [f"{a} {b}" for a, b in MERGES],
        },
    }


def ids_of(file, texts):
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.encode_special_tokens = True  # a special token that a text spells out is text
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]


cases = []
for name, kind in KINDS.items():
    file = file_of(kind)
    own = {key: file[key] for key in ("added_tokens", "normalizer", "pre_tokenizer")}
    cases.append({"name": name, "file": own, "ignore_merges": file["model"]["ignore_merges"], "ids": ids_of(file, TEXTS)})
write("hf.json", {"vocab": VOCAB, "merges": [f"{a} {b}" for a, b in MERGES], "texts": TEXTS, "cases": cases})

# ---- GPT-1

STORY = """The owl said: "I don't know, Mr. Fox!" - and the fox, who'd never been there, couldn't answer.
They'll sing together at 10pm... the moon's light (a little) fell on the river; the river sang. What's this? It isn't hers.
"""
nlp = spacy.blank("en")


def clean(text):
    text = ftfy.fix_text(text)
    for dash in "—–―":
        text = text.replace(dash, "-")
    text = text.replace("…", "...").replace("´", "'")
    for char in '-~!";?+,)(/*[]}{|_':
        text = re.sub(re.escape(char) + "+", lambda run: f" {run[0]} ", text)
    text = re.sub(r"\s*\n\s*", " \n ", text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def tokens_of(text):
    return [token.text for token in nlp(text)]


def symbols(word):
    return [*word[:-1], word[-1] + "</w>"]


story = [t.lower() for t in tokens_of(clean(STORY)) if not t.isspace()]
letters = sorted(set("abcdefghijklmnopqrstuvwxyz0123456789.,:;!?\"'()-é") | set("".join(story)))


merges1 = merges_of([symbols(w) for w in story], 60, lambda symbol: symbol)
tokens1 = ["<unk>", *letters, *(c + "</w>" for c in letters), *(a + b for a, b in merges1), "\n</w>"]
encoder = {t: i for i, t in enumerate(tokens1)}
assert len(encoder) == len(tokens1)
(HERE / "gpt1").mkdir(exist_ok=True)
(HERE / "gpt1/encoder_bpe_40000.json").write_text(json.dumps(encoder, ensure_ascii=True), encoding="utf-8")
(HERE / "gpt1/vocab_40000.bpe").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges1), encoding="utf-8")
ranks = {pair: i for i, pair in enumerate(merges1)}


def word_ids(word):
    if word.isspace():
        return [encoder["\n</w>"]]
    parts = symbols(word.lower())
    while len(parts) > 1:
        rank, at = min((ranks.get(pair, 10**9), i) for i, pair in enumerate(zip(parts, parts[1:])))
        if rank == 10**9:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return [encoder.get(part, 0) for part in parts]


GPT1_TEXTS = [
    STORY,
    "\n  Hello\t World!!\n\n\nNo—no… ´tis “fine”; it’s\u00a0ﬁne ＡＢＣ &amp; caf\u00e9 cafe\u0301\r\nbye\u2028\x07 \x85 ",
    "I'm you're he'd she'll it's we've they'd've who'd what's don't can't won't shan't ain't cannot gonna let's",
    "$5.00 5km 3.5% a+b x=y foo:bar end.Then U.S.A. e.g. this, Ph.D. 1990s James' \\ \\\\ 12-14 _x_ [1] {2} <3 a/b",
    "日本 🦊 ½ ΟΔΟΣ İstanbul ß",
    "",
    "\n",
]
HF1 = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [added(0, "<unk>", special=True)],
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": None,
    "decoder": {"type": "BPEDecoder", "suffix": "</w>"},
    "model": {
        "type": "BPE",
        "dropout": None,
        "unk_token": "<unk>",
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "</w>",
        "fuse_unk": False,
        "vocab": encoder,
        "merges": [f"{a} {b}" for a, b in merges1],
    },
}
hf_ids = ids_of(HF1, GPT1_TEXTS)
reader = Tokenizer.from_str(json.dumps(HF1))
write(
    "gpt1.json",
    {
        "texts": GPT1_TEXTS,
        "cleaned": [clean(t) for t in GPT1_TEXTS],
        "openai": [[i for token in tokens_of(clean(t)) for i in word_ids(token)] for t in GPT1_TEXTS],
        "hf": hf_ids,
        "decoded": [reader.decode(ids, skip_special_tokens=False) for ids in hf_ids],
    },
)

# ---- English tokens

CHUNKS = """don't DON'T Don't can't cannot couldn't've I'm Im i'm you're youre he'd she'll its it's it’s we'd've they've who's whos that'll
these're let's gonna Gotta y'all c'mon ma'am o'clock 'tis 'cause 'em doin' goin'. Mr. Mr.'s Dr. St. Jan. Co. U.S. U.S.A. e.g. i.e., a.m. 10am
10a.m. 12pm 13pm a. b. I. end.Then end.then word... ...word ..x a..b $5 5$ US$5 5km 5kg. 10% 3.5% 20°C. °F. 1+1 1-2 1990-95 x=y foo:bar 10:30 a,b
1,000 James' James's dogs' 'quoted' "quoted" (a) [b] {c} <d> <3 :D :p xD a/b 50/50 and/or well-known self-made- -x x- -- --- #tag @user
AT&T R&D me_you _x_ x* *x* ** 日本。 «c» ‹d› ½ m² 5m² x²! ... … …… ?! !!! word!? word.' word.) (word). x.y.z N.Y. N.Y.C. Ph.D. PhD. abc.D A.B ABC. ABc.
rock'n'roll fo'c'sle d'Artagnan O'Neill ol' 90s' '90s 'll n't not've howdy how'd'y ill Well well we're were Whore wont 🦊 👍x x👍 a🦊b""".split()
write("english.json", {"cases": [[chunk, tokens_of(chunk)] for chunk in CHUNKS]})
