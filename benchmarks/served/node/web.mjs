// Node's http server on the socket that supervisord opened, without a word about signals: TERM ends it at once.

import http from "node:http";

const VERSION = "1";

const server = http.createServer((request, response) => {
  setTimeout(() => response.end(`version ${VERSION}\n`), 10);
});

server.listen({ fd: 0 });
