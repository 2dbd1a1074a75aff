// Texts to pretrain on that are free to fetch: what `gpt data list` shows and `gpt data get NAME` fetches.
//
// Sizes are rounded; the true ones, and the SHA-256 of each file, are what the hub says when they are fetched. A hash stands
// here only where it was computed from the file itself.

import { basename, join } from 'node:path';
import { describeHubSet, HUB, type HubFile } from './download.js';

/** A text corpus. */
export interface TextCorpus {
  readonly name: string;
  readonly what: string;
  readonly licence: string;
  /** About how many bytes are fetched. */
  readonly bytes: number;
  /** What to know before training on it. */
  readonly note?: string;
  /** A set of the hub under one of its names, or one file. */
  readonly from: { readonly path: string; readonly name?: string } | Omit<HubFile, 'place'>;
}

/** Where corpora are put without --out. */
export const TEXT_ROOT = 'data/text';

export const TEXT_CORPORA: readonly TextCorpus[] = [
  {
    name: 'tinyshakespeare',
    what: "some of Shakespeare's plays; the text of nanoGPT's first example",
    licence: 'public domain',
    bytes: 1_115_394,
    from: {
      url: 'https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt',
      split: 'train',
      bytes: 1_115_394,
      sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
    },
  },
  {
    name: 'tinystories',
    what: '2 million short stories by GPT-3.5 and GPT-4 (Eldan and Li 2023)',
    licence: 'CDLA-Sharing-1.0',
    bytes: 1.0e9,
    from: { path: 'roneneldan/TinyStories' },
  },
  {
    name: 'wikitext-2',
    what: 'good articles of Wikipedia, 2 million words (Merity et al. 2016)',
    licence: 'CC BY-SA 3.0 and GFDL',
    bytes: 8e6,
    note: 'a row is a line: each becomes a document',
    from: { path: 'Salesforce/wikitext', name: 'wikitext-2-raw-v1' },
  },
  {
    name: 'wikitext-103',
    what: 'the same, 103 million words',
    licence: 'CC BY-SA 3.0 and GFDL',
    bytes: 3.1e8,
    note: 'a row is a line: each becomes a document',
    from: { path: 'Salesforce/wikitext', name: 'wikitext-103-raw-v1' },
  },
  {
    name: 'fineweb-edu',
    what: 'educational web pages, a sample of 10 billion tokens (Penedo et al. 2024)',
    licence: 'ODC-By 1.0',
    bytes: 2.8e10,
    from: { path: 'HuggingFaceFW/fineweb-edu', name: 'sample-10BT' },
  },
];

/** A corpus as it can be fetched. */
export interface FoundCorpus {
  /** As the hub states it; else as it stands above. */
  readonly licence: string;
  /** Where from: the set with its name, or the host. */
  readonly source: string;
  readonly files: readonly HubFile[];
}

/** Looks for a corpus; `hub`: another address than its own, such as a mirror. Throws DataError where it cannot be reached. */
export async function findCorpus({ name, licence, from }: TextCorpus, hub: string | undefined): Promise<FoundCorpus> {
  if ('url' in from) {
    const { origin, pathname } = new URL(from.url);
    const url = hub === undefined ? from.url : `${hub.replace(/\/+$/, '')}${pathname}`;
    return { licence, source: hub ?? origin, files: [{ ...from, url, place: join(name, basename(pathname)) }] };
  }
  const address = hub ?? HUB;
  const set = await describeHubSet(address, from.path, from.name);
  const files = set.files.map((file) => ({ ...file, place: join(name, basename(file.place)) }));
  return { licence: set.licence ?? licence, source: `${set.path}, ${set.name} (${address})`, files };
}
