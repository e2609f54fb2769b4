// Follows one channel with the unmodified npm client and prints what it hears, a line each.
// Arguments: where the client is installed, which of its builds, transport, url, token, channel, and
// the site that commands go to when there is a stream.
import { createRequire } from "node:module";

const [, , installed, build, transport, url, token, channel, elsewhere] = process.argv;
const { Centrifuge } = createRequire(`${installed}/`)(build);
const plain = (data) => (ArrayBuffer.isView(data) ? JSON.parse(new TextDecoder().decode(data)) : data);

const site = new URL("/", url.replace(/^ws/, "http"));
const options = {
  token,
  minReconnectDelay: 50,
  maxReconnectDelay: 200,
  emulationEndpoint: `${elsewhere ?? site}emulation`,
};
const endpoint = `${site}connection/${transport}`;
const client = new Centrifuge(transport === "websocket" ? url : [{ transport, endpoint }], options);
const subscription = client.newSubscription(channel, {
  since: { offset: 0, epoch: "" },
  minResubscribeDelay: 50,
  maxResubscribeDelay: 200,
});
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`);
subscription.on("subscribed", (context) =>
  say("subscribed", context.wasRecovering, context.recovered),
);
subscription.on("publication", (context) => say("publication", context.offset, plain(context.data).version));
subscription.on("unsubscribed", (context) => say("unsubscribed", context.code));
client.on("disconnected", (context) => say("disconnected", context.code));
subscription.subscribe();
client.connect();
