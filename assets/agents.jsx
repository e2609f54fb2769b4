// The agents of the team, live.

import { useEffect, useMemo, useReducer, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { Link, useNavigate } from "react-router";

import { useAddress } from "$/public/address.js";
import { me, query, read } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useRowKeys } from "$/public/keys.js";
import { watch } from "$/public/live.js";
import { useMay, whyNot } from "$/public/may.js";
import { Ago, Command, Failure, Icon, useNow } from "$/public/parts.jsx";
import { TextField } from "$/public/tasks_filters.jsx";

/** The page. */
export function AgentsPage() {
  const [search, change] = useAddress();
  const text = search.get("q");
  const list = useAgents(text);
  const tools = document.getElementById("actions");
  const mayEdit = useMay()("edit");
  useRowKeys(() => document.querySelectorAll(".agents tbody .t a"));
  const find = (q) => change({ q }, { replace: true });
  return (
    <>
      {tools && mayEdit && createPortal(<Link className="btn" to="/new-agent"><Icon name="plus" size={14} /><span>New agent</span></Link>, tools)}
      <div className="page agents">
        <div className="filters"><TextField value={text ?? ""} label="Search agents" onChange={find} /></div>
        <Body list={list} text={text} onClear={() => find(null)} />
      </div>
    </>
  );
}

function useAgents(text) {
  const [, draw] = useReducer((count) => count + 1, 0);
  const list = useMemo(() => ({ rows: new Map(), fresh: new Map(), face: "loading", problem: null, cursor: null, isAway: () => false }), [text]);
  useEffect(() => {
    let stop = () => {};
    let isGone = false;
    const put = (row) => {
      const before = list.rows.get(row.id);
      if (before && before.position > row.position) return;
      list.rows.set(row.id, row);
    };
    const load = async (cursor = null) => {
      try {
        const page = await read(`/agents${query({ text, cursor, limit: 200 })}`);
        if (isGone) return;
        page.items.forEach(put);
        Object.assign(list, { face: "filled", problem: null, cursor: page.next });
      } catch (problem) {
        Object.assign(list, { face: list.rows.size ? "filled" : "failed", problem });
      }
      if (!isGone) draw();
    };
    list.load = load;
    list.showFresh = () => {
      list.fresh.forEach(put);
      list.fresh.clear();
      draw();
    };
    me().then(({ channels }) => {
      if (isGone) return;
      stop = watch(channels.agents, {
        onPublication: (row) => {
          if (text && !list.rows.has(row.id) && !row.name.includes(text.toLowerCase())) return;
          if (!list.rows.has(row.id) && list.isAway()) list.fresh.set(row.id, row); // nothing moves under her eyes
          else put(row);
          draw();
        },
        onReady: () => load(),
        onGap: () => load(),
      });
      load();
    }).catch((problem) => {
      Object.assign(list, { face: "failed", problem });
      draw();
    });
    return () => {
      isGone = true;
      stop();
    };
  }, [list, text]);
  return list;
}

function Body({ list, text, onClear }) {
  const now = useNow(15_000);
  const scroller = useRef(null);
  list.isAway = () => (scroller.current?.scrollTop ?? 0) > 4;
  if (list.face === "loading") return <div className="sk-rows">{[70, 50, 60].map((width) => <div className="sk-row" key={width}><span className="sk sk-dot" /><span className={`sk sk-w${width}`} /><span className="sk sk-num" /></div>)}</div>;
  if (list.face === "failed") return <Failure title="The agents could not be read" problem={list.problem} onRetry={() => list.load()} />;
  const rows = [...list.rows.values()].sort((one, other) => one.name.localeCompare(other.name));
  if (!rows.length) return <Empty text={text} onClear={onClear} />;
  return (
    <div className="listwrap scrolls" ref={scroller}>
      {list.fresh.size > 0 && (
        <div className="pill-line"><button type="button" className="newpill" onClick={list.showFresh}><Icon name="plus" size={14} />{format.count(list.fresh.size)} new</button></div>
      )}
      <table className="table cards">
        <thead>
          <tr><th>Agent</th><th>Model</th><th>Strategy</th><th className="right">Version</th><th className="right">Open</th><th className="right">Finished</th><th className="right">Failed</th><th className="right">Changed</th></tr>
        </thead>
        <tbody>{rows.map((row) => <AgentLine key={row.id} row={row} now={now} />)}</tbody>
      </table>
      {list.cursor && <p className="paging"><button type="button" className="btn" onClick={() => list.load(list.cursor)}>Load more</button></p>}
    </div>
  );
}

function AgentLine({ row, now }) {
  const navigate = useNavigate();
  const failed = row.finished_tasks + row.failed_tasks ? (row.failed_tasks / (row.finished_tasks + row.failed_tasks)) * 100 : null;
  return (
    <tr className={row.state === "retired" ? "retired" : ""} onClick={() => navigate(`/agents/${row.name}`)}>
      <td className="t"><span className="row"><span className="k-agent"><Icon name="agents" /></span>
        <Link to={`/agents/${row.name}`} onClick={(event) => event.stopPropagation()}>{row.name}</Link>
        {row.state !== "active" && <span className="tag">{row.state}</span>}
        <span className="sub clip">{row.description}</span></span></td>
      <td className="quiet mono">{row.model}</td>
      <td className="quiet">{row.strategy}</td>
      <td className="right num quiet">v{row.number}</td>
      <td className={`right num ${row.open_tasks ? "s-working" : "sub"}`} data-label="open">{row.open_tasks ? format.count(row.open_tasks) : "–"}</td>
      <td className="right num" data-label="finished">{format.count(row.finished_tasks)}</td>
      <td className={`right num ${row.failed_tasks ? "" : "sub"}`} data-label="failed" title={failed === null ? undefined : `${failed.toFixed(1)} % of those that ended`}>{row.failed_tasks ? format.count(row.failed_tasks) : "–"}</td>
      <td className="right num sub"><Ago time={row.updated_at} now={now} /></td>
    </tr>
  );
}

function Empty({ text, onClear }) {
  const mayEdit = useMay()("edit");
  if (text) {
    return <div className="face"><div className="in"><h2>No agent fits “{text}”</h2><button type="button" className="btn above" onClick={onClear}>Show all agents</button></div></div>;
  }
  return (
    <div className="face"><div className="in">
      <h2>No agent yet</h2>
      <p className="quiet">An agent is a named, versioned configuration that can be asked to do something: instructions, a model, tools, limits.</p>
      {mayEdit ? (
        <>
          <Link className="btn primary above" to="/new-agent"><Icon name="plus" size={14} />New agent</Link>
          <p className="meta above">Or from a file on this machine</p>
          <Command text="pygent agents create agent.yaml" />
        </>
      ) : <p className="quiet">{whyNot("edit")}.</p>}
    </div></div>
  );
}
