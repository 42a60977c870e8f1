// Reads the TOML of a policy and changes single values in it, so that the text
// and the form are one thing: comments, order and spacing of everything that is
// not touched stay as somebody wrote them.
//
// Pure. It knows what TOML looks like, not what a policy is. Dates are not
// read: no policy has one. The server's reading is the one that counts.

/**
 * @typedef {{ from: number, to: number, line: number }} Span characters of the text; `line` begins at 1
 * @typedef {{ path: string[], body: number, end: number, isArray: boolean }} Table where its lines begin, and where the next key of it goes
 * @typedef {{ values: any, spans: Map<string, Span>, lines: Map<string, Span>, tables: Table[], problems: { line: number, message: string }[] }} Parsed
 */

class Mistake extends Error {
  constructor(/** @type {number} */ at, /** @type {string} */ message) {
    super(message);
    this.at = at;
  }
}

const name = (/** @type {(string | number)[]} */ path) => path.join('.');

/** Reads a text. Never throws: what cannot be read is in `problems`, and the rest stays readable. */
export function parse(/** @type {string} */ text) {
  return new Reader(text).read();
}

class Reader {
  constructor(/** @type {string} */ text) {
    this.text = text;
    this.at = 0;
    /** @type {Parsed} */
    this.out = { values: {}, spans: new Map(), lines: new Map(), tables: [{ path: [], body: 0, end: 0, isArray: false }], problems: [] };
    this.defined = new Set();
  }

  read() {
    const { out, text } = this;
    while (this.at < text.length) {
      const start = this.at;
      try {
        this.statement();
      } catch (error) {
        if (!(error instanceof Mistake)) throw error;
        out.problems.push({ line: this.line(error.at), message: error.message });
        // Go on behind the line with the mistake.
        const next = text.indexOf('\n', Math.max(this.at, start));
        this.at = next < 0 ? text.length : next + 1;
      }
    }
    return out;
  }

  statement() {
    const start = this.at;
    this.blank();
    const c = this.text[this.at];
    if (c === undefined) return;
    if (c === '#' || c === '\n' || c === '\r') return this.lineEnd();
    if (c === '[') return this.header(start);
    const table = this.out.tables[this.out.tables.length - 1];
    const keyAt = this.at;
    const key = this.key();
    this.blank();
    if (this.text[this.at] !== '=') throw new Mistake(this.at, 'a key needs “=” and a value');
    this.at += 1;
    this.blank();
    const path = [...table.path, ...key];
    this.put(path, keyAt, this.value(path));
    this.lineEnd();
    table.end = this.at;
    this.out.lines.set(name(path), { from: start, to: this.at, line: this.line(start) });
  }

  header(/** @type {number} */ start) {
    const isArray = this.text.startsWith('[[', this.at);
    this.at += isArray ? 2 : 1;
    this.blank();
    const path = this.key();
    this.blank();
    const close = isArray ? ']]' : ']';
    if (!this.text.startsWith(close, this.at)) throw new Mistake(this.at, `the heading needs “${close}” at its end`);
    this.at += close.length;
    /** @type {(string | number)[]} */ let full = path;
    if (isArray) {
      const list = this.reach(path.slice(0, -1), start);
      const last = path[path.length - 1];
      if (!Object.hasOwn(list, last)) list[last] = [];
      if (!Array.isArray(list[last])) throw new Mistake(start, `“${name(path)}” is not a list`);
      list[last].push({});
      full = [...path, list[last].length - 1];
    } else {
      if (this.defined.has(name(path))) throw new Mistake(start, `“[${name(path)}]” is there twice`);
      this.defined.add(name(path));
      this.reach(path, start);
    }
    this.lineEnd();
    this.out.tables.push({ path: /** @type {string[]} */ (full), body: this.at, end: this.at, isArray });
    this.out.lines.set(`[${name(full)}]`, { from: start, to: this.at, line: this.line(start) });
  }

  /** The object at a path, made where it is not there. */
  reach(/** @type {(string | number)[]} */ path, /** @type {number} */ at) {
    let object = this.out.values;
    for (const key of path) {
      // A heading below a list of sections belongs to the last of them.
      if (Array.isArray(object) && typeof key !== 'number') object = object[object.length - 1];
      if (Object.hasOwn(object, key)) object = object[key];
      else object = object[key] = {};
      if (object === null || typeof object !== 'object') throw new Mistake(at, `“${name(path)}” is a value, not a section`);
    }
    if (Array.isArray(object)) throw new Mistake(at, `“${name(path)}” is a list`);
    return object;
  }

