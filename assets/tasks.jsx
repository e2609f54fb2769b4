// The list of tasks: filters in the address, virtual rows, changes live without moving anything.

import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";

import { useAddress } from "$/public/address.js";
import { useRowHeight } from "$/public/density.js";
import * as format from "$/public/format.js";
import { useKeys } from "$/public/keys.js";
import { Ago, Avatar, Copy, Failure, Icon, Lane, State, reveal, useNow } from "$/public/parts.jsx";
import { AgentChoice, Empty, StateBar, TextField } from "$/public/tasks_filters.jsx";
import { TaskList } from "$/public/task_list.js";

const RANGES = [["15m", "15 min"], ["1h", "1 h"], ["24h", "24 h"], ["7d", "7 d"], ["all", "all time"]];
const NO_FILTER = { state: null, agent: null, q: null, range: null };
const ROW = { wide: 36, compact: 28, phone: 96 }; // px
const HEAD = 33; // px, the sticky row of columns
let kept = null; // the last list and where it was scrolled, for coming back

/** The page. */
export function TasksPage() {
  const [search, change] = useAddress();
  const filter = useMemo(() => ({
    state: search.get("state"), agent: search.get("agent"),
    text: search.get("q"), range: search.get("range") ?? "7d",
  }), [search]);

  const list = useTaskList(filter);
  const hasFilter = Boolean(filter.state || filter.agent || filter.text || search.get("range"));
  return (
    <div className="page tasks">
      <StateBar filter={filter} onChoose={(state) => change({ state })} />
      <div className="filters">
        <TextField value={filter.text ?? ""} onChange={(q) => change({ q }, { replace: true })} />
        <label className="chip">
          <span className="k">Submitted</span>
          <select value={filter.range} onChange={(event) => change({ range: event.target.value === "7d" ? null : event.target.value })}>
            {RANGES.map(([key, word]) => <option key={key} value={key}>{key === "all" ? word : `last ${word}`}</option>)}
          </select>
        </label>
        <AgentChoice value={filter.agent} onChange={(agent) => change({ agent })} />
        {hasFilter && <button type="button" className="btn ghost small" onClick={() => change(NO_FILTER)}>Clear filters</button>}
        <span className="grow" />
        <span className="desk-only row row-4 meta">Link to this view<Copy text={() => location.href} label="Copy the link to this view" /></span>
      </div>
      <Body list={list} hasFilter={hasFilter} onClear={() => change({ ...NO_FILTER, range: "all" })} />
    </div>
  );
}

function useTaskList(filter) {
  const [, draw] = useReducer((count) => count + 1, 0);
  const list = useMemo(() => {
    const key = JSON.stringify(filter);
    const next = new TaskList(filter, draw);
    if (kept?.key === key) {
      for (const row of kept.list.rows) next.known.set(row.id, row);
      Object.assign(next, { rows: kept.list.rows, cursor: kept.list.cursor, position: kept.list.position, face: "filled", offset: kept.offset });
    }
    return Object.assign(next, { key });
  }, [filter]);
  useEffect(() => {
    list.isClosed = false;
    list.open();
    return () => {
      list.close();
      if (list.face === "filled") kept = { key: list.key, list, offset: list.offset ?? 0 };
    };
  }, [list]);
  return list;
}

function Body({ list, hasFilter, onClear }) {
  if (list.face === "failed") {
    return <Failure title="The list could not be read" problem={list.problem} onRetry={() => list.open()} />;
  }
  if (list.face === "filled" && !list.rows.length && !list.fresh.length) {
    return <Empty hasFilter={hasFilter} onClear={onClear} />;
  }
  return <Rows list={list} key={list.key} />;
}

function Rows({ list }) {
  const height = useRowHeight(ROW);
  const scroller = useRef(null);
  const isOver = useRef(false);
  const rows = list.rows;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    initialOffset: list.offset ?? 0,
    getItemKey: (index) => rows[index].id,
  });
  useEffect(() => virtual.measure(), [height, virtual]);
  useLayoutEffect(() => {
    const node = scroller.current;
    return () => {
      list.offset = node.scrollTop; // the last scroll may not have been told yet
    };
  }, [list]);
  const items = virtual.getVirtualItems();
  const isOpen = items.some(({ index }) => rows[index] && !format.isFinal(rows[index].state));
  const now = useNow(isOpen ? 1000 : 15_000);
  const selected = useRowKeys({ rows, height, scroller });

  list.mayInsert = () => (scroller.current?.scrollTop ?? 0) < 4 && !isOver.current;
  const scrolled = () => {
    list.offset = scroller.current.scrollTop;
    const { scrollHeight, clientHeight, scrollTop } = scroller.current;
    if (scrollHeight - clientHeight - scrollTop < 1200) list.readMore();
  };
  const showFresh = () => {
    list.showFresh();
    scroller.current.scrollTop = 0;
  };
  return (
    <>
      <div className="listwrap">
        {list.fresh.length > 0 && (
          <button type="button" className="newpill" onClick={showFresh}><Icon name="up" size={14} />{format.count(list.fresh.length)}{list.hasMoreFresh && "+"} new</button>
        )}
        <div className="vscroll" ref={scroller} onScroll={scrolled} tabIndex={-1}
          onPointerEnter={() => { isOver.current = true; }} onPointerLeave={() => { isOver.current = false; }}>
          <div role="table" aria-label="Tasks" aria-rowcount={list.cursor ? -1 : rows.length} className="vtable">
            <Head />
            {list.face === "loading" && !rows.length && <Waiting />}
            <div role="rowgroup" className="vrows" style={{ height: virtual.getTotalSize() }}>
              {items.map(({ index, start, size }) => (
                <Row key={rows[index].id} row={rows[index]} index={index} start={start} size={size}
                  isSelected={selected === rows[index].id} now={isAtRest(rows[index], now) ? Math.floor(now / 15_000) * 15_000 : now} />
              ))}
            </div>
            {list.isPaging && <p className="meta paging">Reading older tasks</p>}
            {list.problem && list.face === "filled" && (
              <p className="paging error" role="alert">{list.problem.message} <button type="button" className="btn small" onClick={() => list.readMore()}>Retry</button></p>
            )}
          </div>
        </div>
      </div>
      <div className="listfoot">
        <span><kbd>j</kbd><kbd>k</kbd> move</span>
        <span><kbd><Icon name="enter" size={12} /></kbd> open</span>
        <span><kbd>/</kbd> search</span>
        <div className="grow" />
        <span className="num">{format.plural(rows.length, "task")}{list.cursor ? " shown, older ones below" : ""}</span>
      </div>
    </>
  );
}

