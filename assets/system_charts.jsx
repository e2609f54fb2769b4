// The live charts of the system: a hub's latest minutes, second by second.

import * as format from "$/public/format.js";
import { Lines } from "$/public/lines.jsx";

const GOAL_MS = 20; // p99 from append to delivery, what a watcher of a task does not notice
const mean = (one, other) => (one + other) / 2;
const NONE = { times: [], p50: [], p99: [], deliveries: [], connections: [], waiting: [], running: [] };

/** From append to delivery, deliveries, open sockets; of the hub named below. */
export function Charts({ system, samples, seconds }) {
  const { from, to, times, ...columns } = within(samples, seconds);
  const ms = (values) => values.map((value) => (value === null ? null : value * 1000));
  const name = system.hubs.find((hub) => hub.id === samples?.hub)?.name ?? "one hub";
  const at = { times, from, to };
  const note = seconds > 240 ? `, ${Math.ceil(seconds / 240)} s a point, the highest of them` : "";
  return (
    <section aria-label="The last minutes">
      <div className="syscharts">
        <section className="panel chart-panel" aria-label="Append to delivery">
          <Lines title="Append to delivery" unit="ms" {...at} least={4} goal={{ name: "Goal, p99", value: GOAL_MS }} say={sayMs}
            empty="Nobody watched a running task through this hub"
            series={[
              { name: "p50", colour: "retrieval", values: ms(columns.p50), now: sayMs(latest(ms(columns.p50))) },
              { name: "p99", colour: "tool", values: ms(columns.p99), now: sayMs(latest(ms(columns.p99))) },
            ]} />
        </section>
        <section className="panel chart-panel" aria-label="Deliveries">
          <Lines title="Deliveries" unit="publications / s" {...at} least={4} say={sayCount}
            series={[{ name: "Handed to readers", colour: "working", isFilled: true, values: columns.deliveries, now: sayCount(columns.deliveries.at(-1)) }]} />
        </section>
        <section className="panel chart-panel" aria-label="Connections">
          <Lines title="Connections" unit="open sockets" {...at} least={4} say={sayCount}
            series={[{ name: "Open", colour: "completed", isFilled: true, values: columns.connections, now: sayCount(columns.connections.at(-1)) }]} />
        </section>
      </div>
      <p className="meta chartnote">Of {name}, a sample a second{note}. Append to delivery: from the log’s own time of an event until this hub had handed it to its readers; seconds without one are left out.</p>
    </section>
  );
}

/** Jobs that wait and that run, of all queues. */
export function QueueChart({ samples, seconds }) {
  const { from, to, times, waiting, running } = within(samples, seconds);
  return (
    <Lines title="Jobs" unit="looked at every 5 s" times={times} from={from} to={to} least={4} say={sayCount}
      series={[
        { name: "Waiting", colour: "waiting", isFilled: true, values: waiting, now: sayCount(waiting.at(-1)) },
        { name: "Running", colour: "working", pick: mean, values: running, now: sayCount(running.at(-1)) },
      ]} />
  );
}

/** The last seconds of the samples, and the ends of their axis. */
function within(samples, seconds) {
  const { times, ...columns } = samples ?? NONE;
  const to = times.at(-1) ?? Math.floor(Date.now() / 1000);
  const from = to - seconds;
  const start = times.findIndex((time) => time >= from);
  const cut = (values) => (start < 0 ? [] : values.slice(start));
  return { from, to, times: cut(times), ...Object.fromEntries(COLUMNS.map((name) => [name, cut(columns[name])])) };
}

const COLUMNS = ["p50", "p99", "deliveries", "connections", "waiting", "running"];

/** What was measured within the last 15 seconds; older is not now. */
const latest = (values) => values.slice(-15).findLast((value) => value !== null) ?? null;

function sayMs(value, isAxis = false) {
  if (value === null || value === undefined) return "–";
  if (isAxis) return String(Number(value.toPrecision(3)));
  return `${value < 9.95 ? value.toFixed(1) : format.count(value)} ms`;
}

function sayCount(value, isAxis = false) {
  if (value === null || value === undefined) return "–";
  if (isAxis && value >= 10_000) return `${Number((value / 1000).toPrecision(3))} k`;
  return Number.isInteger(value) ? format.count(value) : String(value);
}
