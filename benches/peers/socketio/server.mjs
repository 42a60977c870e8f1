// The pair that people build a chat with: socket.io takes the message, better-sqlite3
// inserts it with synchronous=FULL, then the message is acknowledged. One row with an
// index for retries, no conversation, no counter. Prints its port.

import { createServer } from 'node:http';
import Database from 'better-sqlite3';
import { Server } from 'socket.io';

const db = new Database(process.argv[2]);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`create table messages (
  id integer primary key, visitor text not null, client_id text not null, body text not null, at integer not null,
  unique (visitor, client_id))`);
const insert = db.prepare('insert into messages (visitor, client_id, body, at) values (?, ?, ?, ?)');

const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false, perMessageDeflate: false });
io.on('connection', (socket) => {
  socket.on('message', (message, acknowledge) => {
    const { lastInsertRowid } = insert.run(socket.id, message.client_id, message.text, Date.now());
    acknowledge({ client_id: message.client_id, id: Number(lastInsertRowid) });
  });
});
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
