// Subscribes with wishes by the unmodified npm client and prints what it hears, a line of JSON each.
// Arguments: where the client is installed, which of its builds, transport, url, token, channel, wishes
// as JSON. Who wishes for joins also asks who is there.
import { createRequire } from "node:module";

const [, , installed, build, transport, url, token, channel, wishes] = process.argv;
const { Centrifuge } = createRequire(`${installed}/`)(build);
const plain = (data) => (ArrayBuffer.isView(data) ? JSON.parse(new TextDecoder().decode(data)) : data);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const site = new URL("/", url.replace(/^ws/, "http"));
const endpoint = `${site}connection/${transport}`;
const options = { token, emulationEndpoint: `${site}emulation` };
const client = new Centrifuge(transport === "websocket" ? url : [{ transport, endpoint }], options);
const wished = JSON.parse(wishes);
const subscription = client.newSubscription(channel, wished);
subscription.on("subscribed", async ({ recovered }) => {
  say({ subscribed: recovered });
  if (wished.joinLeave) {
    const [{ clients }, stats] = await Promise.all([subscription.presence(), subscription.presenceStats()]);
    say({ users: Object.values(clients).map(({ user }) => user).sort(), stats });
  }
});
subscription.on("join", ({ info }) => say({ join: info.user }));
subscription.on("leave", ({ info }) => say({ leave: info.user }));
subscription.on("publication", ({ offset, data, tags }) => say({ offset, data: plain(data), tags }));
subscription.on("unsubscribed", ({ code }) => say({ unsubscribed: code }));
subscription.subscribe();
client.connect();
