// One TLS connection with Node's tls module (which brings an OpenSSL of its own).
//
//   peer.js server VERSION CERT KEY SUITE GROUPS LENGTH CA|-
//   peer.js client VERSION PORT CA SUITE GROUPS FILE LENGTH CERT|- KEY|-
//
// The server sends LENGTH bytes back as they came; the client sends FILE and reads LENGTH bytes.
// Both print: protocol, cipher suite, SHA-256 of what they received, the other's name or "-".
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const tls = require('tls');

const read = (file) => (file === '-' ? undefined : fs.readFileSync(file));

function settings(version, suite, groups, certificate, key, authority) {
  return {
    minVersion: version,
    maxVersion: version,
    ciphers: suite,
    ecdhCurve: groups,
    cert: read(certificate),
    key: read(key),
    ca: read(authority),
  };
}

function report(socket, received) {
  const peer = socket.getPeerCertificate();
  const digest = crypto.createHash('sha256').update(received).digest('hex');
  const name = peer && peer.subject ? peer.subject.CN : '-';
  console.log(socket.getProtocol(), socket.getCipher().name, digest, name);
}

// Calls `then` once, with the first `length` bytes that arrive.
function receive(socket, length, then) {
  const chunks = [];
  let size = 0;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > length) throw new Error('more data than expected');
    if (size === length) then(Buffer.concat(chunks));
  });
}

function serve([version, certificate, key, suite, groups, length, authority]) {
  const options = settings(version, suite, groups, certificate, key, authority);
  options.requestCert = authority !== '-';
  options.rejectUnauthorized = options.requestCert;
  const server = tls.createServer(options, (socket) => {
    receive(socket, Number(length), (received) => {
      report(socket, received);
      socket.write(received);
    });
    socket.on('end', () => server.close());
  });
  server.on('tlsClientError', (error) => { throw error; });
  server.listen(0, '127.0.0.1');
}

function connect([version, port, authority, suite, groups, file, length, certificate, key]) {
  const options = settings(version, suite, groups, certificate, key, authority);
  Object.assign(options, { host: '127.0.0.1', port: Number(port), servername: 'localhost' });
  const socket = tls.connect(options, () => socket.write(fs.readFileSync(file)));
  receive(socket, Number(length), (received) => {
    report(socket, received);
    socket.end();
  });
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'server') serve(rest);
else connect(rest);
