// An application: a page with WebSockets, bodies large and small, and how often it was asked. Prints its port.
// `node origin.js` speaks HTTP/1.1, `node origin.js http2` HTTP/2 in plain text by prior knowledge.
'use strict';
const crypto = require('crypto');
const http = require('http');
const http2 = require('http2');

const PAGE = `<!doctype html><title>waiting</title><img src="/held">
<script>
const first = (path, then) => new Promise(done => {
  const socket = new WebSocket('ws://' + location.host + path);
  socket.onopen = () => then(socket, done);
  socket.onmessage = event => done(event.data);
  socket.onerror = () => done('refused');
});
Promise.all([
  first('/socket', socket => socket.send('through the gate')),
  first('/staff/socket', (socket, done) => done('open')),
]).then(([echoed, staff]) => {
  document.title = 'echoed: ' + echoed + '; staff: ' + staff;
  return fetch('/said', { method: 'POST' });
});
</script>`;
const PIECE = Buffer.alloc(64 * 1024, 'x');
const LARGE = 1024;
let asked = 0;
let held = [];

function answer(request, response) {
  const path = request.url.split('?')[0];
  if (path === '/asked') return response.end(String(asked));
  asked += 1;
  if (path === '/page') return response.end(PAGE);
  // The page is loaded once its sockets have said what they had to say, and not before.
  if (path === '/held') return held.push(response);
  if (path === '/said') {
    held.forEach(waiting => waiting.end());
    held = [];
    return response.end();
  }
  if (path === '/large') return large(response, LARGE);
  if (path === '/slow') return setTimeout(() => response.end('slow'), 50);
  let length = 0;
  request.on('data', piece => { length += piece.length; });
  request.on('error', () => {});
  request.on('end', () => response.end(`${request.method} ${request.url} ${length}\n`));
}

function large(response, left) {
  while (left-- > 0) {
    if (!response.write(PIECE)) return response.once('drain', () => large(response, left));
  }
  return response.end();
}

// RFC 6455, as far as short text frames of one caller go: what is said is said back.
function upgrade(request, socket) {
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const accept = crypto.createHash('sha1').update(key).digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let unread = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', piece => {
    unread = Buffer.concat([unread, piece]);
    while (unread.length >= 6 && unread.length >= 6 + (unread[1] & 127)) {
      const length = unread[1] & 127;
      const text = unread.subarray(6, 6 + length).map((byte, at) => byte ^ unread[2 + at % 4]);
      if ((unread[0] & 15) === 8) return socket.end(Buffer.from([0x88, 0]));
      socket.write(Buffer.concat([Buffer.from([unread[0], length]), text]));
      unread = unread.subarray(6 + length);
    }
  });
}

const server = process.argv[2] === 'http2' ? http2.createServer(answer) : http.createServer(answer);
if (process.argv[2] !== 'http2') {
  server.on('upgrade', upgrade);
  // It is the gate that is tested for patience.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
}
server.listen(0, '127.0.0.1', 4096, () => console.log(`port ${server.address().port}`));
