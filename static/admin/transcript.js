// A conversation as text, the way one pastes it into the test bench, and the
// turns it is made of:
//   visitor: Where is my parcel?
//   bot: It is on its way.
//   bot!: (no answer)
// A line without a speaker goes on with the one before. Text without any
// speaker is the visitor's, one message a line. Pure.

/** @typedef {{ speaker: 'visitor' | 'bot' | 'agent', text: string, no_answer?: true }} Turn */

const SPOKEN = /^\s*(visitor|bot|agent)\s*(!?)\s*:\s?(.*)$/i;

/** The server takes no more than this at once. */
export const MOST_TURNS = 200;

/** @returns {Turn[]} */
export function turns(/** @type {string} */ text) {
  const lines = text.split(/\r\n|\n|\r/);
  const isScript = lines.some((line) => SPOKEN.test(line));
  if (!isScript) return lines.map((line) => line.trim()).filter(Boolean).map((line) => ({ speaker: /** @type {const} */ ('visitor'), text: line }));
  /** @type {Turn[]} */
  const out = [];
  for (const line of lines) {
    const found = SPOKEN.exec(line);
    if (found) {
      const speaker = /** @type {Turn['speaker']} */ (found[1].toLowerCase());
      out.push({ speaker, text: found[3].trim(), ...(speaker === 'bot' && found[2] ? { no_answer: /** @type {const} */ (true) } : {}) });
    } else if (line.trim() !== '') {
      const last = out[out.length - 1];
      if (last) last.text = last.text ? `${last.text}\n${line.trim()}` : line.trim();
      else out.push({ speaker: 'visitor', text: line.trim() });
    }
  }
  return out.filter((turn) => turn.text !== '' || turn.no_answer);
}

/** The other way: turns as text that reads back as the same turns. */
export function asText(/** @type {{ speaker: string, text: string, no_answer?: boolean }[]} */ list) {
  return list.map(({ speaker, text, no_answer: none }) => `${speaker}${none ? '!' : ''}: ${text.replace(/\s*\n\s*/g, ' ')}`).join('\n');
}

export const EXAMPLES = Object.freeze([
  {
    name: 'A parcel that does not come',
    text: 'visitor: Where is my parcel?\nbot: It is on its way.\nvisitor: You said that yesterday.\nbot!: Sorry, I did not get that.\nvisitor: This is the third time I ask. Useless. Where is my parcel?',
  },
  { name: 'Asks for a person', text: 'visitor: hi, can I change the delivery address?\nbot: You can change it until the parcel is packed.\nvisitor: Can I please talk to a human?' },
  { name: 'Sad, but not at us', text: 'visitor: My grandmother died last week and I am heartbroken. How do I close her account?\nbot: I am sorry. Please send us a copy of the certificate.\nvisitor: Thank you, I will do that.' },
]);
