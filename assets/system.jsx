// The factory itself: what needs a look and the cure, a hub's latest minutes, every part, the queue,
// the processes. Read again every few seconds while it is seen; what cannot be read says so and stays.

import { Fragment, useEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { Link } from "react-router";

import { useAddress } from "$/public/address.js";
import * as format from "$/public/format.js";
import { useRowKeys } from "$/public/keys.js";
import { useMay } from "$/public/may.js";
import { Copy, Failure, Icon, NotAllowed, Panel, Segment, useNow } from "$/public/parts.jsx";
import { Charts, QueueChart } from "$/public/system_charts.jsx";
import { useSamples, useSystem } from "$/public/system_data.js";

const RANGES = [["1m", "1 min"], ["5m", "5 min"], ["15m", "15 min"]];
const SECONDS = { "1m": 60, "5m": 300, "15m": 900 };
const STATES = {
  well: ["s-completed", "Well"], late: ["warn", "Slow"], down: ["s-failed", "Down"], unknown: ["s-submitted", "Unknown"],
};
const FACTS = {
  connections: "Open sockets here", memory_bytes: "Memory", pgvector: "pgvector", frames_lost: "Frames Redis did not take",
  waiting: "Appends that wait here", epoch: "Epoch", position: "Last position", behind_seconds: "Behind the log, seconds",
  behind_events: "Behind the log, events", parked: "Streams left out", todo: "Waiting", doing: "Running", workers: "Workers",
  alive: "Alive", stale: "Without a sign of life", open: "Open here", subscriptions: "Subscriptions here",
  slow_closes: "Closed because they did not read",
};
const OLD_MS = 12_000;

/** The page. */
export function SystemPage() {
  const may = useMay();
  if (!may.isKnown) return null;
  return may("system") ? <System /> : <NotAllowed title="The state of the system is not shown to you" what="system" />;
}

function System() {
  const [search, change] = useAddress();
  const range = SECONDS[search.get("range")] ? search.get("range") : "5m";
  const { system, problem, at, retry } = useSystem();
  const samples = useSamples();
  const tools = document.getElementById("actions");
  return (
    <>
      {tools && createPortal(<Segment label="Range" className="desk-only" value={range} options={RANGES}
        onChange={(next) => change({ range: next === "5m" ? null : next }, { replace: true })} />, tools)}
      {tools && createPortal(<Link className="btn ghost icon phone-only" to="/settings" aria-label="Settings"><Icon name="settings" size={20} /></Link>, tools)}
      {!system && problem && <Failure title="The system could not be read" problem={problem} onRetry={retry} />}
      {system && (
        <div className="content system">
          <Old problem={problem} at={at} onRetry={retry} />
          <Attention system={system} onOpen={(part) => change({ part })} />
          <Charts system={system} samples={samples} seconds={SECONDS[range]} />
          <div className="sysgrid">
            <Parts parts={system.parts} open={search.get("part")} onOpen={(part) => change({ part })} />
            <div className="syscol">
              <Queue system={system} samples={samples} seconds={SECONDS[range]} />
              <Workers workers={system.workers} />
            </div>
          </div>
          <Hubs system={system} />
        </div>
      )}
    </>
  );
}

/** That what is shown was read a while ago, and why: the hub refused, or says nothing. */
function Old({ problem, at, onRetry }) {
  const now = useNow(1000);
  const isOld = now - at > OLD_MS;
  if (!problem && !isOld) return null;
  const age = format.ago(new Date(at).toISOString(), now);
  return (
    <div className="banner bad round" role="alert">
      <Icon name="warning" size={14} />
      <span className="grow">{problem ? sentence(problem.message) : `The hub has said nothing for ${age}.`} What is shown is {isOld ? `${age} old` : "from just before"}; <code>pygent doctor</code> on the machine of the hub says more.</span>
      <button type="button" className="btn small" onClick={onRetry}>Retry now</button>
    </div>
  );
}

/** What is not as it should be, each with its cure; one calm line when all is. */
function Attention({ system, onOpen }) {
  const wrong = system.parts.filter((part) => part.state === "down" || part.state === "late");
  const unknown = system.parts.length - wrong.length - system.parts.filter((part) => part.state === "well").length;
  if (!wrong.length) {
    return <p className="allwell" role="status"><Icon name="s-completed" size={14} className="s-completed" />All {system.parts.length} parts are well{unknown ? `, ${unknown} unknown` : ""}</p>;
  }
  return (
    <section className={`panel attention ${wrong.some((part) => part.state === "down") ? "bad" : ""}`} aria-label="What to do" role="status">
      <header><h2>What to do</h2><span className="meta num">{format.plural(wrong.length, "part")} of {system.parts.length}</span></header>
      <ul>
        {wrong.map((part) => (
          <li key={part.name}>
            <PartState state={part.state} isQuiet />
            <p><button type="button" className="link" onClick={() => onOpen(part.name)}>{part.title}</button> {part.sentence}.</p>
            {part.cure && <p className="cure"><b>Cure</b> <Cure text={part.cure} />.</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A sentence whose commands, in back quotes, can be copied. */
function Cure({ text }) {
  return text.split("`").map((part, index) => (index % 2
    ? <span key={index} className="nowrap"><code>{part}</code>{part !== "pygent up" && <Copy text={part} label={`Copy ${part}`} size={12} />}</span>
    : <Fragment key={index}>{part}</Fragment>));
}

function PartState({ state, isQuiet = false }) {
  const [icon, word] = STATES[state];
  return (
    <span className={`state p-${state}`}>
      <Icon name={icon} />
      <span className={isQuiet ? "label sr" : "label"}>{word}</span>
    </span>
  );
}

/** Every part; one of them open, as the address says. */
function Parts({ parts, open, onOpen }) {
  const body = useRef(null);
  useEffect(() => {
    if (open) body.current?.querySelector(`[data-part="${CSS.escape(open)}"]`)?.scrollIntoView({ block: "nearest" });
  }, [open]);
  useRowKeys(() => body.current.querySelectorAll("button[data-row]"), { close: () => (open ? onOpen(null) : false) });
  return (
    <Panel title="Parts" count={parts.length} className="parts">
      <table className="table cards">
        <thead><tr><th>Part</th><th>State</th><th className="right">Answers in</th><th>Version</th><th>What it says</th></tr></thead>
        <tbody ref={body}>{parts.map((part) => <PartRow key={part.name} part={part} isOpen={part.name === open} onOpen={onOpen} />)}</tbody>
      </table>
    </Panel>
  );
}

function PartRow({ part, isOpen, onOpen }) {
  return (
    <>
      <tr data-part={part.name} aria-selected={isOpen} onClick={() => onOpen(isOpen ? null : part.name)}>
        <td className="t"><button type="button" data-row className="name" aria-expanded={isOpen} onClick={(event) => { event.stopPropagation(); onOpen(isOpen ? null : part.name); }}>
          <Icon name={isOpen ? "down" : "rightc"} size={12} />{part.title}</button></td>
        <td><PartState state={part.state} /></td>
        <td className="right num quiet">{part.seconds === null ? <span className="sub">–</span> : milliseconds(part.seconds)}</td>
        <td className="num quiet">{part.version ?? <span className="sub">–</span>}</td>
        <td className="quiet says" title={part.sentence}>{part.sentence}</td>
      </tr>
      {isOpen && (
        <tr className="more"><td colSpan={5}>
          <p>{part.title} {part.sentence}.</p>
          {part.cure && <p className="cure"><b>Cure</b> <Cure text={part.cure} />.</p>}
          <dl>{Object.entries(part.facts).map(([name, value]) => (
            <div key={name}><dt>{FACTS[name] ?? format.words(name)}</dt><dd className={name === "epoch" ? "mono" : "num"}>{factValue(name, value)}{name === "epoch" && <Copy text={value} label="Copy the epoch" size={12} />}</dd></div>
          ))}</dl>
        </td></tr>
      )}
    </>
  );
}

function factValue(name, value) {
  if (name === "memory_bytes") return megabytes(value);
  if (typeof value !== "number") return value;
  return Number.isInteger(value) ? format.count(value) : value;
}

/** The jobs: over time, and by queue. */
function Queue({ system, samples, seconds }) {
  const rows = system.queues;
  return (
    <Panel title="Queue" count={system.position === null ? "unknown" : undefined} className="queue">
      <div className="body"><QueueChart samples={samples} seconds={seconds} /></div>
      <table className="table">
        <thead><tr><th>Queue</th><th className="right">Waiting</th><th className="right">Running</th></tr></thead>
        <tbody>
          {rows.map((row) => <tr key={row.name}><td className="mono">{row.name}</td><td className="right num">{format.count(row.waiting)}</td><td className="right num">{format.count(row.running)}</td></tr>)}
          {!rows.length && <tr><td colSpan={3} className="sub">{system.position === null ? "Postgres does not say" : "No job waits or runs"}</td></tr>}
        </tbody>
      </table>
    </Panel>
  );
}

function Workers({ workers }) {
  return (
    <Panel title="Workers" count={workers.length}>
      {!workers.length && <p className="quiet-face">None is known. <code>pygent worker</code> starts one; <code>pygent up</code> brings its own.</p>}
      {workers.length > 0 && (
        <table className="table">
          <thead><tr><th>Worker</th><th>State</th><th className="right">Jobs</th><th className="right">Sign of life</th></tr></thead>
          <tbody>{workers.map((worker) => (
            <tr key={worker.id}>
              <td className="num">{worker.id}</td>
              <td><PartState state={worker.beat_seconds < 30 ? "well" : "down"} /></td>
              <td className="right num">{worker.running}</td>
              <td className="right num quiet">{format.duration(worker.beat_seconds)} ago</td>
            </tr>
          ))}</tbody>
        </table>
      )}
    </Panel>
  );
}

/** Every hub process that says it is there. */
function Hubs({ system }) {
  const now = Date.parse(system.time);
  return (
    <Panel title="Hub processes" count={system.hubs.length} tools={<span className="meta desk-only">As each says of itself every 5 s</span>}>
      <table className="table cards hubs">
        <thead><tr><th>Process</th><th>State</th><th className="right">Sockets</th><th className="right">Channels</th><th className="right">Deliveries</th><th className="right">p99</th><th>CPU of one core</th><th className="right">Memory</th><th className="right">Version</th><th className="right">Up</th></tr></thead>
        <tbody>{system.hubs.map((hub) => (
          <tr key={hub.id}>
            <td className="t"><span className="row"><span className="mono clip" title={hub.name}>{hub.name}</span>{hub.id === system.hub && <span className="tag">answers here</span>}</span></td>
            <td><span className={`state p-${hub.is_draining ? "unknown" : "well"}`}><Icon name={hub.is_draining ? "s-submitted" : "s-completed"} /><span className="label">{hub.is_draining ? "Draining" : "Ready"}</span></span></td>
            <td className="right num" data-label="sockets">{format.count(hub.connections)}</td>
            <td className="right num" data-label="channels">{format.count(hub.channels)}</td>
            <td className="right num" data-label="deliveries">{rate(hub.deliveries)}</td>
            <td className="right num" data-label="p99">{hub.p99_seconds === null ? "–" : milliseconds(hub.p99_seconds)}</td>
            <td><span className="cpu"><span className="meter"><i className={hub.cpu > 0.8 ? "warn" : "work"} style={{ width: `${Math.min(100, hub.cpu * 100)}%` }} /></span><span className="num">{Math.round(hub.cpu * 100)} %</span></span></td>
            <td className="right num" data-label="memory">{megabytes(hub.memory_bytes)}</td>
            <td className="right num quiet" data-label="version">{hub.version}</td>
            <td className="right num quiet" data-label="up">{format.ago(hub.started_at, now)}</td>
          </tr>
        ))}</tbody>
      </table>
      <p className="meta below">More about each hub for a collector of metrics: <code>/health/metrics</code>. Settings of models and keys: <Link className="link" to="/settings">Settings</Link>.</p>
    </Panel>
  );
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** 0.42 ms, 13 ms, 1.24 s */
export function milliseconds(seconds) {
  if (seconds >= 1) return format.duration(seconds);
  const value = seconds * 1000;
  return `${value < 9.95 ? value.toFixed(value < 0.995 ? 2 : 1) : Math.round(value)} ms`;
}

export const rate = (value) => `${value >= 10_000 ? `${(value / 1000).toFixed(1)} k` : format.count(value)} / s`;
export const megabytes = (bytes) => `${format.count(bytes / 1e6)} MB`;
