// How the hub's page says what it shows: channels, bytes, transports, how long.

import * as format from "$/public/format.js";

/** task:0199c3f2…7b1e; short names whole. */
export function channelName(name) {
  const [space, key] = name.split(/:(.*)/);
  return (space === "task" || space === "agent") && key ? `${space}:${format.shortId(key)}` : name;
}

/** 0 B, 412 B, 3.2 kB, 2.4 MB */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

const TRANSPORTS = { websocket: "WebSocket", http_stream: "HTTP stream", sse: "SSE", uni_websocket: "WebSocket, one way", uni_http_stream: "HTTP stream, one way", uni_sse: "SSE, one way" };

/** As people call it. */
export const transport = (name) => TRANSPORTS[name] ?? format.words(name);

/** How long: 8 s, 6 min, 3 h. */
export const spell = (seconds) => format.ago(new Date(0).toISOString(), seconds * 1000).replace("now", "1 s");