/** j, k and Enter; the row that has the focus is the selected one. */
function useRowKeys({ rows, height, scroller }) {
  const [selected, setSelected] = useState(null);
  const navigate = useNavigate();
  const state = useRef({});
  state.current = { rows, selected };
  const move = (step) => {
    const { rows: current, selected: id } = state.current;
    const index = current.findIndex((row) => row.id === id);
    const next = Math.min(current.length - 1, Math.max(0, index + step));
    if (!current[next]) return;
    setSelected(current[next].id);
    reveal(scroller.current, { top: next * height, height, inset: HEAD });
    requestAnimationFrame(() => requestAnimationFrame(() => {
      scroller.current?.querySelector(`[data-index="${next}"] a`)?.focus({ preventScroll: true });
    }));
  };
  useKeys({
    next: () => move(1),
    previous: () => move(-1),
    open: (event) => {
      const { rows: current, selected: id } = state.current;
      if (event.target.closest("a, button") || !current.some((row) => row.id === id)) return false;
      return navigate(`/tasks/${id}`);
    },
  });
  return selected;
}

function Head() {
  return (
    <div role="rowgroup" className="vhead">
      <div role="row" className="vrow">
        <span role="columnheader">State</span>
        <span role="columnheader">Task</span>
        <span role="columnheader">Agent</span>
        <span role="columnheader">Steps over time</span>
        <span role="columnheader" className="right">Steps</span>
        <span role="columnheader" className="right">Tokens</span>
        <span role="columnheader" className="right">Cost</span>
        <span role="columnheader" className="right">Duration</span>
        <span role="columnheader" className="right" aria-sort="descending">Submitted<Icon name="down" size={12} /></span>
        <span role="columnheader" className="right">By</span>
      </div>
    </div>
  );
}

function Waiting() {
  return Array.from({ length: 14 }, (_, index) => (
    <div className="sk-row" key={index} aria-hidden="true">
      <span className="sk sk-dot" /><span className={`sk sk-w${40 + ((index * 7) % 4) * 10}`} /><span className="sk sk-lane" /><span className="sk sk-num" />
    </div>
  ));
}

/** Ended, and old enough to be told in minutes: it needs drawing less often. */
function isAtRest(row, now) {
  return format.isFinal(row.state) && now - Date.parse(row.submitted_at) > 75_000;
}

const Row = memo(function Row({ row, index, start, size, isSelected, now }) {
  const tokens = row.input_tokens + row.output_tokens;
  const took = format.between(row.submitted_at, row.ended_at, now);
  return (
    <div role="row" aria-rowindex={index + 1} data-index={index} className={`vrow s-row${isSelected ? " selected" : ""}`}
      style={{ height: size, transform: `translateY(${start}px)` }}>
      <span role="cell" className="st"><State state={row.state} /></span>
      <span role="cell" className="t">
        <Link to={`/tasks/${row.id}`} dir="auto">{row.title || "Untitled"}</Link>
        <Why row={row} />
      </span>
      <span role="cell" className="ag quiet clip">{row.agent_name}</span>
      <span role="cell" className="la"><Lane task={row} now={now} /></span>
      <span role="cell" className="right num quiet wide">{row.steps || "–"}</span>
      <span role="cell" className="right num quiet wide">{tokens ? format.count(tokens) : "–"}</span>
      <span role="cell" className="right num quiet wide">{format.money(row.cost)}</span>
      <span role="cell" className="right num wide">{format.duration(took)}</span>
      <span role="cell" className="co num">{format.duration(took)}{row.cost ? ` · ${format.money(row.cost)}` : ""}</span>
      <span role="cell" className="ago right num sub"><Ago time={row.submitted_at} now={now} /></span>
      <span role="cell" className="right wide"><Avatar actor={row.submitted_by} /></span>
    </div>
  );
});

function Why({ row }) {
  if (row.code) return <span className="why f">{row.code.replaceAll("_", " ")}</span>;
  if (row.state === "working" && row.activity) return <span className="why">{row.activity}</span>;
  if (row.attempt > 1 && !format.isFinal(row.state)) return <span className="why">attempt {row.attempt}</span>;
  return null;
}
