// Jinja templates of task files, rendered with a document as lm-evaluation-harness renders them: Jinja 3.1 with StrictUndefined.
//
// template_source.ts parses; here are statements and expressions, in template_calls.ts filters, tests and methods. Values are
// Python's (python_value.ts): lists print as repr, text counts code points, True is 1. Of Jinja's language macros, blocks,
// includes and tests with arguments are missing: no task of lm-evaluation-harness uses them, and here they are errors.

import { dict, Float, pythonStr, tuple } from './python_value.js';
import { applyFilter, applyTest, method } from './template_calls.js';
import { type Expression, nameOf, parseTemplate, type Statement } from './template_source.js';
import {
  contains,
  defined,
  indexed,
  infix,
  iterate,
  negated,
  sliced,
  truth,
  typeName,
  Undefined,
} from './template_values.js';

/** Why a template has no value. What is asked for it (task, field, document) is added where that is known. */
export class TemplateError extends Error {}

const parsed = new Map<string, readonly Statement[]>();

/** A template's text with a document's columns as its variables. Throws TemplateError. */
export function render(source: string, columns: Readonly<Record<string, unknown>>): string {
  try {
    const statements = parsed.get(source) ?? parseTemplate(source);
    parsed.set(source, statements);
    return new Frame(new Map(Object.entries({ ...GLOBALS, ...columns }))).print(statements);
  } catch (error) {
    throw new TemplateError(error instanceof Error ? error.message : String(error));
  }
}

type Callable = (args: readonly unknown[], named: ReadonlyMap<string, unknown>) => unknown;

const GLOBALS: Readonly<Record<string, Callable>> = {
  range(args) {
    const [start, stop, step] = args.length < 2 ? [0, args[0], 1] : [args[0], args[1], args[2] ?? 1];
    if (![start, stop, step].every(Number.isInteger) || step === 0) throw new TypeError('range() of what is no int');
    const [a, b, by] = [start, stop, step] as [number, number, number];
    return Array.from({ length: Math.max(0, Math.ceil((b - a) / by)) }, (_, i) => a + i * by);
  },
  dict: (_, named) => dict(named),
  namespace: (_, named) => new Map(named),
};

/** The variables of a scope, over those around it. */
class Frame {
  readonly variables: Map<string, unknown>;
  readonly outer: Frame | undefined;

  constructor(variables: Map<string, unknown>, outer?: Frame) {
    this.variables = variables;
    this.outer = outer;
  }

  print(statements: readonly Statement[]): string {
    return statements.map((statement) => this.statement(statement)).join('');
  }

  statement(node: Statement): string {
    switch (node.type) {
      case 'Comment':
        return '';
      case 'StringLiteral':
        return node.value;
      case 'If':
        return this.print(truth(this.value(node.test)) ? node.body : node.alternate);
      case 'For':
        return this.loop(node);
      case 'Set':
        this.assign(
          node.assignee,
          node.value === null ? new Frame(new Map(), this).print(node.body) : this.value(node.value),
        );
        return '';
      default:
        return this.output(this.value(node));
    }
  }

  output(value: unknown): string {
    return value instanceof Undefined && value.blank ? '' : pythonStr(defined(value));
  }

  loop({ loopvar, iterable, body, defaultBlock }: Extract<Statement, { type: 'For' }>): string {
    const filtered = iterable.type === 'SelectExpression'; // {% for x in xs if test %}
    const scope = (item: unknown): Frame => {
      const frame = new Frame(new Map(), this);
      frame.assign(loopvar, item);
      return frame;
    };
    let items = iterate(this.value(filtered ? iterable.lhs : iterable));
    if (filtered) items = items.filter((item) => truth(scope(item).value(iterable.test)));
    if (items.length === 0) return this.print(defaultBlock);
    return items
      .map((item, index) => {
        const frame = scope(item);
        const place = { index: index + 1, index0: index, first: index === 0, last: index === items.length - 1 };
        const end = { length: items.length, revindex: items.length - index, revindex0: items.length - index - 1 };
        const around = [
          index > 0 ? { previtem: items[index - 1] } : {},
          place.last ? {} : { nextitem: items[index + 1] },
        ];
        frame.variables.set('loop', Object.assign({}, place, end, ...around));
        return frame.print(body);
      })
      .join('');
  }

  assign(target: Expression, value: unknown): void {
    if (target.type === 'Identifier') {
      this.variables.set(nameOf(target.value), value);
    } else if (target.type === 'TupleLiteral') {
      const items = iterate(value);
      if (items.length !== target.value.length)
        throw new RangeError(`${items.length} values for ${target.value.length} names`);
      target.value.forEach((name, i) => {
        this.assign(name, items[i]);
      });
    } else if (target.type === 'MemberExpression' && target.property.type === 'Identifier') {
      const space = this.value(target.object); // a namespace
      if (!(space instanceof Map)) throw new TypeError('an attribute can be set on a namespace only');
      space.set(target.property.value, value);
    } else throw new SyntaxError(`cannot set ${target.type}`);
  }

