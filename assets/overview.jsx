// The team now: six numbers, two charts, the open tasks as lanes, and what happens as it happens.

import { memo, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { Link, useSearchParams } from "react-router";

import { me, read } from "$/public/api.js";
import { Spark, Stack } from "$/public/charts.jsx";
import * as format from "$/public/format.js";
import { watch } from "$/public/live.js";
import { useMay } from "$/public/may.js";
import { useOverview } from "$/public/overview_data.js";
import { Command, Failure, Icon, Lane, Panel, Segment, State, useNow } from "$/public/parts.jsx";
import { FirstQuestion } from "$/public/run.jsx";

const WINDOWS = [["15m", "15 min"], ["1h", "1 h"], ["24h", "24 h"], ["7d", "7 d"]];
const WORDS = { "15m": "15 min", "1h": "1 h", "24h": "24 h", "7d": "7 d" };
const FEED = 60; // rows kept
const OPEN = 20; // rows shown
const LATEST = 30; // tasks whose last turn the feed begins with
const FLUSH_MS = 250;

/** The page. */
export function OverviewPage() {
  const [search, setSearch] = useSearchParams();
  const window_ = WORDS[search.get("window")] ? search.get("window") : "1h";
  const { overview, problem, retry } = useOverview(window_);
  const tools = document.getElementById("actions");
  const choose = (next) => setSearch(next === "1h" ? {} : { window: next });
  return (
    <>
      {tools && createPortal(<Segment label="Range" className="desk-only" value={window_} onChange={choose} options={WINDOWS} />, tools)}
      {!overview && problem && <Failure title="The overview could not be read" problem={problem} onRetry={retry} />}
      {overview && <Filled overview={overview} window_={window_} />}
    </>
  );
}

function Filled({ overview, window_ }) {
  const { open, feed, rate } = useTasksFeed(overview);
  const isNew = !open.length && !feed.length && overview.buckets.every((bucket) => bucket.submitted + bucket.completed + bucket.failed === 0);
  return (
    <div className="content">
      <Numbers overview={overview} window_={window_} />
      {isNew ? <Welcome window_={window_} /> : (
        <div className="ov">
          <div>
            <Charts overview={overview} window_={window_} />
            <Open rows={open} overview={overview} />
          </div>
          <div><Feed rows={feed} rate={rate} /></div>
        </div>
      )}
    </div>
  );
}

function total(buckets, name) {
  return buckets.reduce((sum, bucket) => sum + bucket[name], 0);
}

function Numbers({ overview, window_ }) {
  const { buckets } = overview;
  const completed = total(buckets, "completed");
  const failed = total(buckets, "failed");
  const ended = completed + failed + total(buckets, "canceled");
  const minutes = { "15m": 15, "1h": 60, "24h": 1440, "7d": 10080 }[window_];
  const cost = total(buckets, "cost");
  const read = total(buckets, "input_tokens");
  const written = total(buckets, "output_tokens");
  const each = (pick) => buckets.map(pick);
  const rate = ended / minutes;
  return (
    <section className="stats" aria-label="Now">
      <Stat name="Working now" icon="s-working" value={format.count(overview.working)} unit={overview.working === 1 ? "task" : "tasks"}
        foot={`${format.count(overview.submitted)} queued, ${format.count(overview.waiting)} waiting`} />
      <Stat name="Finished" value={rate >= 1 ? rate.toFixed(1) : ended} unit={rate >= 1 ? "/ min" : `in ${WORDS[window_]}`} spark={each((bucket) => bucket.completed)} colour="s-completed"
        foot={`${format.count(completed)} completed of ${format.count(ended)}`} />
      <Stat name="Failed" value={ended ? ((failed / ended) * 100).toFixed(1) : "–"} unit={ended ? "%" : ""} spark={each((bucket) => bucket.failed)} colour="s-failed"
        foot={`${format.count(failed)} of ${format.count(ended)}`} />
      <Stat name="Duration p95" {...parted(format.duration(overview.p95_seconds))} spark={buckets.filter((bucket) => bucket.seconds > 0).map((bucket) => bucket.seconds / Math.max(1, bucket.completed + bucket.failed + bucket.canceled))} colour="quiet"
        foot={`p50 ${format.duration(overview.p50_seconds)}`} />
      <Stat name="Tokens" value={format.short(read + written)} spark={each((bucket) => bucket.input_tokens + bucket.output_tokens)} colour="k-model"
        foot={`↑${format.short(read)} ↓${format.short(written)}`} />
      <Stat name={`Cost, ${WORDS[window_]}`} value={cost ? `$${(cost / 1e6).toFixed(cost < 1e6 ? 4 : 2)}` : "$0"} spark={each((bucket) => bucket.cost)} colour="k-retrieval"
        foot={cost && ended ? `${format.money(cost / ended)} a task` : "no priced model used"} />
    </section>
  );
}

/** A duration's number apart from its unit. */
function parted(text) {
  const [value, ...unit] = text.split(" ");
  return unit.length > 1 ? { value: text } : { value, unit: unit[0] };
}

function Stat({ name, icon, value, unit, spark, colour, foot }) {
  return (
    <div className="stat">
      <p className="t">{icon && <Icon name={icon} size={14} className={icon} />}{name}</p>
      <p className="v">{value}{unit && <small>{unit}</small>}</p>
      {spark ? <Spark values={spark} colour={colour} /> : <span />}
      <p className="foot">{foot}</p>
    </div>
  );
}

function Charts({ overview, window_ }) {
  const { buckets, bucket_seconds: seconds } = overview;
  const isLong = window_ === "7d";
  const every = Math.max(1, Math.floor((buckets.length - 1) / 4));
  const labels = buckets.filter((_, index) => index % every === 0).slice(0, 5).map(({ start }) => (isLong ? format.day(start) : format.minute(start)));
  const unit = seconds <= 60 ? "tasks / min" : `tasks / ${seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`}`;
  const series = [["Completed", "completed"], ["Canceled", "canceled"], ["Failed", "failed"]].map(([name, key]) => ({
    name, colour: key, values: buckets.map((bucket) => bucket[key]), now: format.count(total(buckets, key)),
  }));
  const tokens = [["Written", "output_tokens", "model"], ["Read", "input_tokens", "retrieval"]].map(([name, key, colour]) => ({
    name, colour, values: buckets.map((bucket) => bucket[key]), now: format.count(total(buckets, key)),
  }));
  const hasCost = overview.models.some((model) => model.cost > 0);
  return (
    <div className="ov-charts">
      <section className="panel chart-panel" aria-label="Finished tasks"><Stack title="Finished tasks" unit={unit} series={series} labels={labels} /></section>
      <section className="panel chart-panel" aria-label="Models">
        {hasCost ? <Models models={overview.models} window_={window_} />
          : <Stack title="Tokens" unit={unit.replace("tasks", "tokens")} series={tokens} labels={labels} />}
      </section>
    </div>
  );
}

function Models({ models, window_ }) {
  const top = Math.max(...models.map((model) => model.cost), 1);
  return (
    <figure className="chart">
      <figcaption>Cost by model <span className="unit">$, last {WORDS[window_]}</span></figcaption>
      <ul className="models">
        {models.slice(0, 6).map((model) => (
          <li key={model.model}>
            <span className="clip">{model.model}</span>
            <b className="num">{format.money(model.cost)}</b>
            <span className="meter"><i className="k-model fill" style={{ width: `${(model.cost / top) * 100}%` }} /></span>
            <span className="meta num">{format.plural(model.tasks, "task")}, ↑{format.count(model.input_tokens)} ↓{format.count(model.output_tokens)}</span>
          </li>
        ))}
      </ul>
    </figure>
  );
}

/** Changes of tasks since the page was opened: the open ones, and a line for each turn. */
function useTasksFeed(overview) {
  const [, draw] = useReducer((count) => count + 1, 0);
  const store = useRef({ rows: new Map(), feed: [], changes: [], times: [], timer: null });
  const keep = store.current;
  useMemo(() => {
    for (const row of overview.open) take(keep, row, false);
  }, [overview, keep]);
  useEffect(() => {
    let stop = () => {};
    let isGone = false;
    const flush = () => {
      keep.timer = null;
      for (const row of keep.changes.splice(0)) take(keep, row);
      draw();
    };
    const readLatest = () => read(`/tasks?limit=${LATEST}`).then(({ items }) => {
      if (isGone) return;
      for (const row of items.toSorted((one, other) => (one.updated_at < other.updated_at ? -1 : 1))) take(keep, row, false);
      keep.feed = keep.feed.toSorted((one, other) => (one.time > other.time ? -1 : 1)); // open ones were there before
      draw();
    }).catch(() => {}); // the numbers above say what failed
    me().then(({ channels }) => {
      if (isGone) return;
      stop = watch(channels.tasks, {
        onReady: readLatest,
        onGap: readLatest,
        onPublication: (row) => {
          keep.changes.push(row);
          keep.timer ??= setTimeout(flush, FLUSH_MS);
        },
      });
    }).catch(() => {});
    return () => {
      isGone = true;
      stop();
      clearTimeout(keep.timer);
      keep.timer = null;
    };
  }, [keep]);
  const open = [...keep.rows.values()].filter((row) => !format.isFinal(row.state))
    .sort((one, other) => (one.submitted_at > other.submitted_at ? -1 : 1));
  const recent = keep.times.filter((time) => Date.now() - time < 5000);
  return { open, feed: keep.feed, rate: recent.length / 5 };
}

function take(keep, row, isNew = true) {
  const before = keep.rows.get(row.id);
  if (before && before.version >= row.version) return;
  if (isNew) keep.times = [...keep.times.slice(-500), Date.now()];
  keep.rows.set(row.id, row);
  const line = turn(before, row);
  if (line) keep.feed = [{ key: `${row.id}-${row.version}`, time: row.updated_at, row, ...line }, ...keep.feed].slice(0, FEED);
  if (keep.rows.size > 500) {
    for (const [id, each] of keep.rows) if (format.isFinal(each.state) && keep.rows.size > 300) keep.rows.delete(id);
  }
}

/** What a change of a row says; null when nothing a person would tell. */
function turn(before, row) {
  const took = format.duration(format.between(row.submitted_at, row.ended_at));
  if (row.state !== before?.state) {
    if (row.state === "submitted") return { icon: "s-submitted", text: before ? "was handed back, waits for a worker" : `was asked by ${format.actor(row.submitted_by)}` };
    if (row.state === "completed") return { icon: "s-completed", text: `finished in ${took}${row.cost ? `, ${format.money(row.cost)}` : ""}` };
    if (row.state === "failed") return { icon: "s-failed", text: `failed: ${(row.code ?? "").replaceAll("_", " ")}` };
    if (row.state === "canceled") return { icon: "s-canceled", text: `was canceled after ${took}` };
    if (row.state === "working" && !row.activity) return { icon: "s-working", text: row.attempt > 1 ? `attempt ${row.attempt} began` : "began" };
  }
  if (row.activity && row.activity !== before?.activity) return { icon: `k-${row.activity_kind ?? "model"}`, text: row.activity_kind === "model" ? `asks ${row.activity}` : `uses ${row.activity}` };
  return null;
}

function Open({ rows, overview }) {
  const now = useNow(1000, rows.length > 0);
  const count = overview.submitted + overview.working + overview.waiting;
  const shown = rows.slice(0, OPEN);
  return (
    <Panel title="Open now" count={count > shown.length ? `${shown.length} of ${format.count(count)}` : shown.length}
      tools={<><span className="meta desk-only">Each lane is one task, from its start to now</span><Link className="btn ghost small" to="/tasks">All tasks<Icon name="rightc" size={12} /></Link></>}>
      {!shown.length && <p className="quiet-face">Nothing is open. The next task appears here when it is submitted.</p>}
      <ul className="nowlist">
        {shown.map((row) => <OpenRow key={row.id} row={row} now={now} />)}
      </ul>
    </Panel>
  );
}

const OpenRow = memo(function OpenRow({ row, now }) {
  return (
    <li>
      <State state={row.state} isQuiet />
      <Link to={`/tasks/${row.id}`} className="clip">
        <b className="clip" dir="auto">{row.title}</b>
        <span className="what"><span>{row.agent_name}</span>
          {row.activity && <><Icon name={`k-${row.activity_kind ?? "model"}`} size={14} className={`k-${row.activity_kind ?? "model"}`} /><span className="clip">{row.activity}</span></>}
        </span>
      </Link>
      <Lane task={row} now={now} />
      <span className="num">{format.duration(format.between(row.submitted_at, null, now))}</span>
    </li>
  );
});

/** The last turns; it stands still while the pointer is over it. */
function Feed({ rows, rate }) {
  const [held, setHeld] = useState(null);
  const shown = held ?? rows;
  const waiting = held ? rows.findIndex((row) => row.key === held[0]?.key) : 0;
  return (
    <Panel title="Live feed" className="feed-panel" tools={<span className="meta num">{held ? (waiting > 0 ? `${waiting} new, held` : "held") : `${rate.toFixed(1)} / s`}</span>}>
      {!rows.length && <p className="quiet-face">What tasks do is told here as it happens.</p>}
      <ul className="feed" onPointerEnter={() => setHeld(rows)} onPointerLeave={() => setHeld(null)}>
        {shown.map(({ key, time, icon, row, text }) => (
          <li key={key}>
            <time title={format.exact(time)}>{format.clock(time).split(", ").pop()}</time>
            <Icon name={icon} size={14} className={icon} />
            <p><Link to={`/tasks/${row.id}`} title={row.title}><b>{row.agent_name}</b> {text}</Link></p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Welcome({ window_ }) {
  if (!useMay()("ask")) return <div className="face"><div className="in"><h2>Nothing happened in the last {WORDS[window_]}</h2><FirstQuestion /></div></div>;
  return (
    <div className="welcome">
      <FirstQuestion />
      <section className="panel" aria-label="From a terminal">
        <header><h2>Or from a terminal on this machine</h2></header>
        <div className="body stack">
          <Command text={'pygent run guide "What is an attempt?"'} />
          <Command text="pygent ingest ./docs" />
          <p className="meta">Nothing happened in the last {WORDS[window_]}. What does will be drawn here as it happens.</p>
        </div>
      </section>
    </div>
  );
}
