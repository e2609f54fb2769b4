// The realtime hub: its processes, open channels, connections, slow readers, how readers came back;
// and one channel or connection beside its list. Asked again every two seconds while it is seen.

import { useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";

import { useAddress } from "$/public/address.js";
import * as format from "$/public/format.js";
import { ChannelDetail, ClientDetail } from "$/public/hub_detail.jsx";
import { useHubList, useHubNow } from "$/public/hub_data.js";
import { bytes, channelName, spell, transport } from "$/public/hub_words.js";
import { useRowKeys } from "$/public/keys.js";
import { useMay } from "$/public/may.js";
import { Command, Failure, Icon, NotAllowed, Panel, Segment, useNow } from "$/public/parts.jsx";
import { megabytes, milliseconds, rate } from "$/public/system.jsx";
import { Charts } from "$/public/system_charts.jsx";
import { useSamples } from "$/public/system_data.js";
import { TextField } from "$/public/tasks_filters.jsx";

const RANGES = [["1m", "1 min"], ["5m", "5 min"], ["15m", "15 min"]];
const SECONDS = { "1m": 60, "5m": 300, "15m": 900 };
const VIEWS = [["channels", "Channels"], ["connections", "Connections"]];
const SOURCES = [
  ["nothing_missed", "Nothing missed", "completed"], ["from_log", "The log", "model"], ["from_history", "Redis history", "memory"],
  ["from_feed", "A feed", "retrieval"], ["not_recovered", "Not recoverable", "failed"],
];
const OLD_MS = 8_000;

/** The page. */
export function HubPage() {
  const may = useMay();
  if (!may.isKnown) return null;
  return may("system") ? <Hub /> : <NotAllowed title="Connections and channels are not shown to you" what="system" />;
}

function Hub() {
  const [search, change] = useAddress();
  const range = SECONDS[search.get("range")] ? search.get("range") : "5m";
  const now = useHubNow();
  const samples = useSamples();
  const tools = document.getElementById("actions");
  if (!now.value) return now.problem ? <Failure title="The hub could not be read" problem={now.problem} onRetry={now.retry} /> : null;
  const hub = now.value;
  const select = (changes) => change({ client: null, channel: null, ...changes });
  const [client, channel] = [search.get("client"), search.get("channel")];
  return (
    <>
      {tools && createPortal(<Segment label="Range" className="desk-only" value={range} options={RANGES}
        onChange={(next) => change({ range: next === "5m" ? null : next }, { replace: true })} />, tools)}
      <div className="content system hubpage">
        <NotWhole hub={hub} problem={now.problem} at={now.at} onRetry={now.retry} />
        <Charts system={{ hubs: hub.processes }} samples={samples} seconds={SECONDS[range]} />
        <Processes hub={hub} />
        <div className="hubgrid">
          <div className="hubcol">
            <Listed search={search} change={change} select={select} />
            <Namespaces hub={hub} rates={now.rates} />
          </div>
          <div className="hubcol side">
            {client && <ClientDetail key={client} id={client} hub={hub} onSelect={select} />}
            {!client && channel && <ChannelDetail key={channel} name={channel} onSelect={select} />}
            <Recoveries hub={hub} />
            <SlowReaders hub={hub} onSelect={select} />
          </div>
        </div>
      </div>
    </>
  );
}

/** Hubs that do not answer, or that what is shown is old. */
function NotWhole({ hub, problem, at, onRetry }) {
  const now = useNow(1000);
  const isOld = now - at > OLD_MS;
  if (hub.is_whole && !problem && !isOld) return null;
  const age = format.ago(new Date(at).toISOString(), now);
  const said = problem || isOld ? `What is shown is ${age === "now" ? "from just before" : `${age} old`}: ${problem?.message ?? "the hub says nothing."}`
    : hub.silent.length ? `${hub.silent.join(", ")} did not answer within a second. What is shown is of the other hubs.`
      : "Redis is out of reach: only the hub that answers tells of itself.";
  return (
    <div className="banner bad round" role="alert">
      <Icon name="warning" size={14} /><span className="grow">{said} <code>pygent doctor</code> on the machine of the hub says more.</span>
      <button type="button" className="btn small" onClick={onRetry}>Retry now</button>
    </div>
  );
}

/** Every process: as it says of itself, and what the team has there. */
function Processes({ hub }) {
  const time = Date.parse(hub.time);
  const activities = new Map(hub.activities.map((one) => [one.id, one]));
  return (
    <Panel title="Processes" count={hub.processes.length} tools={<span className="meta desk-only">Connections, channels and queued: of your team</span>}>
      <table className="table cards hubs">
        <thead><tr><th>Process</th><th>State</th><th className="right">Connections</th><th className="right">Channels</th><th className="right">Deliveries</th><th className="right">Queued</th><th className="right">p99</th><th>CPU of one core</th><th className="right">Memory</th><th className="right">Up</th></tr></thead>
        <tbody>{hub.processes.map((process) => {
          const own = activities.get(process.id);
          const [icon, tint, word] = stateOf(process, own);
          return (
            <tr key={process.id}>
              <td className="t"><span className="row"><span className="mono clip" title={process.name}>{process.name}</span>{process.id === hub.hub && <span className="tag">answers here</span>}</span></td>
              <td><span className={`state p-${tint}`}><Icon name={icon} /><span className="label">{word}</span></span></td>
              <td className="right num" data-label="connections">{own ? format.count(own.connections) : "–"}</td>
              <td className="right num" data-label="channels">{own ? format.count(sum(own.namespaces, "channels")) : "–"}</td>
              <td className="right num" data-label="deliveries">{rate(process.deliveries)}</td>
              <td className="right num" data-label="queued">{own ? bytes(own.queued_bytes) : "–"}</td>
              <td className="right num" data-label="p99">{process.p99_seconds === null ? "–" : milliseconds(process.p99_seconds)}</td>
              <td><span className="cpu"><span className="meter"><i className={process.cpu > 0.8 ? "warn" : "work"} style={{ width: `${Math.min(100, process.cpu * 100)}%` }} /></span><span className="num">{Math.round(process.cpu * 100)} %</span></span></td>
              <td className="right num" data-label="memory">{megabytes(process.memory_bytes)}</td>
              <td className="right num quiet" data-label="up">{format.ago(process.started_at, time)}</td>
            </tr>
          );
        })}</tbody>
      </table>
    </Panel>
  );
}

function stateOf(process, own) {
  if (!own) return ["warning", "down", "Silent"];
  if (process.is_draining) return ["s-submitted", "unknown", "Draining"];
  if (own.slow_count) return ["warning", "late", "Slow readers"];
  return ["s-completed", "well", "Ready"];
}

/** Channels or connections, and a field that finds one. */
function Listed({ search, change, select }) {
  const view = search.get("view") === "connections" ? "connections" : "channels";
  const words = search.get("q") ?? "";
  const [isHeld, hold] = useState(false);
  const { items, total, value, problem, rates, retry } = useHubList(view, words, isHeld);
  const body = useRef(null);
  const open = search.get(view === "channels" ? "channel" : "client");
  useRowKeys(() => body.current?.querySelectorAll("button[data-row]") ?? [], { close: () => (search.get("client") || search.get("channel") ? select({}) : false) });
  const Row = view === "channels" ? ChannelRow : ClientRow;
  return (
    <section className="panel listed" aria-label={view === "channels" ? "Open channels" : "Open connections"}>
      <header>
        <h2 className="sr">{view === "channels" ? "Open channels" : "Open connections"}</h2>
        <Segment label="What is listed" value={view} options={VIEWS} onChange={(next) => change({ view: next === "channels" ? null : next, q: null })} />
        <span className="meta num" role="status">{value ? `${format.count(total)} ${words ? "found" : "open"}` : ""}</span>
        <span className="grow" />
        <TextField key={view} value={words} label={view === "channels" ? "Find a channel" : "Find by id, user, channel"} onChange={(next) => change({ q: next }, { replace: true })} />
      </header>
      {problem && <p className="error pad" role="alert"><Icon name="warning" size={14} />{problem.message} <button type="button" className="btn small" onClick={retry}>Retry</button></p>}
      {!value && !problem && <div className="sk-stack" aria-hidden="true"><span className="sk sk-w60" /><span className="sk sk-w40" /><span className="sk sk-w50" /></div>}
      {value && !items.length && <Nothing view={view} words={words} onClear={() => change({ q: null })} />}
      {items.length > 0 && (
        <table className={`table cards ${view}`} onPointerEnter={() => hold(true)} onPointerLeave={() => hold(false)}>
          <thead>{view === "channels"
            ? <tr><th>Channel</th><th>Kept in</th><th className="right">Subscribers</th><th className="right">Rate</th><th className="right">Offset</th></tr>
            : <tr><th>Connection</th><th>User</th><th>By</th><th className="right">Channels</th><th className="right">Queued</th><th className="right">For</th></tr>}</thead>
          <tbody ref={body}>{items.map((item) => <Row key={item.name ?? item.client} item={item} rate={rates[item.name]} open={open} onSelect={select} />)}</tbody>
        </table>
      )}
      {items.length > 0 && total > items.length && <p className="meta below">{format.count(items.length)} of {format.count(total)} shown: {view === "channels" ? "those with most subscribers" : "the longest there"}. Find others by their name.</p>}
    </section>
  );
}

function ChannelRow({ item, rate: perSecond, open, onSelect }) {
  const isOpen = item.name === open;
  const choose = () => onSelect({ channel: isOpen ? null : item.name });
  return (
    <tr aria-selected={isOpen} onClick={choose}>
      <td className="t"><button type="button" data-row className="name mono clip" title={item.name} aria-pressed={isOpen} onClick={(event) => { event.stopPropagation(); choose(); }}>{channelName(item.name)}</button></td>
      <td><span className="tag">{item.kept}</span></td>
      <td className="right num" data-label="subscribers">{format.count(item.subscribers)}</td>
      <td className="right num" data-label="delivered">{perSecond === undefined ? "–" : few(perSecond)}</td>
      <td className="right num quiet" data-label="offset">{item.offset ? format.count(item.offset) : "–"}</td>
    </tr>
  );
}

function ClientRow({ item, open, onSelect }) {
  const isOpen = item.client === open;
  const choose = () => onSelect({ client: isOpen ? null : item.client });
  return (
    <tr aria-selected={isOpen} onClick={choose}>
      <td className="t"><button type="button" data-row className="name mono" title={item.client} aria-pressed={isOpen} onClick={(event) => { event.stopPropagation(); choose(); }}>{format.shortId(item.client)}</button></td>
      <td className="clip" title={item.user}>{item.user || <span className="sub">nobody in particular</span>}</td>
      <td className="quiet">{transport(item.transport)}{item.protocol === "protobuf" && <span className="sub"> Protobuf</span>}</td>
      <td className="right num" data-label="channels">{format.count(item.subscriptions)}</td>
      <td className="right num" data-label="queued">{bytes(item.queued_bytes)}</td>
      <td className="right num quiet" data-label="here">{spell(item.seconds)}</td>
    </tr>
  );
}

function Nothing({ view, words, onClear }) {
  if (words) return <div className="quiet-face stack"><p>No {view === "channels" ? "channel somebody is in" : "connection"} matches “{words}”.</p><p><button type="button" className="btn small" onClick={onClear}>Show all</button></p></div>;
  return (
    <div className="quiet-face stack">
      <p>{view === "channels" ? "Nobody is in a channel now. Open a task, or subscribe a client of your own to one of a namespace; then publish to it:" : "Nobody is connected now. A client of your own connects with a key:"}</p>
      <Command text={view === "channels" ? "pygent publish news:hello '{\"text\": \"hello\"}'" : "pygent token create --name app"} />
    </div>
  );
}

/** The team's namespaces, all hubs together. */
function Namespaces({ hub, rates }) {
  const rows = useMemo(() => together(hub.activities), [hub]);
  return (
    <Panel title="Namespaces" count={rows.length} className="ofnames">
      {!rows.length && <p className="quiet-face">Nobody has been in a channel since these hubs began.</p>}
      {rows.length > 0 && (
        <table className="table cards namespaces">
          <thead><tr><th>Namespace</th><th>Kept in</th><th className="right">Channels</th><th className="right">Subscribers</th><th className="right">Deliveries</th><th className="right">Came back</th><th className="right">Not recovered</th></tr></thead>
          <tbody>{rows.map((row) => (
            <tr key={row.name}>
              <td className="t mono">{row.name || "(without a name)"}</td>
              <td><span className="tag">{row.kept}</span></td>
              <td className="right num" data-label="channels">{format.count(row.channels)}</td>
              <td className="right num" data-label="subscribers">{format.count(row.subscribers)}</td>
              <td className="right num" data-label="deliveries">{rates[row.name] === undefined ? "–" : few(rates[row.name])}</td>
              <td className="right num" data-label="came back">{format.count(row.back)}</td>
              <td className={`right num ${row.lost ? "" : "quiet"}`} data-label="not recovered">{format.count(row.lost)}</td>
            </tr>
          ))}</tbody>
        </table>
      )}
    </Panel>
  );
}

/** How readers came back, by where what they had missed was found. */
function Recoveries({ hub }) {
  const counts = {};
  for (const { namespaces } of hub.activities) {
    for (const { recoveries } of namespaces) {
      for (const [name, count] of Object.entries(recoveries)) counts[name] = (counts[name] ?? 0) + count;
    }
  }
  const most = Math.max(1, ...SOURCES.map(([name]) => counts[name] ?? 0));
  return (
    <Panel title="Recoveries by source" tools={<span className="meta">Since the hubs began</span>} className="recoveries">
      <ul>{SOURCES.map(([name, word, colour]) => (
        <li key={name}><span>{word}</span><span className="meter" aria-hidden="true"><i className={`fill-${colour}`} style={{ width: `${((counts[name] ?? 0) / most) * 100}%` }} /></span><b className="num">{format.count(counts[name] ?? 0)}</b></li>
      ))}</ul>
      <p className="meta below">{counts.fell_behind ? `${format.plural(counts.fell_behind, "time")} a reader fell behind and read on from what is kept.` : "No reader has fallen behind."}</p>
    </Panel>
  );
}

function SlowReaders({ hub, onSelect }) {
  const slow = hub.activities.flatMap((one) => one.slow_readers).sort((one, other) => other.queued_bytes - one.queued_bytes);
  const count = sum(hub.activities, "slow_count");
  const cut = sum(hub.activities, "slow_closes");
  return (
    <Panel title="Slow readers" count={count} className="slow">
      {!slow.length && <p className="quiet-face">Everybody takes what they are sent.</p>}
      {slow.length > 0 && <ul>{slow.slice(0, 20).map((one) => (
        <li key={one.client}>
          <button type="button" className="name clip" title={one.client} onClick={() => onSelect({ client: one.client })}>{one.user || format.shortId(one.client)}</button>
          <span className="mono clip quiet">{one.channel ? channelName(one.channel) : ""}</span>
          <span className="num">{bytes(one.queued_bytes)}</span>
          <span className="num late">{one.behind ? `${format.count(one.behind)} behind` : "queued"}</span>
        </li>
      ))}</ul>}
      <p className="meta below">{cut ? `${format.plural(cut, "connection")} cut because nothing was read, of all teams.` : "None was cut because it did not read."}</p>
    </Panel>
  );
}

function together(activities) {
  const found = new Map();
  for (const { namespaces } of activities) {
    for (const one of namespaces) {
      const row = found.get(one.name) ?? { name: one.name, kept: one.kept, channels: 0, subscribers: 0, back: 0, lost: 0 };
      row.channels += one.channels;
      row.subscribers += one.subscribers;
      row.lost += one.recoveries.not_recovered;
      row.back += one.recoveries.nothing_missed + one.recoveries.from_log + one.recoveries.from_history + one.recoveries.from_feed;
      found.set(one.name, row);
    }
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);

const few = (perSecond) => `${perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : format.count(perSecond)} / s`;
