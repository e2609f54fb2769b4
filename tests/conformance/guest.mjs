// The official JavaScript client as a guest: tells in lines of JSON what happens to it.
// node guest.mjs <installed> <build> <transport> <url> <connection token> <fresh token> <channel> <channel token>
import { createRequire } from "node:module";

const [installed, build, transport, url, token, fresh, channel, channelToken] = process.argv.slice(2);
const { Centrifuge } = createRequire(`${installed}/`)(build);
const tell = (event, value) => console.log(JSON.stringify([event, value]));

const http = url.replace("ws", "http").replace("/connection/websocket", "");
const endpoint = transport === "websocket" ? url : `${http}/connection/${transport}`;
const client = new Centrifuge([{ transport, endpoint }], {
  token,
  getToken: async () => (tell("asked", "connection"), fresh),
  emulationEndpoint: `${http}/emulation`,
  minReconnectDelay: 50,
  maxReconnectDelay: 200,
});
const read = (data) => (data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data);
const write = (value) => (build.includes("protobuf") ? new TextEncoder().encode(JSON.stringify(value)) : value);

client.on("connected", () => tell("connected", null));
client.on("disconnected", ({ code }) => tell("disconnected", code));
client.on("subscribed", ({ channel, recovered }) => tell("entered", [channel, recovered]));
client.on("unsubscribed", ({ channel }) => tell("left", channel));
client.on("publication", ({ channel, data }) => tell("heard", [channel, read(data)]));

const subscription = client.newSubscription(channel, {
  getToken: async () => (tell("asked", channel), channelToken),
});
subscription.on("subscribed", async () => {
  tell("subscribed", channel);
  await subscription.publish(write({ n: 1 }));
  try {
    await client.rpc("tasks.list", write({}));
  } catch (error) {
    tell("refused", error.code);
  }
});
subscription.on("unsubscribed", ({ code }) => tell("unsubscribed", code));
subscription.on("publication", ({ data, info }) => tell("told", [read(data), info.user]));
subscription.subscribe();
client.connect();