  lookUp(name: string): unknown {
    for (let frame: Frame | undefined = this; frame; frame = frame.outer) {
      if (frame.variables.has(name)) return frame.variables.get(name) ?? null;
    }
    return new Undefined(`'${name}' is undefined`);
  }

  value(node: Expression | Statement): unknown {
    switch (node.type) {
      case 'StringLiteral':
      case 'IntegerLiteral':
        return node.value;
      case 'FloatLiteral':
        return new Float(node.value);
      case 'Identifier':
        return node.value in CONSTANTS ? CONSTANTS[node.value] : this.lookUp(nameOf(node.value));
      case 'ArrayLiteral':
        return node.value.map((item) => defined(this.value(item)));
      case 'TupleLiteral':
        return tuple(node.value.map((item) => defined(this.value(item))));
      case 'ObjectLiteral':
        return dict([...node.value].map(([key, item]) => [this.value(key), this.value(item)]));
      case 'Ternary':
        return this.value(truth(this.value(node.condition)) ? node.trueExpr : node.falseExpr);
      case 'SelectExpression':
        if (truth(this.value(node.test))) return this.value(node.lhs);
        return new Undefined('the inline if-expression evaluated to false and no else section was defined', true);
      case 'UnaryExpression':
        return node.operator.value === 'not'
          ? !truth(this.value(node.argument))
          : negated(node.operator.value, this.value(node.argument));
      case 'BinaryExpression':
        return this.binary(node);
      case 'MemberExpression':
        return this.member(node);
      case 'CallExpression': {
        const callee = this.value(node.callee);
        if (typeof callee !== 'function') throw new TypeError(`'${typeName(defined(callee))}' object is not callable`);
        return (callee as Callable)(...this.arguments(node.args));
      }
      case 'FilterExpression': {
        const { filter } = node;
        const name = filter.type === 'Identifier' ? filter.value : (filter.callee as { value: string }).value;
        const [args, named] = this.arguments(filter.type === 'Identifier' ? [] : filter.args);
        return applyFilter(name, this.value(node.operand), args, named);
      }
      case 'TestExpression':
        return applyTest(node.test.value, this.value(node.operand)) !== node.negate;
      default:
        throw new SyntaxError(`${node.type} is not supported`);
    }
  }

  binary({ operator: { value: op }, left, right }: Extract<Expression, { type: 'BinaryExpression' }>): unknown {
    const a = this.value(left);
    if (op === 'and') return truth(a) ? this.value(right) : a;
    if (op === 'or') return truth(a) ? a : this.value(right);
    if (COMPARISONS.has(op) && left.type === 'BinaryExpression' && COMPARISONS.has(left.operator.value)) {
      throw new SyntaxError(`comparisons in a chain (a < b ${op} c) are not supported: write them with and`);
    }
    const b = this.value(right);
    if (op === 'in') return contains(b, a);
    if (op === 'not in') return !contains(b, a);
    return infix(op, a, b);
  }

  member({ object, property, computed }: Extract<Expression, { type: 'MemberExpression' }>): unknown {
    const of = defined(this.value(object));
    if (computed && property.type === 'SliceExpression') {
      const bound = (node?: Expression) => (node === undefined ? null : this.value(node));
      return sliced(of, bound(property.start), bound(property.stop), bound(property.step));
    }
    if (computed || property.type !== 'Identifier') {
      const key = defined(this.value(property));
      const item = indexed(of, key);
      if (item !== undefined) return item;
      return (typeof key === 'string' ? method(of, key) : undefined) ?? missing(of, key);
    }
    const name = nameOf(property.value); // x.name is an attribute first, then an item
    const found = method(of, name) ?? indexed(of, name);
    return found === undefined ? missing(of, name) : found;
  }

  arguments(nodes: readonly Expression[]): [unknown[], Map<string, unknown>] {
    const args: unknown[] = [];
    const named = new Map<string, unknown>();
    for (const node of nodes) {
      if (node.type === 'KeywordArgumentExpression') named.set(node.key.value, this.value(node.value));
      else args.push(this.value(node));
    }
    return [args, named];
  }
}

const missing = (of: unknown, key: unknown): Undefined =>
  new Undefined(
    typeof key === 'string' ? `'${typeName(of)}' object has no attribute '${key}'` : `no item ${pythonStr(key)}`,
  );

const CONSTANTS: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

const COMPARISONS = new Set(['==', '!=', '<', '>', '<=', '>=', 'in', 'not in']);