  put(/** @type {(string | number)[]} */ path, /** @type {number} */ at, /** @type {any} */ value) {
    const object = this.reach(path.slice(0, -1), at);
    const last = path[path.length - 1];
    if (last === '__proto__') throw new Mistake(at, 'this key is not allowed');
    if (Object.hasOwn(object, last)) throw new Mistake(at, `“${name(path)}” is there twice`);
    object[last] = value;
  }

  key() {
    const path = [];
    for (;;) {
      const c = this.text[this.at];
      if (c === '"' || c === "'") path.push(this.string());
      else {
        const found = /[A-Za-z0-9_-]+/y;
        found.lastIndex = this.at;
        const match = found.exec(this.text);
        if (!match) throw new Mistake(this.at, 'a key was expected');
        path.push(match[0]);
        this.at += match[0].length;
      }
      const here = this.at;
      this.blank();
      if (this.text[this.at] !== '.') {
        this.at = here;
        return path;
      }
      this.at += 1;
      this.blank();
    }
  }

  value(/** @type {(string | number)[]} */ path) {
    const from = this.at;
    const value = this.bare(path);
    this.out.spans.set(name(path), { from, to: this.at, line: this.line(from) });
    return value;
  }

  bare(/** @type {(string | number)[]} */ path) {
    const c = this.text[this.at];
    if (c === '"' || c === "'") return this.string();
    if (c === '[') return this.array(path);
    if (c === '{') return this.inline(path);
    const found = /[^\s,\]}#]+/y;
    found.lastIndex = this.at;
    const match = found.exec(this.text);
    if (!match) throw new Mistake(this.at, 'a value was expected');
    const word = match[0];
    const at = this.at;
    this.at += word.length;
    if (word === 'true') return true;
    if (word === 'false') return false;
    const plain = word.replace(/(?<=\d)_(?=\d)/g, '');
    if (/^[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(plain)) return Number(plain);
    if (/^0x[0-9a-fA-F]+$|^0o[0-7]+$|^0b[01]+$/.test(plain)) return Number(plain);
    if (/^[+-]?(inf|nan)$/.test(word)) return word.endsWith('nan') ? NaN : word.startsWith('-') ? -Infinity : Infinity;
    throw new Mistake(at, `“${word.slice(0, 40)}” is no value; words and times stand in quotation marks`);
  }

  array(/** @type {(string | number)[]} */ path) {
    const from = this.at;
    this.at += 1;
    /** @type {any[]} */
    const list = [];
    for (;;) {
      this.space();
      const c = this.text[this.at];
      if (c === undefined) throw new Mistake(from, 'the list needs “]” at its end');
      if (c === ']') {
        this.at += 1;
        return list;
      }
      list.push(this.value([...path, list.length]));
      this.space();
      if (this.text[this.at] === ',') this.at += 1;
      else if (this.text[this.at] !== ']') throw new Mistake(this.at < this.text.length ? this.at : from, 'a comma or “]” was expected in the list');
    }
  }

  inline(/** @type {(string | number)[]} */ path) {
    const from = this.at;
    this.at += 1;
    /** @type {Record<string, any>} */
    const object = {};
    for (;;) {
      this.space();
      if (this.text[this.at] === '}') {
        this.at += 1;
        return object;
      }
      const at = this.at;
      const key = this.key();
      if (key.length > 1) throw new Mistake(at, 'dots in keys are not read here; write a section of its own');
      this.blank();
      if (this.text[this.at] !== '=') throw new Mistake(this.at, 'a key needs “=” and a value');
      this.at += 1;
      this.blank();
      if (key[0] === '__proto__' || Object.hasOwn(object, key[0])) throw new Mistake(at, `“${key[0]}” is there twice`);
      object[key[0]] = this.value([...path, key[0]]);
      this.space();
      if (this.text[this.at] === ',') this.at += 1;
      else if (this.text[this.at] !== '}') throw new Mistake(this.at < this.text.length ? this.at : from, 'a comma or “}” was expected');
    }
  }

