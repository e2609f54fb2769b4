// Subscribes with wishes by the unmodified npm client and prints what it hears, a line of JSON each.
// Arguments: where the client is installed, which of its builds, url, token, channel, wishes as JSON.
import { createRequire } from "node:module";

const [, , installed, build, url, token, channel, wishes] = process.argv;
const { Centrifuge } = createRequire(`${installed}/`)(build);
const plain = (data) => (ArrayBuffer.isView(data) ? JSON.parse(new TextDecoder().decode(data)) : data);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const client = new Centrifuge(url, { token });
const subscription = client.newSubscription(channel, JSON.parse(wishes));
subscription.on("subscribed", ({ recovered }) => say({ subscribed: recovered }));
subscription.on("publication", ({ offset, data, tags }) => say({ offset, data: plain(data), tags }));
subscription.on("unsubscribed", ({ code }) => say({ unsubscribed: code }));
subscription.subscribe();
client.connect();
