// Serves follow.html on port 3000 and hands everything else to the factory: one origin for both.
// A page of another origin is refused by the factory. The page holds no key: it uses the session of
// whoever is logged in on the same host name, since browsers do not tell cookies apart by port.
import { createReadStream } from "node:fs";
import { createServer, request } from "node:http";

const factory = new URL(process.env.PYGENT_URL ?? "http://127.0.0.1:8000");
const FILES = {
  "/": ["text/html", new URL("follow.html", import.meta.url)],
  "/said.mjs": ["text/javascript", new URL("said.mjs", import.meta.url)],
  "/centrifuge.mjs": ["text/javascript", new URL(import.meta.resolve("centrifuge"))],
};

// The Host header stays as the browser sent it: the factory compares it with the Origin.
const hand = ({ url: path, method, headers }) =>
  request({ host: factory.hostname, port: factory.port, path, method, headers });

const server = createServer((asked, answer) => {
  const [type, file] = FILES[asked.url] ?? [];
  if (file) return createReadStream(file).pipe(answer.setHeader("Content-Type", type));
  const handed = hand(asked);
  handed.on("response", (said) => said.pipe(answer.writeHead(said.statusCode, said.headers)));
  handed.on("error", () => answer.writeHead(502).end());
  asked.pipe(handed);
});

server.on("upgrade", (asked, socket) => {
  const handed = hand(asked);
  handed.on("upgrade", (said, hub) => {
    const headers = Object.entries(said.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join("")}\r\n`);
    socket.pipe(hub).pipe(socket);
    for (const [one, other] of [[socket, hub], [hub, socket]]) one.on("error", () => other.destroy());
  });
  handed.on("response", (said) => socket.end(`HTTP/1.1 ${said.statusCode} Refused\r\n\r\n`));
  handed.on("error", () => socket.destroy());
  handed.end();
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`open http://127.0.0.1:${server.address().port}`);
});