  string() {
    const { text } = this;
    const from = this.at;
    const quote = text[from];
    const triple = quote.repeat(3);
    const isLong = text.startsWith(triple, from);
    this.at += isLong ? 3 : 1;
    if (isLong && text[this.at] === '\r') this.at += 1;
    if (isLong && text[this.at] === '\n') this.at += 1;
    let out = '';
    for (;;) {
      const c = text[this.at];
      if (c === undefined || (c === '\n' && !isLong)) throw new Mistake(from, 'the text needs a closing quotation mark');
      if (isLong ? text.startsWith(triple, this.at) : c === quote) {
        this.at += isLong ? 3 : 1;
        return out;
      }
      this.at += 1;
      if (c !== '\\' || quote === "'") out += c;
      else out += this.escape(isLong);
    }
  }

  escape(/** @type {boolean} */ isLong) {
    const c = this.text[this.at];
    const simple = /** @type {Record<string, string>} */ ({ n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', e: '\u001b', '"': '"', '\\': '\\' })[c];
    if (simple !== undefined) {
      this.at += 1;
      return simple;
    }
    const length = c === 'u' ? 4 : c === 'U' ? 8 : 0;
    const digits = this.text.slice(this.at + 1, this.at + 1 + length);
    if (length && new RegExp(`^[0-9a-fA-F]{${length}}$`).test(digits) && parseInt(digits, 16) <= 0x10ffff) {
      this.at += 1 + length;
      return String.fromCodePoint(parseInt(digits, 16));
    }
    if (isLong && /\s/.test(c)) {
      while (/\s/.test(this.text[this.at] ?? '')) this.at += 1;
      return '';
    }
    throw new Mistake(this.at - 1, 'after “\\” comes one of n, t, r, ", \\ or u with four digits');
  }

  blank() {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at += 1;
  }

  /** Spaces, line ends and comments, as they are allowed inside brackets. */
  space() {
    for (;;) {
      while (/[ \t\r\n]/.test(this.text[this.at] ?? '')) this.at += 1;
      if (this.text[this.at] !== '#') return;
      while (this.at < this.text.length && this.text[this.at] !== '\n') this.at += 1;
    }
  }

  lineEnd() {
    this.blank();
    if (this.text[this.at] === '#') while (this.at < this.text.length && this.text[this.at] !== '\n') this.at += 1;
    if (this.text[this.at] === '\r') this.at += 1;
    if (this.at >= this.text.length) return;
    if (this.text[this.at] !== '\n') throw new Mistake(this.at, 'nothing more was expected on this line');
    this.at += 1;
  }

  line(/** @type {number} */ at) {
    let line = 1;
    for (let i = this.text.indexOf('\n'); i >= 0 && i < at; i = this.text.indexOf('\n', i + 1)) line += 1;
    return line;
  }
}

/**
 * A value as TOML writes it.
 * @param {any} value
 * @returns {string}
 */
export function write(value) {
  if (typeof value === 'string') return `"${value.replace(/[\u0000-\u001f"\\\u007f]/g, escaped)}"`; // eslint-disable-line no-control-regex
  if (Array.isArray(value)) {
    const short = `[${value.map(write).join(', ')}]`;
    // Texts that do not fit on a line stand below each other, as somebody would write them.
    return short.length > 100 && value.every((one) => typeof one === 'string') ? `[\n${value.map((one) => `  ${write(one)},\n`).join('')}]` : short;
  }
  if (value !== null && typeof value === 'object') return `{ ${Object.entries(value).map(([key, one]) => `${writeKey(key)} = ${write(one)}`).join(', ')} }`;
  return String(value);
}

const writeKey = (/** @type {string} */ key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : write(key));

function escaped(/** @type {string} */ c) {
  const short = /** @type {Record<string, string>} */ ({ '\n': '\\n', '\t': '\\t', '\r': '\\r', '"': '\\"', '\\': '\\\\' })[c];
  return short ?? `\\u${c.codePointAt(0)?.toString(16).padStart(4, '0')}`;
}

/** The value at a path, undefined when it is not there. */
export function get(/** @type {any} */ values, /** @type {string} */ path) {
  return path.split('.').reduce((object, key) => (object !== null && typeof object === 'object' && Object.hasOwn(object, key) ? object[key] : undefined), values);
}

/**
 * The text with one value changed, and nothing else. A key that is not there is
 * added at the end of its section; a section that is not there at the end.
 * @param {string} text
 * @param {string} path dotted
 * @param {any} value
 */
export function set(text, path, value) {
  const parsed = parse(text);
  const written = write(value);
  const span = parsed.spans.get(path);
  if (span) return text.slice(0, span.from) + written + text.slice(span.to);

  const keys = path.split('.');
  const parent = parsed.spans.get(name(keys.slice(0, -1)));
  if (parent && text[parent.from] === '{') {
    const inside = text.slice(parent.from + 1, parent.to - 1).trim();
    return `${text.slice(0, parent.from)}{ ${inside ? `${inside.replace(/,$/, '')}, ` : ''}${writeKey(keys[keys.length - 1])} = ${written} }${text.slice(parent.to)}`;
  }
  // The longest section of which the key is a part.
  for (let length = keys.length - 1; length >= 0; length -= 1) {
    const table = parsed.tables.find((one) => name(one.path) === name(keys.slice(0, length)));
    const isUsed = length > 0 || keys.length === 1;
    if (!table || !isUsed) continue;
    const rest = keys.slice(length);
    return insert(text, table.end, `${rest.map(writeKey).join('.')} = ${written}\n`);
  }
  const head = keys.slice(0, -1).map(writeKey).join('.');
  return insert(text, text.length, `\n[${head}]\n${writeKey(keys[keys.length - 1])} = ${written}\n`);
}

function insert(/** @type {string} */ text, /** @type {number} */ at, /** @type {string} */ lines) {
  const before = text.slice(0, at);
  return before + (before === '' || before.endsWith('\n') ? '' : '\n') + lines + text.slice(at);
}

/**
 * The text with one more entry in a list of sections, as `[[rules.keywords]]`.
 * @param {string} text
 * @param {string} path dotted
 * @param {Record<string, any>} entry
 */
export function append(text, path, entry) {
  const parsed = parse(text);
  const inline = parsed.spans.get(path);
  if (inline) {
    const list = get(parsed.values, path);
    return text.slice(0, inline.from) + write([...list, entry]) + text.slice(inline.to);
  }
  const lines = `[[${path}]]\n${Object.entries(entry).map(([key, value]) => `${writeKey(key)} = ${write(value)}\n`).join('')}`;
  const siblings = parsed.tables.filter((table) => table.isArray && name(table.path.slice(0, -1)) === path);
  const last = siblings[siblings.length - 1];
  if (last) return insert(text, last.end, `\n${lines}`);
  // Behind its section and that section's own, so that nothing after it changes its meaning.
  const parent = path.split('.').slice(0, -1).join('.');
  const family = parsed.tables.filter((table) => name(table.path) === parent || name(table.path).startsWith(`${parent}.`));
  const at = parent !== '' && family.length > 0 ? family[family.length - 1].end : text.length;
  return insert(text, at, `\n${lines}`);
}

/** The text without one entry of a list of sections. */
export function remove(/** @type {string} */ text, /** @type {string} */ path, /** @type {number} */ index) {
  const parsed = parse(text);
  const inline = parsed.spans.get(path);
  if (inline) {
    const list = get(parsed.values, path).filter((/** @type {any} */ _, /** @type {number} */ at) => at !== index);
    return text.slice(0, inline.from) + write(list) + text.slice(inline.to);
  }
  const table = parsed.tables.find((one) => one.isArray && name(one.path) === `${path}.${index}`);
  const head = parsed.lines.get(`[${path}.${index}]`);
  if (!table || !head) return text;
  const before = text.slice(0, head.from).replace(/\n[ \t]*\n$/, '\n');
  return before + text.slice(table.end);
}

/** The text without one key, with the line it stands on. A key that shares its line with others stays. */
export function unset(/** @type {string} */ text, /** @type {string} */ path) {
  const line = parse(text).lines.get(path);
  return line ? text.slice(0, line.from) + text.slice(line.to) : text;
}

/** Every plain value with its dotted path; lists of plain values count as one. */
export function flatten(/** @type {any} */ values, prefix = '') {
  /** @type {Map<string, any>} */
  const flat = new Map();
  for (const [key, value] of Object.entries(values ?? {})) {
    const path = prefix ? `${prefix}.${key}` : key;
    const isTable = value !== null && typeof value === 'object' && !Array.isArray(value);
    if (isTable) for (const [inner, one] of flatten(value, path)) flat.set(inner, one);
    else flat.set(path, value);
  }
  return flat;
}
