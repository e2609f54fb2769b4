// Asks an agent and follows its task: node follow.mjs guide "What is an attempt?"
import { Centrifuge } from "centrifuge";
import { Said } from "./said.mjs";

const url = process.env.PYGENT_URL ?? "http://127.0.0.1:8000";
const token = process.env.PYGENT_API_KEY;
const [agent, input] = process.argv.slice(2);

const response = await fetch(`${url}/api/v1/tasks`, {
  method: "POST",
  headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  body: JSON.stringify({ agent, input }),
});
const { id, epoch, detail } = await response.json();
if (!response.ok) throw new Error(detail);

const said = new Said();
const websocket = globalThis.WebSocket ?? (await import("ws")).default; // Node before 22 has none: npm install ws
const client = new Centrifuge(`${url.replace(/^http/, "ws")}/connection/websocket`, { token, websocket });
const task = client.newSubscription(`task:${id}`, { since: { epoch, offset: 0 } });
task.on("publication", ({ offset, data: event }) => {
  console.error(offset, event.type); // the offset is the event's version: all it takes to go on
  if (!said.add(event)) return;
  console.log(said.text);
  if (event.type !== "task.completed") process.exitCode = 1;
  client.disconnect();
});
task.on("subscribed", ({ wasRecovering, recovered }) => {
  if (wasRecovering && !recovered) throw new Error("the log was restored: follow it from its start");
});
client.on("disconnected", ({ code, reason }) => {
  if (code !== 0) throw new Error(reason); // 0 is our own; on a cut the client comes back by itself
});
task.subscribe();
client.connect();
