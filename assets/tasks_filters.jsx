// The filters above the list of tasks, and what it says when it is empty.

import { useEffect, useRef, useState } from "react";

import { AgentName, readAgents } from "$/public/agent_name.jsx";
import * as format from "$/public/format.js";
import { useKeys } from "$/public/keys.js";
import { useMay } from "$/public/may.js";
import { useOverview } from "$/public/overview_data.js";
import { Command, Icon } from "$/public/parts.jsx";
import { FirstQuestion } from "$/public/run.jsx";

const BAR = [
  [null, "All"], ["submitted", "Submitted"], ["working", "Working"], ["waiting", "Waiting"],
  ["completed", "Completed"], ["failed", "Failed"], ["canceled", "Canceled"], ["rejected", "Rejected"],
];
const ENDED = ["completed", "failed", "canceled"];

/** The states as filters, with how many there are where that is known. */
export function StateBar({ filter, onChoose }) {
  const counts = useCounts(filter);
  return (
    <div className="statebar" role="group" aria-label="States">
      {BAR.map(([state, word]) => (
        <button type="button" key={word} aria-pressed={filter.state === state} onClick={() => onChoose(state)}>
          {state && <Icon name={`s-${state === "waiting" ? "input-required" : state}`} size={14} className={`s-${state === "waiting" ? "input-required" : state}`} />}
          {word}
          {counts?.[state ?? "all"] !== undefined && <b>{format.count(counts[state ?? "all"])}</b>}
        </button>
      ))}
    </div>
  );
}

/** Counts of the range from the overview; unknown under a text or an agent, and for all time. */
function useCounts({ range, agent, text }) {
  const { overview } = useOverview(range === "all" ? "15m" : range);
  if (!overview || agent || text) return null;
  const counts = { submitted: overview.submitted, working: overview.working, waiting: overview.waiting };
  if (range === "all") return counts;
  for (const state of ENDED) counts[state] = overview.buckets.reduce((sum, bucket) => sum + bucket[state], 0);
  counts.all = Object.values(counts).reduce((sum, each) => sum + each, 0);
  return counts;
}

/** Words of the title; `/` goes there. */
export function TextField({ value, onChange, label = "Search titles" }) {
  const [text, setText] = useState(value);
  const field = useRef(null);
  const timer = useRef(null);
  const sent = useRef(value);
  useEffect(() => {
    if (value !== sent.current) setText(value); // chosen elsewhere, not the echo of what is typed
    sent.current = value;
  }, [value]);
  useKeys({ seek: () => { field.current.focus(); field.current.select(); } });
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (next) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      sent.current = next.trim();
      onChange(sent.current || null);
    }, 250);
  };
  return (
    <div className="field seekfield">
      <Icon name="search" size={14} />
      <input ref={field} type="search" aria-label={label} placeholder={label} value={text} maxLength={200}
        onChange={(event) => change(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
      <kbd className="desk-only" aria-hidden="true">/</kbd>
    </div>
  );
}

/** One agent, or any. */
export function AgentChoice({ value, onChange }) {
  const [agents, setAgents] = useState({ items: [], hasMore: false });
  useEffect(() => {
    readAgents().then(setAgents).catch(() => {});
  }, []);
  return (
    <label className="chip">
      <span className="k">Agent</span>
      <AgentName names={agents.items.map((each) => each.name)} hasMore={agents.hasMore} value={value} any="any" onChange={onChange} />
    </label>
  );
}

/** Nothing to show: what a task is and how to make one, or how to see more. */
export function Empty({ hasFilter, onClear }) {
  const mayAsk = useMay()("ask");
  if (hasFilter) {
    return (
      <div className="face">
        <div className="in">
          <h2>No task fits these filters</h2>
          <p className="quiet">Tasks that fit will appear here by themselves as they are submitted.</p>
          <button type="button" className="btn above" onClick={onClear}>Show all tasks of all time</button>
        </div>
      </div>
    );
  }
  return (
    <div className="face">
      <div className="in">
        <h2>No task yet</h2>
        <p className="quiet">A task is one request to one agent. You see it think, search and write here while it works.</p>
        <FirstQuestion className="above" />
        {mayAsk && <><p className="meta above">Or from a terminal on this machine</p><Command text={'pygent run guide "What is an attempt?"'} /></>}
      </div>
    </div>
  );
}
