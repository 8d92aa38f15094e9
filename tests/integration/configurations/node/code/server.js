const http = require("http");

const TEXT = "one";
http.createServer((request, response) => response.end(TEXT)).listen(process.env.PORT, "127.0.0.1");
