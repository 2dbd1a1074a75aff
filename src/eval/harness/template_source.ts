// A template's text as a syntax tree, by the lexer and parser of @huggingface/jinja; template.ts gives it meaning.
//
// What that lexer does otherwise than Jinja is put right in the text before it: line ends become \n, a last \n stays, names
// need not be ASCII (they are spelled with __u<hex>__ in the tree), and text keeps the backslash of an escape that Python
// does not know ('\d'). Options: trim_blocks and lstrip_blocks are off, as in lm-evaluation-harness.

import { parse, tokenize } from '@huggingface/jinja';

/** An operator as the lexer found it. */
interface Token {
  readonly value: string;
}

/** Something that has a value. */
export type Expression =
  | { readonly type: 'Identifier' | 'StringLiteral'; readonly value: string }
  | { readonly type: 'IntegerLiteral' | 'FloatLiteral'; readonly value: number }
  | { readonly type: 'ArrayLiteral' | 'TupleLiteral'; readonly value: readonly Expression[] }
  | { readonly type: 'ObjectLiteral'; readonly value: ReadonlyMap<Expression, Expression> }
  | {
      readonly type: 'BinaryExpression';
      readonly operator: Token;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly type: 'UnaryExpression'; readonly operator: Token; readonly argument: Expression }
  | {
      readonly type: 'MemberExpression';
      readonly object: Expression;
      readonly property: Expression;
      readonly computed: boolean;
    }
  | {
      readonly type: 'SliceExpression';
      readonly start?: Expression;
      readonly stop?: Expression;
      readonly step?: Expression;
    }
  | CallExpression
  | { readonly type: 'KeywordArgumentExpression'; readonly key: { readonly value: string }; readonly value: Expression }
  | { readonly type: 'FilterExpression'; readonly operand: Expression; readonly filter: Filter }
  | {
      readonly type: 'TestExpression';
      readonly operand: Expression;
      readonly negate: boolean;
      readonly test: { readonly value: string };
    }
  | { readonly type: 'SelectExpression'; readonly lhs: Expression; readonly test: Expression }
  | {
      readonly type: 'Ternary';
      readonly condition: Expression;
      readonly trueExpr: Expression;
      readonly falseExpr: Expression;
    };

interface CallExpression {
  readonly type: 'CallExpression';
  readonly callee: Expression;
  readonly args: readonly Expression[];
}

type Filter = { readonly type: 'Identifier'; readonly value: string } | CallExpression;

/** Something that prints, or changes what follows. Plain text is a StringLiteral. */
export type Statement =
  | Expression
  | { readonly type: 'Comment' }
  | {
      readonly type: 'If';
      readonly test: Expression;
      readonly body: readonly Statement[];
      readonly alternate: readonly Statement[];
    }
  | {
      readonly type: 'For';
      readonly loopvar: Expression;
      readonly iterable: Expression;
      readonly body: readonly Statement[];
      readonly defaultBlock: readonly Statement[];
    }
  | {
      readonly type: 'Set';
      readonly assignee: Expression;
      readonly value: Expression | null;
      readonly body: readonly Statement[];
    };

/** Throws SyntaxError, or Error of the parser. */
export function parseTemplate(source: string): readonly Statement[] {
  const text = insideTags(source.replace(/\r\n?/g, '\n'));
  const tokens = tokenize(text.endsWith('\n') ? `${text}\n` : text, { lstrip_blocks: false, trim_blocks: false });
  return parse(tokens).body as unknown as readonly Statement[];
}

/** A name of the tree as it stands in the template. */
export const nameOf = (spelled: string): string =>
  spelled.includes('__u')
    ? spelled.replace(/__u([\da-f]+)__/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    : spelled;

// a tag: its opening, text in quotes or any other character, its end
const TAG = /\{#[\s\S]*?#\}|\{[{%](?:'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|(?![%}]\})[\s\S])*/g;
const IN_TAG = /'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|[^'"]+/g;
const KNOWN_ESCAPES = /\\(?:[ntrbfv'"\\]|x[\da-fA-F]{2}|u[\da-fA-F]{4})|\\/g;

const insideTags = (source: string): string =>
  source.replace(TAG, (tag) => {
    if (tag.startsWith('{#')) return tag;
    return tag.replace(IN_TAG, (part) => {
      if (/^['"]/.test(part)) return part.replace(KNOWN_ESCAPES, (found) => (found === '\\' ? '\\\\' : found));
      return part.replace(/[^\0-\x7f]/gu, (char) =>
        /\p{ID_Continue}/u.test(char) ? `__u${char.codePointAt(0)!.toString(16)}__` : char,
      );
    });
  });
