// Node's http server on the socket that supervisord opened, and it leaves without dropping anybody.

import http from "node:http";
import net from "node:net";

const VERSION = "1";
const GRACE = 1000; // milliseconds that an idle connection has to speak once more

const server = http.createServer((request, response) => {
  setTimeout(() => response.end(`version ${VERSION}\n`), 10);
});

const underWay = new Set();
let leaving = false;

// before the application sees a request
server.prependListener("request", (request, response) => {
  underWay.add(response);
  response.on("close", () => underWay.delete(response));
  if (leaving) response.setHeader("Connection", "close");
});

process.on("SIGTERM", () => {
  leaving = true;
  for (const response of underWay) if (!response.headersSent) response.setHeader("Connection", "close");
  // accept no more: on the shared socket the next process does. http's own close() would close idle connections, too
  net.Server.prototype.close.call(server, () => process.exit(0)); // when the last connection has ended
  setTimeout(() => setInterval(() => server.closeIdleConnections(), 50), GRACE);
});

server.listen({ fd: 0 });
