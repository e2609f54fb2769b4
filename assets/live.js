// The one connection of the page: a `centrifuge` client, its state for the light, and watches on
// channels that say when something was missed instead of hiding it. The cookie authenticates it.

import { Centrifuge } from "centrifuge";
import { useSyncExternalStore } from "react";

import { read } from "$/public/api.js";

const OFFLINE_AFTER_MS = 10_000;
const AGAIN_MS = 5_000; // after the hub has sent us away for good; doubled each time
const AGAIN_MOST_MS = 60_000;
const BEHIND_MS = 2_000; // older than this when it arrives: we are catching up
const SETTLED_MS = 700; // nothing old for so long: caught up

let client = null;
let state = { name: "connecting", since: Date.now(), tries: 0, behind: 0, reason: null, code: 0, again: null };
const readers = new Set();
let settle = null;
let again = null; // the timer of the next try after a refusal
let refusals = 0;

function become(change) {
  const next = { ...state, ...change };
  if (change.name && isLost(change.name) !== isLost(state.name)) next.since = Date.now();
  state = next;
  for (const read of readers) read();
}

const isLost = (name) => name === "reconnecting" || name === "offline" || name === "refused";

/**
 * The state of the connection: name, since when it is there or lost, tries, seconds behind, reason;
 * and when it was refused its code, and `again`, the time of the next try.
 */
export function useConnection() {
  return useSyncExternalStore(subscribeState, () => state);
}

function subscribeState(reader) {
  connect();
  readers.add(reader);
  return () => readers.delete(reader);
}

/** The client, made and connected at its first use. */
export function connect() {
  if (client) return client;
  const origin = location.origin.replace(/^http/, "ws");
  client = new Centrifuge(`${origin}/connection/websocket`, {
    name: "dashboard",
    minReconnectDelay: 250,
    maxReconnectDelay: 5_000,
    timeout: 5_000,
    maxServerPingDelay: 10_000,
  });
  client.on("connected", () => {
    refusals = 0;
    become({ name: "live", tries: 0, behind: 0, reason: null, code: 0, again: null });
  });
  client.on("connecting", ({ code, reason }) => {
    if (code === 0) return; // asked for here: the first time, or after a refusal
    if (state.name !== "offline") become({ name: "reconnecting", tries: 1, reason });
    setTimeout(lost, OFFLINE_AFTER_MS);
  });
  client.on("error", () => {
    if (isLost(state.name)) become({ tries: state.tries + 1 });
  });
  client.on("disconnected", ({ code, reason }) => {
    if (code === 0) return; // asked for here
    const wait = Math.min(AGAIN_MS * 2 ** refusals, AGAIN_MOST_MS);
    refusals += 1;
    become({ name: "refused", reason, code, tries: refusals, again: Date.now() + wait });
    read("/me").catch(() => {}); // who is logged out goes to the door
    clearTimeout(again);
    again = setTimeout(() => client.state === "disconnected" && client.connect(), wait);
  });
  addEventListener("offline", () => become({ name: "offline", reason: "this device has no network" }));
  addEventListener("online", () => {
    if (state.name !== "offline") return;
    become({ name: client.state === "connected" ? "live" : "reconnecting" });
    reconnect();
  });
  client.connect();
  return client;
}

function lost() {
  const long = Date.now() - state.since >= OFFLINE_AFTER_MS;
  if (state.name === "reconnecting" && long) become({ name: "offline" });
}

/** Try at once instead of at the next pause. */
export function reconnect() {
  clearTimeout(again);
  if (state.name === "refused") become({ again: null });
  client?.disconnect();
  client?.connect();
}

/** Tell the light how old an event was when it came. */
function arrived(time) {
  const age = Date.now() - Date.parse(time);
  if (!(age > BEHIND_MS) || (state.name !== "live" && state.name !== "catching")) return;
  become({ name: "catching", behind: age / 1000 });
  clearTimeout(settle);
  settle = setTimeout(() => state.name === "catching" && become({ name: "live", behind: 0 }), SETTLED_MS);
}

/**
 * Watch a channel until the returned function is called.
 *
 * `since` is `{epoch, offset}`: nothing after it is left out. `onReady` says that the subscription
 * stands (again); `onGap` that what lies between cannot be had: read the state anew, watch anew.
 */
export function watch(channel, { since, onPublication, onReady, onGap, onRefused } = {}) {
  const centrifuge = connect();
  const old = centrifuge.getSubscription(channel);
  if (old) centrifuge.removeSubscription(old);
  const options = since ? { since, recoverable: true, positioned: true } : {};
  const subscription = centrifuge.newSubscription(channel, options);
  subscription.on("subscribed", (context) => {
    if (context.wasRecovering && !context.recovered) onGap?.();
    else onReady?.(context);
  });
  subscription.on("publication", (context) => {
    if (context.data?.time) arrived(context.data.time);
    onPublication?.(context.data, context.offset);
    taps.get(channel)?.forEach((each) => each(context.data));
  });
  subscription.on("unsubscribed", ({ code, reason }) => {
    if (code !== 0) onRefused?.({ code, reason });
  });
  subscription.subscribe();
  return () => {
    if (centrifuge.getSubscription(channel) !== subscription) return;
    subscription.removeAllListeners();
    subscription.unsubscribe();
    centrifuge.removeSubscription(subscription);
    if (taps.has(channel)) watch(channel); // others listen on
  };
}

const taps = new Map(); // channel -> listeners beside the one that watches it

/** Hear what a channel publishes beside whoever watches it, and without knowing what was missed. */
export function tap(channel, listener) {
  const listeners = taps.get(channel) ?? new Set();
  taps.set(channel, listeners.add(listener));
  if (!connect().getSubscription(channel)) watch(channel);
  return () => {
    listeners.delete(listener);
    if (!listeners.size && taps.get(channel) === listeners) taps.delete(channel);
  };
}

const shared = new Map(); // channel -> {listeners, stop, last}

/** Watch a feed whose every publication is whole, together with others on the same page. */
export function listen(channel, listener) {
  let feed = shared.get(channel);
  if (!feed) {
    feed = { listeners: new Set(), stop: null };
    shared.set(channel, feed);
    feed.stop = watch(channel, {
      onPublication: (data) => feed.listeners.forEach((each) => each(data)),
    });
  }
  feed.listeners.add(listener);
  return () => {
    feed.listeners.delete(listener);
    if (feed.listeners.size) return;
    feed.stop();
    shared.delete(channel);
  };
}
