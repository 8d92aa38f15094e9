// The same with the handler that Node's documentation suggests. Since Node 19 close() also closes idle connections.

import http from "node:http";

const VERSION = "1";

const server = http.createServer((request, response) => {
  setTimeout(() => response.end(`version ${VERSION}\n`), 10);
});

process.on("SIGTERM", () => server.close());

server.listen({ fd: 0 });
