// A small WebSocket client for the browser tests' visitors: text frames, ping
// and pong, close. Node has none of its own before version 22.

import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

/**
 * @param {string} url with http:
 * @param {{ origin: string }} options
 * @param {(text: string) => void} onText
 * @returns {Promise<{ send: (text: string) => void, close: () => void }>}
 */
export function openSocket(url, { origin }, onText) {
  return new Promise((resolve, reject) => {
    const ask = request(url, {
      headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': randomBytes(16).toString('base64'), origin },
    });
    ask.on('error', reject);
    ask.on('response', (answer) => reject(new Error(`no upgrade: ${answer.statusCode}`)));
    ask.on('upgrade', (_answer, socket, head) => {
      let buffer = head;
      /** @type {Buffer[]} */
      let parts = [];
      const send = (/** @type {number} */ opcode, /** @type {Buffer} */ payload) => {
        if (socket.destroyed) return;
        const mask = randomBytes(4);
        const masked = Buffer.from(payload.map((byte, index) => byte ^ mask[index % 4]));
        socket.write(Buffer.concat([header(opcode, payload.length), mask, masked]));
      };
      const read = () => {
        for (;;) {
          const frame = parse(buffer);
          if (!frame) return;
          buffer = buffer.subarray(frame.length);
          if (frame.opcode === 0x9) send(0xa, frame.payload);
          else if (frame.opcode === 0x8) socket.end();
          else if (frame.opcode === 0x1 || frame.opcode === 0x0) {
            parts.push(frame.payload);
            if (frame.isLast) {
              const text = Buffer.concat(parts).toString('utf8');
              parts = [];
              onText(text);
            }
          }
        }
      };
      socket.on('data', (data) => {
        buffer = Buffer.concat([buffer, data]);
        read();
      });
      socket.on('error', () => socket.destroy());
      read();
      resolve({
        send: (text) => send(0x1, Buffer.from(text, 'utf8')),
        close: () => {
          send(0x8, Buffer.from([0x03, 0xe8]));
          socket.end();
        },
      });
    });
    ask.end();
  });
}

function header(/** @type {number} */ opcode, /** @type {number} */ length) {
  if (length < 126) return Buffer.from([0x80 | opcode, 0x80 | length]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return head;
}

/** One frame from the beginning of what came, or null when it is not whole yet. */
function parse(/** @type {Buffer} */ buffer) {
  if (buffer.length < 2) return null;
  const small = buffer[1] & 0x7f;
  const at = small === 126 ? 4 : small === 127 ? 10 : 2;
  if (buffer.length < at) return null;
  const length = small === 126 ? buffer.readUInt16BE(2) : small === 127 ? Number(buffer.readBigUInt64BE(2)) : small;
  if (buffer.length < at + length) return null;
  return { opcode: buffer[0] & 0x0f, isLast: (buffer[0] & 0x80) !== 0, payload: buffer.subarray(at, at + length), length: at + length };
}
